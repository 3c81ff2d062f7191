"""What the engine's suites share."""

from __future__ import annotations

import pytest

from COVIDLesionSegLib.engine import networks
from engine.training_slices import TinyNetwork


@pytest.fixture(scope="session")
def tiny_network():
    """Makes ``TinyNetwork`` known by its name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks._NETWORKS, "TinyNetwork", TinyNetwork)
        yield
