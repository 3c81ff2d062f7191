"""A job writes DICOM of a DICOM series, refuses what it cannot before it computes, or nothing."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pydicom
import pytest

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine import pipeline
from COVIDLesionSegLib.engine.errors import DependencyError, InputError, OutputError, ParameterError
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.jobs.dicom_output import dicom_output
from COVIDLesionSegLib.report import dicom_files
from COVIDLesionSegLib.report import result_files as names
from engine.volume_files import chest_hu, write_image
from report.dicom_results import SHAPE, result_on, write_series

PARAMETERS = Parameters(device="cpu")


@pytest.fixture
def computing_fails(monkeypatch):
    """Whoever computes has gone too far."""

    def segment(*_, **__):
        pytest.fail("The CT was segmented.")

    monkeypatch.setattr(pipeline, "segment", segment)


@pytest.fixture(scope="module", autouse=True)
def segmented_at_once():
    """No network: what is written is looked at here, not what is found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "segment", lambda volume, *_, **__: result_on(volume.geometry))
        yield


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Sources: a DICOM series, and an NRRD file."""
    folder = tmp_path_factory.mktemp("cts")
    write_series(folder / "series", "thick")
    write_image(folder / "no-dicom.nrrd", chest_hu(SHAPE))
    return folder


@pytest.fixture(scope="module")
def done(cohort, mrml, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "cohort"
    options = jobs.BatchOptions(
        sources=(cohort,), dicom=True, dicom_slices=True, parameters=PARAMETERS
    )
    return jobs.batch(options, out), out


def options_of(ct, **more) -> jobs.SegmentOptions:
    return jobs.SegmentOptions(ct=ct, dicom=True, parameters=PARAMETERS, **more)


def headers_of(series, edit=lambda one, n: None):
    """The headers of a series after a change: ``edit(dataset, n)`` of its files by name."""
    for n, path in enumerate(sorted(series.glob("*.dcm"))):
        one = pydicom.dcmread(path)
        with pydicom.config.disable_value_validation():
            edit(one, n)
            one.save_as(path)
    return dicom_output(options_of(series), series, None).source


def test_a_cohort_has_dicom_of_its_series_and_says_which_ct_is_none(done):
    made, out = done
    status = {case.status: case for case in made.cases}
    assert set(status) == {"done", "failed"} and len(made.cases) == 2
    folder = out / names.CASE_FOLDER / status["done"].case
    assert {path.name for path in folder.glob("*.dcm")} == names.DICOM_FILES
    assert "no-dicom.nrrd is not DICOM" in status["failed"].error["message"]


def test_the_dicom_files_refer_to_each_other_and_to_the_series(done, cohort):
    _, out = done
    (report,) = out.rglob(names.DICOM_REPORT)
    found = {path.name: pydicom.dcmread(path) for path in out.rglob("*.dcm")}
    source = pydicom.dcmread(next((cohort / "series").iterdir()))
    assert {one.StudyInstanceUID for one in found.values()} == {source.StudyInstanceUID}
    assert len({one.SeriesInstanceUID for one in found.values()}) == 3
    segmentation = found[names.DICOM_SEGMENTATION]
    assert segmentation.SOPInstanceUID.encode() in report.read_bytes()
    assert segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID == source.SeriesInstanceUID


def test_the_dicom_files_beside_a_series_do_not_hinder_reading_it(done, cohort, tmp_path):
    _, out = done
    shutil.copytree(cohort / "series", tmp_path / "series")
    for path in out.rglob("*.dcm"):
        shutil.copy(path, tmp_path / "series")
    assert len(headers_of(tmp_path / "series")) == len(headers_of(cohort / "series"))


def test_a_ct_that_is_no_dicom_is_refused_before_it_is_segmented(tmp_path, computing_fails):
    ct = write_image(tmp_path / "ct.nrrd", np.zeros((4, 5, 6), np.int16))
    with pytest.raises(InputError, match="ct.nrrd is not DICOM") as error:
        jobs.segment(options_of(ct), tmp_path / "out")
    assert error.value.option == "dicom"
    assert not (tmp_path / "out").exists()


def test_without_highdicom_the_user_hears_of_it_before_the_ct_is_segmented(
    tmp_path, monkeypatch, computing_fails
):
    for name in [name for name in sys.modules if ".report.dicom_" in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "highdicom", None)
    series = write_series(tmp_path / "ct", "thick")
    with pytest.raises(DependencyError, match="need the package highdicom"):
        jobs.segment(options_of(series), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_where_dicom_cannot_be_written_nothing_is(cohort, tmp_path, monkeypatch, mrml):
    def fail(dataset, path):
        path.write_bytes(b"half")
        raise OutputError("The disk is full.")

    monkeypatch.setattr(dicom_files, "save", fail)
    out = tmp_path / "out"
    with pytest.raises(OutputError, match="disk is full"):
        jobs.batch(jobs.BatchOptions(sources=(cohort / "series",), dicom=True), out)
    assert not list((out / names.CASE_FOLDER).glob("*/*"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dicom_slices": True}, "ask for DICOM, too"),
        ({"dicom": True, "parameters": Parameters(allow_untrained=True)}, "untrained network"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, said):
    with pytest.raises(ParameterError, match=said):
        jobs.SegmentOptions(ct="ct", **options)
    with pytest.raises(ParameterError, match=said):
        jobs.BatchOptions(sources=("cts",), **options)


def test_headers_come_in_the_order_of_the_volume_with_measured_spacing(tmp_path):
    headers = headers_of(write_series(tmp_path / "ct", "thick"))
    heights = [float(one.ImagePositionPatient[2]) for one in headers]
    assert np.allclose(np.diff(heights), 7.5)
    assert {float(one.SpacingBetweenSlices) for one in headers} == {7.5}
    assert {float(one.SliceThickness) for one in headers} == {10}


def test_a_name_in_another_script_is_kept(tmp_path):
    def edit(one, n):
        one.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        one.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"

    headers = headers_of(write_series(tmp_path / "ct", "thick"), edit)
    assert headers[0].PatientName == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    assert headers[0].SpecificCharacterSet == "ISO_IR 192"


def test_what_may_be_empty_is_left_out_where_it_is_against_the_standard(tmp_path):
    def edit(one, n):
        one.PatientSex, one.PatientBirthDate, one.StudyTime = "U", "17/08/1953", "10:15"
        del one.AccessionNumber, one.SliceThickness

    headers = headers_of(write_series(tmp_path / "ct", "thick"), edit)
    for keyword in ("PatientSex", "PatientBirthDate", "StudyTime", "AccessionNumber"):
        assert not headers[0][keyword].value
    assert float(headers[0].SliceThickness) == 7.5
    assert headers[0].StudyDate == "20210304"


@pytest.mark.parametrize(
    ("keyword", "value", "said"),
    [
        ("FrameOfReferenceUID", None, "lacks a valid FrameOfReferenceUID"),
        ("FrameOfReferenceUID", "1.2.3", "differ in FrameOfReferenceUID"),
        ("PatientID", "x" * 70, "lacks a valid PatientID"),
        ("PatientID", ["A", "B"], "lacks a valid PatientID"),
        ("PatientID", "another's", "differ in PatientID"),
        ("SOPInstanceUID", "1.2.3", "have the same SOPInstanceUID"),
    ],
)
def test_a_series_that_no_object_can_refer_to_is_refused(tmp_path, keyword, value, said):
    def edit(one, n):
        if n in (2, 3):
            setattr(one, keyword, value)

    with pytest.raises(InputError, match=said):
        headers_of(write_series(tmp_path / "ct", "thick"), edit)
