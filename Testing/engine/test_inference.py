"""A 2D network on a whole CT: every tiling, any size, bounded memory, honest steps down."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine.errors import Cancelled, DeviceError
from COVIDLesionSegLib.engine.inference.device import ComputePlan, make_plan
from COVIDLesionSegLib.engine.inference.predictor import predict_volume
from COVIDLesionSegLib.engine.inference.slice_network import SliceNetwork
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.networks import build_network
from COVIDLesionSegLib.engine.parameters import TILINGS, Parameters
from COVIDLesionSegLib.engine.progress import CancelToken

CPU = ComputePlan("cpu", False, 2**16, "test")
WINDOW = Preprocessing((-1000.0, 0.0))


class Pixelwise(nn.Module):
    """Logits that depend on their own pixel only, so that every tiling must agree exactly."""

    def forward(self, x):
        return 10.0 * (x - 0.5)


class Recording(Pixelwise):
    """Remembers the shapes it was called with."""

    def __init__(self):
        super().__init__()
        self.shapes = []

    def forward(self, x):
        self.shapes.append(tuple(x.shape))
        return super().forward(x)


class Hungry(Pixelwise):
    """Runs out of memory beyond so many pixels a call, as PyTorch's CPU allocator says it."""

    def __init__(self, pixels):
        super().__init__()
        self.pixels = pixels

    def forward(self, x):
        if x.numel() > self.pixels:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ...")
        return super().forward(x)


def network_on_slices(network, tiling="whole-slice", plan=CPU, pixel_mm=(0.7, 0.7), batch=0):
    return SliceNetwork(network, WINDOW, plan, tiling, batch, pixel_mm)


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
    answer = predict_volume(
        hu,
        lungs,
        (0.7, 0.7),
        network_on_slices(Pixelwise(), tiling),
        whole_slices=tiling == "non-overlapping",
    )
    expected = 1.0 / (1.0 + np.exp(-10.0 * (np.clip((hu + 1000.0) / 1000.0, 0, 1) - 0.5)))
    np.testing.assert_allclose(answer, np.where(lungs > 0, expected, 0.0), atol=1e-6)
    assert answer.dtype == np.float32


def test_non_overlapping_tiling_is_the_papers_16_patches_of_a_512_slice():
    network = Recording()
    hu = np.zeros((1, 512, 512), np.int16)
    predict_volume(
        hu,
        np.ones_like(hu),
        (0.7, 0.7),
        network_on_slices(network, "non-overlapping", batch=4),
        whole_slices=True,
    )
    assert network.shapes == [(4, 1, 128, 128)] * 4


def test_whole_slices_are_padded_to_what_the_network_needs_and_cut_to_the_lungs(ct):
    network = Recording()
    hu, lungs = ct
    predict_volume(hu, lungs, (0.7, 0.7), network_on_slices(network, batch=2))
    assert all(rows % 16 == 0 and columns % 16 == 0 for _, _, rows, columns in network.shapes)
    assert sum(shape[0] for shape in network.shapes) == 4  # slices with lung


def test_batches_do_not_change_amc_nets_answer(ct):
    hu, lungs = ct
    torch.manual_seed(0)
    network = build_network("AMCNet", {})
    answers = [
        predict_volume(hu, lungs, (0.7, 0.7), network_on_slices(network, batch=batch))
        for batch in (1, 3)
    ]
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-5)


def test_only_slices_with_lung_are_computed():
    network = Recording()
    hu = np.zeros((3, 64, 64), np.int16)
    answer = predict_volume(hu, np.zeros_like(hu), (0.7, 0.7), network_on_slices(network))
    assert network.shapes == [] and not answer.any()


def test_coarse_pixels_are_resampled_for_the_network_and_flagged():
    network = Recording()
    slices = network_on_slices(network, pixel_mm=(1.5, 3.0))
    hu = np.full((1, 64, 48), -500, np.int16)
    answer = slices(hu)
    assert answer.shape == hu.shape
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

    class Asking(Pixelwise):
        allowed = None

        def forward(self, x):
            self.allowed = torch.backends.cudnn.allow_tf32
            return super().forward(x)

    network = Asking()
    network_on_slices(network)(np.zeros((1, 64, 64), np.int16))
    assert network.allowed is False
    assert torch.backends.cudnn.allow_tf32 is True


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


def test_cancelling_stops_before_the_next_batch(ct):
    hu, lungs = ct
    network, cancel = Recording(), CancelToken()

    def cancel_after_the_first(progress):
        cancel.cancel()

    with pytest.raises(Cancelled):
        predict_volume(
            hu,
            lungs,
            (0.7, 0.7),
            network_on_slices(network, batch=1),
            progress=cancel_after_the_first,
            cancel=cancel,
        )
    assert len(network.shapes) == 1


def test_progress_rises_to_one(ct):
    hu, lungs = ct
    seen = []
    predict_volume(
        hu,
        lungs,
        (0.7, 0.7),
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
