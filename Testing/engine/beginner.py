"""A small model that one step of training makes much better."""

from __future__ import annotations

from pathlib import Path

import torch

from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.networks.eamc import AMCNet
from engine.crafted import make_card, write_model
from engine.reviewed_cohort import MODEL

PLAIN = {"multi_scale": False, "attention": False}
TRAINING = {"data": {"training": {"nobody": 1}, "validation": {}, "outside": {}}}
_SLOPE, _TOO_DARK = 6e-4, 0.05


def write_beginner(folder: Path) -> None:
    """A U-Net that calls brighter pixels lesion, from too dark on; one step of training mends it.

    Its layers but the last pass the image through, and the last is so small that a step of the
    fine-tuning's learning rate moves the limit by much.
    """
    network = AMCNet(**PLAIN).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        below = network.head.in_channels * 2  # channels of the last level that come from below
        ends = (network.encoder[0], 0), (network.decoder[-1], below)
        for stage, image in ends:
            stage[0].weight[0, image, 1, 1] = stage[3].weight[0, 0, 1, 1] = 1.0
        network.head.weight[0, 0] = _SLOPE
        network.head.bias.fill_(-_SLOPE * _TOO_DARK)
    card = make_card(
        Preprocessing((-1024.0, 200.0), patch_size=(64, 64), multiple=16, pixel_mm=(0.5, 9.0)),
        id=MODEL,
        title="Small",
        network="AMCNet",
        arguments=PLAIN,
        training=TRAINING,
    )
    write_model(network, card, folder)
