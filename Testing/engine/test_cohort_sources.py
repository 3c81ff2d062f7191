"""Which CTs belong to a cohort: by stated rules, each under a name of its own, nothing unsaid."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from COVIDLesionSegLib.engine.cohort.sources import find_cases
from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.volume import read_volume
from engine.volume_files import (
    PATIENT_NAME,
    SERIES_UID,
    chest_hu,
    grid_of,
    write_dicom_series,
    write_image,
)

CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0)


def kernel(name):
    return lambda dataset, k: setattr(dataset, "ConvolutionKernel", name)


def kind(*values):
    return lambda dataset, k: setattr(dataset, "ImageType", list(values))


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Two CT files of one name, a segmentation, and a DICOM study of seven series."""
    root = tmp_path_factory.mktemp("tree")
    for folder in ("a", "b"):
        (root / folder).mkdir()
        write_image(root / folder / "chest.nii.gz", chest_hu(seed=len(folder)))
    write_image(root / "a" / "chest.seg.nrrd", np.zeros((8, 14, 18), np.uint8))
    (root / "notes.txt").write_text("not a CT")
    study, hu = root / PATIENT_NAME, chest_hu()
    series = {
        "sharp": {"edit": kernel("B60f")},
        "soft": {"edit": kernel("B30f")},
        "short": {"array": hu[:6], "edit": kernel("B20f")},
        "coronal": {"geometry": grid_of(hu, direction=CORONAL)},
        "mpr": {"edit": kind("DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 MPR")},
        "pair": {"array": hu[:2]},
        "mr": {"modality": "MR"},
        "scout": {"array": hu[:1], "edit": kind("ORIGINAL", "PRIMARY", "LOCALIZER")},
    }
    for number, (name, values) in enumerate(series.items()):
        array = values.pop("array", hu)
        uid = f"{SERIES_UID}.{number}"
        write_dicom_series(study, array, series_uid=uid, prefix=name, **values)
    return root


def test_of_a_study_the_longest_axial_series_with_the_softest_kernel_is_taken(tree):
    cases, _ = find_cases([tree])
    (chosen,) = [case for case in cases if case.series]
    assert chosen.series == f"{SERIES_UID}.1"
    assert read_volume(chosen.ct, chosen.series).axial.shape[0] == 8


def test_what_is_left_out_is_named_with_its_reason(tree):
    _, left_out = find_cases([tree])
    assert sorted(one.reason for one in left_out) == sorted(
        [
            "It is a localizer.",
            "It is a segmentation.",
            "It has only 2 slices.",
            "It is not CT but MR.",
            "It is reformatted, projected or a screenshot, no original CT.",
            "Its slices are coronal or sagittal.",
            "The study has a series that suits better, of 8 slices.",
            "The study has a series that suits better, of 8 slices.",
        ]
    )


def test_every_case_has_a_name_of_its_own_and_none_is_the_patients(tree):
    cases, _ = find_cases([tree])
    names = [case.case for case in cases]
    assert len(set(names)) == len(names) == 3
    assert [name[:6] for name in names] == ["chest-", "chest-", "series"]
    assert not any(part in name for name in names for part in ("Doe", "Jane"))
    assert names == [case.case for case in find_cases([tree])[0]]


def test_numbers_of_cases_of_one_name_follow_the_place_within_the_source(tmp_path, monkeypatch):
    for folder in ("a/cohort", "a/cohort/sub", "b/cohort"):
        (tmp_path / folder).mkdir(parents=True)
        write_image(tmp_path / folder / "one.nii.gz", chest_hu())

    def names(*sources):
        return {str(case.ct.relative_to(tmp_path)): case.case for case in find_cases(sources)[0]}

    first = names(tmp_path / "a" / "cohort")
    monkeypatch.chdir(tmp_path / "a")
    relative = sorted(case.case for case in find_cases([Path("../a/cohort/")])[0])
    assert sorted(first.values()) == relative
    (tmp_path / "a").rename(tmp_path / "c")
    assert sorted(names(tmp_path / "c" / "cohort").values()) == relative
    # Two sources hold a CT at one place.
    several = names(tmp_path / "b" / "cohort", tmp_path / "c" / "cohort")
    assert len(set(several.values())) == 3


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("cts.csv", "ct,case\n", r"cts\.csv has no rows: name a CT"),
        ("notes.txt", "x", r"notes\.txt is neither a CT nor a table of CTs"),
    ],
)
def test_a_source_that_names_no_ct_is_refused(tmp_path, name, text, sentence):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=sentence):
        find_cases([tmp_path / name])


def test_names_in_a_table_are_made_fit_for_folders_as_those_of_files_are(tmp_path):
    table = tmp_path / "cts.csv"
    table.write_text("ct,case\na.nii.gz,Fall 7 Mü\nb.nii.gz,Fall 7_Mö\n", encoding="utf-8")
    names = [case.case for case in find_cases([table])[0]]
    assert [name[:9] for name in names] == ["Fall_7_M_"] * 2 and len(set(names)) == 2


def test_a_ct_that_is_named_twice_is_one_case(tree):
    twice, _ = find_cases([tree, tree / "a" / "chest.nii.gz"])
    assert len(twice) == 3


