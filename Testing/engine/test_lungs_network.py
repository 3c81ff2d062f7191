"""Lungs by a network of the catalogue, with networks that do what their test says they do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.errors import (
    Cancelled,
    LungsNotFoundError,
    ModelError,
    ParameterError,
)
from COVIDLesionSegLib.engine.lungs import get_extractor
from COVIDLesionSegLib.engine.lungs.network import NetworkExtractor, label_lungs
from COVIDLesionSegLib.engine.models.card import ModelCard, Weights
from COVIDLesionSegLib.engine.models.card_json import write_card
from COVIDLesionSegLib.engine.models.catalogue import Model
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.models.weights import save_weights
from COVIDLesionSegLib.engine.networks.cascade import PlainUNet
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.pipeline import segment
from COVIDLesionSegLib.engine.progress import CancelToken

pytestmark = pytest.mark.slow

WINDOW = (-1024.0, 200.0)
GRID = {"size": (144, 112, 28), "spacing": (2.3, 2.3, 10.0)}


SOFT = (-400.0 - WINDOW[0]) / (WINDOW[1] - WINDOW[0])  # where lung ends, windowed


class ByHU(nn.Module):
    """The smallest network that finds lungs: what is below -400 HU."""

    def __init__(self):
        super().__init__()
        self.above = nn.Conv2d(1, 1, 1)
        self.head = nn.Conv2d(1, 2, 1)
        with torch.no_grad():
            self.above.weight.fill_(1.0)
            self.above.bias.fill_(-SOFT)
            set_head(self.head)

    def forward(self, x):
        return self.head(torch.relu(self.above(x)))


def set_head(head: nn.Conv2d) -> None:
    """Lung where the first feature is 0, background where it is more."""
    head.weight.zero_()
    head.bias.zero_()
    head.weight[1, 0], head.bias[1] = -10000.0, 1.0


def unet_by_hu() -> PlainUNet:
    """The same from a whole U-Net, by its weights: the image comes through the uppermost skip."""
    network = PlainUNet()
    through = network.decoder[3].convs
    path = (network.stem.conv_0, network.stem.conv_1, through.conv_0, through.conv_1)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                module.weight.zero_()
                module.bias.zero_()
        for block in path:
            block.conv.weight[0, 0, 1, 1] = 1.0
        path[0].conv.bias[0] = -SOFT
        set_head(network.head)
    return network.eval()


CARD = ModelCard(
    id="lungs-by-hu",
    title="Lungs by HU",
    paper="none",
    task="lungs",
    network="ByHU",
    arguments={},
    parameters=6,
    classes=("lung",),
    channels=("background", "lung"),
    preprocessing=Preprocessing(window_hu=WINDOW, input_size=(128, 128)),
)


@pytest.fixture(autouse=True)
def by_hu(monkeypatch):
    monkeypatch.setitem(networks._NETWORKS, "ByHU", ByHU)


@pytest.fixture
def untrained():
    """A lung model without weights, whose network finds the lungs all the same."""
    return Model(CARD, folder=None)


def extractor_of(model, **parameters):
    return NetworkExtractor(model, Parameters(device="cpu", allow_untrained=True, **parameters))


@pytest.fixture(scope="module")
def chest():
    return generate_chest_ct(seed=1, ground_glass=0.05, consolidation=0.0, **GRID)


def extract(extractor, volume, **kwargs):
    """Labels on the stored grid, and the flags' codes."""
    found = extractor.extract(volume.axial, volume.axial_spacing, **kwargs)
    return volume.on_grid(found.labels), {flag.code for flag in found.flags}


def dice(a, b):
    return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))


def test_a_trained_model_of_the_catalogue_finds_each_lung_on_its_side(tmp_path, monkeypatch, chest):
    monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(tmp_path))
    sha256 = save_weights(unet_by_hu(), tmp_path / "lungs.safetensors")
    weights = Weights("lungs.safetensors", sha256, "Apache-2.0", "None.")
    write_card(replace(CARD, network="PlainUNet", parameters=31_042_434, weights=weights), tmp_path)
    extractor = get_extractor(Parameters(lungs=CARD.id, device="cpu"))
    found = extractor.extract(chest.volume.axial, chest.volume.axial_spacing)
    labels = chest.volume.on_grid(found.labels)

    for side in (1, 2):
        assert dice(labels == side, chest.lungs == side) > 0.9
    # It knows densities only, so the airways are lung to it.
    assert {flag.code for flag in found.flags if flag.level == "warning"} == {
        "lung-airways-included"
    }
    assert found.labels.dtype == np.uint8
    assert found.provenance["method"] == CARD.id
    assert found.provenance["weights_sha256"] == sha256
    assert found.provenance["device"] == "cpu"


