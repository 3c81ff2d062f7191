"""A name for a CT's content that holds no patient data and survives conversion."""

from __future__ import annotations

import hashlib

import numpy as np

from .volume import Volume


def fingerprint(volume: Volume) -> str:
    """SHA-256 (hexadecimal) over the axial voxels, rounded to whole HU, and their spacing.

    The same CT stored along other axes, or in another format, has the same fingerprint. Position
    and obliqueness do not count.
    """
    digest = hashlib.sha256()
    # Floor with this offset puts the steps between whole micrometres away from every spacing that
    # scanners write (whole micrometres, k/512 mm), so that float32 headers do not cross one.
    micrometres = np.floor(np.asarray(volume.axial_spacing) * 1000 + 0.2879).astype("<i8")
    digest.update(np.asarray([*volume.axial.shape, *micrometres], dtype="<i8").tobytes())
    for axial_slice in volume.axial:
        digest.update(np.rint(axial_slice).astype("<i4").tobytes())
    return digest.hexdigest()
