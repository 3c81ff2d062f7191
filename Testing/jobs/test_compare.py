"""Studies are compared from result folders and CTs, and what is written says so."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace

import jsonschema
import numpy as np
import pydicom
import pytest

from COVIDLesionSegLib import RESEARCH_USE_NOTICE, jobs
from COVIDLesionSegLib.engine.errors import (
    InputError,
    OutputError,
    ParameterError,
    SeveralSeriesError,
)
from COVIDLesionSegLib.engine.followup.study import Study
from COVIDLesionSegLib.engine.followup.study_folder import load_study, save_study_in_steps
from COVIDLesionSegLib.engine.labels import CLASSES
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.result import SegmentationResult
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.steps import finish
from COVIDLesionSegLib.engine.volume import Volume, write_volume
from COVIDLesionSegLib.engine.volume.fingerprint import FINGERPRINT, fingerprint
from COVIDLesionSegLib.engine.volume.segmentation_file import read_segments
from COVIDLesionSegLib.report.comparison import comparison_schema
from jobs.result_folders import write_result_folder
from report.facts import member


@pytest.fixture(scope="module")
def chest(phantom):
    """A study, and the same CT with one lesion class taken away."""
    one = Study(
        phantom.volume.geometry,
        phantom.lungs,
        phantom.lesions,
        CLASSES,
        phantom.volume.array,
        models={"amc-net": "0" * 64},
    )
    return one, replace(one, lesions=one.lesions * (one.lesions == 1))


@pytest.fixture
def folders(chest, tmp_path):
    """Both as one process gives them to another."""
    places = []
    for name, one in zip(("jane-doe-1", "jane-doe-2"), chest, strict=True):
        places.append(tmp_path / name)
        places[-1].mkdir()
        finish(save_study_in_steps(one, places[-1]))
    return tuple(places)


def result_folder(one, folder):
    """A result folder as the job ``segment`` leaves it, without its pictures."""
    result = SegmentationResult(
        one.geometry,
        one.lungs,
        one.lesions,
        (one.lesions > 0).astype(np.float32),
        one.classes,
        measure_severity(one.lungs, one.lesions, one.classes, one.geometry),
        one.flags,
        {
            "models": {"amc-net": member()},
            "input": {FINGERPRINT: fingerprint(Volume(one.hu, one.geometry))},
        },
    )
    return write_result_folder(Volume(one.hu, one.geometry), result, folder)


def written(out):
    return json.loads((out / "comparison.json").read_text("utf-8"))


def test_every_file_says_the_same_and_none_says_whose_cts_they_are(folders, chest, tmp_path):
    out = tmp_path / "out"
    comparison = jobs.compare(jobs.CompareOptions(studies=folders, days=(3, 17)), out)
    (pair,) = comparison.pairs
    facts = written(out)

    jsonschema.validate(facts, comparison_schema())
    assert [study["day"] for study in facts["studies"]] == [0, 14]
    assert facts["pairs"][0]["counts"]["new"] == 0 < facts["pairs"][0]["counts"]["persistent"]
    segments = read_segments(out / "changes-1-2.seg.nrrd", chest[1].geometry)
    assert [segment.name for segment in segments] == [
        "new lesion",
        "persistent lesion",
        "resolved lesion",
    ]
    for label, segment in enumerate(segments, start=1):
        assert np.array_equal(segment.mask, pair.matching.changes == label)
    with (out / "volumes.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["region"] == "both lungs"]
    ml = {row["quantity"]: row["later"] for row in rows}
    voxel = chest[1].geometry.voxel_volume_ml
    assert float(ml["lesion_ml"]) == pytest.approx(np.count_nonzero(chest[1].lesions) * voxel)
    assert float(ml["consolidation_ml"]) == 0
    with (out / "lesion-changes.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(pair.matching.lesions)
    page = (out / "comparison.html").read_text("utf-8")
    assert RESEARCH_USE_NOTICE in page and "<svg" in page and "one and the same CT" in page
    assert all("jane-doe" not in path.read_text("utf-8", "replace") for path in out.iterdir())


def test_result_folders_are_read_back_with_and_without_their_cts(chest, mrml, tmp_path):
    results = tuple(
        result_folder(one, tmp_path / name) for name, one in zip("ab", chest, strict=True)
    )
    write_volume(chest[0].hu, chest[0].geometry, tmp_path / "ct.nrrd")
    cts = (tmp_path / "ct.nrrd",) * 2
    with_ct = jobs.compare(jobs.CompareOptions(studies=results, cts=cts), tmp_path / "with")
    without = jobs.compare(jobs.CompareOptions(studies=results), tmp_path / "without")

    for one in (with_ct, without):  # known by their voxels, and by their lungs
        assert "same-study-twice" in {flag.code for flag in one.flags}
    for comparison in (with_ct, without):
        both = comparison.studies[1].region("both lungs")
        voxels = np.count_nonzero(chest[1].lesions)
        assert both.lesion_ml == pytest.approx(voxels * chest[1].geometry.voxel_volume_ml)
    studies = written(tmp_path / "with")["studies"]
    assert [study["day"] for study in studies] == [None, None]
    assert [study["models"] for study in studies] == [{"amc-net": member()["weights_sha256"]}] * 2
    assert "amc-net" in (tmp_path / "with" / "comparison.html").read_text("utf-8")


def test_lobes_are_told_where_the_result_has_them_and_was_not_corrected_since(
    chest, mrml, tmp_path
):
    first = result_folder(chest[0], tmp_path / "a")
    second = result_folder(chest[1], tmp_path / "b")
    for folder in (first, second):
        report = json.loads((folder / "report.json").read_text("utf-8"))
        lobe = {**report["severity"]["regions"][0], "region": "right upper lobe", "score": 2}
        report["severity"]["lobes"] = [lobe]
        (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    corrected = replace(chest[1], lesions=np.where(chest[1].lungs > 0, 1, 0).astype(np.uint8))
    edited = result_folder(corrected, tmp_path / "edited") / "segmentation.seg.nrrd"
    shutil.copy(edited, second)  # as after a correction in Slicer
    comparison = jobs.compare(jobs.CompareOptions(studies=(first, second)), tmp_path / "out")

    codes = [{flag.code for flag in study.flags} for study in comparison.studies]
    assert ["segmentation-corrected" in one for one in codes] == [False, True]
    page = (tmp_path / "out" / "comparison.html").read_text("utf-8")
    assert page.count("was corrected after the run") == 1
    lobe = next(one for one in comparison.trend if one.region == "right upper lobe")
    assert lobe.lesion_ml.earlier > 0
    assert (lobe.lesion_ml.later, lobe.lesion_ml.difference) == (None, None)


def test_a_ct_of_another_grid_or_too_few_cts_are_refused(chest, mrml, tmp_path):
    results = tuple(
        result_folder(one, tmp_path / name) for name, one in zip("ab", chest, strict=True)
    )
    other = replace(chest[0].geometry, origin=(0.0, 0.0, 0.0))
    write_volume(chest[0].hu, other, tmp_path / "ct.nrrd")
    for cts, message in (((tmp_path / "ct.nrrd",) * 2, "grid"), ((tmp_path / "ct.nrrd",), "1 CTs")):
        with pytest.raises(InputError, match=message):
            jobs.compare(jobs.CompareOptions(studies=results, cts=cts), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_ct_on_the_same_grid_is_refused(chest, mrml, tmp_path):
    result = result_folder(chest[0], tmp_path / "a")
    hu = np.array(chest[0].hu)
    hu[0, 0, 0] += 1
    for name, voxels in (("own", chest[0].hu), ("other", hu)):
        write_volume(voxels, chest[0].geometry, tmp_path / f"{name}.nrrd")
    cts = (tmp_path / "own.nrrd", tmp_path / "other.nrrd")
    with pytest.raises(InputError, match="result a lies on its grid, but has other voxels"):
        jobs.compare(jobs.CompareOptions(studies=(result, result), cts=cts), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def _series(folder, patient, day, uid="1.2.3"):
    """A DICOM series that states a patient and a date, as far as these are read."""
    folder.mkdir(parents=True)
    for number in range(3):
        one = pydicom.Dataset()
        one.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        one.SOPInstanceUID = f"1.2.{number}"
        one.SeriesInstanceUID, one.Modality = uid, "CT"
        one.PatientID, one.AcquisitionDate = patient, day
        one.Rows = one.Columns = 4
        one.file_meta = pydicom.dataset.FileMetaDataset()
        one.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        one.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder


def test_days_come_from_dicom_only_when_asked_for_and_in_their_order(tmp_path):
    from COVIDLesionSegLib.jobs.compared_studies import study_sources

    first = _series(tmp_path / "a", "one", "20200301")
    second = _series(tmp_path / "b", "two", "20200315")

    def days(*places, **options):
        sources = study_sources(jobs.CompareOptions(studies=places, **options), CancelToken())
        return [source.args[1] for source in sources], [source.args[2] for source in sources]

    (none, patients), (known, _) = days(first, second), days(first, second, days_from_dicom=True)
    assert none == [None, None] and known == [0, 14]
    assert len({*patients}) == 2 and None not in patients
    with pytest.raises(InputError, match="earliest first"):
        days(second, first, days_from_dicom=True)
    (tmp_path / "c.nrrd").touch()
    with pytest.raises(InputError, match="Study 2 has no CT in DICOM"):
        days(first, tmp_path / "c.nrrd", days_from_dicom=True)


def test_of_a_folder_with_several_series_the_one_that_was_named_is_read(tmp_path):
    from COVIDLesionSegLib.jobs.compared_studies import study_sources

    folder = tmp_path / "patient"
    _series(folder / "a", "one", "20200301", uid="1.2.3")
    _series(folder / "b", "one", "20200315", uid="1.2.4")

    def sources(*series, studies=(folder, folder)):
        options = jobs.CompareOptions(studies=studies, series=series, days_from_dicom=True)
        return study_sources(options, CancelToken())

    assert [source.args[1] for source in sources("1.2.3", "1.2.4")] == [0, 14]
    with pytest.raises(SeveralSeriesError, match="Study 2: The folder holds 2 series") as error:
        sources("1.2.3", "-")
    assert error.value.option == "series"
    (tmp_path / "ct.nrrd").touch()
    with pytest.raises(InputError, match="Study 2 has no CT in DICOM, so no series"):
        sources("1.2.3", "1.2.4", studies=(folder, tmp_path / "ct.nrrd"))


def test_options_that_contradict_each_other_are_refused(tmp_path):
    two = (tmp_path / "a", tmp_path / "b")
    for options in (
        {"studies": two[:1]},
        {"studies": two, "days": (1,)},
        {"studies": two, "series": ("1.2.3",)},
        {"studies": two, "days": (0, 1), "days_from_dicom": True},
    ):
        with pytest.raises(ParameterError):
            jobs.CompareOptions(**options)


def test_nothing_is_written_into_a_study_or_over_another_kind_of_result(folders, tmp_path):
    options = jobs.CompareOptions(studies=folders)
    with pytest.raises(OutputError, match="inside the output folder"):
        jobs.compare(options, tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").touch()
    with pytest.raises(OutputError, match=r"notes\.txt"):
        jobs.compare(options, tmp_path / "out")


def test_a_study_reaches_another_process_exactly_or_not_at_all(folders, chest):
    read = load_study(folders[0])

    assert read.geometry == chest[0].geometry and read.models == chest[0].models
    for name in ("hu", "lungs", "lesions"):
        assert np.array_equal(getattr(read, name), getattr(chest[0], name))
    (folders[0] / "lungs.nrrd").unlink()
    with pytest.raises(InputError, match=r"compare again|does not exist"):
        load_study(folders[0])
