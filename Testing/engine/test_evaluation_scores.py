"""What an evaluation says of answers that are known: scores, denominators, remarks."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.evaluation.counts import Counts, MeasuredOn
from COVIDLesionSegLib.engine.evaluation.measures import MEASURES
from COVIDLesionSegLib.engine.evaluation.run import evaluate_models
from COVIDLesionSegLib.engine.evaluation.scores import PatientScores, summarise
from COVIDLesionSegLib.engine.inference.ensemble import LabelledSlices
from COVIDLesionSegLib.engine.metrics.overlap import wilson_interval
from COVIDLesionSegLib.report.evaluation import write_evaluation_html, write_scores_csv
from engine.known_answers import brightness_model, sample, values


class VolumesOfSlices:
    """Labelled CTs; a test derives from it to say which."""

    classes, unit, lungs, mask_by_default = ("lesion",), "mm", "experts", True


def test_pixels_are_pooled_and_dice_is_also_meant_over_the_slices_where_it_is_defined():
    found = values(sample([(100, 200)]), sample([(50, 25)]), sample([(0, 0)]))
    assert found["dice"] == pytest.approx(2 * 125 / (150 + 225))
    assert found["precision"] == pytest.approx(125 / 150)
    assert found["sensitivity"] == pytest.approx(125 / 225)
    assert found["specificity"] == pytest.approx(1 - 25 / (3000 - 225))
    assert found["mae"] == pytest.approx(125 / 3000)
    assert found["slice_dice"] == pytest.approx((200 / 300 + 50 / 75) / 2)


def test_small_and_large_lesions_are_told_apart_by_the_true_infection_rate():
    """Below 0.015 of the lungs is small, exactly 0.015 is large; lesion-free is neither."""
    found = values(sample([(7, 14)]), sample([(15, 15)]), sample([(300, 100)]), sample([(9, 0)]))
    assert found["slice_dice_small"] == pytest.approx(14 / 21)
    assert found["slice_dice_large"] == pytest.approx((1 + 200 / 400) / 2)


def test_infection_rates_are_compared_apart_for_infected_and_lesion_free_slices():
    found = values(sample([(100, 200)]), sample([(50, 20)]), sample([(40, 0)]), sample([(0, 0)]))
    assert found["rate_error_infected"] == pytest.approx((0.1 + 0.03) / 2)
    assert found["rate_error_lesion_free"] == pytest.approx(0.04 / 2)
    assert found["rate_correlation"] == pytest.approx(1.0)


def test_slices_are_detected_by_any_pixel_or_by_more_than_half_a_percent():
    slices = [(4, 10), (30, 10), (0, 10), (4, 0), (0, 0), (6, 0)]
    found = values(*(sample([slice_]) for slice_ in slices))
    assert found["detection_sensitivity"] == pytest.approx(2 / 3)
    assert found["detection_specificity"] == pytest.approx(1 / 3)
    assert found["detection_precision"] == pytest.approx(2 / 4)
    assert found["detection_accuracy"] == pytest.approx(3 / 6)
    assert found["rate_detection_sensitivity"] == pytest.approx(1 / 3)
    assert found["rate_detection_specificity"] == pytest.approx(2 / 3)


def test_slices_beyond_the_lungs_are_neither_called_clean_nor_make_intervals_narrow():
    def scored(*samples: LabelledImage):
        one, counts = brightness_model(), Counts()
        for item in samples:
            counts.add(item, one.predict(item, False))
        found = {measure.key: measure.of(counts) for measure in MEASURES}
        ends = {measure.key: measure.interval(counts, found[measure.key]) for measure in MEASURES}
        return found, ends, counts.decisions

    chest, beyond = sample([(10, 10), (20, 0), (0, 30), (0, 0)]), sample([(0, 0)] * 60, lungs=0)
    (found, ends, decisions), (longer, longer_ends, same) = scored(chest), scored(chest, beyond)
    slicewise = [key for key in found if "detection" in key or "slice" in key]
    assert {key: longer[key] for key in slicewise} == {key: found[key] for key in slicewise}
    assert ends["dice"] and same == decisions and longer_ends["dice"] == ends["dice"]
    assert longer_ends["detection_specificity"] == ends["detection_specificity"]

    marked = sample([(0, 5), (5, 0)], lungs=0)  # what is marked there counts: a miss, a false alarm
    any_pixel = scored(chest, beyond, marked)[2]["cascade-any-pixel"]
    assert any_pixel.fn == decisions["cascade-any-pixel"].fn + 1
    assert any_pixel.fp == decisions["cascade-any-pixel"].fp + 1
    unknown = sample([(0, 0)] * 60, lungs=None)
    assert scored(chest, unknown)[2]["cascade-any-pixel"].tn == 61


def test_without_lungs_only_what_needs_them_is_undefined():
    found = values(sample([(100, 200)], lungs=None))
    assert found["rate_error_infected"] is found["slice_dice_large"] is None
    assert found["rate_detection_accuracy"] is None
    assert found["dice"] is not None and found["detection_accuracy"] == 1.0


def test_a_perfect_model_has_perfect_scores():
    found = values(sample([(100, 100), (0, 0), (10, 10)]))
    for key in ("dice", "iou", "auc", "specificity", "slice_dice_small", "surface_dice"):
        assert found[key] == 1.0, key
    assert (found["mae"], found["hd95"], found["rate_error_infected"]) == (0.0, 0.0, 0.0)


def test_scores_do_not_depend_on_the_order_of_the_samples_or_on_how_they_are_pooled():
    samples = [sample([(100, 200)]), sample([(50, 25)]), sample([(3, 5)])]
    backwards = values(*reversed(samples))
    counts = Counts()
    for item in samples:
        part = Counts()
        part.add(item, brightness_model().predict(item, False))
        counts.merge(part)
    for measure in MEASURES:
        assert measure.of(counts) == pytest.approx(values(*samples)[measure.key])
        assert backwards[measure.key] == pytest.approx(measure.of(counts))


def test_distances_are_in_mm_where_the_size_of_voxels_is_known():
    lesion = np.zeros((3, 8, 8), bool)
    lesion[1, 2:5, 2:5] = True
    answer = np.roll(lesion, 2, axis=2)
    decision = LabelledSlices(answer.astype(np.float32), answer.astype(np.uint8), None)
    item = LabelledImage("s", "p", answer, True, lesion, None, (5.0, 0.5, 0.5))
    counts = Counts()
    counts.add(item, decision)
    assert counts.hd95 == [pytest.approx(1.0)]


def test_a_distance_says_of_how_many_cts_it_is_as_there_is_none_where_nothing_is_found(tmp_path):
    class Three(VolumesOfSlices):
        samples_of: ClassVar = {"p": 3, "q": 1}

        def read(self, patient, cancel):
            found, missed = [(50, 50), (50, 50)], [(0, 50), (0, 50)]
            for slices in (found, missed, [(0, 0)] * 2) if patient == "p" else (missed,):
                yield replace(sample(slices), spacing_mm=(5.0, 1.0, 1.0), patient=patient)

    evaluation = evaluate_models(Three(), [brightness_model()])
    (scores,) = evaluation.models
    assert scores.pooled["hd95"] == 0.0 and scores.hd95_on == MeasuredOn(1, 3)
    assert [one.hd95_on for one in scores.patients.values()] == [
        MeasuredOn(1, 2),
        MeasuredOn(0, 1),
    ]
    write_scores_csv(evaluation, tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(encoding="utf-8") as file:
        counts = [row["hd95_count"] for row in csv.DictReader(file)]
    assert counts == ["1", "0", "1", "n/a", "n/a", "n/a", "n/a"]
    write_evaluation_html(evaluation, tmp_path / "a.html")
    assert "of 1 of 3 CTs" in (tmp_path / "a.html").read_text(encoding="utf-8")


def flags_on(*samples):
    class Given:
        samples_of = {"p": len(samples)}
        classes = ("lesion",)
        unit, lungs, mask_by_default = "px", "experts", False

        def read(self, patient, cancel):
            yield from samples

    (scores,) = evaluate_models(Given(), [brightness_model()]).models
    return " ".join(scores.flags)


def test_masks_that_are_unlikely_to_be_lesions_of_the_lungs_give_a_remark():
    well_placed = sample([(100, 50)])
    assert flags_on(well_placed) == ""
    outside = replace(well_placed, lungs=well_placed.lesion == 0)
    assert "100 % of the lesions of p lie outside the lungs" in flags_on(outside)
    filled = replace(well_placed, lungs=well_placed.lesion)
    assert "lesions of p fill 100 % of the lungs" in flags_on(filled)


def test_a_slice_whose_lesions_were_not_outlined_is_no_clean_one():
    unknown = replace(sample([(100, 0)]), slice_class="infected")
    with pytest.raises(InputError, match="has a class, 'infected', but no lesion is outlined"):
        flags_on(unknown)
    assert flags_on(replace(sample([(100, 50)]), slice_class="infected")) == ""


def test_shares_of_slices_have_the_interval_of_their_own_denominator():
    counts = Counts()
    samples = [sample([(100, 50)]), sample([(0, 50)]), *[sample([(0, 0)])] * 8]
    for one in samples:
        counts.add(one, brightness_model().predict(one, lung_mask=False))
    found = summarise({"p": PatientScores.of(counts, False)}, counts)
    assert found["pooled"]["detection_sensitivity"] == 0.5
    assert found["intervals"]["detection_sensitivity"] == wilson_interval(0.5, 2)
    assert found["intervals"]["rate_detection_specificity"] == wilson_interval(1.0, 8)
    assert found["intervals"]["detection_accuracy"] == wilson_interval(0.9, 10)
    assert found["intervals"]["detection_f1"] is None
    assert found["intervals"]["dice"] == wilson_interval(found["pooled"]["dice"], 10)
