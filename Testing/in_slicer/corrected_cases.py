"""Generated CTs that somebody corrected, in the folder of reviewed cases."""

from __future__ import annotations

from collections.abc import Iterable

CT = {"size": (200, 160, 14), "spacing": (1.7, 1.7, 17.0), "ground_glass": 0.2}
"""A whole chest in fourteen slices."""


def save_corrected_cases(seeds: Iterable[int]) -> None:
    """Save a case of another patient for each seed: people added what its run had missed."""
    import numpy as np

    from COVIDLesionSegLib.engine import review
    from COVIDLesionSegLib.engine.phantom import generate_chest_ct
    from COVIDLesionSegLib.engine.result import SegmentationResult
    from COVIDLesionSegLib.engine.severity import measure_severity

    folder = review.reviews_folder()
    for seed in seeds:
        chest = generate_chest_ct(seed, **CT)
        lesions = (chest.lesions > 0).astype(np.uint8)
        predicted = lesions.copy()
        predicted[: len(predicted) // 2] = 0
        geometry = chest.volume.geometry
        result = SegmentationResult(
            geometry=geometry,
            lungs=chest.lungs,
            lesions=predicted,
            probability=predicted * np.float32(0.9),
            classes=("lesion",),
            severity=measure_severity(chest.lungs, predicted, ("lesion",), geometry),
            flags=(),
            provenance={"models": {"amc-net": {}}},
        )
        key = review.patient_key(f"patient {seed}", folder)
        case = review.save_case(chest.volume, result, key, folder)
        case = review.save_labels(case, chest.lungs, lesions)
        review.save_verdict(case, review.Verdict.CORRECTED, "")
