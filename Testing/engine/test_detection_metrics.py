"""Average precision of instances by both rules, and agreement on classes of slices."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from COVIDLesionSegLib.engine.metrics.instances import (
    THRESHOLDS,
    ImageMatch,
    class_agreement,
    coco_average_precision,
    image_average_precision,
    mean_over_thresholds,
    paper_average_precision,
    resampled_interval,
)

SHAPE = (40, 48)


def boxes(*places):
    """Masks of rectangles (upper, left, lower, right)."""
    found = np.zeros((len(places), *SHAPE), bool)
    for mask, (upper, left, lower, right) in zip(found, places, strict=True):
        mask[upper:lower, left:right] = True
    return found


def match(predicted, scores, truth):
    return ImageMatch.of(np.array(scores), boxes(*predicted), boxes(*truth))


PERFECT = match([(0, 0, 10, 10)], [0.9], [(0, 0, 10, 10)])


def test_overlap_is_intersection_over_union():
    found = match([(0, 0, 10, 10)], [0.5], [(0, 0, 10, 5), (0, 5, 10, 15)])
    assert found.iou == pytest.approx(np.array([[0.5, 50 / 150]]))


@pytest.mark.parametrize(
    ("predicted", "truth", "expected"),
    [((), (), 1.0), ([(0, 0, 4, 4)], (), 0.0), ((), [(0, 0, 4, 4)], 0.0)],
)
def test_a_clean_slice_counts_1_or_0_and_one_side_alone_0(predicted, truth, expected):
    found = match(predicted, [0.5] * len(predicted), truth)
    assert image_average_precision(found, 0.5) == expected


def test_the_papers_threshold_is_exceeded_and_cocos_is_reached():
    half = match([(0, 0, 10, 10)], [0.9], [(0, 0, 10, 5)])
    assert image_average_precision(half, 0.5) == 0.0
    assert coco_average_precision([half], 0.5) == pytest.approx(1.0)


def test_average_precision_of_an_image_by_hand():
    """Hit, miss, hit of three lesions: precisions 1 and 2/3 at recalls 1/3 and 2/3."""
    found = match(
        [(0, 0, 10, 10), (30, 30, 40, 40), (20, 0, 30, 10)],
        [0.9, 0.8, 0.7],
        [(0, 0, 10, 10), (20, 0, 30, 10), (0, 20, 10, 30)],
    )
    assert image_average_precision(found, 0.5) == pytest.approx((1 + 2 / 3) / 3)


def test_of_two_predictions_of_one_lesion_the_paper_takes_the_better_and_coco_the_surer():
    twice = match([(0, 0, 10, 7), (0, 0, 10, 10)], [0.9, 0.5], [(0, 0, 10, 10)])
    assert image_average_precision(twice, 0.5) == pytest.approx(0.5)
    assert coco_average_precision([twice], 0.5) == pytest.approx(1.0)


def test_the_papers_mean_is_over_images_and_cocos_pools_them():
    clean_but_found = match([(0, 0, 4, 4)], [0.99], ())
    images = [PERFECT, clean_but_found]
    assert paper_average_precision(images, 0.5) == pytest.approx(0.5)
    assert coco_average_precision(images, 0.5) == pytest.approx(0.5)  # a surer false positive
    unsure = match([(0, 0, 4, 4)], [0.1], ())
    assert coco_average_precision([PERFECT, unsure], 0.5) == pytest.approx(1.0)


def test_nothing_to_measure_is_none():
    assert paper_average_precision([], 0.5) is None
    assert coco_average_precision([match((), (), ())], 0.5) is None
    assert mean_over_thresholds(coco_average_precision, []) is None


def _random_images(seed):
    """Lesions, predictions near some of them, others anywhere; scores with ties."""
    rng = np.random.default_rng(seed)

    def rectangle():
        upper, left = rng.integers(0, 30), rng.integers(0, 38)
        return (upper, left, upper + rng.integers(2, 10), left + rng.integers(2, 10))

    images = []
    for _ in range(6):
        truth = [rectangle() for _ in range(rng.integers(0, 5))]
        near = [tuple(np.array(t) + rng.integers(0, 2, 4)) for t in truth if rng.random() < 0.8]
        found = near + [rectangle() for _ in range(rng.integers(0, 4))]
        scores = np.round(rng.random(len(found)), 1) * 0.9 + 0.1
        images.append((boxes(*found), scores, boxes(*truth)))
    return images


@pytest.mark.parametrize("seed", range(5))
def test_the_pooled_average_precision_is_that_of_pycocotools(seed):
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    mask = pytest.importorskip("pycocotools.mask")
    images = _random_images(seed)

    def encoded(one):
        return mask.encode(np.asfortranarray(one.astype(np.uint8)))

    truth, predictions = [], []
    for number, (found, scores, real) in enumerate(images, start=1):
        common = {"image_id": number, "category_id": 1}
        for one in real:
            area = int(one.sum())
            entry = {"id": len(truth) + 1, "segmentation": encoded(one), "area": area}
            truth.append({**common, **entry, "bbox": [0, 0, 1, 1], "iscrowd": 0})
        for one, score in zip(found, scores, strict=True):
            predictions.append({**common, "segmentation": encoded(one), "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        reference = coco.COCO()
        reference.dataset = {
            "info": {},
            "images": [
                {"id": n + 1, "height": SHAPE[0], "width": SHAPE[1]} for n in range(len(images))
            ],
            "annotations": truth,
            "categories": [{"id": 1}],
        }
        reference.createIndex()
        run = evaluation.COCOeval(reference, reference.loadRes(predictions), "segm")
        run.evaluate()
        run.accumulate()
        run.summarize()
    matches = [ImageMatch.of(scores, found, real) for found, scores, real in images]
    own = [
        mean_over_thresholds(coco_average_precision, matches),
        coco_average_precision(matches, 0.5),
        coco_average_precision(matches, 0.75),
    ]
    assert own == pytest.approx(list(run.stats[:3]), abs=1e-9)
    assert 0.1 < own[1] < 1.0


def test_classes_by_hand():
    found = class_agreement(("clean", "infected"), [0, 0, 0, 1], [0, 0, 1, 1])
    clean, infected = found.classes
    assert (clean.slices, clean.sensitivity, clean.precision) == (3, pytest.approx(2 / 3), 1.0)
    assert (infected.sensitivity, infected.precision) == (1.0, 0.5)
    assert clean.f1 == pytest.approx(0.8) and infected.f1 == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(0.75 * 0.8 + 0.25 * 2 / 3)
    low, high = found.f1_interval
    assert low < found.f1 < high
    low, high = infected.sensitivity_interval
    assert low == pytest.approx(0.2065, abs=1e-3) and high == 1.0


def test_a_class_without_slices_has_no_sensitivity_and_no_share():
    found = class_agreement(("clean", "infected"), [0, 0], [0, 1])
    _, infected = found.classes
    assert infected.sensitivity is None and infected.precision == 0.0 and infected.f1 is None
    assert found.f1 == pytest.approx(2 / 3)
    assert class_agreement(("clean", "infected"), [], []).f1 is None


def test_drawing_again_gives_the_same_interval_around_the_value():
    values = np.linspace(0, 1, 50)

    def mean(rows):
        return float(values[rows].mean())

    assert resampled_interval(mean, 50) == resampled_interval(mean, 50)
    low, high = resampled_interval(mean, 50)
    assert 0.38 < low < 0.46 and 0.54 < high < 0.62
    assert resampled_interval(mean, 1) is None


def test_thresholds_are_cocos():
    hundredths = [round(100 * threshold) for threshold in THRESHOLDS]
    assert hundredths == [50, 55, 60, 65, 70, 75, 80, 85, 90, 95]
