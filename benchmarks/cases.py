"""What is timed: each case is set up once, then called again and again by :mod:`.child`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from COVIDLesionSegLib.engine.inference.device import make_plan
from COVIDLesionSegLib.engine.inference.predictor import Predictor
from COVIDLesionSegLib.engine.inference.volume_prediction import predict_volume
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.pipeline import segment

from . import inputs


@dataclass
class Ready:
    """A case, ready to be timed.

    Attributes:
        run: Does the work once.
        slices: How many slices one run computes.
        gflop: Of one run, of convolutions and matrix products; None where it was not counted.
        precision: ``"float32"`` or ``"bfloat16"``.
        note: What to know about it.
    """

    run: Callable[[], object]
    slices: int
    gflop: float | None
    precision: str = "float32"
    note: str = ""


def whole_job(folder: Path, ct: str, model: str, device: str, **_) -> Ready:
    """``segment``: lungs, lesions and severity of the whole CT, as users run it."""
    volume = inputs.read(Path(ct) if ct else None)
    parameters = Parameters(model=model, device=device, allow_untrained=True)
    plan = make_plan(parameters, load_catalogue().get(model).card.bfloat16)
    return Ready(
        lambda: segment(volume, parameters),
        len(volume.axial),
        None,
        "bfloat16" if plan.bfloat16 else "float32",
        "whole job: lungs, lesions, severity",
    )


def pipeline(folder: Path, model: str, precision: str, device: str, slices: int, **_) -> Ready:
    """Our inference of one network on slices that hold lung."""
    hu, lungs, pixel_mm = inputs.load(folder, slices)
    found = load_catalogue().get(model)
    parameters = Parameters(model=model, device=device, precision=precision)
    network = Predictor.of_model(
        found.card, load_network(found, allow_untrained=True), parameters, pixel_mm
    )
    gflop = _gflop(network, lambda: predict_volume(hu, lungs, pixel_mm, [network]))
    return Ready(
        lambda: predict_volume(hu, lungs, pixel_mm, [network]),
        len(hu),
        gflop,
        precision,
        "this software",
    )


def naive(folder: Path, model: str, device: str, slices: int, **_) -> Ready:
    """The same network in a plain loop: NCHW, float32, whole slices, nothing tuned."""
    hu, lungs, _ = inputs.load(folder, slices)
    card = load_catalogue().get(model).card
    network = load_network(load_catalogue().get(model), allow_untrained=True).to(device)
    unit = card.preprocessing.normalise(card.preprocessing.to_unit(hu), lungs)
    images = torch.from_numpy(unit)[:, None]
    if card.preprocessing.input_size:
        images = functional.interpolate(images, card.preprocessing.input_size, mode="bilinear")
    return _loop(network, images, card.preprocessing.multiple, 1, device, "same network, naively")


def lungmask(folder: Path, device: str, slices: int, **_) -> Ready:
    """The network of lungmask alone, as its inferer calls it: 256x256, 20 slices at a time."""
    from lungmask.resunet import UNet

    network = UNet(
        n_classes=3, padding=True, depth=5, up_mode="upsample", batch_norm=True, residual=False
    )
    hu, _, _ = inputs.load(folder, slices) if slices else _every_slice(folder)
    images = torch.from_numpy(np.clip(hu, -1024, 600).astype(np.float32) / 1624.0)[:, None]
    images = functional.interpolate(images, (256, 256), mode="bilinear")
    note = "lungmask's R231 network alone, random weights"
    return _loop(network.eval().to(device), images, 1, 20, device, note)


def basic_unet(folder: Path, device: str, slices: int, **_) -> Ready:
    """MONAI's BasicUNet in two dimensions with its sliding window, MONAI's defaults."""
    from monai.inferers import sliding_window_inference
    from monai.networks.nets import BasicUNet

    torch.manual_seed(0)
    network = BasicUNet(spatial_dims=2, in_channels=1, out_channels=1).eval().to(device)
    hu, _, _ = inputs.load(folder, slices)
    images = torch.from_numpy(np.clip((hu + 1024.0) / 1224.0, 0, 1).astype(np.float32))[:, None]

    def run() -> None:
        with torch.no_grad():
            for image in images:
                sliding_window_inference(image[None].to(device), (128, 128), 16, network)

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        sliding_window_inference(images[:1].to(device), (128, 128), 16, network)
    gflop = counter.get_total_flops() / 1e9 * len(images)
    return Ready(run, len(images), gflop, note="MONAI BasicUNet, sliding window 128x128")


def ceiling(_folder: Path, precision: str, device: str, channels: int, size: int, **_) -> Ready:
    """One 3x3 convolution in channels_last: what this machine can do at best."""
    dtype = getattr(torch, precision)
    convolution = nn.Conv2d(channels, channels, 3, padding=1).to(device, dtype).eval()
    convolution = convolution.to(memory_format=torch.channels_last)
    image = torch.rand(1, channels, size, size, device=device, dtype=dtype)
    image = image.contiguous(memory_format=torch.channels_last)
    times = 8

    def run() -> None:
        with torch.inference_mode():
            for _ in range(times):
                convolution(image)

    gflop = times * 2 * 9 * channels**2 * size**2 / 1e9
    return Ready(run, 1, gflop, precision, f"3x3 convolution, {channels} channels, {size}x{size}")


CASES: dict[str, Callable[..., Ready]] = {
    "whole-job": whole_job,
    "pipeline": pipeline,
    "naive": naive,
    "lungmask": lungmask,
    "basic-unet": basic_unet,
    "ceiling": ceiling,
}


def _loop(
    network: nn.Module, images: torch.Tensor, multiple: int, batch: int, device: str, note: str
) -> Ready:
    rows, columns = (-n % multiple for n in images.shape[2:])
    images = functional.pad(images, (0, columns, 0, rows))

    def run() -> None:
        with torch.no_grad():
            for part in images.split(batch):
                network(part.to(device)).cpu()

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(images[:1].to(device))
    return Ready(run, len(images), counter.get_total_flops() / 1e9 * len(images), note=note)


def _gflop(network: Predictor, run: Callable[[], object]) -> float:
    """Of one run: the pixels that the network was given, times what one pixel takes.

    PyTorch counts in its own thread only, and inference has several.
    """
    pixels: list[int] = []
    hook = network.network.register_forward_pre_hook(
        lambda _, inputs: pixels.append(inputs[0].numel())
    )
    run()
    hook.remove()
    slices = np.zeros((1, 512, 512), np.int16)
    with FlopCounterMode(display=False) as counter:
        network(slices, np.ones_like(slices) if network.needs_lungs else None)
    one = math.prod(network.field_of_view((512, 512)).network_shape)
    return counter.get_total_flops() / one * sum(pixels) / 1e9


def _every_slice(folder: Path) -> tuple[np.ndarray, None, None]:
    return np.load(folder / "hu.npy"), None, None
