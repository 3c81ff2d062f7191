"""The button that saves a copy of the case on show without patient data."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ...scene.clean_copy import SCENE_NAME, clean_scene
from ...scene.scene_folder import write_scene_folder
from ...worker.scene_bundle import bundle_in_background
from ..dialogs import choose_file_to_save
from ..running.job_button import JobButton
from ..section import Panel

if TYPE_CHECKING:
    import qt

    from ...worker.job import WorkerJob

SUFFIX = ".mrb"


class CleanCopy(JobButton[Path]):
    """Asks for a file, and fills it in the background.

    Attributes:
        ask_path: Asks the user for the file; None if there is none.
    """

    def __init__(self, button: qt.QPushButton, panel: Panel) -> None:
        self.ask_path: Callable[[], Path | None] = _ask_path
        super().__init__(button, panel, self._job, self._on_saved)

    def _job(self) -> WorkerJob[Path] | None:
        ct, result = self._panel.ct, self._panel.result
        if ct is None or result is None:
            return None
        path = self.ask_path()
        if path is None:
            return None
        # Made here, so that it is the case on show now; it is written in short steps.
        scene = clean_scene(ct, result)
        return bundle_in_background(partial(write_scene_folder, scene), SCENE_NAME, path)

    def _on_saved(self, path: Path) -> None:
        self._panel.say(_("The copy without patient data was saved."))


def _ask_path() -> Path | None:
    title = _("Save a copy without patient data")
    filters = _("Slicer scene (*{suffix})").format(suffix=SUFFIX)
    return choose_file_to_save(title, "", filters, SUFFIX)
