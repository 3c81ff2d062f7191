"""Lesions that a detector finds, in the panel: chosen, found, listed beside the segmentation's."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.detection.result import (
    FoundLesion,
    LesionDetection,
    SliceClass,
    save_detection,
)
from COVIDLesionSegLib.engine.flags import Flag
from COVIDLesionSegLib.engine.labels import LUNG_STYLES, RIGHT_LUNG
from COVIDLesionSegLib.engine.models.card import Weights
from COVIDLesionSegLib.engine.models.card_json import write_card
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.volume import read_array
from COVIDLesionSegLib.engine.volume.exact import load_volume
from COVIDLesionSegLib.jobs import DetectVolumeOptions
from COVIDLesionSegLib.scene import names
from COVIDLesionSegLib.scene.lesion_instances import find_instances
from COVIDLesionSegLib.scene.lesion_marks import find_marks
from COVIDLesionSegLib.scene.slice_classes import find_slice_classes
from COVIDLesionSegLib.worker.process import ChildProcess
from COVIDLesionSegLib.worker.request import RESULT_FOLDER, load_request
from panel.sections import section_of
from panel.shown import texts
from panel.workers import ScriptedWorker, finished_with, known_result


class DetectingWorker(ScriptedWorker):
    """A worker that is done at once, with these lesions."""

    def __init__(self, detection: LesionDetection) -> None:
        super().__init__(exit_code=0)
        self.detection = detection

    def __call__(self, request):
        options = DetectVolumeOptions.from_dict(load_request(request).options)
        self.volume, self.parameters = load_volume(options.volume), options.parameters
        self.lungs = read_array(options.lungs_file)[0]
        save_detection(self.detection, request.parent / RESULT_FOLDER)
        return self


@pytest.fixture(scope="session")
def weights():
    """A detector with random weights, as a file."""
    from COVIDLesionSegLib.engine.models.weights import weights_data
    from COVIDLesionSegLib.engine.networks import build_network

    card = load_catalogue().get("affinity-8").card
    return weights_data(build_network(card.network, card.arguments))


@pytest.fixture
def detector(tmp_path, monkeypatch, weights):
    """A model of the user's that finds lesions one by one."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "mine.safetensors").write_bytes(weights)
    stored = Weights(
        "mine.safetensors", hashlib.sha256(weights).hexdigest(), "CC-BY-NC-SA-4.0", "A test."
    )
    card = load_catalogue().get("affinity-8").card
    small = replace(card.preprocessing, input_size=(64, 64))
    write_card(replace(card, id="mine", title="Mine", weights=stored, preprocessing=small), folder)
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(folder))
    return "mine"


@pytest.fixture
def detection(phantom):
    """Two lesions, one in each lung, and a class for each slice."""
    geometry = phantom.volume.geometry
    labels = np.zeros(geometry.shape, np.uint16)
    labels[1][phantom.lungs[1] == 1] = 1
    labels[2][phantom.lungs[2] == 2] = 2
    place = (0.0, 0.0, 0.0)
    lesions = tuple(
        FoundLesion(n, region, 40.0 / n, (n, n), n, place, (9.0, 9.0, 9.0), place, -500.0, 0.9 / n)
        for n, region in ((1, "right lung"), (2, "left lung"))
    )
    slices = tuple(
        SliceClass(n, name, {"clean": 1 - value, "infected": value}, n % 2)
        for n, (name, value) in enumerate([("clean", 0.25), ("infected", 0.75)] * 2)
    )
    flag = Flag("input", "The kernel is sharp.")
    return LesionDetection(
        geometry, phantom.lungs, labels, lesions, slices, "A rule.", (flag,), {"model": "mine"}
    )


@pytest.fixture
def button(detector, loaded, panel, shown):
    """The lesions of the user's detector are chosen."""
    panel.models_changed()
    box = panel.ui.lesionSourceBox
    box.currentIndex = box.findData(detector)
    return section_of(panel, "Results")._lesions.detector.finding


def find(button, panel, bench, worker) -> None:
    from COVIDLesionSegLib.panel.running.run import RunState

    button.run.start_process = worker
    panel.ui.detectButton.click()
    bench.wait_until(lambda: button.run.state is RunState.IDLE)


def test_before_it_ran_nothing_is_listed_and_the_segmentation_lists_its_own(button, panel, shown):
    assert panel.ui.lesionsTable.rowCount == 0
    assert not panel.ui.detectButton.isHidden() and panel.ui.detectionLabel.isHidden()
    panel.ui.lesionSourceBox.currentIndex = 0
    assert panel.ui.lesionsTable.rowCount == len(shown.severity.lesions)
    assert panel.ui.detectButton.isHidden()


