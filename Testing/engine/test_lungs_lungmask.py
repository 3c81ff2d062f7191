"""Lungs by lungmask: its own answer on our grid, and weights that are checked, never fetched."""

from __future__ import annotations

import hashlib
import logging
import sys
import warnings
from dataclasses import replace
from importlib.metadata import metadata
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from lungmask import LMInferer, mask
from lungmask.resunet import UNet
from torch import nn

from COVIDLesionSegLib.engine.errors import (
    Cancelled,
    DependencyError,
    LungsNotFoundError,
    ModelError,
)
from COVIDLesionSegLib.engine.lungs import get_extractor
from COVIDLesionSegLib.engine.parameters import LUNG_METHODS, Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import CancelToken

pytestmark = pytest.mark.slow

PARAMETERS = Parameters(lungs="lungmask-r231", device="cpu")
PUBLISHED = dict(mask.MODEL_URLS)


def unit(hu: float) -> float:
    return (hu + 1024.0) / 1624.0


def network_by_hu() -> UNet:
    """lungmask's network with weights that call -950 to -400 HU right lung, tissue left lung."""
    network = UNet(n_classes=3, padding=True, depth=5, up_mode="upsample", batch_norm=True)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.zero_()
                module.bias.zero_()
        down, up = network.down_path[0].block, network.up_path[-1].conv_block.block
        down[0].weight[:3, 0, 1, 1] = 1.0
        down[0].bias[:3] = -torch.tensor([unit(-950.0), unit(-400.0), unit(-100.0)])
        for channel in range(3):
            down[3].weight[channel, channel, 1, 1] = 1.0
            # The skip comes behind the 64 channels from below.
            up[0].weight[channel, 64 + channel, 1, 1] = 1.0
            up[3].weight[channel, channel, 1, 1] = 1.0
        network.last.weight[1, :2, 0, 0] = torch.tensor([1000.0, -30000.0])
        network.last.weight[2, 2, 0, 0] = 1000.0
        network.last.bias[1:] = -1.0
    return network.eval()


def publish(folder: Path, content, monkeypatch) -> Path:
    """Put a file where torch hub would, named after its own checksum, as lungmask's model R231."""
    checkpoints = folder / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    draft = checkpoints / "draft.pth"
    # The format of the published files.
    torch.save(content, draft, _use_new_zipfile_serialization=False)
    digest = hashlib.sha256(draft.read_bytes()).hexdigest()
    path = draft.rename(checkpoints / f"unet_r231-{digest[:8]}.pth")
    monkeypatch.setitem(mask.MODEL_URLS, "R231", (f"https://example.org/{path.name}", 3))
    monkeypatch.setattr(torch.hub, "_hub_dir", str(folder))
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        yield publish(tmp_path_factory.mktemp("hub"), network_by_hu().half().state_dict(), patch)


@pytest.fixture(scope="module")
def chest():
    return generate_chest_ct(seed=3, size=(96, 80, 6), spacing=(3.4, 3.2, 40.0), orientation="RAS")


@pytest.fixture(scope="module")
def found(weights, chest):
    volume = chest.volume
    return get_extractor(PARAMETERS).extract(volume.axial, volume.axial_spacing)


def test_labels_are_lungmasks_own_whatever_the_stored_orientation(weights, chest, found):
    volume = chest.volume
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.geometry.spacing)
    image.SetOrigin(volume.geometry.origin)
    image.SetDirection(np.ravel(volume.geometry.direction))
    expected = LMInferer(
        modelpath=str(weights), force_cpu=True, batch_size=4, tqdm_disable=True
    ).apply(image)

    labels = volume.on_grid(found.labels)
    assert set(np.unique(labels)) == {0, 1, 2}
    np.testing.assert_array_equal(labels, expected)


def test_lungmasks_first_label_is_the_right_lung_as_ours():
    text = metadata("lungmask")["Description"]
    described = text[text.index("Two label models") : text.index("Five label models")]

    assert "1 = Right lung" in described and "2 = Left lung" in described


def test_provenance_names_package_weights_and_device(weights, found):
    assert found.provenance["method"] == "lungmask-r231"
    assert found.provenance["package"] == f"lungmask {metadata('lungmask')['Version']}"
    assert found.provenance["weights_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert found.provenance["device"] == "cpu"


def test_lungs_that_are_unlike_lungs_are_flagged(found):
    """The test's network calls the whole body left lung."""
    assert "lung-volume-large" in {flag.code for flag in found.flags}


def test_cancelling_stops_and_progress_rises(weights, chest):
    token, seen = CancelToken(), []

    def watch(progress):
        seen.append(progress.fraction)
        if len(seen) == 2:
            token.cancel()

    one_by_one = replace(PARAMETERS, batch_size=1)
    with pytest.raises(Cancelled):
        get_extractor(one_by_one).extract(
            chest.volume.axial, chest.volume.axial_spacing, progress=watch, cancel=token
        )
    assert seen == sorted(seen) and len(seen) == 2


def test_a_ct_without_lungs_is_refused(weights):
    air = np.full((2, 64, 64), -1000, np.int16)
    with pytest.raises(LungsNotFoundError):
        get_extractor(PARAMETERS).extract(air, (5.0, 4.0, 4.0))


def test_standard_output_and_the_users_warnings_are_left_alone(weights, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "lungmask"]:
        monkeypatch.delitem(sys.modules, name)
    before = list(warnings.filters)
    with pytest.raises(ModelError):  # the package, loaded anew, names the published file again
        get_extractor(PARAMETERS)

    assert list(warnings.filters) == before
    assert not logging.getLogger("lungmask").isEnabledFor(logging.INFO)


@pytest.mark.parametrize(
    ("method", "model", "name"),
    [
        ("lungmask-r231", "R231", "unet_r231-d5d2fc3d.pth"),
        ("lungmask-r231covidweb", "R231CovidWeb", "unet_r231covid-0de78a7e.pth"),
    ],
)
def test_absent_weights_are_never_fetched_but_told_which_whence_and_where(
    method, model, name, tmp_path, monkeypatch
):
    def fetch(*_, **__):
        raise AssertionError("fetched unasked")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fetch)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setitem(mask.MODEL_URLS, model, PUBLISHED[model])
    with pytest.raises(ModelError) as error:
        get_extractor(Parameters(lungs=method))

    assert f"https://github.com/JoHof/lungmask/releases/download/v0.0/{name}" in str(error.value)
    assert str(tmp_path / "checkpoints") in str(error.value)
    assert method in LUNG_METHODS


def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path, monkeypatch):
    path = publish(tmp_path, {"last.weight": torch.zeros(3, 64, 1, 1)}, monkeypatch)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(ModelError, match="do not have the checksum in their name"):
        get_extractor(PARAMETERS)


def test_weights_of_another_network_are_refused(tmp_path, monkeypatch):
    publish(tmp_path, {"last.weight": torch.zeros(3, 64, 1, 1)}, monkeypatch)

    with pytest.raises(ModelError, match="does not hold the weights of lungmask's network"):
        get_extractor(PARAMETERS)


class Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path, monkeypatch):
    trace = tmp_path / "trace"
    publish(tmp_path, {"last.weight": Trap(trace)}, monkeypatch)

    with pytest.raises(ModelError, match="does not hold the weights"):
        get_extractor(PARAMETERS)
    assert not trace.exists()


def test_a_missing_package_is_named_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "lungmask", None)
    with pytest.raises(DependencyError, match="package lungmask"):
        get_extractor(PARAMETERS)
