"""A network runs only under a card that describes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.weights import load_network


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