@pytest.mark.parametrize("orientation", ["RAS", "SPL"])
def test_the_input_orientation_does_not_matter(untrained, chest, orientation):
    other = generate_chest_ct(
        seed=1, ground_glass=0.05, consolidation=0.0, orientation=orientation, **GRID
    )
    extractor = extractor_of(untrained)
    expected, _ = extract(extractor, chest.volume)
    labels, _ = extract(extractor, other.volume)

    assert labels.shape == other.volume.array.shape
    for side in (1, 2):
        assert np.count_nonzero(labels == side) == np.count_nonzero(expected == side)
        assert dice(labels == side, other.lungs == side) > 0.9


def test_the_batch_size_does_not_change_the_lungs(untrained, chest):
    one, many = (
        extract(extractor_of(untrained, batch_size=size), chest.volume)[0] for size in (1, 11)
    )
    np.testing.assert_array_equal(one, many)


def test_networks_without_weights_are_refused_unless_allowed_and_then_flagged(untrained, chest):
    with pytest.raises(ModelError, match="no trained weights"):
        get_extractor(Parameters(lungs="lungs-unet-resnet18"))

    extractor = extractor_of(untrained)
    _, flags = extract(extractor, chest.volume)
    assert "untrained-network" in flags


def test_severity_is_not_graded_on_lungs_of_an_untrained_network(tmp_path, monkeypatch):
    monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(tmp_path))
    write_card(CARD, tmp_path)
    chest = generate_chest_ct(seed=1, size=(96, 80, 12), spacing=(3.4, 3.2, 22.0))
    result = segment(
        chest.volume, Parameters(lungs="lungs-by-hu", device="cpu", allow_untrained=True)
    )

    assert result.severity.category is None
    assert "untrained-network" in {flag.code for flag in result.flags}
    assert result.provenance["lungs"]["weights"].startswith("random")
    assert np.count_nonzero(result.lungs) > 0


def test_lungs_cut_off_by_the_scan_are_flagged(untrained, chest):
    extractor = extractor_of(untrained)
    middle = chest.volume.axial[8:20]
    found = extractor.extract(middle, chest.volume.axial_spacing)

    assert "lungs-cut-off" in {flag.code for flag in found.flags}


def test_a_ct_without_lungs_is_refused(untrained):
    extractor = extractor_of(untrained)
    tissue = np.full((4, 64, 64), 40, np.int16)

    with pytest.raises(LungsNotFoundError, match="was never trained"):
        extractor.extract(tissue, (5.0, 4.0, 4.0))


def test_progress_rises_to_the_end_and_cancel_stops(untrained, chest):
    extractor = extractor_of(untrained, batch_size=4)
    token, seen, stop = CancelToken(), [], False

    def watch(progress):
        seen.append(progress.fraction)
        if stop and progress.fraction > 0.3:
            token.cancel()

    extract(extractor, chest.volume, progress=watch)
    assert seen == sorted(seen) and seen[0] == 0.0 and seen[-1] == 1.0

    stop, seen[:] = True, []
    with pytest.raises(Cancelled):
        extract(extractor, chest.volume, progress=watch, cancel=token)
    assert seen[-1] < 0.5


@pytest.mark.parametrize("name", ["magic", "amc-net"])
def test_what_finds_no_lungs_is_refused_with_all_that_does(name):
    with pytest.raises(ParameterError, match="threshold, lungmask-r231, .*lungs-unet-r") as error:
        get_extractor(Parameters(lungs=name))
    assert f"'{name}'" in str(error.value)


def test_a_card_that_wants_the_lungs_to_find_the_lungs_is_refused(untrained):
    masked = replace(CARD.preprocessing, lung_mask=True)
    with pytest.raises(ModelError, match="lung_mask to false"):
        extractor_of(replace(untrained, card=replace(CARD, preprocessing=masked)))


def ball(shape, spacing, centre, radius):
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    return (
        sum(((a - c) * mm) ** 2 for a, c, mm in zip(axes, centre, spacing, strict=True))
        <= radius**2
    )


def test_small_pieces_fall_away_and_what_a_lung_encloses_belongs_to_it():
    shape, spacing = (60, 90, 150), (2.0, 2.0, 2.0)
    right = ball(shape, spacing, (30, 45, 40), 45.0)
    left = ball(shape, spacing, (30, 45, 110), 45.0)
    hole = ball(shape, spacing, (30, 45, 40), 12.0)
    speck = ball(shape, spacing, (30, 8, 75), 8.0)
    hu = np.where(right | left | speck, -800, 40).astype(np.int16)
    hu[hole] = 30

    labels = label_lungs((right & ~hole) | left | speck, hu, spacing)

    np.testing.assert_array_equal(labels == 1, right)
    np.testing.assert_array_equal(labels == 2, left)