def test_a_file_of_a_dicom_series_stands_for_all_that_lie_beside_it(tmp_path):
    series = write_dicom_series(tmp_path / PATIENT_NAME, chest_hu())
    files = sorted(series.iterdir())
    of_folder = find_cases([series])[0][0]
    write_dicom_series(series, chest_hu(seed=1), series_uid="1.2.7", prefix="other")
    (case,), _ = find_cases([files[3]])
    assert (case.case, case.files) == (of_folder.case, of_folder.files) == (case.case, (*files,))
    assert len(find_cases(files)[0]) == 1
    assert read_volume(case.source, case.series).axial.shape[0] == len(files)

    before = case.fingerprint()
    os.utime(files[5], (1, 1))
    assert find_cases([files[3]])[0][0].fingerprint() != before
    files[5].unlink()
    assert len(find_cases([files[3]])[0][0].files) == len(files) - 1


def test_a_file_of_a_series_in_a_table_keeps_the_tables_name_and_is_one_case(tmp_path):
    series = write_dicom_series(tmp_path / "series", chest_hu())
    first, second = sorted(series.iterdir())[:2]
    table = tmp_path / "cts.csv"
    table.write_text(f"ct,case\nseries/{first.name},one\ngone.dcm,two\n")
    one, two = find_cases([table])[0]
    assert (one.case, len(one.files), one.series) == ("one", 8, SERIES_UID)
    assert (two.case, two.files) == ("two", ())
    with pytest.raises(InputError):
        two.fingerprint()
    table.write_text(f"ct,case\nseries/{first.name},one\nseries/{second.name},two\n")
    with pytest.raises(InputError, match="names the CT of a row above"):
        find_cases([table])


def reasons(left_out):
    return {one.place: one.reason for one in left_out}


def test_folders_of_localizers_or_reports_alone_are_left_out_and_no_failed_cases(tmp_path):
    write_dicom_series(tmp_path / "ct", chest_hu())
    write_dicom_series(
        tmp_path / "scout",
        chest_hu()[:1],
        series_uid=f"{SERIES_UID}.1",
        edit=kind("ORIGINAL", "PRIMARY", "LOCALIZER"),
    )

    def dose_report(dataset, k):
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.67"
        dataset.Modality = "SR"
        del dataset.Rows

    write_dicom_series(
        tmp_path / "dose", chest_hu()[:1], series_uid=f"{SERIES_UID}.2", edit=dose_report
    )
    cases, left_out = find_cases([tmp_path])
    assert [(case.place, case.problem) for case in cases] == [("ct", None)]
    assert reasons(left_out) == {
        "scout": "It is a localizer.",
        "dose": "Its DICOM files hold no images of a scan.",
    }


def moved(dicom_folder, into, files):
    into.mkdir(parents=True)
    for file in files:
        file.rename(into / file.name)
    return dicom_folder


