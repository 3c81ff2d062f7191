"""A cohort of files: all CTs of a folder or table, one after another in the background."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from ..engine import requirements
from ..engine.cohort import COHORT_HTML
from ..engine.cohort.record import CaseRecord
from ..engine.errors import CovidLesionSegError
from ..jobs import BatchOptions, OpenCaseOptions
from ..scene.opened_case import load_case
from ..scene.prepared import PreparedResult
from ..scene.show import show_result
from ..worker.job import job_in_background
from .cohort_list import CohortList, flags_text
from .colors import color_sentence, show_sentence
from .dialogs import choose_file_to_open, choose_folder
from .parameter_node import parameters_from_node
from .preparing.first_use import FirstUse
from .running.run import Run, RunState
from .running.run_clock import ShownProgress

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from .section import Panel


class CohortFiles:
    """Starts, follows and stops the job ``batch``, and opens its cases in the scene.

    Attributes:
        list: The cases.
        run: The cohort in progress, or the idle one.
        opening: The case that is being opened, or the idle one.
    """

    def __init__(self, panel: Panel, ui: Any) -> None:
        self._panel = panel
        self._ui = ui
        self._progress = ShownProgress(ui.cohortProgressBar, self._say)
        self.run: Run[Path] = Run(
            self._progress.report, self._on_done, self._on_error, self._on_cancelled
        )
        self.opening: Run[tuple[vtkMRMLScalarVolumeNode, PreparedResult]] = Run(
            lambda progress: self._say(
                _("Opening the case - {stage}").format(stage=progress.stage)
            ),
            self._on_opened,
            lambda sentence: self._end_opening(sentence, warning=True),
            self._end_opening,
        )
        self._first_use = FirstUse(self._say, self.show_state, panel.models_changed)
        self.list = CohortList(ui.cohortFilesTable, self._open, self._show_page_button)
        ui.cohortFolderButton.connect("clicked()", self._on_choose_folder)
        ui.cohortFileButton.connect("clicked()", self._on_choose_table)
        ui.cohortOutButton.connect("clicked()", self._on_choose_out)
        ui.cohortSourceEdit.connect("textChanged(QString)", self.show_state)
        ui.cohortOutEdit.connect("textChanged(QString)", self._on_out_changed)
        ui.cohortRunButton.connect("clicked()", self._on_run)
        ui.cohortPageButton.connect("clicked()", self._on_page)
        self.show_state()

    # The section's calls

    @property
    def busy(self) -> bool:
        """Whether a cohort is being segmented, or something is checked before it."""
        return self._first_use.busy or self.run.state is not RunState.IDLE

    def palette_changed(self) -> None:
        """The application has other colours."""
        color_sentence(self._ui.cohortStatusLabel)

    def scene_closing(self) -> None:
        """The cohort itself needs no scene; a case that is being opened does."""
        self.opening.cancel(_("The scene was closed, so the case was not opened."))

    def close(self) -> None:
        """Stop what runs; a cohort is gone on with when it is started again."""
        self._progress.end()
        self._first_use.stop_now()
        self.opening.stop_now()
        interrupted = self.run.state is not RunState.IDLE
        self.run.stop_now()
        self.list.close(interrupted)

    # What is chosen

    @property
    def _source(self) -> Path:
        return _path(self._ui.cohortSourceEdit.text)

    @property
    def _out(self) -> Path:
        return _path(self._ui.cohortOutEdit.text)

    def _on_choose_folder(self) -> None:
        folder = choose_folder(_("Folder with CTs"))
        if folder is not None:
            self._ui.cohortSourceEdit.text = str(folder)

    def _on_choose_table(self) -> None:
        table = choose_file_to_open(_("Table of CTs"), _("Tables (*.csv)"))
        if table is not None:
            self._ui.cohortSourceEdit.text = str(table)

    def _on_choose_out(self) -> None:
        folder = choose_folder(_("Folder for the results"))
        if folder is not None:
            self._ui.cohortOutEdit.text = str(folder)

    def _on_out_changed(self, text: str) -> None:
        """List the cases of another folder."""
        self.list.show_folder(self._out if text.strip() else None)
        self.show_state()

    def _why_not(self) -> str:
        """Why no cohort can be started, or nothing."""
        if self._panel.parameter_node is None:
            return str(_("Open the module first."))
        if not self._ui.cohortSourceEdit.text.strip():
            return str(_("Choose a folder with CTs, or a table of them."))
        if not self._ui.cohortOutEdit.text.strip():
            return str(_("Choose a folder for the results."))
        return ""

    # The run

    def _on_run(self) -> None:
        """Start, or stop what is in progress."""
        if self.busy:
            sentence = _("Stopped: what is finished stays. Start again to go on.")
            self._first_use.cancel(sentence)
            self.run.cancel(sentence)
            self.show_state()
            return
        node = self._panel.parameter_node
        if node is None or self._why_not():
            return
        with slicer.util.tryWithErrorDisplay(_("The cohort could not be started.")):
            try:
                options = BatchOptions(
                    sources=(self._source.absolute(),),
                    retry_failed=bool(self._ui.cohortRetryCheckBox.checked),
                    parameters=parameters_from_node(node),
                )
            except CovidLesionSegError as error:
                self._on_error(str(error))
                return
            self._first_use.prepare(
                options.parameters,
                partial(self._start, options),
                self._end,
                requirements.COHORT,
            )
        self.show_state()

    def _start(self, options: BatchOptions) -> None:
        out = self._out.absolute()
        job = job_in_background("batch", options, lambda folder: folder, out)
        try:
            self.run.start(job)
        except CovidLesionSegError as error:
            self._on_error(str(error))
            return
        self._progress.begin(self.run)
        self.list.follow()
        self.show_state()

    def _on_done(self, out: Path) -> None:
        self._end("")
        self.list.look(self._say_counts)

    def _say_counts(self) -> None:
        done, failed = self.list.count("done"), self.list.count("failed")
        said = _("{done} done, {failed} failed.").format(done=done, failed=failed)
        self._say(said, warning=failed > 0)

    def _on_error(self, sentence: str) -> None:
        self._end(sentence, warning=True)

    def _on_cancelled(self, sentence: str) -> None:
        self._end(sentence)
        self.list.forget_begun()

    def _end(self, sentence: str, warning: bool = False) -> None:
        self._progress.end()
        self._say(sentence, warning)
        self.list.stop_following()
        self.show_state()

    def _on_page(self) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._out / COHORT_HTML)))

    # A case

    def _open(self, record: CaseRecord) -> None:
        if self.opening.state is not RunState.IDLE:
            return
        if record.status != "done":
            self._say(flags_text(record), warning=record.status == "failed")
            return
        if not self._ui.cohortSourceEdit.text.strip():  # not the CTs of the working folder
            self._say(_("Choose a folder with CTs, or a table of them."), warning=True)
            return
        options = OpenCaseOptions(
            sources=(self._source.absolute(),), cohort=self._out.absolute(), case=record.case
        )
        load = partial(load_case, name=record.case)
        with slicer.util.tryWithErrorDisplay(_("The case could not be opened.")):
            try:
                self.opening.start(job_in_background("open_case", options, load))
            except CovidLesionSegError as error:
                self._say(str(error), warning=True)

    def _on_opened(self, opened: tuple[vtkMRMLScalarVolumeNode, PreparedResult]) -> None:
        ct, result = opened
        shown = []
        with slicer.util.tryWithErrorDisplay(_("The case could not be shown.")):
            shown.append(show_result(ct, result))
        if not shown:
            slicer.mrmlScene.RemoveNode(ct)
            self._end_opening(_("The case could not be shown."), warning=True)
            return
        self._end_opening(_("{name} is in the scene.").format(name=ct.GetName()))
        node = self._panel.parameter_node
        if node is not None and not self._panel.busy:
            node.ct = ct

    def _end_opening(self, sentence: str, warning: bool = False) -> None:
        self._say(sentence, warning)
        self._progress.show()

    # What is shown

    def show_state(self, text: str = "") -> None:
        """Bring every widget in line with the run and with what is chosen."""
        ui, busy = self._ui, self.busy
        for widget in (
            ui.cohortSourceEdit,
            ui.cohortFolderButton,
            ui.cohortFileButton,
            ui.cohortOutEdit,
            ui.cohortOutButton,
            ui.cohortRetryCheckBox,
        ):
            widget.enabled = not busy
        self._progress.show_bar(busy, self._first_use.busy)
        button = ui.cohortRunButton
        button.text = _("Stop") if busy else _("Segment all")
        why = "" if busy else self._why_not()
        button.enabled = not why and self.run.state is not RunState.CANCELLING
        button.toolTip = why or (
            _("Stop; what is finished stays, and starting again goes on.")
            if busy
            else _("Segment every CT in the background; what is done already is left alone.")
        )
        self._show_page_button()

    def _show_page_button(self) -> None:
        chosen = bool(self._ui.cohortOutEdit.text.strip())
        self._ui.cohortPageButton.enabled = chosen and (self._out / COHORT_HTML).is_file()

    def _say(self, sentence: str, warning: bool = False) -> None:
        show_sentence(self._ui.cohortStatusLabel, sentence, warning, hide_empty=True)


def _path(text: str) -> Path:
    """What was typed so far, which need not be a path yet: ``~nobody`` stays as it is."""
    return Path(os.path.expanduser(text.strip()))
