"""Display: what the slice and 3D views show of the result."""

from __future__ import annotations

from dataclasses import dataclass

import slicer

from ...scene import names
from .. import views
from ..section import Panel, Section


@dataclass
class _Choice:
    """What the user wants to see of one CT's result.

    Attributes:
        overlay: Role of the volume over the CT, or None.
        volume_rendering: Whether the lesion probability is rendered as a volume.
    """

    overlay: str | None = names.PROBABILITY_ROLE
    volume_rendering: bool = False


class DisplaySection(Section):
    """Buttons for the views; what they hide of one CT stays hidden when it is chosen again."""

    UI_FILE = "Display"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        ui = self.ui
        self._choices: dict[str, _Choice] = {}
        ui.overlayButton.connect("toggled(bool)", self._on_overlay_toggled)
        ui.disagreementButton.connect("toggled(bool)", self._on_disagreement_toggled)
        ui.surfacesButton.connect("toggled(bool)", self._on_surfaces_toggled)
        ui.volumeRenderingButton.connect("toggled(bool)", self._on_volume_rendering_toggled)

    def show_result(self, in_views: bool, new: bool) -> None:
        if in_views:
            self._show_chosen(new)
        else:
            self._press_buttons()

    def show_state(self) -> None:
        self.root.visible = not self.panel.busy and self.panel.result is not None

    def nodes_changed(self) -> None:
        for ct_id in [i for i in self._choices if slicer.mrmlScene.GetNodeByID(i) is None]:
            del self._choices[ct_id]

    def enter(self) -> None:
        self._press_buttons()  # the views may have been changed meanwhile

    def _show_chosen(self, new: bool) -> None:
        """Show the CT and its result in the views, and no other CT's result.

        Args:
            new: The result is new, so its lesion probability is shown whatever was chosen before.
        """
        if self.panel.ct is None:
            return
        if new:
            self._choice().overlay = names.PROBABILITY_ROLE
        moved = views.show_background(self.panel.ct)
        if self.panel.result is not None:
            views.show_segmentation(self.panel.result, True)
            if self._choice().volume_rendering:
                views.show_volume_rendering(self.panel.result, True)
            self._show_chosen_overlay()
        self._press_buttons()
        if moved or new:
            views.fit_slices()
        views.fit_3d()

    def _choice(self) -> _Choice:
        if self.panel.ct is None:
            return _Choice()
        return self._choices.setdefault(self.panel.ct.GetID(), _Choice())

    def _show_chosen_overlay(self) -> None:
        if self.panel.ct is None or self.panel.result is None:
            return
        role = self._choice().overlay
        if role is None:
            views.hide_overlays(self.panel.result)
        else:
            chosen = self.panel.result.disagreementNode if role == names.DISAGREEMENT_ROLE else None
            views.show_overlay(self.panel.ct, chosen or self.panel.result.probabilityNode, True)

    def _press_buttons(self) -> None:
        """Press the buttons of what the views show."""
        if self.panel.result is None:
            return
        disagreement = self.panel.result.disagreementNode
        self.ui.disagreementButton.visible = disagreement is not None
        for button, visible in (
            (self.ui.overlayButton, views.overlay_visible(self.panel.result.probabilityNode)),
            (self.ui.disagreementButton, views.overlay_visible(disagreement)),
            (self.ui.surfacesButton, views.surfaces_visible(self.panel.result)),
            (self.ui.volumeRenderingButton, views.volume_rendering_visible(self.panel.result)),
        ):
            blocked = button.blockSignals(True)
            button.checked = visible
            button.blockSignals(blocked)

    def _on_overlay_toggled(self, visible: bool) -> None:
        self._choose_overlay(names.PROBABILITY_ROLE if visible else None)

    def _on_disagreement_toggled(self, visible: bool) -> None:
        self._choose_overlay(names.DISAGREEMENT_ROLE if visible else None)

    def _choose_overlay(self, role: str | None) -> None:
        self._choice().overlay = role
        self._show_chosen_overlay()
        self._press_buttons()

    def _on_surfaces_toggled(self, visible: bool) -> None:
        if self.panel.result is not None:
            views.show_surfaces(self.panel.result, visible)

    def _on_volume_rendering_toggled(self, visible: bool) -> None:
        self._choice().volume_rendering = visible
        if self.panel.result is not None:
            views.show_volume_rendering(self.panel.result, visible)
