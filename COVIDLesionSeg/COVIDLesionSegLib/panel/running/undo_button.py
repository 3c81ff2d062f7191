"""The Undo button: it takes back the last run of the CT on show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ...scene.show import SceneLungs, SceneResult, find_result
from .. import views
from .lost_corrections import ask_before_undo

if TYPE_CHECKING:
    import qt
    from slicer import vtkMRMLScalarVolumeNode

    from ..section import Panel


class UndoButton:
    """Knows of every CT what its last run put into the scene, and undoes that.

    One step back is kept for each CT; a run that is undone is forgotten.
    """

    def __init__(self, button: qt.QPushButton, panel: Panel) -> None:
        self._button = button
        self._panel = panel
        self._last_runs: dict[str, SceneResult | SceneLungs] = {}  # by the id of the CT
        button.connect("clicked()", self._on_clicked)

    def remember(self, ct: vtkMRMLScalarVolumeNode, shown: SceneResult | SceneLungs) -> None:
        """A run put ``shown`` into the scene: from now on the button undoes that."""
        self._last_runs[ct.GetID()] = shown

    def nodes_changed(self) -> None:
        """Forget CTs that are not in the scene any more."""
        scene = slicer.mrmlScene
        self._last_runs = {
            ct_id: shown for ct_id, shown in self._last_runs.items() if scene.GetNodeByID(ct_id)
        }

    def show(self) -> None:
        """Bring the button in line with the CT on show; while something runs there is none."""
        panel = self._panel
        self._button.enabled = self._can_undo(panel.ct)
        shown = self._button.enabled or panel.result is not None
        self._button.visible = not panel.busy and shown

    def _can_undo(self, ct: vtkMRMLScalarVolumeNode | None) -> bool:
        last = None if ct is None else self._last_runs.get(ct.GetID())
        return last is not None and not last.undone

    def _on_clicked(self) -> None:
        panel = self._panel
        ct = panel.ct
        if ct is None or not self._can_undo(ct):  # the console did
            self.show()
            return
        if not ask_before_undo(ct):
            return
        # Before the undo: it may remove the very volume that the views show.
        opacity = None if panel.result is None else views.hide_overlays(panel.result)
        kept = self._last_runs.pop(ct.GetID()).undo()
        found = find_result(ct)
        if found and opacity is not None:
            views.show_overlay(ct, found.probabilityNode, opacity)
        panel.show_result(ct, found)
        sentence = _("The last run was undone.")
        if kept:
            listed = ", ".join(f"'{name}'" for name in kept)
            stays = _("What you painted stays: {segments}.").format(segments=listed)
            sentence = f"{sentence} {stays}"
        panel.say(sentence)
        panel.show_state()
