"""The area under the ROC curve from a histogram is the one from all pairs of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from COVIDLesionSegLib.engine.metrics.overlap import ProbabilityHistogram


def auc(probability: np.ndarray, truth: np.ndarray) -> float | None:
    histogram = ProbabilityHistogram()
    histogram.add(probability.astype(np.float32), truth)
    return histogram.auc


def test_golden_numbers():
    truth = np.array([True, True, False, False])
    assert auc(np.array([0.9, 0.6, 0.2, 0.1]), truth) == 1.0
    assert auc(np.array([0.1, 0.2, 0.6, 0.9]), truth) == 0.0
    assert auc(np.full(4, 0.5), truth) == 0.5
    assert auc(np.array([1.0, 0.2, 0.2, 0.0]), truth) == pytest.approx(3.5 / 4)


sixteenths = st.lists(st.integers(0, 16), min_size=1, max_size=20)


@given(sixteenths, sixteenths)
def test_mann_and_whitney_agree(of_lesions, of_others):
    """Multiples of a sixteenth fall into bins of their own, ties included."""
    probability = np.array(of_lesions + of_others) / 16
    truth = np.arange(len(probability)) < len(of_lesions)
    pairs = truth.sum() * (~truth).sum()
    expected = mannwhitneyu(probability[truth], probability[~truth]).statistic / pairs
    assert auc(probability, truth) == pytest.approx(expected)


def test_without_a_lesion_or_without_anything_else_it_is_undefined():
    assert auc(np.array([0.2, 0.8]), np.array([True, True])) is None
    assert auc(np.array([0.2, 0.8]), np.array([False, False])) is None
    assert ProbabilityHistogram().auc is None


def test_merged_histograms_count_all_pixels_together():
    random = np.random.default_rng(0)
    probability, truth = random.random((2, 500)), random.random((2, 500)) > 0.7
    merged = ProbabilityHistogram()
    for p, t in zip(probability, truth, strict=True):
        part = ProbabilityHistogram()
        part.add(p.astype(np.float32), t)
        merged.merge(part)
    assert merged.auc == auc(probability.ravel(), truth.ravel())
