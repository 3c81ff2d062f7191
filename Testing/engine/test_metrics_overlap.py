"""Measures counted in pixels: golden numbers, the definitions, and MONAI's word on them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.metrics import compute_confusion_matrix_metric

from COVIDLesionSegLib.engine.metrics.overlap import Confusion

MEASURES = ("dice", "iou", "precision", "sensitivity", "specificity", "f1", "accuracy", "mae")
masks = hnp.arrays(bool, (5, 7))
confusions = st.builds(Confusion, *(st.integers(0, 1000) for _ in range(4)))


def test_golden_numbers():
    counts = Confusion(tp=6, fp=2, fn=4, tn=88)
    assert counts.dice == counts.f1 == pytest.approx(12 / 18)
    assert counts.iou == pytest.approx(6 / 12)
    assert counts.precision == pytest.approx(0.75)
    assert counts.sensitivity == pytest.approx(0.6)
    assert counts.specificity == pytest.approx(88 / 90)
    assert counts.accuracy == pytest.approx(0.94)
    assert counts.mae == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("counts", "undefined"),
    [
        (Confusion(), set(MEASURES)),
        (Confusion(tn=9), {"dice", "iou", "precision", "sensitivity", "f1"}),
        (Confusion(fn=3, tn=9), {"precision"}),
        (Confusion(fp=3, tn=9), {"sensitivity"}),
        (Confusion(tp=3, fn=1), {"specificity"}),
    ],
)
def test_what_is_undefined_is_none_and_nothing_else_is(counts, undefined):
    assert {name for name in MEASURES if getattr(counts, name) is None} == undefined


@given(masks, masks)
def test_counts_are_those_of_the_pixels_one_by_one(predicted, truth):
    pairs = list(zip(predicted.ravel().tolist(), truth.ravel().tolist(), strict=True))
    assert Confusion.of(predicted, truth) == Confusion(
        tp=pairs.count((True, True)),
        fp=pairs.count((True, False)),
        fn=pairs.count((False, True)),
        tn=pairs.count((False, False)),
    )


@given(masks, masks)
def test_overlap_is_symmetric_and_precision_mirrors_sensitivity(predicted, truth):
    forth, back = Confusion.of(predicted, truth), Confusion.of(truth, predicted)
    assert (forth.dice, forth.iou, forth.accuracy) == (back.dice, back.iou, back.accuracy)
    assert forth.precision == back.sensitivity


@given(confusions)
def test_measures_lie_between_0_and_1_and_keep_their_identities(counts):
    values = {name: getattr(counts, name) for name in MEASURES}
    assert all(0 <= value <= 1 for value in values.values() if value is not None)
    if values["dice"] is not None:
        assert values["iou"] == pytest.approx(values["dice"] / (2 - values["dice"]))
    if values["precision"] and values["sensitivity"]:
        harmonic = 2 / (1 / values["precision"] + 1 / values["sensitivity"])
        assert values["f1"] == pytest.approx(harmonic)
    if values["mae"] is not None:
        assert values["mae"] == pytest.approx(1 - values["accuracy"])


@given(confusions)
def test_monai_agrees_where_a_measure_is_defined(counts):
    matrix = torch.tensor([counts.tp, counts.fp, counts.tn, counts.fn], dtype=torch.float64)
    for name, theirs in (
        ("precision", "precision"),
        ("sensitivity", "sensitivity"),
        ("specificity", "specificity"),
        ("accuracy", "accuracy"),
        ("f1", "f1 score"),
        ("iou", "threat score"),
    ):
        value = getattr(counts, name)
        if value is not None:
            assert value == pytest.approx(compute_confusion_matrix_metric(theirs, matrix).item())


@given(masks, masks, masks, masks)
def test_sums_of_counts_are_the_counts_of_the_slices_together(p1, t1, p2, t2):
    together = Confusion.of(np.stack([p1, p2]), np.stack([t1, t2]))
    assert Confusion.of(p1, t1) + Confusion.of(p2, t2) == together
