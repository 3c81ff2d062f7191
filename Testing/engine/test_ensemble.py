"""How the networks of an ensemble decide together, and how much they disagree."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from COVIDLesionSegLib.engine.inference.ensemble import decide
from COVIDLesionSegLib.engine.parameters import COMBINATIONS


def voxel(*members):
    """One voxel, each member's probability of the single class."""
    return [np.full((1, 1, 1, 1), p, np.float32) for p in members]


def verdict(members, combination="majority-vote", threshold=0.5):
    """(labelled, probability, disagreement) of one voxel."""
    decision = decide(voxel(*members), threshold, combination)
    return (
        bool(decision.labels.item()),
        decision.probability.item(),
        decision.disagreement.item(),
    )


@pytest.mark.parametrize(
    ("members", "labelled", "disagreement"),
    [
        ((0.6, 0.6, 0.0), True, 2 / 3),  # the mean, 0.4, would say no
        ((0.4, 0.4, 1.0), False, 2 / 3),  # the mean, 0.6, would say yes
        ((0.9, 0.8, 0.7), True, 0.0),
        ((0.5, 0.5, 0.5), False, 0.0),  # exactly the threshold is no vote
        ((0.9, 0.2), True, 1.0),  # a tie: the mean, 0.55
        ((0.8, 0.1), False, 1.0),  # a tie: the mean, 0.45
        ((0.75, 0.25), False, 1.0),  # a tie, and the mean is the threshold
        ((1.0,) * 5 + (0.2,) * 5, True, 1.0),  # EAMC's ten networks, evenly split
        ((0.6,) * 5 + (0.1,) * 5, False, 1.0),
        ((0.51,) * 6 + (0.0,) * 4, True, 0.8),
        ((1.0,) * 4 + (0.49,) * 6, False, 0.8),
        ((0.9, 0.9, 0.9, 0.1), True, 0.5),
    ],
)
def test_the_majority_decides_and_a_tie_goes_by_the_mean(members, labelled, disagreement):
    answer = verdict(members)
    assert answer[0] is labelled
    assert answer[1:] == pytest.approx((np.mean(members), disagreement), abs=1e-6)


@pytest.mark.parametrize(
    ("members", "labelled"),
    [((0.6, 0.6, 0.0), False), ((0.4, 0.4, 1.0), True), ((0.9, 0.2), True), ((0.75, 0.25), False)],
)
def test_under_mean_the_votes_decide_nothing_but_are_counted(members, labelled):
    answer = verdict(members, "mean")
    assert answer[0] is labelled
    assert answer[2] == verdict(members)[2] > 0


def test_members_vote_at_the_users_threshold():
    members = (0.4, 0.4, 0.0)
    assert verdict(members, threshold=0.35)[0] and not verdict(members, threshold=0.45)[0]


def test_a_single_network_is_its_own_majority_and_has_nobody_to_disagree_with():
    random = np.random.default_rng(0)
    member = random.random((2, 1, 5, 6), dtype=np.float32)
    for combination in COMBINATIONS:
        decision = decide([member], 0.5, combination)
        np.testing.assert_array_equal(decision.probability, member[:, 0])
        np.testing.assert_array_equal(decision.labels, member[:, 0] > 0.5)
        assert decision.disagreement is None


def classes_of(*pairs):
    """One voxel, each member's probabilities of two classes."""
    return [np.array(pair, np.float32).reshape(1, 2, 1, 1) for pair in pairs]


@pytest.mark.parametrize(
    ("members", "probability", "label"),
    [
        ([(0.4, 0.3)], 0.7, 1),  # neither class alone exceeds the threshold
        ([(0.3, 0.4)], 0.7, 2),
        ([(0.2, 0.3)], 0.5, 0),
        ([(0.0, 0.9)], 0.9, 2),
        # Two of three vote for lesion; the class is that of the largest mean.
        ([(0.3, 0.3), (0.4, 0.2), (0.0, 0.1)], 1.3 / 3, 1),
        ([(0.6, 0.3), (0.0, 0.9), (0.0, 0.0)], 0.6, 2),
    ],
)
def test_lesion_is_the_sum_of_its_classes_and_labelled_with_the_largest(
    members, probability, label
):
    decision = decide(classes_of(*members), 0.5, "majority-vote")
    assert decision.probability.item() == pytest.approx(probability, abs=1e-6)
    assert decision.labels.item() == label


