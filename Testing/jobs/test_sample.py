"""The sample CT is generated, needs nothing else, and is complete or absent."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.errors import Cancelled
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.volume.exact import load_volume
from COVIDLesionSegLib.jobs import sample


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """A chest of few voxels, as large in mm."""
    monkeypatch.setattr(sample, "SIZE", (81, 63, 14))
    monkeypatch.setattr(sample, "SPACING_MM", (4.0, 4.0, 20.0))


def test_what_is_written_is_the_ct_that_is_returned(tmp_path):
    fractions = []
    made = jobs.sample_ct(
        jobs.SampleCtOptions(), tmp_path / "ct", progress=lambda p: fractions.append(p.fraction)
    )
    read = load_volume(tmp_path / "ct")

    assert made.array.shape == (14, 63, 81) and made.geometry.spacing == (4.0, 4.0, 20.0)
    assert np.array_equal(read.array, made.array) and read.geometry == made.geometry
    assert fractions == sorted(fractions) and len(set(fractions)) > 4


def test_another_seed_is_another_patient(tmp_path):
    first, second = (
        jobs.sample_ct(jobs.SampleCtOptions(seed=seed), tmp_path / str(seed)) for seed in (0, 1)
    )

    assert not np.array_equal(first.array, second.array)


def test_cancelled_between_two_steps_nothing_is_written(tmp_path):
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        jobs.sample_ct(
            jobs.SampleCtOptions(),
            tmp_path / "ct",
            progress=lambda _: cancel.cancel(),
            cancel=cancel,
        )

    assert not list(tmp_path.iterdir())


def test_it_needs_neither_torch_nor_monai(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom COVIDLesionSegLib import jobs\n"
        "from COVIDLesionSegLib.jobs import sample\nsample.SIZE = (27, 21, 5)\n"
        "sample.SPACING_MM = (12, 12, 60)\n"
        f"jobs.sample_ct(jobs.SampleCtOptions(), Path({str(tmp_path / 'ct')!r}))\n"
        "sys.exit(bool({'torch', 'monai', 'slicer'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
