"""Generated cohorts: small chest CTs, and among them bad files, each of another kind."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import Volume, write_volume

SMALL = {"size": (64, 64, 12), "spacing": (5.0, 5.0, 22.0)}
FEW_SLICES = {"size": (64, 64, 6), "spacing": (5.0, 5.0, 44.0)}
"""For cohorts of hundreds: a case takes half as long."""


def write_chest(path: Path, seed: int, **options) -> Path:
    """Write a generated chest CT; by default a small one."""
    volume = generate_chest_ct(seed=seed, **{**SMALL, **options}).volume
    write_volume(volume.array, volume.geometry, path)
    return path


def write_cohort(folder: Path, good: int, seed: int = 40, **options) -> tuple[set[str], set[str]]:
    """Write ``good`` CTs and one bad file of each kind among them; give the names of both."""
    names = [f"case-{n:03d}" for n in range(good)]
    for n, name in enumerate(names):
        write_chest(folder / f"{name}.nii.gz", seed + n, **options)
    whole = (folder / f"{names[0]}.nii.gz").read_bytes()
    volume = generate_chest_ct(seed=1, **{**SMALL, **options}).volume
    bad = set()
    for n, (kind, write) in enumerate(BAD.items()):
        # Names among the good ones, so that a bad one is met at any time.
        name = f"case-{n * good // len(BAD):03d}-{kind}"
        write(folder / name, whole, volume)
        bad.add(name)
    return set(names), bad


def _bytes(content: Callable[[bytes], bytes], suffix: str = ".nii.gz"):
    def write(path: Path, whole: bytes, volume: Volume) -> None:
        path.with_name(path.name + suffix).write_bytes(content(whole))

    return write


def _voxels(change: Callable[[np.ndarray], np.ndarray], **geometry):
    def write(path: Path, whole: bytes, volume: Volume) -> None:
        array = np.ascontiguousarray(change(volume.array))
        grid = replace(volume.geometry, size=array.shape[::-1], **geometry)
        write_volume(array, grid, path.with_name(f"{path.name}.nii.gz"))

    return write


def _noise(array: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(5).normal(0, 300, array.shape)
    return noise.clip(-1024, 3000).astype(np.int16)


def _one_bit_wrong(whole: bytes) -> bytes:
    middle = len(whole) // 2
    return whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]


BAD: dict[str, Callable[[Path, bytes, Volume], None]] = {
    "truncated": _bytes(lambda whole: whole[: len(whole) // 2]),
    "empty": _bytes(lambda whole: b""),
    "text": _bytes(lambda whole: b"Dear colleague, the CT follows by post."),
    "compressed-noise": _bytes(lambda whole: gzip.compress(np.random.default_rng(3).bytes(4000))),
    "one-bit-wrong": _bytes(_one_bit_wrong),
    "header-only": _bytes(lambda whole: gzip.compress(gzip.decompress(whole)[:352])),
    "not-nrrd": _bytes(lambda whole: whole, ".nrrd"),
    "water": _voxels(np.zeros_like),
    "air": _voxels(lambda array: np.full_like(array, -1000)),
    "noise": _voxels(_noise),
    "one-slice": _voxels(lambda array: array[:1]),
    "tiny-voxels": _voxels(lambda array: array, spacing=(0.01, 0.01, 0.01)),
}
"""What writes each kind of bad file, given a path without ending, a good file and its CT."""
