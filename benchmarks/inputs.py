"""The one volume that every case of a benchmark computes on, and the cases' common ground."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from COVIDLesionSegLib.engine.lungs import get_extractor
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import Volume, read_volume, write_volume
from COVIDLesionSegLib.engine.volume.checks import check_chest_ct

GENERATED = "generated.nrrd"
"""The generated CT in the folder of :func:`prepare`."""

_GENERATED = {"size": (512, 400, 60), "spacing": (0.7, 0.7, 5.0)}


@dataclass(frozen=True)
class Facts:
    """What was timed.

    Attributes:
        source: For people.
        shape: (z, y, x) of the axial volume.
        slices_with_lung: How many of its slices hold lung.
        pixel_mm: Pixel size along (y, x).
    """

    source: str
    shape: tuple[int, int, int]
    slices_with_lung: int
    pixel_mm: tuple[float, float]


def read(ct: Path | None) -> Volume:
    """The CT, or a generated one where None."""
    volume = read_volume(ct) if ct else generate_chest_ct(**_GENERATED).volume
    return check_chest_ct(volume)


def prepare(ct: Path | None, folder: Path) -> Facts:
    """Write the axial HU and its lungs into ``folder``, once for all cases; a generated CT, too."""
    volume = read(ct)
    if ct is None:
        write_volume(volume.array, volume.geometry, folder / GENERATED)
    lungs = get_extractor().extract(volume.axial, volume.axial_spacing).labels
    np.save(folder / "hu.npy", np.ascontiguousarray(volume.axial))
    np.save(folder / "lungs.npy", lungs)
    facts = Facts(
        source=ct.name if ct else "generated chest CT",
        shape=tuple(volume.axial.shape),
        slices_with_lung=int(np.count_nonzero(lungs.any(axis=(1, 2)))),
        pixel_mm=tuple(volume.axial_spacing[1:]),
    )
    (folder / "facts.json").write_text(json.dumps(asdict(facts)), encoding="utf-8")
    return facts


def load(folder: Path, slices: int) -> tuple[np.ndarray, np.ndarray, tuple[float, float]]:
    """HU and lungs (n, y, x) of ``slices`` slices spread over the lungs, all if 0; pixel size."""
    hu, lungs = np.load(folder / "hu.npy"), np.load(folder / "lungs.npy")
    with_lung = np.flatnonzero(lungs.any(axis=(1, 2)))
    if slices:
        with_lung = with_lung[np.linspace(0, len(with_lung) - 1, slices).round().astype(int)]
    facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    return hu[with_lung], lungs[with_lung], tuple(facts["pixel_mm"])
