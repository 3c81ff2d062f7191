"""A 2D network on a whole CT: every tiling, any size, bounded memory, honest steps down."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.errors import Cancelled, DeviceError, ModelError, ParameterError
from COVIDLesionSegLib.engine.inference.device import ComputePlan, make_plan
from COVIDLesionSegLib.engine.inference.predictor import on_device
from COVIDLesionSegLib.engine.inference.volume_prediction import predict_volume
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.networks import build_network
from COVIDLesionSegLib.engine.parameters import TILINGS, Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import CancelToken
from engine.crafted import (
    CPU_PLAN,
    GROUND_GLASS_AND_CONSOLIDATION,
    GreyLevels,
    Pixelwise,
    Recording,
    make_card,
    predictor_of,
)

WINDOW = (-1000.0, 0.0)
PIXEL_MM = (0.7, 0.7)


class Hungry(Pixelwise):
    """Runs out of memory beyond so many pixels a call, as PyTorch's CPU allocator says it."""

    def __init__(self, pixels):
        super().__init__()
        self.pixels = pixels

    def forward(self, x):
        if x.numel() > self.pixels:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ...")
        return super().forward(x)


def network_on_slices(
    network, tiling="whole-slice", plan=CPU_PLAN, pixel_mm=PIXEL_MM, batch=0, card=None
):
    return predictor_of(network, card or make_card(), plan, pixel_mm, tiling, batch)


def probability_of(hu, lungs, member, **kwargs):
    """What one network alone says of a volume."""
    return predict_volume(hu, lungs, PIXEL_MM, [member], **kwargs).probability


@pytest.fixture(scope="module")
def ct():
    random = np.random.default_rng(1)
    hu = random.integers(-1000, 0, (6, 150, 210)).astype(np.int16)
    lungs = np.zeros(hu.shape, np.uint8)
    lungs[1:5, 30:120, 40:90] = 1
    lungs[2:5, 30:120, 110:180] = 2
    return hu, lungs


@pytest.mark.parametrize("tiling", TILINGS)
def test_each_tiling_gives_every_pixel_its_own_probability(ct, tiling):
    hu, lungs = ct
    answer = probability_of(hu, lungs, network_on_slices(Pixelwise(), tiling))
    expected = 1.0 / (1.0 + np.exp(-10.0 * (np.clip((hu + 1000.0) / 1000.0, 0, 1) - 0.5)))
    np.testing.assert_allclose(answer, np.where(lungs > 0, expected, 0.0), atol=1e-6)
    assert answer.dtype == np.float32


def test_non_overlapping_tiling_is_the_papers_16_patches_of_a_512_slice():
    network = Recording()
    hu = np.zeros((1, 512, 512), np.int16)
    member = network_on_slices(network, "non-overlapping", batch=4)
    lungs = np.zeros_like(hu)
    lungs[:, 200:300, 200:300] = 1  # the place of the patches does not follow the lungs
    probability_of(hu, lungs, member)
    assert network.shapes == [(4, 1, 128, 128)] * 4


def test_whole_slices_are_padded_to_what_the_network_needs_and_cut_to_the_lungs(ct):
    network = Recording()
    hu, lungs = ct
    probability_of(hu, lungs, network_on_slices(network, batch=2))
    assert all(rows % 16 == 0 and columns % 16 == 0 for _, _, rows, columns in network.shapes)
    assert sum(shape[0] for shape in network.shapes) == 4  # slices with lung


def test_batches_do_not_change_amc_nets_answer():
    """Devices choose different batches, and the lungs of every slice lie somewhere else."""
    hu = np.random.default_rng(1).integers(-1000, 0, (4, 150, 210)).astype(np.int16)
    lungs = np.zeros(hu.shape, np.uint8)
    for z, lung in enumerate(lungs):
        lung[10 + 30 * z : 40 + 30 * z, 10 + 40 * z : 50 + 40 * z] = 1
    network = load_network(load_catalogue().get("amc-net"))
    answers = [
        probability_of(hu, lungs, network_on_slices(network, batch=batch)) for batch in (1, 3)
    ]
    assert answers[0].max() - answers[0][lungs > 0].min() > 0.1
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-5)


