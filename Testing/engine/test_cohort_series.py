"""Series of a cohort: whole, once, and of one patient, however their files are spread and named."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from COVIDLesionSegLib.engine.cohort.sources import find_cases
from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.volume import read_volume
from COVIDLesionSegLib.engine.volume.dicom_headers import read_source_headers
from engine.volume_files import SERIES_UID, chest_hu, grid_of, write_dicom_series, write_image

HU = chest_hu()
OTHER_HU = chest_hu(seed=5)


def study(uid):
    return lambda dataset, k: setattr(dataset, "StudyInstanceUID", uid)


def instances(root):
    return lambda dataset, k: setattr(dataset, "SOPInstanceUID", f"{root}.{k + 1}")


def one_instance(dataset, k):
    dataset.SOPInstanceUID = "1.2.3"


def frame(dataset, k):
    dataset.FrameOfReferenceUID = "1.2.4"


def disc(root, *parts):
    """A series of 8 slices; each part is a folder with the files of that range, first to last."""
    files = sorted(write_dicom_series(root / "all", HU, edit=frame).iterdir())
    for folder, first, last in parts:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for file in files[first:last]:
            shutil.copy(file, root / folder / file.name)
    shutil.rmtree(root / "all")
    return root


def cut(file):
    """Damage that leaves nothing of a header to read."""
    file.write_bytes(file.read_bytes()[:200])


def read(case):
    return read_volume(case.source, case.series).array


def whole(case):
    return case.problem is None and np.array_equal(read(case), HU)


@pytest.mark.parametrize("folders", [("one", "two"), ("flat", "flat")])
def test_equal_series_uids_of_two_studies_are_two_cts(tmp_path, folders):
    for folder, hu, uid in zip(folders, (HU, OTHER_HU), ("1.2.1", "1.2.2"), strict=True):
        write_dicom_series(tmp_path / folder, hu, prefix=uid[-1], edit=study(uid))
    cases, left_out = find_cases([tmp_path])
    assert len({case.case for case in cases}) == 2 and not left_out
    assert {read(case).tobytes() for case in cases} == {HU.tobytes(), OTHER_HU.tobytes()}


@pytest.mark.parametrize(
    "edits", [(instances("1.9.8"), instances("1.9.9")), (one_instance, one_instance)]
)
def test_other_images_under_equal_uids_are_another_ct(tmp_path, edits):
    for folder, hu, edit in zip(("one", "two"), (HU, OTHER_HU), edits, strict=True):
        write_dicom_series(tmp_path / folder, hu, edit=edit)
    cases, left_out = find_cases([tmp_path])
    assert len({case.case for case in cases}) == 2 and not left_out
    assert {read(case).tobytes() for case in cases} == {HU.tobytes(), OTHER_HU.tobytes()}
    assert all("same study and series UIDs" in case.warnings[0] for case in cases)


@pytest.mark.parametrize(
    "parts",
    [
        [("s", 0, 8), ("s/copy", 0, 8)],
        [("a", 0, 4), ("b", 4, 8), ("copy", 4, 8)],
        [("a", 0, 6), ("b", 3, 8)],
    ],
    ids=["copy below", "parts and a copy", "overlapping parts"],
)
def test_every_slice_of_a_series_is_read_once(tmp_path, parts):
    (case,), left_out = find_cases([disc(tmp_path / "disc", *parts)])
    assert whole(case) and not case.warnings
    assert len(read_source_headers(case.source, case.series)) == len(HU)
    assert [one.reason for one in left_out] == [
        "Its slices are copies of those in another folder."
        for folder, *_ in parts
        if "copy" in folder
    ]


def test_other_files_below_the_common_folder_are_no_part_of_a_case(tmp_path):
    root = disc(tmp_path / "root", ("A", 0, 4), ("B", 4, 8))
    (case,), _ = find_cases([root])
    before = case.fingerprint()
    other = write_dicom_series(
        root / "other", OTHER_HU, series_uid=f"{SERIES_UID}.7", edit=study("1.2.2")
    )
    cut(min(other.iterdir()))
    cases, _ = find_cases([root])
    (again,) = [case for case in cases if case.series]
    assert whole(again) and not again.warnings
    assert again.fingerprint() == before
    assert [case.place for case in cases if case.problem] == ["other"]


def test_a_series_with_a_part_in_a_damaged_folder_is_not_segmented_as_if_it_were_whole(tmp_path):
    root = disc(tmp_path, ("d/A", 0, 4), ("d/B", 4, 8))
    cut(min((root / "d" / "B").iterdir()))
    cases, _ = find_cases([root])
    folder, series = cases
    assert folder.place == "d/B" and "damaged" in folder.problem
    assert folder.case in series.problem


def test_a_damaged_copy_costs_no_result_and_is_said(tmp_path):
    root = disc(tmp_path, ("good", 0, 8), ("bad", 0, 8))
    cut(min((root / "bad").iterdir()))
    folder, series = find_cases([root])[0]
    assert folder.place == "bad" and whole(series)
    assert folder.case in series.warnings[0]


@pytest.mark.parametrize("damage", [cut, lambda file: file.write_bytes(b"")])
def test_a_folder_of_damaged_files_alone_raises_doubt_about_the_study_beside_it(tmp_path, damage):
    root = disc(tmp_path, ("d/A", 0, 4), ("d/B", 4, 8))
    for file in (root / "d" / "B").iterdir():
        damage(file)
    write_dicom_series(root / "else", HU, series_uid=f"{SERIES_UID}.7", edit=study("1.2.2"))
    cases, _ = find_cases([root])
    (folder,) = [case for case in cases if case.problem]
    series = {case.place: case for case in cases if case.series}
    assert folder.case in series["d/A"].warnings[0]
    assert not series["else"].warnings
    before = series["d/A"].fingerprint()
    shutil.rmtree(root / "d" / "B")
    (again,) = [case for case in find_cases([root])[0] if case.place == "d/A"]
    assert not again.warnings and again.fingerprint() != before


def test_folders_of_patients_side_by_side_raise_no_doubt_about_each_other(tmp_path):
    for number in range(3):
        write_dicom_series(
            tmp_path / str(number),
            HU,
            series_uid=f"{SERIES_UID}.{number}",
            edit=study(f"1.2.{number + 1}"),
        )
    for file in (tmp_path / "2").iterdir():
        cut(file)
    cases, _ = find_cases([tmp_path])
    assert [case.problem is None for case in cases] == [False, True, True]
    assert not any(case.warnings for case in cases)


@pytest.mark.parametrize("ct", ["p/s", "p", "../cts/p/s", "p/s/IM001.dcm", "copy", "p/s/../../p/s"])
def test_a_dicom_folder_in_a_table_and_in_a_folder_is_one_ct(tmp_path, ct):
    cts = disc(tmp_path / "cts", ("p/s", 0, 8), ("copy", 0, 7))
    table = cts / "cohort.csv"
    table.write_text(f"ct,case\n{ct},first\n")
    for sources in ([table, cts], [cts, table]):
        (case,), _ = find_cases(sources)
        assert case.case == "first" and whole(case)


def test_a_table_that_names_a_part_gets_the_whole_series(tmp_path):
    cts = disc(tmp_path / "cts", ("d/A", 0, 4), ("d/B", 4, 8))
    (cts / "cohort.csv").write_text(f"ct,series\nd/A,{SERIES_UID}\n")
    (case,), _ = find_cases([cts, cts / "cohort.csv"])
    assert whole(case)


@pytest.mark.parametrize("sources", [("d/A", "d"), ("d", "d/A"), ("d/B", "d", "d/A")])
def test_a_part_of_a_series_in_a_source_of_its_own_is_no_case_beside_the_whole(tmp_path, sources):
    disc(tmp_path, ("d/A", 0, 4), ("d/B", 4, 8))
    (case,), _ = find_cases([tmp_path / source for source in sources])
    assert whole(case)


def test_a_row_that_names_no_single_series_takes_none_of_those_found(tmp_path):
    for number in range(2):
        write_dicom_series(
            tmp_path / "p" / str(number),
            HU,
            series_uid=f"{SERIES_UID}.{number}",
            edit=study(f"1.2.{number + 1}"),
        )
    (tmp_path / "cohort.csv").write_text("ct,case\np,both\n")
    cases, _ = find_cases([tmp_path, tmp_path / "cohort.csv"])
    assert len(cases) == 3
    with pytest.raises(InputError, match="2 series"):
        read(cases[0])


def test_a_file_that_is_linked_or_named_with_dots_is_one_ct(tmp_path):
    (tmp_path / "a").mkdir()
    write_image(tmp_path / "a" / "ct.nii.gz", HU, grid_of(HU))
    (tmp_path / "cohort.csv").write_text("ct,case\na/../a/ct.nii.gz,first\n")
    assert [case.case for case in find_cases([tmp_path, tmp_path / "cohort.csv"])[0]] == ["first"]


@pytest.mark.parametrize("rows", ["p/s,one\np/../p/s,two\n", "p/s,one\np,two\n"])
def test_two_rows_with_one_ct_are_refused_however_they_name_it(tmp_path, rows):
    disc(tmp_path, ("p/s", 0, 8))
    (tmp_path / "cohort.csv").write_text(f"ct,case\n{rows}")
    with pytest.raises(InputError, match=r"names the CT of a row above|one and two .* are one CT"):
        find_cases([tmp_path, tmp_path / "cohort.csv"])
