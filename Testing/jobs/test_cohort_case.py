"""What is known of a cohort's case before it is read comes with its CT."""

from __future__ import annotations

import numpy as np

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.cohort.record import MANIFEST_FOLDER
from COVIDLesionSegLib.engine.cohort.sources import CaseSource
from COVIDLesionSegLib.jobs.cohort_case import CaseWork
from engine.volume_files import SERIES_UID, chest_hu, write_dicom_series
from jobs.cohorts import PARAMETERS


def test_doubts_about_a_series_are_warnings_of_its_ct_and_its_files_alone_are_read(tmp_path):
    hu = chest_hu()
    folder = write_dicom_series(tmp_path / "ct", hu)
    files = tuple(sorted(folder.iterdir()))
    (folder / "copy").mkdir()
    (folder / "copy" / "001.dcm").write_bytes(files[0].read_bytes())
    out = tmp_path / "out"
    (out / MANIFEST_FOLDER).mkdir(parents=True)
    work = CaseWork(jobs.BatchOptions(sources=(folder,), parameters=PARAMETERS), out)
    case = CaseSource("one", ".", folder, SERIES_UID, files=files, warnings=("Look.",))
    volume = work.read(case, work.begin(case)).volume
    np.testing.assert_array_equal(volume.array, hu)
    assert volume.warnings == ("Look.",)