def test_labels_are_those_of_the_network_called_plainly_in_single_precision():
    """Plainly: all slices in one batch, in PyTorch's own memory layout, on one call."""
    volume = generate_chest_ct(size=(160, 128, 6), spacing=(2.2, 2.2, 40.0)).volume
    hu = volume.axial
    card = load_catalogue().get("amc-net").card
    network = load_network(load_catalogue().get("amc-net"))
    low, high = card.preprocessing.window_hu
    images = (torch.from_numpy(np.array(hu))[:, None].clamp(low, high) - low) / (high - low)
    with torch.inference_mode():
        plain = torch.sigmoid(network(images.contiguous())).numpy()[:, 0]
    decision = predict_volume(
        hu, np.ones(hu.shape, np.uint8), (2.2, 2.2), [network_on_slices(network, card=card)]
    )
    np.testing.assert_allclose(decision.probability, plain, atol=1e-5)
    np.testing.assert_array_equal(decision.labels, plain > 0.5)
    assert 0.001 < decision.labels.mean() < 0.5


def test_only_slices_with_lung_are_computed():
    network = Recording()
    hu = np.zeros((3, 64, 64), np.int16)
    for members in (1, 2):
        decision = predict_volume(
            hu, np.zeros_like(hu), PIXEL_MM, [network_on_slices(network)] * members
        )
        assert network.shapes == []
        assert not decision.probability.any() and not decision.labels.any()
    assert not decision.disagreement.any()


def test_coarse_pixels_are_resampled_for_the_network_and_flagged():
    network = Recording()
    slices = network_on_slices(network, pixel_mm=(1.5, 3.0))
    hu = np.full((1, 64, 48), -500, np.int16)
    answer = slices(hu)
    assert answer.shape == (1, 1, 64, 48)
    assert network.shapes == [(1, 1, 128, 192)]  # 0.75 mm pixels
    assert [flag.code for flag in slices.flags] == ["pixel-size-unusual"]
    np.testing.assert_allclose(answer, 0.5, atol=1e-6)


def test_running_out_of_memory_halves_the_batch_and_says_so():
    slices = network_on_slices(
        Hungry(pixels=2 * 64 * 64), plan=ComputePlan("cpu", False, 2**15, "")
    )
    hu = np.full((8, 64, 64), -500, np.int16)
    np.testing.assert_allclose(slices(hu), 0.5, atol=1e-6)
    assert [flag.code for flag in slices.flags] == ["memory-step-down"] * 2  # 8 to 4 to 2
    assert slices.plan.batch_size(64 * 64) == 2


@pytest.mark.parametrize(("batch", "tried"), [(1, [1]), (4, [4, 2, 1])])
def test_batches_never_grow_beyond_the_users_when_memory_ends(batch, tried):
    network = Recording()
    network.forward = lambda x: network.shapes.append(tuple(x.shape)) or Hungry(10)(x)
    slices = network_on_slices(network, plan=ComputePlan("cpu", False, 2**20, ""), batch=batch)
    with pytest.raises(DeviceError):
        slices(np.zeros((8, 64, 64), np.int16))
    assert [shape[0] for shape in network.shapes] == tried


