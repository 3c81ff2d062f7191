"""The Cohort section segments the CTs of a folder in the background, and opens them."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from benchmarks.cohort_inputs import write_chest

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.cohort.record import (
    MANIFEST_FOLDER,
    CaseRecord,
    read_record,
    write_record,
)
from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.report.result_files import CASE_FOLDER, COHORT_HTML, SEGMENTATION
from COVIDLesionSegLib.worker.request import load_request
from jobs.cohorts import run
from panel.workers import ScriptedWorker

pytestmark = pytest.mark.slow


class AtOnce(ScriptedWorker):
    """A worker that does the real job in this process, or what a test says, and is done."""

    def __init__(self, do=None, **values):
        super().__init__(**values)
        self._do = do
        self.asked = None

    def __call__(self, request):
        self.asked = load_request(request)
        options = jobs.OPTIONS[self.asked.job].from_dict(self.asked.options)
        (self._do or getattr(jobs, self.asked.job))(options, self.asked.out)
        return self


@pytest.fixture(scope="module")
def made(mrml, tmp_path_factory):
    """CTs, one of them damaged, and the folder of their cohort."""
    folder = tmp_path_factory.mktemp("made")
    cts, out = folder / "cts", folder / "out"
    cts.mkdir()
    content = write_chest(cts / "good.nii.gz", 40).read_bytes()
    (cts / "bad.nii.gz").write_bytes(content[: len(content) // 2])
    run(cts, out)
    return cts, out


@pytest.fixture
def files(panel):
    """What drives the lower half of the section."""
    (section,) = (one for one in panel.sections if one.UI_FILE == "Cohort")
    section.root.collapsed = False
    return section.files


@pytest.fixture
def rows(panel, files, bench):
    """The list, once it has settled."""

    def read():
        bench.wait_until(lambda: not files.list.active)
        table = panel.ui.cohortFilesTable
        return [
            [table.item(row, column).text() for column in range(table.columnCount)]
            for row in range(table.rowCount)
        ]

    return read


@pytest.fixture
def settled(files, bench):
    """Waits for the end of what runs."""
    from COVIDLesionSegLib.panel.running.run import RunState

    def wait():
        bench.wait_until(lambda: not files.busy and files.opening.state is RunState.IDLE, 60)

    return wait


def choose(panel, source, out):
    panel.ui.cohortSourceEdit.text = str(source)
    panel.ui.cohortOutEdit.text = str(out)


def test_without_ct_or_results_folder_nothing_can_be_started_and_it_says_why(panel, files, made):
    button = panel.ui.cohortRunButton
    assert not button.enabled and "Choose a folder with CTs" in button.toolTip
    panel.ui.cohortSourceEdit.text = str(made[0])
    assert not button.enabled and "for the results" in button.toolTip
    panel.ui.cohortOutEdit.text = "/tmp/results"
    assert button.enabled
    assert not panel.ui.cohortPageButton.enabled


def test_an_earlier_cohort_is_listed_as_soon_as_its_folder_is_chosen(panel, files, made, rows):
    choose(panel, *made)
    record = read_record(made[1] / MANIFEST_FOLDER / "good.json")
    bad, good = rows()
    assert good[:4] == [
        "good",
        "done",
        record.numbers["category"],
        f"{100 * record.numbers['ratio']:.1f} %",
    ]
    warnings = [flag.message for flag in record.flags if flag.level == "warning"]
    assert good[4] == "; ".join(warnings)
    assert bad[:4] == ["bad", "failed", "n/a", "n/a"] and "damaged" in bad[4]
    assert panel.ui.cohortPageButton.enabled


def test_the_job_gets_what_was_chosen_and_its_cases_are_listed_while_it_goes_on(
    panel, files, made, rows, bench, settled, tmp_path
):
    out = tmp_path / "new"
    worker = AtOnce(lambda options, out: (out / MANIFEST_FOLDER).mkdir(parents=True))
    worker._messages = [{"stage": "Segmenting", "fraction": 0.5, "message": "a: 2 of 2"}]
    files.run.start_process = worker
    choose(panel, made[0], out)
    panel.ui.cohortRetryCheckBox.checked = True
    panel.ui.cohortRunButton.click()
    assert files.busy and panel.ui.cohortRunButton.text == "Stop"
    assert not panel.ui.cohortSourceEdit.enabled
    bench.wait_until(lambda: "a: 2 of 2" in panel.ui.cohortStatusLabel.text)
    assert worker.asked.job == "batch" and worker.asked.out == out
    assert worker.asked.options["sources"] == [str(made[0])]
    assert worker.asked.options["retry_failed"] is True
    assert worker.asked.options["parameters"]["model"] == panel.parameter_node.model
    numbers = {"category": "CT-1", "ratio": 0.031}
    write_record(
        CaseRecord("a", "a.nii.gz", "k", "done", numbers=numbers), out / MANIFEST_FOLDER / "a.json"
    )
    bench.wait_until(lambda: panel.ui.cohortFilesTable.rowCount == 1)
    assert rows() == [["a", "done", "CT-1", "3.1 %", ""]]
    failed = CaseRecord("b", "b.nii.gz", "k", "failed", error={"kind": "x", "message": "Bad."})
    write_record(failed, out / MANIFEST_FOLDER / "b.json")
    worker.code = 0
    settled()
    assert rows()[1] == ["b", "failed", "n/a", "n/a", "Bad."]
    assert panel.ui.cohortStatusLabel.text == "1 done, 1 failed."
    assert panel.ui.cohortRunButton.text == "Segment all"


def test_stopping_keeps_what_is_finished_and_counts_no_attempt(
    panel, files, made, rows, bench, settled, tmp_path
):
    out = tmp_path / "new"
    shutil.copytree(made[1], out)
    done = read_record(out / MANIFEST_FOLDER / "good.json")
    begun = replace(done, case="begun", status="running")
    worker = AtOnce(lambda options, out: write_record(begun, out / MANIFEST_FOLDER / "begun.json"))
    files.run.start_process = worker
    choose(panel, made[0], out)
    panel.ui.cohortRunButton.click()
    bench.wait_until(lambda: worker.asked is not None)
    panel.ui.cohortRunButton.click()
    settled()
    assert worker.killed and "Start again to go on" in panel.ui.cohortStatusLabel.text
    assert [row[0] for row in rows()] == ["bad", "good"]
    assert not (out / MANIFEST_FOLDER / "begun.json").exists()


def test_an_error_of_the_whole_cohort_is_said(panel, files, made, settled, tmp_path):
    message = {"error": "InputError", "message": "It holds no chest CT."}
    files.run.start_process = AtOnce(lambda options, out: None, messages=[message], exit_code=1)
    choose(panel, made[0], tmp_path / "new")
    panel.ui.cohortRunButton.click()
    settled()
    assert panel.ui.cohortStatusLabel.text == "It holds no chest CT."


def test_a_double_click_shows_ct_and_result_and_leaves_what_was_there(
    panel, files, made, rows, ct, scene, settled
):
    from COVIDLesionSegLib.engine.volume import read_volume
    from scene.read_nodes import volume_from_node

    files.opening.start_process = AtOnce(exit_code=0)
    choose(panel, *made)
    assert rows()[1][0] == "good"
    panel.ui.cohortFilesTable.cellDoubleClicked.emit(1, 0)
    settled()
    shown = panel.ui.ctSelector.currentNode()
    assert shown is not ct and shown.GetName() == "good"
    assert scene.IsNodePresent(ct)
    wanted = read_volume(made[0] / "good.nii.gz")
    assert (volume_from_node(shown).array == wanted.array).all()
    record = read_record(made[1] / MANIFEST_FOLDER / "good.json")
    assert panel.result.severity.ratio == record.numbers["ratio"]
    assert panel.result.flags == record.flags
    assert not panel.ui.resultsSection.isHidden()


def test_a_case_without_result_says_why_instead(panel, files, made, rows, settled):
    choose(panel, *made)
    rows()
    panel.ui.cohortFilesTable.cellDoubleClicked.emit(0, 0)
    settled()
    assert "damaged" in panel.ui.cohortStatusLabel.text


def test_a_case_of_other_cts_is_refused_and_leaves_no_node(
    panel, files, made, rows, scene, settled, tmp_path
):
    write_chest(tmp_path / "cts.nii.gz", 41)
    worker = AtOnce(lambda options, out: None, exit_code=1)
    try:
        jobs.open_case(
            jobs.OpenCaseOptions(sources=(tmp_path / "cts.nii.gz",), cohort=made[1], case="good"),
            tmp_path / "opened",
        )
    except Exception as error:
        worker._messages = [{"error": type(error).__name__, "message": str(error)}]
    files.opening.start_process = worker
    choose(panel, *made)
    rows()
    panel.ui.cohortFilesTable.cellDoubleClicked.emit(1, 0)
    settled()
    assert "hold no case good" in panel.ui.cohortStatusLabel.text
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    assert not (tmp_path / "opened").exists()


def test_a_ct_that_was_replaced_on_its_grid_is_not_shown_with_the_earlier_result(made, tmp_path):
    cts = tmp_path / "cts"
    shutil.copytree(made[0], cts)
    write_chest(cts / "good.nii.gz", 42)
    options = jobs.OpenCaseOptions(sources=(cts,), cohort=made[1], case="good")
    with pytest.raises(InputError, match="another one than its result"):
        jobs.open_case(options, tmp_path / "opened")
    assert not (tmp_path / "opened").exists()


def test_the_summary_is_opened_in_the_browser(panel, files, made, rows, monkeypatch):
    import qt

    opened = []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", opened.append)
    choose(panel, *made)
    rows()
    panel.ui.cohortPageButton.click()
    assert [url.toLocalFile() for url in opened] == [str(made[1] / COHORT_HTML)]


def test_a_damaged_result_is_refused_and_says_so(made, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(made[1], out)
    segmentation = out / CASE_FOLDER / "good" / SEGMENTATION
    segmentation.write_bytes(segmentation.read_bytes()[:2000])
    options = jobs.OpenCaseOptions(sources=(made[0],), cohort=out, case="good")
    with pytest.raises(InputError, match="good holds no complete result"):
        jobs.open_case(options, tmp_path / "opened")
    assert not (tmp_path / "opened").exists()
