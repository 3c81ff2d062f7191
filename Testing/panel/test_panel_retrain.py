"""Retraining from the panel: start, cancel, resume, comparison, promotion and its undoing."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6 import QtWidgets

from COVIDLesionSegLib.engine.locks import take_lock
from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER
from COVIDLesionSegLib.engine.models.promotion import (
    HeldOutPatient,
    Overlap,
    ParentScores,
    decide_promotion,
)
from COVIDLesionSegLib.engine.models.retrained import (
    CURVE_CSV,
    MODEL_FOLDER,
    TRAINING_FOLDER,
    DifferencePicture,
    Learned,
    Retrained,
)
from COVIDLesionSegLib.engine.models.user_models import (
    USER_FOLDER_VARIABLE,
    default_model,
    promote,
    user_folder,
)
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL
from COVIDLesionSegLib.engine.review import Verdict
from COVIDLesionSegLib.engine.review.folder import REVIEWS_FOLDER_VARIABLE
from COVIDLesionSegLib.worker.request import STOP_FILE, load_request
from COVIDLesionSegLib.worker.retraining import LOCK_FILE, ModelDecisionState, note_decision
from engine.beginner import write_beginner
from engine.reviewed_cohort import MODEL, review
from panel.conftest import MODULE_FILE


@pytest.fixture(scope="session")
def cohort(tmp_path_factory):
    """Folders ``reviews`` and ``models``: four corrected cases, one accepted, one rejected."""
    folder = tmp_path_factory.mktemp("cohort")
    for seed in range(4):
        review(folder / "reviews", seed, f"p{seed}", Verdict.CORRECTED)
    review(folder / "reviews", 10, "accepted", Verdict.ACCEPTED)
    review(folder / "reviews", 11, "rejected", Verdict.REJECTED)
    (folder / "models").mkdir()
    write_beginner(folder / "models")
    return folder


@pytest.fixture(autouse=True)
def folders(cohort, tmp_path, monkeypatch):
    """The user's folders, as copies: what a test does stays in it."""
    folder = tmp_path
    for name, variable in (("reviews", REVIEWS_FOLDER_VARIABLE), ("models", USER_FOLDER_VARIABLE)):
        shutil.copytree(cohort / name, folder / name)
        monkeypatch.setenv(variable, str(folder / name))
    return folder


@pytest.fixture
def section(panel):
    """The section, unfolded, with the small model as base."""
    return opened(panel)


def opened(panel):
    (section,) = [one for one in panel.sections if one.UI_FILE == "Retrain"]
    panel.ui.retrainSection.collapsed = False
    box = panel.ui.baseModelComboBox
    box.currentIndex = box.findData(MODEL)
    return section


def retrained(new=0.8, pictures=True) -> Retrained:
    """A result with known numbers: of one patient better, of the other as good as before."""
    old = Overlap(0.5, 0.6, None)
    patients = (
        HeldOutPatient("aaaa1111", 8, old, Overlap(new, 0.9, 0.7)),
        HeldOutPatient("bbbb2222", 8, old, old),
    )
    comparison = ParentScores(patients, old, Overlap(0.65, 0.7, 0.7))
    shown = [DifferencePicture(f"d{n}.png", "aaaa1111", n, 40 - n) for n in (1, 2)]
    learned = Learned(1, 2, 0, 2, 0, 1, 0)
    return Retrained(
        "small-r1",
        MODEL,
        learned,
        comparison,
        decide_promotion(comparison),
        "",
        tuple(shown) if pictures else (),
    )