def test_what_it_finds_is_listed_marked_and_shown_with_scores(button, panel, bench, detection):
    worker = DetectingWorker(detection)
    find(button, panel, bench, worker)

    ui, ct = panel.ui, panel.ct
    assert worker.parameters.model == "mine"
    np.testing.assert_array_equal(worker.lungs, detection.lungs)
    assert texts(ui.lesionsTable) == [
        ["1", "right lung", "1 to 1", "40.0", "0.90"],
        ["2", "left lung", "2 to 2", "20.0", "0.45"],
    ]
    assert ui.detectionLabel.text.splitlines() == [
        "2 lesions, in 2 of 4 slices with lung.",
        "The kernel is sharp.",
    ]
    assert ui.detectButton.isHidden() and not ui.sliceClassesButton.isHidden()
    ui.markLesionsButton.click()
    assert find_marks(ct).GetNumberOfControlPoints() == 2
    ui.lesionNodesBox.setCurrentIndex(1)
    _, node = find_instances(ct, names.DETECTION_ROLE)
    assert node.GetSegmentation().GetNumberOfSegments() == 2
    assert find_instances(ct) is None, "nodes of the segmentation's lesions are others"


def test_the_segmentations_lesions_come_back_and_the_detectors_are_kept(
    button, panel, bench, detection, shown
):
    find(button, panel, bench, DetectingWorker(detection))
    box, table = panel.ui.lesionSourceBox, panel.ui.lesionsTable
    box.currentIndex = 0
    assert table.rowCount == len(shown.severity.lesions) and table.columnCount == 4
    box.currentIndex = box.findData("mine")
    assert [row[-1] for row in texts(table)] == ["0.90", "0.45"]


def fewer(detection):
    """The same without the second lesion."""
    return replace(
        detection, lesions=detection.lesions[:1], labels=detection.labels * (detection.labels == 1)
    )


def listed(panel) -> int:
    """Lesions in the table; without what a detector found, it can be started."""
    ui = panel.ui
    assert ui.detectButton.isHidden() == (not ui.detectionLabel.isHidden())
    assert not ui.detectButton.isHidden() or ui.lesionsTable.rowCount
    return ui.lesionsTable.rowCount


def test_after_another_run_it_must_look_again(button, panel, bench, detection, apply, phantom):
    find(button, panel, bench, DetectingWorker(detection))
    apply(finished_with(known_result(phantom)))
    assert listed(panel) == 0


def test_what_is_shown_of_its_lesions_goes_with_the_lungs_that_it_looked_at(
    button, panel, bench, detection, apply, phantom, ct
):
    find(button, panel, bench, DetectingWorker(detection))
    box = panel.ui.lesionNodesBox
    box.setCurrentIndex(1)
    assert find_instances(ct, names.DETECTION_ROLE) and find_slice_classes(ct)
    apply(finished_with(known_result(phantom, lesion=False)))
    assert find_instances(ct, names.DETECTION_ROLE) is None and find_slice_classes(ct) is None
    assert box.currentIndex == 0 and not box.enabled

    find(button, panel, bench, DetectingWorker(fewer(detection)))
    box.setCurrentIndex(1)
    assert listed(panel) == 1
    panel.ui.undoButton.click()
    assert panel.ui.statusLabel.text == "The last run was undone."
    assert find_instances(ct, names.DETECTION_ROLE) is None and listed(panel) == 0


def test_after_an_undo_what_was_found_before_the_run_is_listed_again(
    button, panel, bench, detection, apply, phantom
):
    find(button, panel, bench, DetectingWorker(detection))
    apply(finished_with(known_result(phantom, lesion=False)))
    assert listed(panel) == 0
    panel.ui.undoButton.click()
    assert listed(panel) == 2
    assert find_slice_classes(panel.ct) is None
    panel.ui.sliceClassesButton.click()
    assert find_slice_classes(panel.ct)


def test_after_a_correction_of_the_lungs_it_must_look_again_but_not_after_one_of_lesions(
    button, panel, bench, detection, ct, correct
):
    from slicer.util import arrayFromSegmentBinaryLabelmap, updateSegmentBinaryLabelmapFromArray

    find(button, panel, bench, DetectingWorker(detection))
    correct()
    bench.wait_until(lambda: panel.corrections.corrected and not panel.corrections.pending)
    assert listed(panel) == 2
    segmentation, lung = panel.result.segmentationNode, LUNG_STYLES[RIGHT_LUNG].id
    voxels = arrayFromSegmentBinaryLabelmap(segmentation, lung, ct).copy()
    voxels[1] = 0
    updateSegmentBinaryLabelmapFromArray(voxels, segmentation, lung, ct)
    bench.wait_until(lambda: not panel.corrections.pending)
    assert listed(panel) == 0


def test_it_looks_at_no_lungs_that_are_being_measured(button, panel, correct):
    correct()
    assert panel.corrections.pending
    panel.ui.detectButton.click()
    assert panel.ui.statusLabel.text == (
        "The segmentation is being measured after an edit: try again in a moment."
    )