def test_a_series_in_several_folders_is_one_case_with_all_its_slices(tmp_path):
    whole = write_dicom_series(tmp_path / "disc" / "A", chest_hu())
    files = sorted(whole.iterdir())
    moved(whole, tmp_path / "disc" / "B", files[len(files) // 2 :])
    (case,), left_out = find_cases([tmp_path])
    assert case.place == "disc"
    assert not left_out
    assert read_volume(case.ct, case.series).axial.shape[0] == len(files)
    before = case.fingerprint()
    os.utime(tmp_path / "disc" / "B" / files[-1].name, ns=(1, 1))
    assert case.fingerprint() != before


def test_of_a_series_that_was_copied_one_is_taken(tmp_path):
    write_dicom_series(tmp_path / "first", chest_hu())
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    (case,), left_out = find_cases([tmp_path])
    assert case.place == "first"
    assert reasons(left_out) == {"second": "Its slices are copies of those in another folder."}


def test_linked_folders_are_searched_and_a_circle_of_links_ends(tmp_path):
    elsewhere, cohort = tmp_path / "elsewhere", tmp_path / "cohort"
    elsewhere.mkdir()
    cohort.mkdir()
    write_image(elsewhere / "chest.nii.gz", chest_hu())
    try:
        (cohort / "linked").symlink_to(elsewhere, target_is_directory=True)
        (elsewhere / "circle").symlink_to(cohort, target_is_directory=True)
    except OSError:
        pytest.skip("this system makes no links")
    (case,), _ = find_cases([cohort])
    assert case.place == "linked/chest.nii.gz"


@pytest.mark.parametrize(
    ("softer", "sharper"),
    [
        ("D40s", "B70f"),
        ("D30s", "D60s"),
        (["Br36f", "3"], ["Br59f", "3"]),
        ("FC08", "FC51"),
        ("B", "YA"),
        ("STANDARD", "LUNG"),
    ],
)
def test_kernels_of_all_makers_are_ordered_from_soft_to_sharp(tmp_path, softer, sharper):
    for number, name in enumerate((sharper, softer)):
        uid = f"{SERIES_UID}.{number}"
        write_dicom_series(tmp_path / str(number), chest_hu(), series_uid=uid, edit=kernel(name))
    (case,), _ = find_cases([tmp_path])
    assert case.place == "1"


def test_of_a_ct_in_a_folder_and_in_a_table_the_tables_name_counts(tmp_path):
    write_image(tmp_path / "ct.nii.gz", chest_hu())
    (tmp_path / "cohort.csv").write_text("ct,case\nct.nii.gz,first\n")
    for sources in ([tmp_path / "cohort.csv", tmp_path], [tmp_path, tmp_path / "cohort.csv"]):
        assert [case.case for case in find_cases(sources)[0]] == ["first"]


def test_a_damaged_series_is_a_case_with_its_problem_and_the_others_are_found(tmp_path):
    write_dicom_series(tmp_path / "good", chest_hu())
    bad = write_dicom_series(tmp_path / "bad", chest_hu(), series_uid=f"{SERIES_UID}.9")
    first = min(bad.iterdir())
    first.write_bytes(first.read_bytes()[:200])
    cases, _ = find_cases([tmp_path])
    problems = {case.place: case.problem for case in cases}
    assert problems["good"] is None
    assert "damaged" in problems["bad"]


def test_a_folder_that_cannot_be_opened_is_a_case_with_its_problem(tmp_path, monkeypatch):
    """Root may open every folder, so the system's refusal is made here."""
    for name in ("a", "closed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.nii.gz").touch()
    scandir = os.scandir

    def refusing(path):
        if Path(path).name == "closed":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    cases, _ = find_cases([tmp_path])
    assert [(case.place, case.problem is None) for case in cases] == [
        ("a/a.nii.gz", True),
        ("closed", False),
    ]
    assert "cannot be opened" in cases[1].problem and cases[1].case.startswith("folder-")


def test_a_table_names_cases_and_a_missing_file_is_no_end_of_the_others(tmp_path):
    write_image(tmp_path / "ct.nii.gz", chest_hu())
    table = tmp_path / "cohort.csv"
    table.write_text("ct,case\nct.nii.gz,first\ngone.nii.gz,\n")
    cases, _ = find_cases([table])
    assert [case.case for case in cases] == ["first", "gone"]
    assert cases[0].fingerprint()
    with pytest.raises(InputError, match="does not exist"):
        cases[1].fingerprint()


def test_rows_without_a_ct_are_bad_cases_and_the_others_are_found(tmp_path):
    write_image(tmp_path / "ct.nii.gz", chest_hu())
    table = tmp_path / "cohort.csv"
    table.write_text("ct,case\n,one\nct.nii.gz,two\n,three\n")
    cases, _ = find_cases([table])
    problems = {case.case: case.problem for case in cases}
    assert set(problems) == {"one", "two", "three"} and problems["two"] is None
    assert "row 2, column ct: the cell is empty" in problems["one"]
    assert "row 4, column ct: the cell is empty" in problems["three"]
    assert all(case.fingerprint() for case in cases)


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ("ct.nii.gz,one\nother.nii.gz,ONE\n", "row 3, column case: the cell is 'ONE'"),
        ("a.nii.gz,one\na.nii.gz,two\n", "row 3, column ct: the cell names the CT of a row above"),
    ],
)
def test_a_table_that_cannot_be_understood_is_refused_by_row_and_column(tmp_path, rows, match):
    table = tmp_path / "cohort.csv"
    table.write_text(f"ct,case\n{rows}")
    with pytest.raises(InputError, match=match):
        find_cases([table])


def test_a_folder_without_a_ct_is_refused(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing")
    with pytest.raises(InputError, match="holds no chest CT"):
        find_cases([tmp_path])


@pytest.mark.parametrize(("header", "voxels"), [("a.mhd", "a.raw"), ("a.nhdr", "a.raw")])
def test_the_fingerprint_follows_voxels_in_a_file_of_their_own(tmp_path, header, voxels):
    write_image(tmp_path / header, chest_hu())
    (case,) = find_cases([tmp_path])[0]
    before = case.fingerprint()
    assert case.fingerprint() == before
    os.utime(tmp_path / voxels, ns=(1, 1))
    assert case.fingerprint() != before
    (tmp_path / voxels).unlink()
    assert case.fingerprint()  # reading says what is missing


def test_the_fingerprint_follows_the_file(tmp_path):
    path = write_image(tmp_path / "ct.nii.gz", chest_hu())
    (case,), _ = find_cases([path])
    before = case.fingerprint()
    assert case.fingerprint() == before
    os.utime(path, ns=(1, 1))
    assert case.fingerprint() != before


def test_a_table_may_name_lobes_whose_change_is_a_change_of_the_case(tmp_path):
    for name in ("a.nrrd", "lobes.nrrd"):
        (tmp_path / name).write_bytes(b"1")
    (tmp_path / "cts.csv").write_text("ct,lobes\na.nrrd,lobes.nrrd\n")
    ((case,), _) = find_cases([tmp_path / "cts.csv"])
    assert case.lobes == tmp_path / "lobes.nrrd"
    before = case.fingerprint()
    (tmp_path / "lobes.nrrd").write_bytes(b"22")
    assert case.fingerprint() != before