class Trainer:
    """A worker that ends when it is told to; it stands for ``ChildProcess(request)``."""

    def __init__(self, result: Retrained | None = None) -> None:
        self.result, self.code = result, None
        self.told = [{"stage": "Training", "fraction": 0.5, "message": "step 1 of 2"}]

    def __call__(self, request: Path) -> Trainer:
        self.asked, self.stop = load_request(request), request.with_name(STOP_FILE)
        folder = self.asked.out / TRAINING_FOLDER
        folder.mkdir(exist_ok=True)
        columns = "step,epoch,loss,learning_rate,validation_loss,validation_dice"
        rows = ("1,0,0.5,0.1,,", "2,0,0.25,0.1,0.3,0.75")
        (folder / CURVE_CSV).write_text("\n".join((columns, *rows)))
        if self.result is not None:
            self.finish(self.result)
        return self

    def finish(self, result: Retrained) -> None:
        from COVIDLesionSegLib.report.model_comparison import write_comparison_json

        folder = self.asked.out / MODEL_FOLDER
        folder.mkdir()
        for picture in result.pictures:
            pixels = QtWidgets.QApplication.style().standardPixmap(
                QtWidgets.QStyle.StandardPixmap.SP_ComputerIcon
            )
            assert pixels.scaled(800, 600).save(str(folder / picture.file))
        write_comparison_json(result, folder / "comparison.json")
        self.code = 0

    def messages(self) -> list[dict]:
        said, self.told = self.told, []
        return said

    def exit_code(self) -> int | None:
        if self.code is None and self.stop.exists():
            self.code = 130
        return self.code

    def kill(self) -> None:
        self.code = -9

    def wait(self, seconds: float) -> None:
        """It has ended already."""

    def log(self) -> str:
        return ""


@pytest.fixture
def train(panel, section, bench):
    """Press Train with a given worker, and wait for its end."""

    def press(worker: Trainer, wait: bool = True) -> Trainer:
        section.training.start_process = worker
        panel.ui.trainButton.click()
        if wait:
            bench.wait_until(lambda: not section.busy)
        else:
            bench.wait_until(lambda: "step 1 of 2" in panel.ui.trainingStatusLabel.text)
        return worker

    return press


@contextmanager
def restarted(bench, section):
    """The panel anew, after the one with ``section`` was closed, as after a restart of Slicer."""
    section.close()
    again = bench.load(MODULE_FILE)
    try:
        opened(again.widget)
        yield again.widget.ui
    finally:
        bench.unload(again)


def cells(ui) -> list[list[str]]:
    table = ui.comparisonTable
    return [
        [table.item(row, column).text() for column in range(4)] for row in range(table.rowCount)
    ]


def add_model(model_id: str) -> None:
    """A model of the user's, with another one's weights."""
    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
    card |= {"id": model_id, "weights": card["weights"] | {"file": f"{model_id}.safetensors"}}
    user_folder().mkdir(parents=True, exist_ok=True)
    (user_folder() / f"{model_id}.json").write_text(json.dumps(card))
    shutil.copy(PACKAGED_FOLDER / "amc-net.safetensors", user_folder() / f"{model_id}.safetensors")


def test_the_section_counts_cases_and_says_what_they_are_enough_for(panel, section, folders):
    text = panel.ui.casesLabel.text
    assert "1 accepted, 4 corrected, 1 rejected" in text
    assert "2 corrected cases are held out to compare both models." in text
    assert panel.ui.trainButton.enabled
    offered = panel.ui.baseModelComboBox
    assert {"amc-net", MODEL} <= {offered.itemData(i) for i in range(offered.count)}
    assert offered.findData("unet") < 0 and offered.findData("lungs-unet-resnet18") < 0


def test_without_reviewed_cases_nothing_can_be_trained_and_the_button_says_why(
    panel, section, folders, bench
):
    shutil.rmtree(folders / "reviews")
    bench.wait_until(lambda: "0 accepted" in panel.ui.casesLabel.text, seconds=10)
    assert not panel.ui.trainButton.enabled
    assert "no accepted or corrected case" in panel.ui.trainButton.toolTip


def test_new_verdicts_are_noticed(panel, section, folders, bench):
    review(folders / "reviews", 12, "p12", Verdict.ACCEPTED)
    bench.wait_until(lambda: "2 accepted" in panel.ui.casesLabel.text, seconds=10)


