"""What a person corrected in a result folder is known as corrected, and never replaced."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.cohort_inputs import FEW_SLICES, write_chest

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.errors import CorrectedError
from COVIDLesionSegLib.engine.volume import read_volume
from COVIDLesionSegLib.jobs.result_folder import result_folder
from COVIDLesionSegLib.report import result_files as names
from COVIDLesionSegLib.report.result_reading import read_labels, read_result
from jobs.cohorts import PARAMETERS, run
from jobs.result_folders import write_result_folder
from report.dicom_results import result_on

pytestmark = pytest.mark.usefixtures("mrml")


@pytest.fixture(scope="module")
def volume(tmp_path_factory):
    path = tmp_path_factory.mktemp("ct") / "ct.nii.gz"
    return read_volume(write_chest(path, 40, **FEW_SLICES))


@pytest.fixture(scope="module")
def result(volume):
    return result_on(volume.geometry)


@pytest.fixture
def folder(volume, result, tmp_path):
    return write_result_folder(volume, result, tmp_path / "result")


def without_checksum(folder):
    """As an earlier version wrote it."""
    path = folder / names.REPORT_JSON
    report = json.loads(path.read_text("utf-8"))
    del report["voxels_sha256"]
    path.write_text(json.dumps(report), "utf-8")


def moved(lesions: np.ndarray, lungs: np.ndarray) -> np.ndarray:
    """As many lesion voxels of each class, elsewhere in the same lung."""
    found = np.zeros_like(lesions)
    for side in (1, 2):
        there = lungs == side
        found[there] = np.roll(lesions[there], np.count_nonzero(there) // 3)
    return found


def save_corrected(folder, volume, result):
    """Replace the segmentation of a result folder, as saving a corrected one does."""
    other = write_result_folder(volume, result, folder.with_name("corrected"))
    shutil.copy(other / names.SEGMENTATION, folder / names.SEGMENTATION)


def test_a_segmentation_as_it_was_written_is_not_corrected(folder):
    assert not read_labels(folder).changed
    without_checksum(folder)
    assert not read_labels(folder).changed


def test_a_correction_that_keeps_every_volume_is_one_and_is_measured(folder, volume, result):
    lesions = moved(result.lesions, result.lungs)
    assert np.count_nonzero(lesions != result.lesions) > 0
    save_corrected(folder, volume, replace(result, lesions=lesions))
    stored = read_labels(folder)
    assert stored.changed and stored.lesions_changed
    again = read_result(folder, measure_again=True)
    assert again.flags[-1].code == "segmentation-corrected"
    assert again.severity.lesion_free_ml == 0.0


def test_a_correction_of_the_lungs_alone_is_none_of_the_lesions(folder, volume, result):
    lungs = np.where((result.lungs == 1) & (result.lesions == 0), 2, result.lungs).astype(np.uint8)
    save_corrected(folder, volume, replace(result, lungs=lungs))
    stored = read_labels(folder)
    assert stored.changed and not stored.lesions_changed


@pytest.mark.parametrize("earlier", [False, True])
def test_a_corrected_result_is_not_replaced(folder, volume, result, earlier):
    save_corrected(folder, volume, replace(result, lesions=result.lesions * 0))
    if earlier:
        without_checksum(folder)
    before = (folder / names.SEGMENTATION).read_bytes()
    match = "corrected since it was written"
    with pytest.raises(CorrectedError, match=match), result_folder(folder):
        pytest.fail("The computation began.")
    assert (folder / names.SEGMENTATION).read_bytes() == before


def test_a_correction_that_was_saved_during_the_run_is_not_replaced(folder, volume, result):
    with pytest.raises(CorrectedError), result_folder(folder) as staging:
        (staging / names.REPORT_JSON).write_text("{}")
        save_corrected(folder, volume, replace(result, lesions=result.lesions * 0))
    assert read_labels(folder).changed


def test_a_segment_of_the_users_own_is_not_replaced(folder, volume, result):
    path = folder / names.SEGMENTATION
    head, voxels = path.read_bytes().split(b"\n\n", 1)
    renamed = head.replace(b"right lung", b"my drawing").replace(b"right-lung", b"my-drawing")
    assert renamed != head
    path.write_bytes(renamed + b"\n\n" + voxels)
    with pytest.raises(CorrectedError), result_folder(folder):
        pytest.fail("The computation began.")


def test_an_untouched_result_is_replaced(folder):
    with result_folder(folder) as staging:
        (staging / names.REPORT_JSON).write_text("{}")
    assert [path.name for path in folder.iterdir()] == [names.REPORT_JSON]


@pytest.mark.slow
def test_a_cohort_keeps_a_corrected_case_names_it_and_goes_on(tmp_path):
    cts, out = tmp_path / "cts", tmp_path / "out"
    cts.mkdir()
    for number, name in enumerate(("a", "b")):
        write_chest(cts / f"{name}.nii.gz", 40 + number, **FEW_SLICES)
    run(cts, out)
    case = out / names.CASE_FOLDER / "a"
    volume, result = read_volume(cts / "a.nii.gz"), read_result(case)
    save_corrected(case, volume, replace(result, lesions=result.lesions * 0))
    corrected = (case / names.SEGMENTATION).read_bytes()
    shutil.rmtree(out / names.CASE_FOLDER / "corrected")

    chosen = replace(PARAMETERS, threshold=0.45)
    for skipped in (0, 1):
        cohort = jobs.batch(jobs.BatchOptions(sources=(cts,), parameters=chosen), out)
        assert (case / names.SEGMENTATION).read_bytes() == corrected
        first, second = cohort.cases
        assert first.status == second.status == "done" and cohort.skipped == skipped
        assert first.flags[0].code == "corrected-not-done-again"
        assert first.numbers["both_lungs_ml"] == result.severity.region("both lungs").lung_ml
        assert second.made_with["parameters"]["threshold"] == 0.45
        with (out / names.COHORT_CSV).open(newline="") as file:
            rows = {row["case"]: row["flags"] for row in csv.DictReader(file)}
        assert "corrected-not-done-again" in rows["a"]
        assert "corrected-not-done-again" not in rows["b"]