@pytest.mark.parametrize(
    ("members", "label"),
    [
        ([(0.4, 0.3)], 0),  # lesion by the sum, but no class by itself
        ([(0.51, 0.3)], 1),
        ([(0.3, 0.6)], 2),
        ([(0.5, 0.5)], 0),
        ([(0.9, 0.0), (0.3, 0.4)], 1),
    ],
)
def test_by_class_a_voxel_is_lesion_only_where_a_single_class_exceeds_the_threshold(members, label):
    """DRSegUNet thesis, section 4.5: "P_i > 0.5 = 1, P_i < 0.5 = 0"."""
    assert decide(classes_of(*members), 0.5, "mean-by-class").labels.item() == label


# Softmax probabilities of three channels, of which the last two are classes.
softmax = st.integers(1, 10).flatmap(
    lambda members: arrays(
        np.float32,
        (members, 1, 3, 2, 3),
        elements=st.floats(np.float32(1e-6).item(), 1.0, width=32),
    ).map(lambda values: list((values / values.sum(axis=2, keepdims=True))[:, :, 1:]))
)


@settings(deadline=None)
@given(
    members=softmax,
    threshold=st.sampled_from([0.25, 0.5, 0.9]),
    combination=st.sampled_from(COMBINATIONS),
)
def test_labels_are_those_of_a_count_by_hand(members, threshold, combination):
    decision = decide(members, threshold, combination)
    for at in np.ndindex(2, 3):
        means = [
            Fraction(sum(Fraction(float(member[0, c][at])) for member in members), len(members))
            for c in (0, 1)
        ]
        sums = [float(member[0, 0][at] + member[0, 1][at]) for member in members]
        votes = sum(value > threshold for value in sums)
        mean = float(sum(means))
        if combination == "mean-by-class":
            mean = float(max(means))
        tie_or_mean = combination != "majority-vote" or 2 * votes == len(members)
        if tie_or_mean and abs(mean - threshold) < 1e-6 or abs(means[0] - means[1]) < 1e-6:
            continue
        found = mean > threshold if tie_or_mean else 2 * votes > len(members)
        assert decision.labels[0][at] == (1 + (means[1] > means[0]) if found else 0)
        assert decision.probability[0][at] == pytest.approx(float(sum(means)), abs=1e-6)
        if len(members) > 1:
            minority = min(votes, len(members) - votes)
            assert decision.disagreement[0][at] == pytest.approx(2 * minority / len(members))


@settings(deadline=None)
@given(members=softmax, combination=st.sampled_from(COMBINATIONS), data=st.data())
def test_the_order_of_the_members_does_not_matter(members, combination, data):
    shuffled = data.draw(st.permutations(members))
    one, other = decide(members, 0.5, combination), decide(shuffled, 0.5, combination)
    for name in ("probability", "labels", "disagreement"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@settings(deadline=None)
@given(members=softmax, count=st.integers(2, 10), combination=st.sampled_from(COMBINATIONS))
def test_unanimous_members_say_what_each_says(members, count, combination):
    alone = decide(members[:1], 0.5, combination)
    together = decide(members[:1] * count, 0.5, combination)
    np.testing.assert_array_equal(together.probability, alone.probability)
    np.testing.assert_array_equal(together.labels, alone.labels)
    assert not together.disagreement.any()


@settings(deadline=None)
@given(members=softmax, combination=st.sampled_from(COMBINATIONS))
def test_answers_keep_their_types_and_ranges(members, combination):
    decision = decide(members, 0.5, combination)
    for array, dtype, most in (
        (decision.probability, np.float32, 1),
        (decision.labels, np.uint8, 2),
        (decision.disagreement, np.float32, 1),
    ):
        if array is None:
            assert len(members) == 1
            continue
        assert (array.shape, array.dtype) == ((1, 2, 3), dtype)
        assert array.min() >= 0 and array.max() <= most


def test_classes_that_a_softmax_rounds_to_more_than_1_are_1():
    """0.7 and 0.3 of float32 sum to a little more than 1 for some neighbours."""
    member = np.nextafter(np.array([0.7, 0.3], np.float32), np.float32(1)).reshape(1, 2, 1, 1)
    assert member.sum() > 1
    assert decide([member], 0.5, "mean").probability.item() == 1.0
    assert decide([member] * 3, 0.5, "mean").probability.item() == 1.0