def test_float32_is_never_tf32_and_the_users_setting_comes_back(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    with on_device("cuda"):
        assert torch.backends.cudnn.allow_tf32 is False
        assert torch.backends.cudnn.deterministic is True
    assert torch.backends.cudnn.allow_tf32 is True
    assert torch.backends.cudnn.deterministic is False


def test_no_memory_for_a_single_slice_is_a_device_error():
    slices = network_on_slices(Hungry(pixels=10))
    with pytest.raises(DeviceError, match="close other programs"):
        slices(np.zeros((1, 64, 64), np.int16))


def test_a_programming_error_is_not_mistaken_for_missing_memory():
    class Broken(nn.Module):
        def forward(self, x):
            raise RuntimeError("shape '[3]' is invalid")

    with pytest.raises(RuntimeError, match="invalid"):
        network_on_slices(Broken())(np.zeros((1, 64, 64), np.int16))


def test_a_gpu_steps_down_to_smaller_batches_then_to_the_cpu():
    plan = ComputePlan("cuda", True, 4 * 100, "GPU")
    steps = []
    while (plan := plan.smaller(100)) is not None:
        steps.append((plan.device, plan.batch_size(100)))
    assert steps[:3] == [("cuda", 2), ("cuda", 1), ("cpu", 2**18 // 100)]
    assert steps[-1] == ("cpu", 1)


def test_cancelling_stops_after_the_batches_that_were_begun(ct):
    hu, lungs = ct
    cancel, cancelled = CancelToken(), threading.Event()

    class Waiting(Recording):
        """Computes the first batch, and every other one only after the job was cancelled."""

        def forward(self, x):
            assert not self.shapes or cancelled.wait(timeout=30)
            return super().forward(x)

    def cancel_after_the_first(progress):
        cancel.cancel()
        cancelled.set()

    network = Waiting()
    with pytest.raises(Cancelled):
        probability_of(
            hu,
            lungs,
            network_on_slices(network, batch=1),
            progress=cancel_after_the_first,
            cancel=cancel,
        )
    assert len(network.shapes) <= 1 + CPU_PLAN.workers


def test_progress_rises_to_one(ct):
    hu, lungs = ct
    seen = []
    probability_of(
        hu,
        lungs,
        network_on_slices(Pixelwise(), batch=1),
        progress=lambda progress: seen.append(progress.fraction),
    )
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) == 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has an NVIDIA GPU")
def test_cuda_without_a_gpu_is_refused_with_the_way_out():
    with pytest.raises(DeviceError, match=r"NVIDIA GPU \(cuda\).*choose device auto or cpu"):
        make_plan(Parameters(device="cuda"), bfloat16_allowed=True)


def test_bfloat16_is_automatic_only_where_the_card_allows_it():
    assert not make_plan(Parameters(device="cpu"), bfloat16_allowed=False).bfloat16
    assert make_plan(
        Parameters(device="cpu", precision="bfloat16"), bfloat16_allowed=False
    ).bfloat16
    assert not make_plan(Parameters(device="cpu", precision="float32"), True).bfloat16


def test_only_the_box_around_the_lungs_is_computed(ct):
    """36 mm at 0.7 mm are 51 pixels around rows 30 to 120 and columns 40 to 180."""
    network = Recording()
    hu, lungs = (np.pad(array, ((0, 0), (100, 100), (60, 300))) for array in ct)
    probability_of(hu, lungs, network_on_slices(network, batch=4))
    assert network.shapes == [(4, 1, 192, 256)]  # 90 + 102 rows and 140 + 102 columns, to sixteens


def test_batches_are_as_large_as_the_box_allows(ct):
    network = Recording()
    hu, lungs = ct
    hu, lungs = (np.pad(array, ((0, 0), (100, 400), (60, 400))) for array in (hu, lungs))
    plan = ComputePlan("cpu", False, 3 * 192 * 256, "test")
    probability_of(hu, lungs, network_on_slices(network, plan=plan))
    assert [shape[0] for shape in network.shapes] == [3, 1]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_classes_are_found_by_their_channels_names_in_any_order(order):
    """0.2 of the window is nothing, 0.6 ground glass and 0.9 consolidation."""
    names = ("background", *GROUND_GLASS_AND_CONSOLIDATION)
    channels = [""] * 3
    for name, at in zip(names, order, strict=True):
        channels[at] = name
    card = make_card(classes=GROUND_GLASS_AND_CONSOLIDATION, channels=tuple(channels))
    hu = np.array([-800, -400, -100], np.int16).reshape(1, 1, 3)
    answer = network_on_slices(GreyLevels(order=order), card=card)(hu)
    assert answer.shape == (1, 2, 1, 3)
    np.testing.assert_allclose(answer[0, :, 0], [[0, 1, 0], [0, 0, 1]], atol=0.01)
    decision = predict_volume(
        hu, np.ones_like(hu), PIXEL_MM, [network_on_slices(GreyLevels(order=order), card=card)]
    )
    np.testing.assert_array_equal(decision.labels, [[[0, 1, 2]]])


def test_the_classes_of_a_softmax_sum_to_the_probability_of_lesion():
    card = make_card(
        classes=GROUND_GLASS_AND_CONSOLIDATION,
        channels=("background", *GROUND_GLASS_AND_CONSOLIDATION),
    )
    hu = np.linspace(-1000, 0, 300).reshape(1, 20, 15)
    unit = (hu + 1000) / 1000
    logits = np.stack([0 * unit, 60 * (unit - 0.4), 60 * (2 * unit - 1.2)])
    shares = np.exp(logits) / np.exp(logits).sum(axis=0)
    member = network_on_slices(GreyLevels(), card=card)
    decision = predict_volume(hu, np.ones(hu.shape, np.uint8), PIXEL_MM, [member], threshold=0.9)
    np.testing.assert_allclose(decision.probability, shares[1] + shares[2], atol=1e-5)
    lesion = decision.probability > np.float32(0.9)
    np.testing.assert_array_equal(decision.labels, np.where(lesion, 1 + (unit > 0.8), 0))


def test_one_class_of_two_channels_is_a_softmax_and_one_channel_a_sigmoid():
    class TwoChannels(nn.Module):
        def forward(self, x):
            return torch.cat([Pixelwise()(x) + 3.0, torch.full_like(x, 3.0)], dim=1)

    hu = np.linspace(-1000, 0, 64).reshape(1, 8, 8)
    two = network_on_slices(TwoChannels(), card=make_card(channels=("lesion", "background")))(hu)
    assert two.shape == (1, 1, 8, 8)
    np.testing.assert_allclose(two, network_on_slices(Pixelwise())(hu), atol=1e-6)


def test_a_network_of_lungs_alone_is_given_them_as_the_predictor_found_them(ct):
    hu, lungs = ct
    network = Recording()
    card = make_card(Preprocessing(WINDOW, lung_mask=True, input_size=(208, 208)))
    member = network_on_slices(network, card=card, batch=4)
    assert member.needs_lungs and member.needs_whole_slices
    answer = probability_of(hu, lungs, member)
    assert network.shapes == [(4, 1, 208, 208)]
    zoom = 208 / 210
    outside = network.images[:, 0, : int(25 * zoom)]
    assert not outside.any() and network.images[:, 0, int(35 * zoom) : 100].any()
    assert not answer[lungs == 0].any() and answer[lungs > 0].all()


def test_members_of_different_kinds_answer_together_as_each_does_alone(ct):
    """Whole slices at a fixed size, beside a network on the box around the lungs."""
    hu, lungs = ct
    torch.manual_seed(0)
    whole_card = make_card(
        Preprocessing(WINDOW, input_size=(96, 96), normalisation="z-score"), id="whole"
    )
    members = [
        network_on_slices(build_network("AMCNet", {}), batch=2),
        network_on_slices(Pixelwise(), card=whole_card, batch=3),
        network_on_slices(Recording(), batch=4),
    ]
    alone = [predict_volume(hu, lungs, PIXEL_MM, [member]) for member in members]
    together = predict_volume(hu, lungs, PIXEL_MM, members)
    assert (members[0].needs_whole_slices, members[1].needs_whole_slices) == (False, True)
    mean = np.mean([one.probability for one in alone], axis=0)
    np.testing.assert_allclose(together.probability, mean, atol=1e-5)
    votes = sum(one.labels.astype(int) for one in alone)
    sure = np.all([abs(one.probability - 0.5) > 1e-4 for one in alone], axis=0)
    np.testing.assert_array_equal(together.labels[sure], (votes > 1)[sure])
    np.testing.assert_allclose(
        together.disagreement[sure], (2 * np.minimum(votes, 3 - votes) / 3)[sure], atol=1e-6
    )
    assert 0 < np.count_nonzero(together.disagreement) < np.count_nonzero(lungs)
    assert not together.disagreement[lungs == 0].any()


def test_the_smallest_member_sets_how_many_slices_are_handed_over(ct):
    hu, lungs = ct
    small, large = Recording(), Recording()
    members = [network_on_slices(small, batch=1), network_on_slices(large, batch=4)]
    predict_volume(hu, lungs, PIXEL_MM, members)
    assert [shape[0] for shape in small.shapes] == [shape[0] for shape in large.shapes] == [1] * 4


@pytest.mark.parametrize("tiling", ["overlapping", "non-overlapping"])
def test_patches_for_a_network_of_whole_slices_are_refused_with_the_way_out(tiling):
    card = make_card(Preprocessing(WINDOW, input_size=(96, 96)), id="whole")
    with pytest.raises(
        ParameterError, match=f"'{tiling}', but model whole takes whole slices: choose the tiling"
    ):
        network_on_slices(Pixelwise(), tiling, card=card)


def test_a_network_in_bfloat16_answers_in_float32_on_any_field():
    hu = np.linspace(-1000, 0, 40 * 60).reshape(1, 40, 60)
    card = make_card(
        Preprocessing(WINDOW, input_size=(96, 96)),
        classes=GROUND_GLASS_AND_CONSOLIDATION,
        channels=("background", *GROUND_GLASS_AND_CONSOLIDATION),
    )
    answers = [
        network_on_slices(GreyLevels(), card=card, plan=ComputePlan("cpu", bfloat16, 2**16, ""))(hu)
        for bfloat16 in (False, True)
    ]
    assert answers[1].dtype == np.float32
    assert 0 < np.abs(answers[1] - answers[0]).max() < 0.3


class NotANumber(nn.Module):
    def forward(self, x):
        return x * torch.nan


def test_an_answer_that_is_no_number_is_refused_and_never_a_healthy_lung():
    member = network_on_slices(NotANumber())
    with pytest.raises(ModelError, match="gives no numbers"):
        member(np.zeros((1, 32, 32), np.int16))
