"""What the suites of MONAI Label share: a folder of generated CTs, and a small model."""

from __future__ import annotations

import pytest

from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import write_volume
from engine.beginner import write_beginner
from engine.directions import DIRECTIONS
from engine.reviewed_cohort import CHEST

CTS = ("one", "oblique", "three")


@pytest.fixture(scope="module")  # not longer: tests of other files list the user's models
def small_model(tmp_path_factory):
    """The folder of the user's own models, with a model that a single step makes better."""
    folder = tmp_path_factory.mktemp("models")
    write_beginner(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(USER_FOLDER_VARIABLE, str(folder))
        yield folder


@pytest.fixture(scope="session")
def phantoms():
    """Generated chest CTs with their truth, by name."""
    return {
        name: generate_chest_ct(
            seed, **CHEST, orientation=DIRECTIONS["oblique"] if name == "oblique" else "LPS"
        )
        for seed, name in enumerate(CTS)
    }


@pytest.fixture(scope="session")
def cts(phantoms, tmp_path_factory):
    """A folder of their files."""
    folder = tmp_path_factory.mktemp("cts")
    for name, phantom in phantoms.items():
        write_volume(phantom.volume.array, phantom.volume.geometry, folder / f"{name}.nii.gz")
    return folder
