"""A cohort of files: all CTs of a folder or table, one after another in the background."""

from __future__ import annotations

import os
from bisect import bisect_left
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from ..engine import requirements
from ..engine.cohort import COHORT_HTML
from ..engine.cohort.record import CaseRecord, RecordWatch, forget_begun
from ..engine.errors import CovidLesionSegError
from ..engine.progress import Progress
from ..engine.steps import Steps, finish
from ..engine.text import percent
from ..jobs import BatchOptions, OpenCaseOptions
from ..scene.opened_case import load_case
from ..scene.prepared import PreparedResult
from ..scene.show import show_result
from ..worker.job import job_in_background
from .colors import color_sentence, show_sentence
from .dialogs import choose_file_to_open, choose_folder
from .first_use import FirstUse
from .idle_work import IdleWork
from .parameter_node import parameters_from_node
from .run import Run, RunState
from .run_clock import RunClock

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from .section import Panel

CLOCK_INTERVAL_MS = 500
LOOK_INTERVAL_MS = 1000
_CASE, _STATUS, _SEVERITY, _INFECTED, _REMARKS = range(5)


class CohortFiles:
    """Starts, follows and stops the job ``batch``, lists its cases, and opens them in the scene.

    The list is what the cohort's folder says, so that of an earlier run is shown as well.

    Attributes:
        run: The cohort in progress, or the idle one.
        opening: The case that is being opened, or the idle one.
    """

    def __init__(self, panel: Panel, ui: Any) -> None:
        self._panel = panel
        self._ui = ui
        process = panel.start_process, slicer.app.temporaryPath
        self.run: Run[Path] = Run(
            self._on_progress, self._on_done, self._on_error, self._on_cancelled, *process
        )
        self.opening: Run[tuple[vtkMRMLScalarVolumeNode, PreparedResult]] = Run(
            lambda progress: self._say(
                _("Opening the case - {stage}").format(stage=progress.stage)
            ),
            self._on_opened,
            lambda sentence: self._end_opening(sentence, warning=True),
            self._end_opening,
            *process,
        )
        self._first_use = FirstUse(self._say, self._show, panel.models_changed, *process)
        self._clock = RunClock()
        self._clock_timer = qt.QTimer()
        self._clock_timer.setInterval(CLOCK_INTERVAL_MS)
        self._clock_timer.connect("timeout()", self._show_progress)
        self._look_timer = qt.QTimer()
        self._look_timer.setInterval(LOOK_INTERVAL_MS)
        self._look_timer.connect("timeout()", self._look)
        self._looking = IdleWork()
        self._forgetting = IdleWork()
        self._watch: RecordWatch | None = None
        self._names: list[str] = []
        self._records: dict[str, CaseRecord] = {}
        self._set_up_table()
        ui.cohortFolderButton.connect("clicked()", self._on_choose_folder)
        ui.cohortFileButton.connect("clicked()", self._on_choose_table)
        ui.cohortOutButton.connect("clicked()", self._on_choose_out)
        ui.cohortSourceEdit.connect("textChanged(QString)", self._show)
        ui.cohortOutEdit.connect("textChanged(QString)", self._on_out_changed)
        ui.cohortRunButton.connect("clicked()", self._on_run)
        ui.cohortPageButton.connect("clicked()", self._on_page)
        self._show()

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
        for timer in (self._clock_timer, self._look_timer):
            timer.stop()
        self._first_use.stop_now()
        self.opening.stop_now()
        if self.run.state is not RunState.IDLE:
            self.run.stop_now()
            finish(forget_begun(self._out))
        if self._forgetting.active:
            self._forgetting.finish()
        self._looking.stop()  # last: what is forgotten is looked at

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
        self._list_anew()
        self._show()

    def _list_anew(self) -> None:
        self._looking.stop()
        self._names, self._records = [], {}
        self._ui.cohortFilesTable.setRowCount(0)
        self._watch = RecordWatch(self._out) if self._ui.cohortOutEdit.text.strip() else None
        self._look()

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
            self._show()
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
        self._show()

    def _start(self, options: BatchOptions) -> None:
        out = self._out.absolute()
        job = partial(job_in_background, "batch", options, lambda folder: folder, out=out)
        try:
            self.run.start(job)
        except CovidLesionSegError as error:
            self._on_error(str(error))
            return
        self._clock = RunClock()
        self._clock_timer.start()
        self._look_timer.start()
        self._show()

    def _on_progress(self, progress: Progress) -> None:
        self._clock.report(progress)
        self._show_progress()

    def _show_progress(self) -> None:
        if self.run.state is RunState.RUNNING:
            self._ui.cohortProgressBar.value = int(100 * self._clock.fraction())
            self._say(*self._clock.sentence(self.run.silent_seconds))

    def _on_done(self, out: Path) -> None:
        self._end("")
        self._look(self._say_counts)

    def _say_counts(self) -> None:
        states = [record.status for record in self._records.values()]
        failed = states.count("failed")
        said = _("{done} done, {failed} failed.").format(done=states.count("done"), failed=failed)
        self._say(said, warning=failed > 0)

    def _on_error(self, sentence: str) -> None:
        self._end(sentence, warning=True)

    def _on_cancelled(self, sentence: str) -> None:
        self._end(sentence)
        # The process was ended in the middle of a case, which is not its fault.
        self._forgetting.start(forget_begun(self._out), lambda nothing: self._list_anew())

    def _end(self, sentence: str, warning: bool = False) -> None:
        self._clock_timer.stop()
        self._look_timer.stop()
        self._say(sentence, warning)
        self._look()
        self._show()

    # The list

    def _set_up_table(self) -> None:
        table = self._ui.cohortFilesTable
        header = [_("Case"), _("Status"), _("Severity"), _("Infected"), _("Remarks")]
        table.setColumnCount(len(header))
        table.setHorizontalHeaderLabels(header)
        for column in (_STATUS, _SEVERITY, _INFECTED):
            table.horizontalHeader().setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        for column in (_CASE, _REMARKS):
            table.horizontalHeader().setSectionResizeMode(column, qt.QHeaderView.Stretch)
        table.verticalHeader().hide()
        table.connect("cellDoubleClicked(int,int)", self._on_open)

    def _look(self, then: Any = None) -> None:
        """Show what the cohort's folder says by now, while the window goes on."""
        if self._watch is None or (self._looking.active and then is None):
            return
        if self._looking.active:
            self._looking.finish()
        self._looking.start(self._update(self._watch), lambda nothing: then() if then else None)

    def _update(self, watch: RecordWatch) -> Steps[None]:
        for record in watch.changed():
            if record is not None:
                self._show_case(record)
            yield
        self._show_page_button()

    def _show_case(self, record: CaseRecord) -> None:
        table = self._ui.cohortFilesTable
        row = bisect_left(self._names, record.case)
        if record.case not in self._records:
            self._names.insert(row, record.case)
            table.insertRow(row)
        self._records[record.case] = record
        for column, text in enumerate(_texts(record)):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(text)
            table.setItem(row, column, item)

    def _on_page(self) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._out / COHORT_HTML)))

    # A case

    def _on_open(self, row: int, column: int) -> None:
        if self.opening.state is not RunState.IDLE or not row < len(self._names):
            return
        record = self._records[self._names[row]]
        if record.status != "done":
            self._say(_texts(record)[_REMARKS], warning=record.status == "failed")
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
                self.opening.start(partial(job_in_background, "open_case", options, load))
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
        self._show_progress()

    # What is shown

    def _show(self, text: str = "") -> None:
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
        ui.cohortProgressBar.visible = busy
        # Without a maximum it shows that something goes on: how long the check takes is unknown.
        ui.cohortProgressBar.maximum = 0 if self._first_use.busy else 100
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

    def show_state(self) -> None:
        """What can be done has changed."""
        self._show()

    def _show_page_button(self) -> None:
        there = self._watch is not None and (self._out / COHORT_HTML).is_file()
        self._ui.cohortPageButton.enabled = there
        self._ui.cohortFilesTable.visible = bool(self._names)

    def _say(self, sentence: str, warning: bool = False) -> None:
        label = self._ui.cohortStatusLabel
        show_sentence(label, sentence, warning)
        label.visible = bool(sentence)


def _path(text: str) -> Path:
    """What was typed so far, which need not be a path yet: ``~nobody`` stays as it is."""
    return Path(os.path.expanduser(text.strip()))


def _texts(record: CaseRecord) -> list[str]:
    """A row of the list."""
    status = {"running": _("begun"), "done": _("done"), "failed": _("failed")}[record.status]
    none = _("n/a")
    if record.status == "done":
        remarks = "; ".join(flag.message for flag in record.flags if flag.level == "warning")
        severity, infected = record.numbers["category"] or none, percent(record.numbers["ratio"])
    else:
        severity = infected = none
        remarks = record.error["message"] if record.error else _("It is not finished yet.")
    return [record.case, str(status), severity, infected, str(remarks)]
