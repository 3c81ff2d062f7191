"""A CT goes from one process to another and stays the same, bit for bit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import InputError, OutputError
from COVIDLesionSegLib.engine.volume import Geometry, Volume
from COVIDLesionSegLib.engine.volume.exact import FACTS_FILE, load_volume, save_volume
from engine.saved_results import geometries


@pytest.fixture
def volume() -> Volume:
    geometry = Geometry((4, 3, 2), (0.7, 0.7, 5.0), (1.0, 2.0, 3.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
    return Volume(np.zeros(geometry.shape, np.int16), geometry)


@settings(max_examples=20, deadline=None)
@given(
    geometry=geometries(), seed=st.integers(0, 99), dtype=st.sampled_from([np.int16, np.float32])
)
def test_a_ct_comes_back_bit_for_bit(tmp_path_factory, geometry, seed, dtype):
    array = np.random.default_rng(seed).normal(-500, 400, geometry.shape).astype(dtype)
    volume = Volume(array, geometry, {"format": "NIfTI"}, ("Slices are 5 mm apart.",))
    folder = tmp_path_factory.mktemp("exact")
    save_volume(volume, folder)
    read = load_volume(folder)

    assert read.array.dtype == dtype
    np.testing.assert_array_equal(read.array, array)
    assert (read.geometry, read.source, read.warnings) == (geometry, volume.source, volume.warnings)


@pytest.mark.parametrize("name", ["geometry", "source", "warnings"])
def test_damaged_facts_are_refused(tmp_path, volume, name):
    save_volume(volume, tmp_path)
    path = tmp_path / FACTS_FILE
    facts = json.loads(path.read_text("utf-8"))
    for value in (None, 7):
        path.write_text(json.dumps({**facts, name: value}))
        with pytest.raises(InputError, match="no complete CT"):
            load_volume(tmp_path)


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path, volume):
    with pytest.raises(OutputError, match="cannot be written"):
        save_volume(volume, tmp_path / "absent")
