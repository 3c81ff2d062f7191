"""Every loss gives the papers' values: y = (1, 1, 0, 0), p = (.9, .6, .2, .1), by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.losses import build_loss

PROBABILITIES, TRUTH = (0.9, 0.6, 0.2, 0.1), (1.0, 1.0, 0.0, 0.0)

BINARY = {
    "CovidRateHybridLoss": {"lesion_weight": 1.0},
    "EamcCrossEntropyDiceLoss": {},
    "EamcDiceLoss": {},
    "EamcFocalLoss": {},
    "EamcFocalTverskyLoss": {},
    "EamcIoULoss": {},
    "EamcTverskyLoss": {},
}


def images(values) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 2, -1)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("EamcDiceLoss", {}, 0.166667),
        ("EamcCrossEntropyDiceLoss", {}, 0.402839),
        ("EamcIoULoss", {}, 0.242424),
        ("EamcTverskyLoss", {"misses": 0.7, "false_alarms": 0.3}, 0.149660),
        ("EamcFocalTverskyLoss", {"gamma": 2.0}, 0.386859),
        ("CovidRateHybridLoss", {"lesion_weight": 0.0}, 0.564826),
        ("CovidRateHybridLoss", {"lesion_weight": 1.0}, 0.718872),
        ("CovidRateHybridLoss", {"lesion_weight": 0.0, "kappa": 0.0}, 0.236173),
        # The cross-entropy 0.236173 and Eq. 3's focal Tversky loss 0.291805.
        ("CovidRateHybridLoss", {"lesion_weight": 0.0, "reading": "printed"}, 0.527978),
    ],
)
def test_reference_values(name, arguments, expected):
    loss = build_loss(name, arguments)(torch.logit(images(PROBABILITIES)), images(TRUTH))
    assert loss.item() == pytest.approx(expected, abs=1.5e-6)


def test_the_printed_iou_and_focal_tversky_losses_are_not_those_computed():
    """They would punish a perfect prediction: Eq. 6 gives 0.603175 here and Eq. 8 0.922139."""
    p, y = images(PROBABILITIES), images(TRUTH)
    printed_iou = 1 - ((p * y).sum() + 1) / (p.sum() + y.sum() + (p * y).sum() + 1)
    assert printed_iou.item() == pytest.approx(0.603175, abs=1e-6)
    printed_focal_tversky = (1 - 0.149660) ** 0.5
    assert printed_focal_tversky == pytest.approx(0.922139, abs=1e-6)
    for name in ("EamcIoULoss", "EamcFocalTverskyLoss"):
        sure = torch.where(y > 0, 80.0, -80.0)
        assert build_loss(name, {})(sure, y).item() == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(("name", "arguments"), BINARY.items())
def test_a_loss_prefers_the_truth_and_stays_finite_with_its_slope(name, arguments):
    loss = build_loss(name, arguments)
    for truth in (images(TRUTH), images((0.0, 0.0, 0.0, 0.0))):
        values = []
        for sign in (1.0, -1.0):
            logits = (sign * torch.where(truth > 0, 60.0, -60.0)).requires_grad_()
            value = loss(logits, truth)
            value.backward()
            assert torch.isfinite(value) and torch.isfinite(logits.grad).all()
            values.append(value.item())
        right, wrong = values
        assert right == pytest.approx(0.0, abs=1e-5) and wrong > 0.5


@pytest.mark.parametrize(("name", "arguments"), BINARY.items())
@given(data=st.data())
def test_a_loss_falls_as_one_lesion_pixel_becomes_more_probable(name, arguments, data):
    others = data.draw(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
    low, high = sorted(data.draw(st.tuples(st.floats(-4, 4), st.floats(-4, 4))))
    loss = build_loss(name, arguments)
    first, second = (loss(images([x, *others]), images(TRUTH)).item() for x in (low, high))
    assert second <= first + 1e-6


def test_overlap_losses_pool_the_pixels_of_a_batch():
    logits = torch.randn(3, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    truth = (torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    for name in ("EamcDiceLoss", "EamcTverskyLoss", "CovidRateHybridLoss"):
        loss = build_loss(name, {})
        torch.testing.assert_close(
            loss(logits, truth), loss(logits.view(1, 1, 12, 4), truth.view(1, 1, 12, 4))
        )


def test_losses_are_computed_in_float32_for_a_network_in_bfloat16():
    logits = torch.full((1, 1, 64, 64), -4.0)
    truth = torch.zeros_like(logits)
    for name, arguments in BINARY.items():
        loss = build_loss(name, arguments)
        torch.testing.assert_close(loss(logits.bfloat16(), truth.bool()), loss(logits, truth))


@pytest.mark.parametrize("name", ["CategoricalCrossEntropyLoss", "LogSoftmaxNLLLoss"])
def test_cross_entropy_of_classes_is_the_nll_of_a_log_softmax(name):
    """Cascade Eq. 1: the mean over pixels of -log p; here p = softmax((0, log 3)) = (1/4, 3/4)."""
    logits = torch.tensor([0.0, 3.0]).log().clamp(min=0.0).view(1, 2, 1, 1).expand(1, 2, 1, 2)
    labels = torch.tensor([0, 1]).view(1, 1, 1, 2)
    expected = -(torch.tensor(0.25).log() + torch.tensor(0.75).log()) / 2
    torch.testing.assert_close(build_loss(name, {})(logits, labels), expected)
    nll = torch.nn.NLLLoss()(torch.log_softmax(logits, dim=1), labels.squeeze(1))
    torch.testing.assert_close(build_loss(name, {})(logits, labels), nll)


def test_two_channels_under_a_softmax_cost_what_one_costs_under_a_sigmoid():
    logits = torch.logit(images(PROBABILITIES)).float()
    two = torch.cat([torch.zeros_like(logits), logits], dim=1)
    loss = build_loss("CategoricalCrossEntropyLoss", {})(two, images(TRUTH))
    assert loss.item() == pytest.approx(0.236173, abs=1e-6)


def test_dice_of_classes_is_the_mean_over_channels_beside_the_cross_entropy():
    """By hand: p = (1/4, 3/4) on two pixels, of channel 0 and of channel 1."""
    logits = torch.stack([torch.zeros(1, 1, 2), torch.full((1, 1, 2), 3.0).log()], dim=1)
    labels = torch.tensor([0, 1]).view(1, 1, 1, 2)
    dice = ((1 - 1.5 / 2.5) + (1 - 2.5 / 3.5)) / 2
    cross_entropy = build_loss("CategoricalCrossEntropyLoss", {})(logits, labels).item()
    loss = build_loss("CategoricalCrossEntropyDiceLoss", {})(logits, labels)
    assert loss.item() == pytest.approx(cross_entropy + dice, abs=1e-6)


def test_an_unknown_loss_or_argument_is_one_clear_sentence():
    with pytest.raises(
        ParameterError, match="There is no loss 'dice': did you mean .*EamcDiceLoss"
    ):
        build_loss("dice", {})
    with pytest.raises(ParameterError, match="EamcDiceLoss has no arguments"):
        build_loss("EamcDiceLoss", {"alpha": 0.8})
    with pytest.raises(ParameterError, match="no argument 'gama': did you mean gamma"):
        build_loss("EamcFocalLoss", {"gama": 2.0})
    for argument, value in {"gamma": 0, "misses": -1, "false_alarms": "many"}.items():
        with pytest.raises(ParameterError, match=f"argument {argument} of the loss EamcFocalT"):
            build_loss("EamcFocalTverskyLoss", {argument: value})
    with pytest.raises(ParameterError, match="'released' or 'printed'"):
        build_loss("CovidRateHybridLoss", {"reading": "other"})


@pytest.mark.parametrize(("reduction", "value"), [("sum", 1.414267), ("mean", 0.471422)])
def test_the_loss_of_a_slices_class_by_hand(reduction, value):
    """COVID-Affinity Eq. 9, h = (2, -1, 0.5), the first class."""
    loss = build_loss("PerClassCrossEntropyLoss", {"reduction": reduction})
    found = loss(torch.tensor([[2.0, -1.0, 0.5]]), torch.tensor([0]))
    assert found.item() == pytest.approx(value, abs=1e-6)
