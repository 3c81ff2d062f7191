"""What every section of the panel is, and what it may ask of the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import slicer

if TYPE_CHECKING:
    from collections.abc import Callable

    import qt
    from slicer import vtkMRMLScalarVolumeNode

    from ..scene.prepared import PreparedResult
    from ..scene.show import SceneResult
    from ..worker.job import WorkerJob
    from .corrections import Corrections
    from .parameter_node import COVIDLesionSegParameterNode
    from .preparing.first_use import FirstUse
    from .review.saving import ReviewKeeping
    from .shortcuts import Shortcuts


class Panel(Protocol):
    """What sections know of the panel: the case on show, and whom to tell of changes."""

    first_use: FirstUse
    """What is to be asked and checked before models run."""

    shortcuts: Shortcuts
    """Where sections register their keys."""

    corrections: Corrections
    """Whether the user edited the segmentation on show, what changed, and whom to tell of edits."""

    keeping: ReviewKeeping
    """Saves cases under review in the user's folder."""

    @property
    def ct(self) -> vtkMRMLScalarVolumeNode | None:
        """The CT on show."""

    @property
    def result(self) -> SceneResult | None:
        """What the scene holds for that CT."""

    @property
    def parameter_node(self) -> COVIDLesionSegParameterNode | None:
        """The panel's state in the scene; None while the module is left or a scene is loaded."""

    @property
    def busy(self) -> bool:
        """Whether a segmentation is running, or something is checked before it."""

    def is_segmenting(self, ct: vtkMRMLScalarVolumeNode | None) -> bool:
        """Whether that segmentation is one of ``ct``; results of other CTs can be worked with."""

    def show_result(
        self,
        ct: vtkMRMLScalarVolumeNode | None,
        result: SceneResult | None,
        in_views: bool = False,
        new: bool = False,
    ) -> None:
        """Show a CT and its result on the panel.

        Args:
            ct: The CT.
            result: Its result.
            in_views: Show them in the slice and 3D views, too; while another module is open, once
                the user comes back.
            new: The result was not there before.
        """

    def start_run(
        self,
        ct: vtkMRMLScalarVolumeNode,
        job: WorkerJob[PreparedResult],
        on_shown: Callable[[], None] | None = None,
    ) -> None:
        """Run a job that gives a result for ``ct``, and show it as one step that can be undone."""

    def show_state(self) -> None:
        """Tell every section that a run began or ended, or that what can be done changed."""

    def models_changed(self) -> None:
        """Tell every section that models were added, or that another one became the default."""

    def say(self, sentence: str, warning: bool = False) -> None:
        """Show one sentence below the Apply button."""

    def resourcePath(self, filename: str) -> str:
        """Full path of a file in the module's Resources."""


class Section:
    """One part of the panel: the widgets of its ``.ui`` file, and what they do.

    The panel calls what follows; a section overrides what concerns it.

    Attributes:
        UI_FILE: Name of the ``.ui`` file, without ending.
        panel: The panel that it is part of.
        root: Its outermost widget.
        ui: Its widgets by their names in the ``.ui`` file.
    """

    UI_FILE = ""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.root: qt.QWidget = slicer.util.loadUI(panel.resourcePath(f"UI/{self.UI_FILE}.ui"))
        self.ui: Any = slicer.util.childWidgetVariables(self.root)

    def show_parameters(self, node: COVIDLesionSegParameterNode | None) -> None:
        """The panel's state has changed, or there is none to show."""

    def show_result(self, in_views: bool, new: bool) -> None:
        """Another CT or result is on show: ``panel.ct`` and ``panel.result``.

        Args:
            in_views: Whether the views are to show it, too.
            new: Whether the result was not there before.
        """

    def show_state(self) -> None:
        """A run began or ended, or what can be done has changed otherwise."""

    def models_changed(self) -> None:
        """Models were added, or another one became the default."""

    def palette_changed(self) -> None:
        """The application has other colours, as after a change of its style."""

    def nodes_changed(self) -> None:
        """Nodes were added to the scene or removed from it."""

    def enter(self) -> None:
        """The user has come to the module."""

    def exit(self) -> None:
        """The user has left the module."""

    def scene_importing(self, node: COVIDLesionSegParameterNode) -> None:
        """A scene is about to be added, whose parameter node takes the place of ``node``."""

    def scene_closing(self) -> None:
        """The scene is about to be emptied."""

    def close(self) -> None:
        """The panel is being closed or reloaded: stop what runs, and observe nothing more."""
