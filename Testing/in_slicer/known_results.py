"""Results with known truth, in the scene and on the panel without a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

CT = {"seed": 3, "size": (96, 96, 12), "spacing": (3.4, 3.4, 20.0)}
"""A whole chest in twelve slices."""


def phantom(**options: Any) -> Any:
    """A generated chest CT with its lungs and lesions."""
    from COVIDLesionSegLib.engine.phantom import generate_chest_ct

    return generate_chest_ct(**{**CT, **options})


def known_result(chest: Any, ensemble: bool = False, flags: tuple[Any, ...] = ()) -> Any:
    """The truth of a generated CT as a result; an ensemble tells two classes apart."""
    import numpy as np

    from COVIDLesionSegLib.engine.result import SegmentationResult
    from COVIDLesionSegLib.engine.severity import measure_severity

    classes = ("ground-glass opacity", "consolidation") if ensemble else ("lesion",)
    lesions = np.minimum(chest.lesions, len(classes)).astype(np.uint8)
    disagreement = (lesions == 1).astype(np.float32) if ensemble else None
    geometry = chest.volume.geometry
    severity = measure_severity(chest.lungs, lesions, classes, geometry, disagreement)
    return SegmentationResult(
        geometry=geometry,
        lungs=chest.lungs,
        lesions=lesions,
        probability=(lesions > 0) * np.float32(0.9),
        disagreement=disagreement,
        classes=classes,
        severity=severity,
        flags=flags,
        provenance={"models": {"known": {}}},
    )


def untrained(result: Any) -> Any:
    """The same as an untrained network would have found it."""
    from COVIDLesionSegLib.engine.flags import untrained_flag

    flags = (untrained_flag(["u-net-9000"]), *result.flags)
    return replace(result, flags=flags, severity=result.severity.ungraded())


def show(panel: Any, ct: Any, result: Any) -> Any:
    """Put a result into the scene and on the panel, as a run's end does."""
    from COVIDLesionSegLib.scene.show import show_result

    shown = show_result(ct, result)
    panel.show_result(ct, shown, in_views=True, new=True)
    panel.show_state()
    return shown
