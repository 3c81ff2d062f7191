"""Networks, cards and models whose answers are known beforehand."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from COVIDLesionSegLib.engine.inference.device import ComputePlan
from COVIDLesionSegLib.engine.inference.predictor import Predictor
from COVIDLesionSegLib.engine.models.card import ModelCard, Weights
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.models.weights import save_weights
from COVIDLesionSegLib.engine.networks import count_parameters

CPU_PLAN = ComputePlan("cpu", False, 2**16, "test")
GROUND_GLASS_AND_CONSOLIDATION = ("ground-glass opacity", "consolidation")


class Pixelwise(nn.Module):
    """Logits that depend on their own pixel only, so that every tiling must agree exactly."""

    def forward(self, x: Tensor) -> Tensor:
        return 10.0 * (x - 0.5)


class Recording(Pixelwise):
    """Remembers the shapes and the last images it was called with."""

    def __init__(self):
        super().__init__()
        self.shapes = []
        self.images = None

    def forward(self, x: Tensor) -> Tensor:
        self.shapes.append(tuple(x.shape))
        self.images = x.numpy().copy()
        return super().forward(x)


class GreyLevels(nn.Module):
    """Three channels by the pixel's own value: the first below ``bounds``, then the next, the next.

    Each is the largest in its range, and of equal size with its neighbour at the bound.

    Args:
        bounds: Where one class gives way to the next, in the unit range of the window.
        order: Where the first, the second and the third are among the output channels.
    """

    def __init__(
        self, bounds: tuple[float, float] = (0.4, 0.8), order: tuple[int, ...] = (0, 1, 2)
    ):
        super().__init__()
        self.convolution = nn.Conv2d(1, 3, 1)
        low, high = bounds
        with torch.no_grad():
            slopes = torch.tensor([0.0, 60.0, 120.0])
            offsets = torch.tensor([0.0, -60.0 * low, -60.0 * (low + high)])
            self.convolution.weight[list(order), 0, 0, 0] = slopes
            self.convolution.bias[list(order)] = offsets

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(x)


def make_card(
    preprocessing: Preprocessing | None = None, channels: tuple[str, ...] = (), **fields
) -> ModelCard:
    """The card of a sigmoid network for one class, HU window -1000 to 0, trained on patches."""
    return ModelCard(
        **{
            "id": "crafted",
            "title": "Crafted",
            "paper": "none",
            "network": "none",
            "arguments": {},
            "parameters": 0,
            "classes": ("lesion",),
            "channels": channels,
            "preprocessing": preprocessing
            or Preprocessing((-1000.0, 0.0), patch_size=(128, 128), pixel_mm=(0.5, 1.0)),
            **fields,
        }
    )


def predictor_of(
    network: nn.Module,
    card: ModelCard,
    plan: ComputePlan,
    pixel_mm: tuple[float, float],
    tiling: str = "whole-slice",
    batch_size: int = 0,
) -> Predictor:
    """A network as its card says, on a plan that the test chose."""
    return Predictor(
        network,
        card.preprocessing,
        plan,
        model_id=card.id,
        class_channels=card.class_channels,
        pixel_mm=pixel_mm,
        tiling=tiling,
        batch_size=batch_size,
    )


def write_model(network: nn.Module, card: ModelCard, folder: Path) -> None:
    """Write the network's weights and their card into a folder of the user's models."""
    file = f"{card.id}.safetensors"
    digest = save_weights(network, folder / file, torch.float32)
    card = replace(
        card,
        parameters=count_parameters(network),
        weights=Weights(file, digest, "CC0-1.0", "A test."),
    )
    (folder / f"{card.id}.json").write_text(json.dumps(asdict(card)), encoding="utf-8")
