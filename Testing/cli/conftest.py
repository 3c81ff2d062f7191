"""A small chest CT and a small network that commands are tried on."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import write_volume
from engine.crafted import make_card
from engine.training_slices import Stemmed

CLASSES = ("ground-glass opacity", "consolidation")


@pytest.fixture(scope="session")
def small_chest():
    """The smallest chest CT that goes through the whole main job."""
    return generate_chest_ct(seed=5, size=(88, 72, 14), spacing=(3.8, 3.8, 18.0)).volume


@pytest.fixture(scope="module")
def small_drsegunet(tmp_path_factory):
    """A model ``small`` of the user's, untrained: DRSegUNet's recipe with the smallest network."""
    folder = tmp_path_factory.mktemp("models")
    card = make_card(
        Preprocessing((-1000.0, 100.0), input_size=(64, 64)),
        (*CLASSES, "lung", "background"),
        id="small",
        title="Small",
        network="DRSegUNet",
        classes=CLASSES,
    )
    (folder / "small.json").write_text(json.dumps(asdict(card)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks._NETWORKS, "DRSegUNet", Stemmed)
        patch.setenv(USER_FOLDER_VARIABLE, str(folder))
        yield "small"


@pytest.fixture(scope="module")
def ct(small_chest, tmp_path_factory) -> Path:
    """NIfTI with both its orientations, which is read while PyTorch is still being loaded."""
    path = tmp_path_factory.mktemp("ct") / "mrs-miller.nii.gz"
    write_volume(small_chest.array, small_chest.geometry, path)
    return path
