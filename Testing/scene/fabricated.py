"""Small results on grids of any orientation, and their CT in a scene."""

from __future__ import annotations

import numpy as np

from COVIDLesionSegLib.engine.flags import Flag, untrained_flag
from COVIDLesionSegLib.engine.result import SegmentationResult
from COVIDLesionSegLib.engine.severity.report import (
    RegionSeverity,
    RuleResult,
    SeverityReport,
    SliceSeverity,
)
from COVIDLesionSegLib.engine.volume import Geometry, Volume

SIZE = (22, 18, 14)


def rotation(axis: str, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return {
        "x": np.array([[1, 0, 0], [0, c, -s], [0, s, c]]),
        "y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
    }[axis]


DIRECTIONS = {
    "axial": np.eye(3),
    "flipped i": np.diag([-1.0, 1.0, 1.0]),
    "flipped j": np.diag([1.0, -1.0, 1.0]),
    "flipped k": np.diag([1.0, 1.0, -1.0]),
    "flipped in all axes": -np.eye(3),
    "sagittal": np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "oblique": rotation("x", 17) @ rotation("z", -31) @ rotation("y", 9),
    "oblique left-handed": rotation("z", 25) @ rotation("x", 40) @ np.diag([1.0, 1.0, -1.0]),
}


def make_geometry(direction="axial", spacing=(0.7, 0.9, 2.5), origin=(-31.5, 12.25, 80.0)):
    return Geometry(SIZE, spacing, origin, tuple(DIRECTIONS[direction].ravel()))


def make_severity(classes=("lesion",), disagreement=None) -> SeverityReport:
    """Of each class twice as much as of the next; ``disagreement`` is that of the first slice."""

    def shares(total: float) -> dict[str, float]:
        parts = [2.0**-n for n in range(len(classes))]
        return {name: total * part / sum(parts) for name, part in zip(classes, parts, strict=True)}

    ratio = 120.3 / 2345.67
    return SeverityReport(
        regions=(
            RegionSeverity("right lung", 2345.67, 120.3, ratio, shares(120.3)),
            RegionSeverity("left lung", 0.0, 0.0, None, shares(0.0)),
            RegionSeverity("both lungs", 2345.67, 120.3, ratio, shares(120.3)),
        ),
        slices=(
            SliceSeverity(0, -100.5, 5000.0, 240.0, 0.048, shares(240.0), 300.0, disagreement),
            SliceSeverity(1, -98.0, 5200.0, 0.0, 0.0, shares(0.0)),
        ),
        rules=(
            RuleResult("eamc-worse-lung", "Worse lung decides (EAMC)", 0.0513, "CT-1"),
            RuleResult("pooled", "Both lungs pooled", None, None),
        ),
    )


def make_result(
    geometry=None, classes=("lesion",), seed=0, ensemble=False, trained=True
) -> SegmentationResult:
    """Arrays without any symmetry, so that a swapped or flipped axis cannot pass."""
    geometry = geometry or make_geometry()
    random = np.random.default_rng(seed)
    lungs = np.zeros(geometry.shape, np.uint8)
    lungs[2:12, 3:15, 2:9] = 1
    lungs[3:11, 4:16, 12:20] = 2
    lungs[random.random(geometry.shape) < 0.1] = 0
    chosen = (random.random(geometry.shape) < 0.3) & (lungs > 0)
    labels = random.integers(1, len(classes) + 1, geometry.shape)
    lesions = np.where(chosen, labels, 0).astype(np.uint8)
    probability = np.where(lungs > 0, random.random(geometry.shape), 0).astype(np.float32)
    disagreement = np.where(lungs > 0, random.random(geometry.shape), 0).astype(np.float32)
    severity = make_severity(classes, 0.25 if ensemble else None)
    return SegmentationResult(
        geometry=geometry,
        lungs=lungs,
        lesions=lesions,
        probability=probability,
        classes=tuple(classes),
        disagreement=disagreement if ensemble else None,
        severity=severity if trained else severity.ungraded(),
        flags=(
            *(() if trained else [untrained_flag(["u-net-9000"])]),
            Flag("lung-volume-small", 'Small; "see" slice: 5% & <10> é.', slices=(1, 0)),
        ),
        provenance={
            "models": {"amc-net": {"weights": "trained", "weights_sha256": "00ff"}},
            "text": 'a;b:c "q" % <x> & é',
            "seconds": 1.5,
        },
    )


def add_ct(scene, geometry=None, name="CT"):
    """A CT of noise, no two neighbours alike."""
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    geometry = geometry or make_geometry()
    array = np.random.default_rng(7).integers(-1024, 1500, geometry.shape).astype(np.int16)
    return volume_to_node(Volume(array, geometry), name, scene)
