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
        ({"classes": ("ground-glass opacity", "consolidation")}, "names 2 lesion classes"),
        ({"classes": ()}, "names 0 lesion classes"),
        ({"parameters": 17}, "states 17 parameters"),
    ],
)
def test_a_card_of_another_network_is_refused(changes, message):
    model = load_catalogue().get("amc-net")
    with pytest.raises(ModelError, match=message):
        load_network(replace(model, card=replace(model.card, **changes)))
