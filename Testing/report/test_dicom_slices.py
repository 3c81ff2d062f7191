"""The secondary capture shows each slice with lesion, marked as research software."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import generate_frames

from COVIDLesionSegLib import RESEARCH_USE_NOTICE
from COVIDLesionSegLib.engine.errors import Cancelled
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.report import dicom_slices
from COVIDLesionSegLib.report.dicom_files import DicomOutput
from COVIDLesionSegLib.report.result_files import DICOM_SLICES
from report.dicom_results import faults, result_on, without_left_lung, write, written


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return written(tmp_path_factory.mktemp("slices"), "oblique", with_slices=True)


def pictures(capture: pydicom.Dataset) -> list[np.ndarray]:
    frames = generate_frames(capture.PixelData, number_of_frames=capture.NumberOfFrames)
    return [np.asarray(Image.open(io.BytesIO(frame))) for frame in frames]


def test_there_is_a_frame_for_each_slice_with_lesion(case):
    capture = pydicom.dcmread(case.folder / DICOM_SLICES)
    with_lesion = [slice_.index for slice_ in case.result.severity.slices if slice_.lesion_mm2]
    assert capture.FrameLabelVector == [f"Slice {index}" for index in with_lesion]
    shown = pictures(capture)
    assert {one.shape for one in shown} == {(capture.Rows, capture.Columns, 3)}
    assert not np.array_equal(shown[0], shown[-1])


def test_the_file_is_as_the_standard_says(case):
    assert faults(case.folder / DICOM_SLICES) == []


def test_the_notice_is_drawn_into_every_picture(case, monkeypatch):
    """Pictures differ from those without it along the whole upper edge, and there alone."""
    source = DicomOutput.of_series(case.series, None, with_slices=True).source
    monkeypatch.setattr(dicom_slices, "RESEARCH_USE_NOTICE", "")
    bare = dicom_slices.slices_object(case.volume, case.result, source, CancelToken())
    marked = pydicom.dcmread(case.folder / DICOM_SLICES)
    for with_notice, without in zip(pictures(marked), pictures(bare), strict=True):
        changed = np.abs(with_notice.astype(int) - without).max(axis=(1, 2)) > 60
        rows = np.flatnonzero(changed)
        assert rows.size and rows.max() < 36
    assert "Research software" in RESEARCH_USE_NOTICE


def test_without_lesion_one_slice_shows_the_lungs(case, tmp_path):
    result = without_left_lung(result_on(case.volume.geometry))
    path = write(case.series, case.volume, result, tmp_path / "out", True) / DICOM_SLICES
    assert pydicom.dcmread(path).NumberOfFrames == 1
    assert faults(path) == []


def test_cancelling_ends_between_two_slices(case):
    source = DicomOutput.of_series(case.series, None, with_slices=True).source
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        dicom_slices.slices_object(case.volume, case.result, source, cancel)
