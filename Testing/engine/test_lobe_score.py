"""The CT severity score, and lobes read from files."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import InputError, ParameterError
from COVIDLesionSegLib.engine.lobes import LOBE_CODES, LOBE_LABELS, LOBES, meaning_of_labels
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.severity.lobe_score import lobe_score, total_score
from COVIDLesionSegLib.engine.severity.lobes import lobes_by_lung, with_lobes
from COVIDLesionSegLib.engine.severity.lobes_file import read_lobes
from COVIDLesionSegLib.engine.severity.quality_flags import lobe_flags
from COVIDLesionSegLib.engine.severity.report import SeverityReport
from COVIDLesionSegLib.engine.steps import finish
from COVIDLesionSegLib.engine.volume import Geometry, write_volume
from COVIDLesionSegLib.engine.volume.placed_labels import PlacedLabels
from COVIDLesionSegLib.engine.volume.raw_nrrd import write_layers_in_steps

AXIAL = (1, 0, 0, 0, 1, 0, 0, 0, 1)
CT = Geometry((40, 10, 5), (2.0, 2.0, 5.0), (-10.0, 4.0, 30.0), AXIAL)
SHARES = (0.0, 0.04, 0.25, 0.5, 0.8)
"""Of the five lobes; their scores are 0, 1, 2, 4 and 5."""


def lobes_and_lesions():
    """Each lobe is a slice of 400 voxels, the first three in the right lung."""
    lobes = np.repeat(np.arange(1, 6, dtype=np.uint8), 400).reshape(CT.shape)
    lesions = np.zeros((5, 400), np.uint8)
    for lobe, share in enumerate(SHARES):
        lesions[lobe, : round(400 * share)] = 1
    return lobes, lesions.reshape(CT.shape)


def lungs() -> np.ndarray:
    return np.where(lobes_and_lesions()[0] <= 3, 1, 2).astype(np.uint8)


def placed_lobes(names=None) -> PlacedLabels:
    lobes, _ = lobes_and_lesions()
    return PlacedLabels(lobes, CT.ijk_to_ras, names or dict(enumerate(LOBES, start=1)))


def measured(names=None, lesion_free_ml=0.0) -> SeverityReport:
    _, lesions = lobes_and_lesions()
    severity = measure_severity(lungs(), lesions, ("lesion",), CT, lesion_free_ml=lesion_free_ml)
    return with_lobes(severity, placed_lobes(names), lesions, CT)


def codes_of_flags(names=None) -> list[str]:
    by_lung = lobes_by_lung(placed_lobes(names), lungs(), CT)
    return [flag.code for flag in lobe_flags(measured(names), by_lung)]


@pytest.mark.parametrize(
    ("ratio", "score"),
    [
        (None, None),
        (0.0, 0),
        (1e-9, 1),
        (0.0499, 1),
        (0.05, 2),
        (0.25, 2),
        (0.2501, 3),
        (0.26, 3),
        (0.4999, 3),
        (0.50, 4),
        (0.75, 4),
        (0.7501, 5),
        (1.0, 5),
    ],
)
def test_bounds_of_the_score_of_a_lobe(ratio, score):
    assert lobe_score(ratio) == score


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan")])
def test_an_impossible_share_of_a_lobe_is_refused(ratio):
    with pytest.raises(ValueError, match="between 0 and 1"):
        lobe_score(ratio)


def test_the_total_needs_all_five_lobes():
    assert total_score([1, 2, 3, 4, 5]) == 15
    assert total_score([5] * 5) == 25 and total_score([0] * 5) == 0
    assert total_score([5, 5, 5, 5]) is total_score([5, 5, 5, 5, None]) is total_score([]) is None


def test_each_lobe_has_its_share_and_score_and_their_sum_is_the_ct_severity_score():
    severity = measured()
    assert [lobe.region for lobe in severity.lobes] == list(LOBES)
    assert [lobe.ratio for lobe in severity.lobes] == pytest.approx(SHARES)
    assert list(severity.lobe_scores.values()) == [0, 1, 2, 4, 5]
    assert severity.ct_severity_score == 12
    assert codes_of_flags() == []
    assert SeverityReport.from_dict(severity.to_dict()) == severity


def test_without_lobes_there_is_no_score_and_not_a_zero():
    severity = replace(measured(), lobes=())
    assert severity.lobe_scores == {} and severity.ct_severity_score is None


def test_an_absent_lobe_has_no_score_no_total_and_a_flag():
    names = {1: LOBES[0], 2: LOBES[1], 3: LOBES[2], 4: LOBES[3]}
    severity = measured(names)
    assert severity.lobes[4].ratio is None and severity.lobe_scores[LOBES[4]] is None
    assert severity.ct_severity_score is None
    assert codes_of_flags(names) == ["lobes-incomplete", "lobes-miss-lungs", "lobes-miss-lesions"]


def test_labels_that_mean_other_lobes_are_flagged_by_the_side_they_lie_on():
    other_software = dict(zip((3, 4, 5, 1, 2), LOBES, strict=True))
    assert codes_of_flags(other_software) == ["lobes-in-other-lung"]
    (flag,) = lobe_flags(
        measured(other_software), lobes_by_lung(placed_lobes(other_software), lungs(), CT)
    )
    assert "right middle lobe, the right lower lobe, the left upper lobe" in flag.message
    assert "right upper lobe" not in flag.message  # label 3 is a lobe of the right lung


def test_lobes_beside_the_lungs_are_flagged_also_where_they_are_as_large_and_nothing_is_lesion():
    here, there = lungs(), lobes_and_lesions()[0]
    here[..., 20:], there[..., :20] = 0, 0
    placed = PlacedLabels(there, CT.ijk_to_ras, dict(enumerate(LOBES, start=1)))
    none = np.zeros_like(here)
    severity = with_lobes(measure_severity(here, none, ("lesion",), CT), placed, none, CT)
    flags = lobe_flags(severity, lobes_by_lung(placed, here, CT))
    assert [flag.code for flag in flags] == ["lobes-miss-lungs"]


def test_what_is_not_graded_has_no_score_and_what_counts_as_free_of_lesion_scores_0():
    assert measured().ungraded().ct_severity_score is None
    assert measured(lesion_free_ml=1000.0).category == "CT-3"
    here, lesions = lungs(), lobes_and_lesions()[1]
    lesions[3:] = 0  # none in the left lung
    free = measure_severity(here, lesions, ("lesion",), CT, lesion_free_ml=1000.0)
    free = with_lobes(free, placed_lobes(), lesions, CT)
    assert free.ratio > 0 and free.category == "CT-0" and free.ct_severity_score == 0


def test_lobes_that_hold_less_than_the_limit_of_more_lesion_are_scored():
    """As the category is: the limit is one of both lungs."""
    here, there = lungs(), lobes_and_lesions()[0]
    lesions = lobes_and_lesions()[1]
    there[..., :20] = 0
    ml = [np.count_nonzero(one) * CT.voxel_volume_ml for one in (lesions, lesions[..., 20:])]
    severity = measure_severity(here, lesions, ("lesion",), CT, lesion_free_ml=sum(ml) / 2)
    placed = PlacedLabels(there, CT.ijk_to_ras, dict(enumerate(LOBES, start=1)))
    severity = with_lobes(severity, placed, lesions, CT)
    assert sum(lobe.lesion_ml for lobe in severity.lobes) <= severity.lesion_free_ml
    assert severity.category != "CT-0" and severity.ct_severity_score > 0


def test_segments_that_overlap_much_are_refused_as_lobes(tmp_path):
    path, lobes = tmp_path / "lobes.seg.nrrd", lobes_and_lesions()[0]
    masks = [lobes == 1, lobes == 2]
    for overlapping in (False, True):
        masks[1][0, :, :20] = overlapping
        header = {}
        for number, mask_of in enumerate(LOBES[:2]):
            code = "^".join(LOBE_CODES[mask_of])
            header |= {
                f"Segment{number}_ID": f"s{number}",
                f"Segment{number}_Name": f"s{number}",
                f"Segment{number}_Layer": str(number),
                f"Segment{number}_LabelValue": "1",
                f"Segment{number}_Tags": f"TerminologyEntry:a~b~{code}~^^~~^^~^^|",
            }
        layers = [(mask.astype(np.uint8), (0, 0, 0)) for mask in masks]
        finish(write_layers_in_steps(layers, CT, path, header))
        if overlapping:
            with pytest.raises(InputError, match="overlap"):
                read_lobes(path, None, CT)
        else:
            np.testing.assert_array_equal(
                read_lobes(path, None, CT).voxels, np.where(lobes < 3, lobes, 0)
            )


@pytest.mark.parametrize("text", [*LOBE_LABELS, "7,8,9,3,4"])
def test_labels_mean_what_the_user_says(text, tmp_path):
    meaning = meaning_of_labels(text)
    assert sorted(meaning.values()) == sorted(LOBES)
    lobes, lesions = lobes_and_lesions()
    label_of = {lobe: label for label, lobe in meaning.items()}
    renumbered = np.array([0, *(label_of[lobe] for lobe in LOBES)], np.uint8)[lobes]
    write_volume(renumbered, CT, tmp_path / "lobes.nii.gz")
    placed = read_lobes(tmp_path / "lobes.nii.gz", text, CT)
    severity = with_lobes(measured(), placed, lesions, CT)
    assert [lobe.ratio for lobe in severity.lobes] == pytest.approx(SHARES)


@pytest.mark.parametrize("text", ["", "lungs", "1,2,3,4", "1,2,3,4,4", "0,1,2,3,4", "1,2,3,4,-5"])
def test_labels_that_mean_nothing_are_refused(text):
    with pytest.raises(ParameterError, match="five different labels"):
        meaning_of_labels(text)


def test_nothing_is_guessed_of_a_label_map(tmp_path):
    lobes, _ = lobes_and_lesions()
    write_volume(lobes, CT, tmp_path / "lobes.nrrd")
    with pytest.raises(InputError, match="say what its labels mean"):
        read_lobes(tmp_path / "lobes.nrrd", None, CT)
    with pytest.raises(InputError, match="holds none of the labels 10, 11"):
        read_lobes(tmp_path / "lobes.nrrd", "totalsegmentator", CT)