def test_a_training_leaves_the_panel_free_and_can_be_cancelled_and_resumed(
    panel, section, train, bench, ct
):
    ui = panel.ui
    ui.stepsSpinBox.value = 2
    worker = train(Trainer(), wait=False)
    options = worker.asked.options
    assert (options["model"], options["model_id"], options["steps"]) == (MODEL, "small-r1", 2)
    assert options["resume"] and worker.asked.job == "retrain"
    assert ui.applyButton.enabled and not panel.busy
    assert ui.trainButton.text == "Cancel" and ui.trainingProgressBar.value == 50
    assert ui.optionsFrame.isHidden()
    ui.trainButton.click()
    bench.wait_until(lambda: not section._is_training)
    assert "Resume goes on" in ui.trainingStatusLabel.text
    assert not ui.resumeButton.isHidden() and not ui.trainButton.enabled
    assert "Resume or discard" in ui.trainButton.toolTip

    section.training.start_process = again = Trainer(retrained())
    ui.resumeButton.click()
    bench.wait_until(lambda: not section._is_training)
    assert again.asked.options == options
    assert not ui.resultFrame.isHidden() and ui.resumeButton.isHidden()


def test_cts_of_the_scene_are_handed_over_once_where_predictions_are_wanted(
    panel, section, train, ct, scene, bench
):
    from COVIDLesionSegLib.engine.review import case_id
    from COVIDLesionSegLib.engine.volume import read_volume
    from COVIDLesionSegLib.scene.volumes import volume_to_node
    from scene.read_nodes import volume_from_node

    again = volume_to_node(volume_from_node(ct), "The same CT")
    scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    panel.ui.predictionsCheckBox.checked = True
    worker = train(Trainer(), wait=False)
    table = Path(worker.asked.options["unlabelled"])
    header, row = table.read_text().splitlines()
    file, patient = row.split(",")
    given = case_id(volume_from_node(again))
    assert (header, file, patient) == ("ct,patient", f"{given}/ct.nrrd", given[:8])
    assert case_id(read_volume(table.parent / file)) == given
    worker.finish(retrained())
    bench.wait_until(lambda: not section.busy)
    assert not table.parent.exists()


def test_an_interrupted_training_is_offered_again_after_a_restart(section, train, bench):
    worker = train(Trainer(), wait=False)
    with restarted(bench, section) as ui:
        assert worker.code == -9
        assert not ui.resumeButton.isHidden() and ui.resultFrame.isHidden()


def test_old_and_new_stand_side_by_side_with_pictures_and_lineage(panel, section, train):
    train(Trainer(retrained()))
    ui = panel.ui
    assert cells(ui) == [
        ["aaaa1111", "0.50 → 0.80", "0.60 → 0.90", "n/a → 0.70"],
        ["bbbb2222", "0.50 → 0.50", "0.60 → 0.60", "n/a → n/a"],
        ["Together", "0.50 → 0.65", "0.60 → 0.70", "n/a → 0.70"],
    ]
    assert ui.promotionLabel.text.startswith("Better on the 2 held-out patients together")
    assert "1 of 2: patient aaaa1111, slice 1, 39 pixels differ" in ui.pictureCaptionLabel.text
    assert not ui.pictureLabel.pixmap.isNull()
    ui.nextPictureButton.click()
    assert "2 of 2" in ui.pictureCaptionLabel.text
    ui.nextPictureButton.click()
    assert "1 of 2" in ui.pictureCaptionLabel.text
    assert "small-r1: trained on 1 accepted and 2 corrected cases" in ui.lineageLabel.text
    assert "↑ small: trained on 1 slices of 1 patients" in ui.lineageLabel.text


def test_the_curve_becomes_a_chart_that_is_not_saved_with_the_scene(section, train, scene):
    from COVIDLesionSegLib.scene.training_curve import HELD_OUT_DICE, LOSS, find_curve_chart

    train(Trainer(retrained()))
    assert find_curve_chart(scene) is None
    section._chart.show()
    chart = find_curve_chart(scene)
    shown = {chart.GetNthPlotSeriesNode(i) for i in range(chart.GetNumberOfPlotSeriesNodes())}
    assert {series.GetYColumnName() for series in shown} == {LOSS, HELD_OUT_DICE}
    table = next(iter(shown)).GetTableNode()
    assert float(table.GetCellText(1, 1)) == 0.25
    assert not any(node.GetSaveWithScene() for node in (chart, table, *shown))
    section._chart.show()
    assert scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode") == 1
    assert scene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode") == 2


