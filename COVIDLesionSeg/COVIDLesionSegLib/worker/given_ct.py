"""A CT, and maybe its lungs, written for a worker process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..engine.steps import Steps
from ..engine.volume import Volume
from ..engine.volume.exact import save_volume_in_steps
from ..engine.volume.raw_nrrd import write_in_steps
from .request import INPUT_FOLDER

LUNGS_FILE = "lungs.nrrd"


def write_ct_in_steps(
    folder: Path, volume: Steps[Volume], lungs: Steps[npt.NDArray[np.uint8]] | None
) -> Steps[None]:
    """Write both into the folder of a job, where :func:`given_ct` says.

    Args:
        folder: The job's private folder.
        volume: Gives the CT, in steps.
        lungs: Gives the lungs, in steps: shape (k, j, i), 1 right, 2 left; None where the worker is
            to find them.

    Raises:
        OutputError: The folder cannot be written.
    """
    place, _ = given_ct(folder, False)
    place.mkdir()
    ct = yield from volume
    yield from save_volume_in_steps(ct, place)
    if lungs is not None:
        labels = yield from lungs
        yield from write_in_steps(labels, ct.geometry, place / LUNGS_FILE)


def given_ct(folder: Path, with_lungs: bool) -> tuple[Path, Path | None]:
    """Folder of the CT, and file of its lungs, in the folder of a job."""
    place = folder / INPUT_FOLDER
    return place, place / LUNGS_FILE if with_lungs else None
