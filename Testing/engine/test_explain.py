"""Feature and attention maps are those the network computed, at their place on the slice."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from COVIDLesionSegLib.engine.errors import InputError, ModelError, ParameterError
from COVIDLesionSegLib.engine.explain import (
    MAPS_PER_BLOCK,
    explain_slice,
    feature_blocks,
    recording,
)
from COVIDLesionSegLib.engine.flags import UNTRAINED
from COVIDLesionSegLib.engine.lungs import get_extractor
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.networks import build_network
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import Variation, generate_chest_ct
from COVIDLesionSegLib.engine.pipeline import segment

pytestmark = pytest.mark.slow

CPU = Parameters(model="amc-net", device="cpu")


SLICES = 5


@pytest.fixture(scope="module")
def chest():
    """A child's, in thick slices: less for large networks to see."""
    child = Variation(scale=0.45)
    return generate_chest_ct(5, (88, 72, SLICES), (1.71, 1.71, 22.5), variation=child).volume


@pytest.fixture(scope="module")
def explanation(chest):
    return explain_slice(chest, CPU)


def test_amc_net_is_shown_as_the_nine_blocks_of_figure_2(explanation):
    assert [block.name for block in explanation.blocks] == [
        *(f"encoder {n}" for n in (1, 2, 3, 4)),
        "bottleneck",
        *(f"decoder {n}" for n in (1, 2, 3, 4)),
    ]
    channels = [block.shape[0] for block in explanation.blocks]
    assert channels == [16, 32, 64, 128, 256, 128, 64, 32, 16]
    rows = [block.shape[1] for block in explanation.blocks]
    assert rows == [rows[0] // f for f in (1, 2, 4, 8, 16, 8, 4, 2, 1)]


def test_every_map_lies_on_the_slices_own_pixels(explanation):
    shape = explanation.hu.shape
    for block in explanation.blocks:
        assert block.mean.shape == shape
        assert block.maps.shape == (MAPS_PER_BLOCK, *shape)
        assert len(block.channels) == MAPS_PER_BLOCK
    for _, attention in explanation.attention:
        assert attention.shape == shape
        assert 0.0 <= attention.min() < attention.max() <= 1.0
    assert len(explanation.attention) == 4
    # What the first block makes of the chest's outline stays where the chest is.
    body = explanation.hu > -300
    first = explanation.blocks[0].mean
    assert abs(np.corrcoef(body.ravel(), first.ravel())[0, 1]) > 0.2
    assert abs(np.corrcoef(body.ravel(), first[:, ::-1].ravel())[0, 1]) < abs(
        np.corrcoef(body.ravel(), first.ravel())[0, 1]
    )


def test_without_a_choice_the_slice_with_the_most_lesion_is_shown(chest, explanation):
    assert explanation.index == segment(chest, CPU).severity.most_infected_slice.index


def test_recorded_maps_are_what_the_blocks_gave_and_listening_ends():
    network = build_network("AMCNet", {"dropout": 0.0}).eval()
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad(), recording(network) as record:
        network(image)
        first = network.encoder[0](image)[0]
    torch.testing.assert_close(next(iter(record.features.values())), first)
    with torch.no_grad():
        network(1 - image)
    torch.testing.assert_close(next(iter(record.features.values())), first)


def test_a_pass_that_is_repeated_is_heard_once():
    """As after running out of memory: the blocks that were computed before are not listed twice."""
    network = build_network("AMCNet", {"dropout": 0.0}).eval()
    with torch.no_grad(), recording(network) as record:
        network(torch.rand(1, 1, 32, 32))
        heard = list(record.features), list(record.attention)
        network(torch.rand(1, 1, 64, 64))
    assert (list(record.features), list(record.attention)) == heard
    assert next(iter(record.features.values())).shape[1:] == (64, 64)


NETWORKS = {
    model.card.network: model
    for model in load_catalogue().models
    if model.card.task in ("lesions", "lungs")
}
WRAPPED = {"ComparedAttentionUNet", "ComparedUNetPlusPlus"}
"""Networks of another package, which show no blocks."""


@pytest.mark.parametrize("network", sorted(WRAPPED))
def test_a_network_that_shows_no_blocks_is_refused(network, chest):
    asked = Parameters(model=NETWORKS[network].id, device="cpu", allow_untrained=True)
    with pytest.raises(ModelError, match="does not show its blocks"):
        explain_slice(chest, asked, SLICES // 2)


@pytest.mark.parametrize(
    "model",
    [model for network, model in NETWORKS.items() if network not in WRAPPED],
    ids=lambda model: model.card.network,
)
def test_every_kind_of_network_shows_its_blocks_from_fine_to_coarse_to_fine(model):
    network = build_network(model.card.network, model.card.arguments).eval()
    with torch.no_grad(), recording(network) as record:
        network(torch.rand(1, 1, 64, 64))
    names = list(record.features)
    assert len(names) == len(set(names)) >= 5
    assert {name for name, _ in feature_blocks(network)}.isdisjoint({"head", "pool", "gates"})
    rows = [features.shape[1] for features in record.features.values()]
    coarsest = rows.index(min(rows))
    assert coarsest > 0 and min(rows) <= 8
    # A feature pyramid enlarges its levels inside its blocks and ends at a quarter.
    assert rows[-1] >= 16 > min(rows)


def test_a_network_without_gates_has_no_attention_and_an_untrained_one_says_so(chest):
    untrained = Parameters(model="unet", device="cpu", allow_untrained=True)
    lung_slice = SLICES // 2
    explanation = explain_slice(chest, untrained, lung_slice)
    assert explanation.index == lung_slice
    assert explanation.attention == ()
    assert explanation.flags[0].code == UNTRAINED


@pytest.mark.parametrize("index", [-1, SLICES])
def test_a_slice_that_is_not_there_is_refused(chest, index):
    with pytest.raises(InputError, match="the CT has the slices 0 to 4"):
        explain_slice(chest, CPU, index)


def test_a_slice_without_lung_is_refused():
    chest = generate_chest_ct(seed=5, size=(88, 72, 20), spacing=(3.8, 3.8, 18.0)).volume
    empty = int(np.argmin([np.count_nonzero(one < -500) for one in chest.axial]))
    lungs = get_extractor().extract(chest.axial, chest.axial_spacing).labels
    assert lungs.any() and not lungs[empty].any()
    with pytest.raises(InputError, match=f"no lung on slice {empty}"):
        explain_slice(chest, CPU, empty)


@pytest.mark.parametrize(
    "changes", [{"model": "amc-net+unet"}, {"model": "eamc"}, {"tiling": "overlapping"}]
)
def test_only_a_single_model_on_whole_slices_is_explained(chest, changes):
    with pytest.raises(ParameterError, match="single model"):
        explain_slice(chest, Parameters(device="cpu", **changes))