def test_a_model_that_got_worse_cannot_be_promoted_and_the_reason_is_shown(panel, section, train):
    train(Trainer(retrained(new=0.4)))
    ui = panel.ui
    assert not ui.promoteButton.enabled and ui.keepButton.enabled
    reason = "Worse on held-out patients: aaaa1111 0.500 to 0.400."
    assert ui.promotionLabel.text == ui.promoteButton.toolTip == reason


def test_an_undecided_model_survives_a_restart(section, train, bench):
    train(Trainer(retrained()))
    with restarted(bench, section) as ui:
        assert ui.comparisonTable.rowCount == 3 and ui.promoteButton.enabled
        assert not ui.trainButton.enabled and "Promote, keep or discard" in ui.trainButton.toolTip


def test_discarding_asks_and_then_removes_everything(panel, train, folders):
    from bench.application import answer_message_boxes

    train(Trainer(retrained()))
    answer_message_boxes(QtWidgets.QMessageBox.StandardButton.Cancel)
    panel.ui.discardModelButton.click()
    assert not panel.ui.resultFrame.isHidden()
    answer_message_boxes(QtWidgets.QMessageBox.StandardButton.Ok)
    panel.ui.discardModelButton.click()
    assert panel.ui.resultFrame.isHidden() and panel.ui.trainButton.enabled
    assert not list((folders / "retrainings").iterdir())


def test_a_training_of_another_window_is_not_discarded(panel, section, train, bench, folders):
    train(Trainer(), wait=False)
    with restarted(bench, section) as ui:
        (folder,) = (folders / "retrainings").iterdir()
        held = take_lock(folder / LOCK_FILE)
        ui.discardModelButton.click()
        assert "goes on in another Slicer window" in ui.trainingStatusLabel.text
        assert folder.is_dir()
        held.close()
        ui.discardModelButton.click()
        assert not folder.exists()


def test_what_was_decided_follows_the_models_and_the_default(panel, section, train):
    """Also where they are removed or rolled back elsewhere: under Models, or by a command."""
    train(Trainer(retrained()))
    last = section._last
    last.retraining = note_decision(last.retraining, ModelDecisionState.PROMOTED)
    panel.models_changed()
    assert panel.ui.keepButton.enabled and panel.ui.promoteButton.enabled  # it is no model

    add_model(last.model)
    panel.models_changed()
    assert not panel.ui.keepButton.enabled and panel.ui.promoteButton.enabled  # not the default
    promote(last.model, "0" * 64)
    panel.models_changed()
    assert not panel.ui.promoteButton.enabled
    assert panel.ui.promoteButton.toolTip == "The model was made the default."


def test_a_promotion_is_rolled_back_to_the_model_before(panel, section):
    promote(MODEL, "0" * 64)
    panel.models_changed()
    assert panel.ui.rollBackButton.enabled
    panel.ui.rollBackButton.click()
    assert default_model() == DEFAULT_MODEL
    assert f"{DEFAULT_MODEL} is the default model again." in panel.ui.trainingStatusLabel.text
    assert not panel.ui.rollBackButton.enabled


def test_only_the_promotion_of_the_chosen_model_is_rolled_back(panel, section):
    promote(MODEL, "0" * 64)
    promote("eamc-4", "0" * 64)
    panel.models_changed()
    panel.ui.rollBackButton.click()
    assert default_model() == "eamc-4"
    said = panel.ui.trainingStatusLabel.text
    assert said == f"The last promotion of {MODEL} was undone; eamc-4 stays the default model."
    assert not panel.ui.rollBackButton.enabled
    box = panel.ui.baseModelComboBox
    box.currentIndex = box.findData("eamc-4")
    assert panel.ui.rollBackButton.enabled


