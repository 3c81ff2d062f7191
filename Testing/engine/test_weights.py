"""A network runs only under a card that describes it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.weights import load_network, save_weights
from COVIDLesionSegLib.engine.networks import build_network


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"channels": ("background", "lesion")},
            r"names 2 channels \(background, lesion\), but its network gives 1",
        ),
        (
            {"classes": ("ground-glass opacity",), "channels": ("ground-glass opacity", "none")},
            r"names 2 channels \(ground-glass opacity, none\), but its network gives 1",
        ),
        ({"parameters": 17}, "states 17 parameters"),
    ],
)
def test_a_card_of_another_network_is_refused(changes, message):
    model = load_catalogue().get("amc-net")
    with pytest.raises(ModelError, match=message):
        load_network(replace(model, card=replace(model.card, **changes)))


def test_weights_that_are_not_numbers_are_refused(tmp_path):
    model = load_catalogue().get("amc-net")
    network = build_network("AMCNet", {})
    with torch.no_grad():
        network.head.bias.fill_(torch.nan)
    sha256 = save_weights(network, tmp_path / model.card.weights.file)
    card = replace(model.card, weights=replace(model.card.weights, sha256=sha256, bits=None))
    with pytest.raises(ModelError, match="are not all numbers"):
        load_network(replace(model, card=card, folder=tmp_path))
