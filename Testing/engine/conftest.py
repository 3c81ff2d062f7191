"""What the engine's suites share."""

from __future__ import annotations

import pytest

from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from engine.training_slices import TinyNetwork


@pytest.fixture(scope="session")
def tiny_network():
    """Makes ``TinyNetwork`` known by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks._NETWORKS, "TinyNetwork", TinyNetwork)
        yield


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    """An empty folder of the user's own models."""
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    return tmp_path