def test_cases_without_a_patient_are_said_to_count_as_one_each(panel, section, folders, bench):
    assert "PatientID" not in panel.ui.casesLabel.text
    for seed in (12, 13):
        review(folders / "reviews", seed, None, Verdict.ACCEPTED)
    bench.wait_until(lambda: "3 accepted" in panel.ui.casesLabel.text, seconds=10)
    assert "Without a DICOM PatientID: 2." in panel.ui.casesLabel.text


def test_the_log_of_a_training_that_crashed_is_one_click_away(
    panel, section, train, tmp_path, monkeypatch
):
    monkeypatch.setenv("COVIDLESIONSEG_LOGS", str(tmp_path / "logs"))
    assert panel.ui.trainingLogButton.isHidden()
    worker = Trainer()
    worker.code = 139
    worker.log = lambda: "Segmentation fault"
    train(worker)
    assert not panel.ui.trainingLogButton.isHidden()
    panel.ui.trainingLogButton.click()
    window = section._log_button.window
    assert "Segmentation fault" in window.text.plainText and "job retrain" in window.text.plainText
    train(Trainer(), wait=False) if panel.ui.trainButton.enabled else panel.ui.resumeButton.click()
    assert panel.ui.trainingLogButton.isHidden()
    panel.ui.trainButton.click()


def test_closing_the_scene_does_not_end_the_training(panel, section, train, scene):
    worker = train(Trainer(), wait=False)
    section._chart.show()
    scene.Clear(False)
    assert section._is_training and worker.code is None
    section._chart.show()
    panel.ui.trainButton.click()


@pytest.mark.slow
def test_cancelling_keeps_a_checkpoint_of_the_step_at_which_the_worker_stops(
    panel, section, bench, folders
):
    import torch

    from COVIDLesionSegLib.worker.process import ChildProcess

    ui, started = panel.ui, []

    def start(request: Path) -> ChildProcess:
        started.append(ChildProcess(request))
        return started[-1]

    section.training.start_process = start
    ui.stepsSpinBox.value = 1000
    ui.trainButton.click()
    bench.wait_until(lambda: " of 1000" in ui.trainingStatusLabel.text, seconds=600)
    seen = int(re.search(r"(\d+) of 1000", ui.trainingStatusLabel.text)[1])
    ui.trainButton.click()
    assert "Stopping" in ui.trainingStatusLabel.text and not ui.trainButton.enabled
    bench.wait_until(lambda: not section.busy, seconds=120)
    assert started[0].exit_code() == 130
    assert "Resume goes on" in ui.trainingStatusLabel.text
    (checkpoint,) = (folders / "retrainings").rglob("last.ckpt")
    kept = torch.load(checkpoint, weights_only=True)["global_step"]
    assert seen <= kept < 1000


@pytest.mark.slow
def test_from_reviewed_cases_to_promotion_and_back_by_clicks(panel, section, bench, folders):
    ui = panel.ui

    def wait():
        bench.wait_until(lambda: not section.busy, seconds=600)

    ui.stepsSpinBox.value = 1
    ui.trainButton.click()
    wait()
    assert not ui.resultFrame.isHidden(), ui.trainingStatusLabel.text
    assert ui.comparisonTable.rowCount == 3 and ui.promoteButton.enabled
    assert not ui.pictureLabel.pixmap.isNull()
    assert not list((folders / "retrainings").rglob("*.ckpt"))
    ui.promoteButton.click()
    wait()
    assert ui.trainingStatusLabel.text == "small-r1 is the default model now."
    assert default_model() == "small-r1"
    assert ui.baseModelComboBox.findData("small-r1") >= 0
    assert not ui.promoteButton.enabled and ui.trainButton.enabled
    assert ui.discardModelButton.isHidden()
    ui.rollBackButton.click()
    assert default_model() == DEFAULT_MODEL and ui.promoteButton.enabled
