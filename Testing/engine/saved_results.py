"""Results made up of random numbers, and one that was saved, read at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.flags import Flag
from COVIDLesionSegLib.engine.result import SegmentationResult, load_result_in_steps
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.steps import finish
from COVIDLesionSegLib.engine.volume import Geometry

_positive = st.floats(0.05, 20, allow_nan=False)
_position = st.floats(-2000, 2000, allow_nan=False)


def load_result(folder: Path) -> SegmentationResult:
    """What :func:`save_result` wrote; the package itself reads in steps."""
    return finish(load_result_in_steps(folder))


@st.composite
def geometries(draw) -> Geometry:
    """Any size, spacing, origin and rotation, with numbers that have no short decimal form."""
    rotation, _ = np.linalg.qr(np.random.default_rng(draw(st.integers(0, 999))).normal(size=(3, 3)))
    return Geometry(
        size=tuple(draw(st.tuples(*[st.integers(2, 6)] * 3))),
        spacing=draw(st.tuples(*[_positive] * 3)),
        origin=draw(st.tuples(*[_position] * 3)),
        direction=tuple(float(value) for value in rotation.ravel()),
    )


def make_result(
    geometry: Geometry,
    seed: int = 0,
    lungs: bool = True,
    classes: tuple[str, ...] = ("lesion",),
    ensemble: bool = False,
) -> SegmentationResult:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, geometry.shape, dtype=np.uint8) * lungs
    lesions = random.integers(0, len(classes) + 1, geometry.shape, dtype=np.uint8) * (labels > 0)
    disagreement = random.random(geometry.shape, dtype=np.float32) if ensemble else None
    return SegmentationResult(
        geometry=geometry,
        lungs=labels,
        lesions=lesions,
        probability=random.random(geometry.shape, dtype=np.float32),
        disagreement=disagreement,
        classes=classes,
        severity=measure_severity(labels, lesions, classes, geometry, disagreement),
        flags=(Flag("thick-slices", "Slices are thick – look."), Flag("x", "y", "note", (4, 2))),
        provenance={"model": {"id": "amc-net", "sha256": None}, "seconds": {"lungs": 0.1}},
    )


def assert_same(first: SegmentationResult, second: SegmentationResult) -> None:
    for name in ("lungs", "lesions", "probability", "disagreement"):
        one, other = getattr(first, name), getattr(second, name)
        assert (one is None) == (other is None)
        if one is None:
            continue
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    for name in ("geometry", "classes", "severity", "flags", "provenance"):
        assert getattr(first, name) == getattr(second, name)
