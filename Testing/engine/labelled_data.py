"""A slice folder like the real one, whose images and masks are known pixel by pixel."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

SHAPE = (32, 40)
LUNGS = (slice(4, 28), slice(4, 36))
LESIONS = {
    "coronacases_org_001": [(slice(6, 14), slice(6, 16)), (slice(8, 10), slice(8, 9))],
    "coronacases_org_002": [(slice(10, 20), slice(20, 34)), None],
    "radiopaedia_4_85506_1": [(slice(6, 18), slice(8, 12))],
}
"""Rows and columns of the lesion in each slice of each case."""
BRIGHT_SHIFT = 2
"""Lesions look shifted by so many columns, so that a network by grey level errs on both sides."""


def write_slice_folder(folder: Path, with_lungs: bool = True) -> Path:
    """Write the slices of ``LESIONS``; healthy lung is black, lesions white and shifted."""
    rows = []
    for case, lesions in LESIONS.items():
        for number, place in enumerate(lesions, start=1):
            name = f"{case}_{number:03d}"
            lesion, image, lungs = (np.zeros(SHAPE, np.uint8) for _ in range(3))
            lungs[LUNGS] = 255
            if place is not None:
                lesion[place] = 255
                image = np.roll(lesion, BRIGHT_SHIFT, axis=1)
            for kind, array in (("img", image), ("lesion", lesion), ("lung", lungs)):
                if kind != "lung" or with_lungs:
                    (folder / kind).mkdir(parents=True, exist_ok=True)
                    path = folder / kind / f"{name}.png"
                    sitk.WriteImage(sitk.GetImageFromArray(array), str(path))
            rows.append({"name": name, "case": case, "grey_soft_peak": "255"})
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


@contextmanager
def no_more_open_files() -> Iterator[None]:
    """Opening one more file fails; on POSIX only."""
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Writing beyond so many bytes of a file fails, as on a full disk; on POSIX only."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