def test_a_run_that_ends_while_another_ct_is_on_show_makes_it_look_again(
    button, panel, bench, detection, phantom, ct
):
    from COVIDLesionSegLib.scene.show import show_result
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    find(button, panel, bench, DetectingWorker(detection))
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "another CT"))
    show_result(ct, known_result(phantom), surfaces=False)
    panel.ui.ctSelector.setCurrentNode(ct)
    assert listed(panel) == 0


def test_what_it_found_in_earlier_lungs_is_not_listed_when_it_arrives(
    button, panel, bench, detection, phantom, ct
):
    from COVIDLesionSegLib.scene.show import show_result
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    worker = DetectingWorker(detection)
    worker.code = None
    button.run.start_process = worker
    panel.ui.detectButton.click()
    bench.wait_until(lambda: hasattr(worker, "lungs"))
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "another CT"))
    show_result(ct, known_result(phantom), surfaces=False)
    worker.code = 0
    changed = "The result changed while the detector looked: find the lesions again."
    bench.wait_until(lambda: panel.ui.statusLabel.text == changed)
    panel.ui.ctSelector.setCurrentNode(ct)
    assert listed(panel) == 0 and find_slice_classes(ct) is None


def test_a_loaded_scene_keeps_its_lesions_until_others_are_found(
    button, panel, bench, detection, scene, tmp_path
):
    ui = panel.ui
    find(button, panel, bench, DetectingWorker(detection))
    ui.lesionNodesBox.setCurrentIndex(1)
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)
    ui.lesionSourceBox.currentIndex = ui.lesionSourceBox.findData("mine")
    bench.wait_until(lambda: not panel.corrections.pending)

    def segments() -> int:
        _, node = find_instances(panel.ct, names.DETECTION_ROLE)
        return node.GetSegmentation().GetNumberOfSegments()

    assert listed(panel) == 0 and segments() == 2
    box = ui.lesionNodesBox
    assert box.enabled and box.currentIndex == 1
    box.setCurrentIndex(2)
    assert box.currentIndex == 1, "of lesions that are not known there is no other form"
    find(button, panel, bench, DetectingWorker(fewer(detection)))
    assert listed(panel) == 1 and segments() == 1
    box.setCurrentIndex(0)
    assert find_instances(panel.ct, names.DETECTION_ROLE) is None


def test_without_the_detector_the_segmentations_lesions_are_listed(
    button, panel, bench, detection, shown, monkeypatch
):
    from COVIDLesionSegLib.panel.results import lesion_detector

    find(button, panel, bench, DetectingWorker(detection))
    monkeypatch.setattr(lesion_detector, "_detectors", list)
    panel.models_changed()
    table = panel.ui.lesionsTable
    assert table.rowCount == len(shown.severity.lesions) and table.columnCount == 4


def test_slices_are_counted_by_the_lesions_that_are_listed(bench):
    from COVIDLesionSegLib.panel.results.lesion_detector import _sentence

    # The detector found something in every slice, most of it too small for the list.
    slices = [SliceClass(n, "infected", {"infected": 0.9}, 3) for n in range(5)]
    lesions = [SimpleNamespace(slices=(1, 2)), SimpleNamespace(slices=(2, 3))]
    found = SimpleNamespace(slices=slices, lesions=lesions, flags=())
    assert _sentence(found) == "2 lesions, in 3 of 5 slices with lung."
    found.lesions = []
    assert _sentence(found) == "0 lesions, in 0 of 5 slices with lung."
    found.lesions = lesions * 51
    assert _sentence(found).splitlines()[1] == "The 100 largest are listed."


class CheckingWorker(ScriptedWorker):
    """A worker that checks PyTorch for ever."""

    def __call__(self, request):
        return self


def test_a_second_press_stops_what_is_checked_before_the_first_run(button, panel, bench):
    import slicer

    from COVIDLesionSegLib.panel.preparing import first_use

    slicer.app.userSettings().remove(first_use._CHECKED_TORCH)
    first = section_of(panel, "Results")._lesions.detector._first_use
    first.check.start_process = CheckingWorker()
    panel.ui.detectButton.click()
    assert first.busy and panel.ui.detectButton.enabled
    panel.ui.detectButton.click()
    bench.wait_until(lambda: not first.busy)
    assert panel.ui.statusLabel.text == "Cancelled: nothing was changed."
    assert panel.ui.lesionsTable.rowCount == 0 and not panel.ui.detectButton.isHidden()


def test_without_a_trained_detector_there_is_nothing_to_choose(panel, shown, monkeypatch):
    from COVIDLesionSegLib.panel.results import lesion_detector

    monkeypatch.setattr(lesion_detector, "_detectors", list)
    panel.models_changed()
    assert panel.ui.lesionSourceBox.isHidden() and panel.ui.detectButton.isHidden()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_real_worker_looks_at_every_slice_with_lung(button, panel, bench, phantom):
    find(button, panel, bench, ChildProcess)
    with_lung = np.count_nonzero(phantom.lungs.any(axis=(1, 2)))
    assert f"of {with_lung} slices with lung." in panel.ui.detectionLabel.text
