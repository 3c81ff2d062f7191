"""Whether reviewed cases may be kept: asked in the panel, where it interrupts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ..colors import show_sentence
from ..widgets import signals_blocked
from .session import folder_text, reviewed_in_scene

if TYPE_CHECKING:
    from ..section import Panel


class KeepQuestion:
    """The question, its answer as a box to tick, and the line that says where the case is kept.

    Until it is answered, what was reviewed is in the scene; it is saved with the answer.
    """

    def __init__(self, panel: Panel, ui: Any) -> None:
        self._panel = panel
        self._ui = ui
        ui.askKeepLabel.text = _question()
        ui.keepCasesButton.connect("clicked(bool)", self._on_keep)
        ui.keepNoCasesButton.connect("clicked(bool)", self._on_keep_not)
        ui.keepCheckBox.toolTip = _(
            "Save the CT, the result, your edits, verdict and note in {folder} while you review: "
            "nothing is lost, and models can learn from them. No name or identifier of the "
            "patient is saved; the voxels of the CT are."
        ).format(folder=folder_text())
        ui.keepCheckBox.connect("toggled(bool)", self._answer)

    def show(self) -> None:
        """Show question or answer, and where the case on show is kept."""
        ui, keeping, ct = self._ui, self._panel.keeping, self._panel.ct
        ui.askKeepWidget.visible = keeping.consent is None
        box = ui.keepCheckBox
        box.visible = keeping.consent is not None
        with signals_blocked(box):
            box.checked = bool(keeping.consent)
        sentence, warning = ("", False) if ct is None else keeping.status(ct)
        show_sentence(ui.keptLabel, sentence, warning, hide_empty=True)

    def scene_closing(self) -> None:
        """Ask now if something would be lost."""
        if self._panel.keeping.consent is not None:
            return
        if self._panel.corrections.pending or any(True for _one in reviewed_in_scene()):
            title = _("Keep reviewed cases?")
            self._answer(bool(slicer.util.confirmYesNoDisplay(_question(), windowTitle=title)))

    def _on_keep(self, clicked: bool = False) -> None:
        self._answer(True)

    def _on_keep_not(self, clicked: bool = False) -> None:
        self._answer(False)

    def _answer(self, keep: bool) -> None:
        panel = self._panel
        panel.keeping.set_consent(keep)
        if panel.ct is not None and panel.result is not None and panel.corrections.pending:
            panel.keeping.changed(panel.ct, panel.result, labels=True)
        panel.keeping.prepare(panel.ct, panel.result)


def _question() -> str:
    return str(
        _(
            "Keep reviewed cases for retraining? The CT, the result, your edits, verdict and note "
            "are then saved in {folder} while you review: nothing is lost if Slicer ends "
            "unexpectedly. No name or identifier of the patient is saved; the voxels of the CT "
            "are. Otherwise they stay in the scene, until you save it."
        )
    ).format(folder=folder_text())
