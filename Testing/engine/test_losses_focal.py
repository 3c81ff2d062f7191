"""The focal loss gives the EAMC paper's values (Eq. 3, alpha 0.8, gamma 2)."""

from __future__ import annotations

import pytest
import torch

from COVIDLesionSegLib.engine.losses import EamcFocalLoss


def loss(probability: float, target: float, balance: str) -> float:
    logits = torch.logit(torch.tensor(probability, dtype=torch.float64)).view(1, 1, 1, 1)
    return EamcFocalLoss(balance=balance)(logits, torch.full((1, 1, 1, 1), target)).item()


@pytest.mark.parametrize("balance", ["printed", "class"])
@pytest.mark.parametrize(
    ("probability", "expected"), [(0.5, 0.138629), (0.1, 1.492075), (0.9, 0.000843)]
)
def test_lesion_pixels_cost_the_same_under_both_readings(balance, probability, expected):
    assert loss(probability, 1.0, balance) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("balance", "expected"), [("printed", 1.492075), ("class", 0.373019)])
def test_background_pixels_differ_between_the_readings(balance, expected):
    assert loss(0.9, 0.0, balance) == pytest.approx(expected, abs=1e-6)


def test_loss_vanishes_at_a_perfect_prediction_and_stays_finite_at_a_hopeless_one():
    target = torch.tensor([1.0, 0.0]).view(1, 1, 1, 2)
    sure = torch.tensor([80.0, -80.0]).view(1, 1, 1, 2)
    assert EamcFocalLoss()(sure, target).item() == pytest.approx(0.0, abs=1e-12)
    assert torch.isfinite(EamcFocalLoss()(-sure, target))


def test_loss_is_the_mean_over_all_pixels():
    logits, target = torch.randn(2, 1, 4, 4), (torch.rand(2, 1, 4, 4) > 0.5).float()
    single = [
        EamcFocalLoss()(x.view(1, 1, 1, 1), y.view(1, 1, 1, 1))
        for x, y in zip(logits.flatten(), target.flatten(), strict=True)
    ]
    torch.testing.assert_close(EamcFocalLoss()(logits, target), torch.stack(single).mean())
