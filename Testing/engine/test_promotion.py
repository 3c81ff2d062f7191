"""The rule by which a retrained model may become the default."""

from __future__ import annotations

import json

import pytest

from COVIDLesionSegLib.engine.models.promotion import (
    HeldOutPatient,
    Overlap,
    ParentScores,
    decide_promotion,
)


def overlap(dice):
    return Overlap(dice, dice, dice)


def comparison(pooled, *patients):
    return ParentScores(
        tuple(
            HeldOutPatient(f"P{number}", 9, overlap(old), overlap(new))
            for number, (old, new) in enumerate(patients, start=1)
        ),
        *map(overlap, pooled),
    )


def test_better_together_and_for_everybody_may_be_promoted():
    decision = decide_promotion(comparison((0.70, 0.75), (0.6, 0.7), (0.8, 0.78)))
    assert decision.allowed
    assert decision.reason == (
        "Better on the 2 held-out patients together: Dice 0.700 to 0.750; no patient falls by more "
        "than 0.02."
    )


@pytest.mark.parametrize(
    ("pooled", "patients", "reason"),
    [
        (
            (0.70, 0.75),
            ((0.6, 0.9), (0.81, 0.77), (0.9, 0.2)),
            "Worse on held-out patients: P2 0.810 to 0.770, P3 0.900 to 0.200.",
        ),
        (
            (0.70, 0.70),
            ((0.6, 0.6), (0.8, 0.8)),
            "No better on the held-out patients together: Dice 0.700 to 0.700.",
        ),
        (
            (0.70, 0.69),
            ((0.6, 0.59), (0.8, 0.79)),
            "No better on the held-out patients together: Dice 0.700 to 0.690.",
        ),
        # Nothing was there to find in the second patient, and the new model marks some.
        (
            (0.70, 0.75),
            ((0.6, 0.7), (None, 0.0)),
            "Worse on held-out patients: P2 n/a to 0.000.",
        ),
        (
            (None, None),
            ((None, None), (None, None)),
            "Not evaluated: no held-out patient has lesions, so there is no Dice to compare.",
        ),
    ],
)
def test_a_refusal_names_who_got_worse(pooled, patients, reason):
    decision = decide_promotion(comparison(pooled, *patients))
    assert not decision.allowed
    assert decision.reason == reason


def test_false_positives_that_are_gone_are_no_fall():
    assert decide_promotion(comparison((0.7, 0.8), (0.0, None), (0.7, 0.8))).allowed


def test_a_comparison_comes_back_from_json():
    given = comparison((0.7, None), (None, 0.5), (0.25, 0.75))
    assert ParentScores.from_dict(json.loads(json.dumps(given.to_dict()))) == given
