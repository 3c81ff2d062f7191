"""The severity of lobes that are given beside a CT."""

from __future__ import annotations

from dataclasses import replace

from ..engine.result import SegmentationResult
from ..engine.severity.lobes import lobes_by_lung, with_lobes
from ..engine.severity.quality_flags import IN_OTHER_LUNG, lobe_flags
from ..engine.volume.placed_labels import PlacedLabels


def with_given_lobes(result: SegmentationResult, lobes: PlacedLabels) -> SegmentationResult:
    """The same result with the severity of each lobe, and what is odd about the lobes.

    There is no severity of lobes that lie in the other lung: their names are not known.

    Args:
        result: Segmentation of the CT.
        lobes: As :func:`~..engine.severity.lobes_file.read_lobes` gives them.
    """
    severity = with_lobes(result.severity, lobes, result.lesions, result.geometry)
    flags = tuple(lobe_flags(severity, lobes_by_lung(lobes, result.lungs, result.geometry)))
    if any(flag.code == IN_OTHER_LUNG for flag in flags):
        severity = result.severity
    labels = {name: str(label) for label, name in lobes.names.items()}
    return replace(
        result,
        severity=severity,
        flags=(*result.flags, *flags),
        provenance=result.provenance | {"lobes": {"method": "given", "labels": labels}},
    )
