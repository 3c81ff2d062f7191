"""Display: what the slice and 3D views show of the result, and how."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from .. import views
from ..choices import OverlayKind, ThreeD
from ..display_settings import DisplaySettings, apply_display, read_display
from ..node_watch import NodeWatch
from ..section import Panel, Section
from ..shortcuts import TOGGLE_OVERLAY, with_shortcut
from ..widgets import signals_blocked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slicer import vtkMRMLScalarVolumeNode

    from ...scene.show import SceneResult
    from ..parameter_node import COVIDLesionSegParameterNode


class DisplaySection(Section):
    """Keeps three things equal: the controls, the parameter node, and the views of the case.

    The controls are tied to the parameter node by Slicer. What the user chooses there holds for
    every CT; what the user changes elsewhere, as in the Volumes module, is read back.
    """

    UI_FILE = "Display"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._node: COVIDLesionSegParameterNode | None = None
        self._settings = DisplaySettings()
        self._reading = False
        self._had_result: vtkMRMLScalarVolumeNode | None = None
        self._watch = NodeWatch(self._read_back)
        self._toggle = panel.shortcuts.register(
            TOGGLE_OVERLAY, _("Overlay on or off"), self._on_toggle
        )
        self.ui.visibleFromSlider.connect("valueChanged(double)", self._on_visible_from)

    # The panel's calls

    def show_parameters(self, node: COVIDLesionSegParameterNode | None) -> None:
        before, self._node = self._node, node
        if node is None:
            return
        settings = DisplaySettings.of(node)
        changed = settings.changes(self._settings)
        self._settings = settings
        if before is None:
            self._read_back()  # the views may have been changed meanwhile
        elif not self._reading and (case := self._case):
            apply_display(*case, settings, changed)
        self._show_controls()

    def show_result(self, in_views: bool, new: bool) -> None:
        if in_views:
            self._show_in_views(new)
        else:
            self._read_back()
        self._had_result = None if self.panel.result is None else self.panel.ct
        self._observe()
        self._show_controls()

    def show_state(self) -> None:
        running = self.panel.is_segmenting(self.panel.ct)
        self.root.visible = not running and self.panel.result is not None

    def nodes_changed(self) -> None:
        self._observe()  # slice views and volume renderings come and go
        if self.panel.result is not None:
            self._watch.look_soon()

    def scene_closing(self) -> None:
        self._watch.stop()

    def close(self) -> None:
        self._watch.stop()

    # The views

    def _show_in_views(self, new: bool) -> None:
        """Show the CT and its result in the views as the settings say, and no other CT's result.

        Args:
            new: The result is new, so its lesion probability is shown whatever was chosen before.
        """
        ct = self.panel.ct
        if ct is None:
            return
        if new:
            self._keep(
                replace(self._settings, overlayVisible=True, overlayShown=OverlayKind.PROBABILITY)
            )
        moved = views.show_background(ct)
        if case := self._case:
            _ct, result = case
            result.segmentationNode.GetDisplayNode().SetVisibility(True)
            # Only what differs: settings of single segments or views are the user's.
            seen = read_display(*case)
            wanted = vars(self._settings)
            differs = {name for name, value in seen.items() if value != wanted[name]}
            apply_display(*case, self._settings, differs)
            self._read_back()  # a single model has no disagreement, whatever is wanted
        if moved or (new and self._had_result is not ct):  # else where the user looks is kept
            views.fit_slices()
        views.fit_3d()

    def _read_back(self) -> None:
        """Take over what the views show."""
        if self._node is not None and (case := self._case):
            self._keep(replace(self._settings, **read_display(*case)))

    @property
    def _case(self) -> tuple[vtkMRMLScalarVolumeNode, SceneResult] | None:
        """The CT and its result, where there are nodes that display it."""
        ct, result = self.panel.ct, self.panel.result
        if ct is None or result is None:
            return None
        nodes = [result.segmentationNode, result.probabilityNode, result.disagreementNode]
        if any(node is not None and node.GetDisplayNode() is None for node in nodes):
            return None
        return ct, result

    def _keep(self, settings: DisplaySettings) -> None:
        """Make these the settings, without putting them on the views."""
        changed = settings.changes(self._settings)
        self._settings = settings
        if self._node is not None:
            with self._no_echo():
                for name in changed:
                    setattr(self._node, name, getattr(settings, name))
        self._show_controls()

    def _observe(self) -> None:
        if self.panel.result is None:
            self._watch.stop()
        else:
            self._watch.watch(views.display_nodes(self.panel.result))

    @contextmanager
    def _no_echo(self) -> Iterator[None]:
        """What is written to the parameter node within came from the views."""
        before, self._reading = self._reading, True
        try:
            yield
        finally:
            self._reading = before

    # The controls that Slicer does not tie to the parameter node, and which of them do anything

    def _show_controls(self) -> None:
        settings, ui = self._settings, self.ui
        result = self.panel.result
        shows_disagreement = settings.overlayShown is OverlayKind.DISAGREEMENT
        slider = ui.visibleFromSlider
        with signals_blocked(slider):
            slider.value = getattr(settings, self._visible_from_field)
        is_off = _("Switch the overlay on first.")
        for control, tooltip, obstacle in (
            (
                ui.overlayCheckBox,
                with_shortcut(_("Show a map over the CT in the slice views."), self._toggle),
                "",
            ),
            (
                ui.overlayComboBox,
                _("The map over the CT: lesion probability, or disagreement of an ensemble."),
                _("A single model has no disagreement: the lesion probability is shown.")
                if result is not None and result.disagreementNode is None
                else "",
            ),
            (
                ui.overlayOpacitySlider,
                _("Opacity of the map over the CT."),
                "" if settings.overlayVisible else is_off,
            ),
            (
                slider,
                _("Values below this are transparent. Changes the display only, never a figure."),
                "",
            ),
            (
                ui.colorMapComboBox,
                _("Colours of the lesion probability."),
                _("The disagreement has one colour map, so that it is never taken for probability.")
                if shows_disagreement
                else "",
            ),
            (
                ui.lungsOpacitySlider,
                _("Opacity of the lungs' surfaces in the 3D views."),
                ""
                if settings.threeD is ThreeD.SURFACES
                else _("Show surfaces in 3D first: nothing else is drawn of the lungs there."),
            ),
        ):
            control.enabled = not obstacle
            control.toolTip = obstacle or tooltip

    @property
    def _visible_from_field(self) -> str:
        is_probability = self._settings.overlayShown is OverlayKind.PROBABILITY
        return "probabilityFrom" if is_probability else "disagreementFrom"

    def _on_visible_from(self, value: float) -> None:
        if self._node is not None:
            setattr(self._node, self._visible_from_field, value)

    def _on_toggle(self) -> None:
        if self._node is not None and self.panel.result is not None:
            self._node.overlayVisible = not self._node.overlayVisible
