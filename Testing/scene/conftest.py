"""Fixtures of the scene suites."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fabricated import add_ct  # noqa: E402


@pytest.fixture
def ct_node(scene):
    """A small CT in an empty scene."""
    return add_ct(scene)


@pytest.fixture
def show():
    """What shows a result in the scene."""
    from COVIDLesionSegLib.scene.show import show_result

    return show_result
