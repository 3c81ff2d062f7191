"""Reads a result folder back: the result that :mod:`.segmentation` wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import InputError
from ..engine.flags import Flag
from ..engine.labels import LUNG_LABELS
from ..engine.result import SegmentationResult, result_from_facts
from ..engine.severity import measure_severity
from ..engine.severity.report import RegionSeverity, RuleResult, SliceSeverity
from ..engine.volume import Geometry
from ..engine.volume.reading import read_array
from ..engine.volume.segmentation_file import read_segments
from .result_files import DISAGREEMENT, PROBABILITY, REPORT_JSON, SEGMENTATION, SEGMENTATION_RESULT

_ROUNDING_ML = 1e-6


def read_result(folder: Path, geometry: Geometry) -> SegmentationResult:
    """The result in a result folder; a flag says so where its segmentation was changed since.

    Args:
        folder: As the job ``segment`` wrote it, or a case of a cohort.
        geometry: Grid of the CT, on which it must lie.

    Raises:
        InputError: The folder holds no complete result, or one of another CT.
    """
    try:
        report = json.loads((folder / REPORT_JSON).read_text("utf-8"))
        if not SEGMENTATION_RESULT.is_report(report):
            raise InputError(f"{folder.name} holds no result.")
        classes = [entry["name"] for entry in report["classes"]]
        labels = LUNG_LABELS | {name: n for n, name in enumerate(classes, start=1)}
        arrays = {name: np.zeros(geometry.shape, np.uint8) for name in ("lungs", "lesions")}
        for segment in read_segments(folder / SEGMENTATION, geometry):
            name = segment.class_name
            if name is None:
                raise InputError(f"{folder.name} holds a segment of another origin.")
            arrays["lungs" if name in LUNG_LABELS else "lesions"][segment.mask] = labels[name]
        for name, file in (("probability", PROBABILITY), ("disagreement", DISAGREEMENT)):
            if (folder / file).is_file():
                arrays[name] = read_array(folder / file)[0].astype(np.float32, copy=False)
        facts = {
            "geometry": vars(geometry),
            "classes": classes,
            "severity": _as_measured(report["severity"]),
            "flags": report["flags"],
            "provenance": report["provenance"],
        }
        result = result_from_facts(facts, arrays)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(
            f"The result {folder.name} is damaged, or of another CT: segment the CT again."
        ) from error
    if any(array.shape != geometry.shape for array in arrays.values()):
        raise InputError(f"The result {folder.name} is of another CT: segment this one again.")
    measured = measure_severity(result.lungs, result.lesions, result.classes, geometry)
    if not is_as_reported(result.severity.regions, measured.regions):
        changed = Flag(
            "segmentation-changed",
            "The segmentation was changed after its report was written, so the numbers are those "
            "of the segmentation before the change: do not rely on them for this one.",
        )
        result = replace(result, flags=(*result.flags, changed))
    return result


def is_as_reported(stated: Sequence[RegionSeverity], measured: Sequence[RegionSeverity]) -> bool:
    """Whether a segmentation has the volumes of its report; it may have been corrected since.

    Args:
        stated: The regions of ``report.json``.
        measured: Those of the segmentation as it is.
    """
    known = {one.region: _volumes(one) for one in stated}
    return all(
        (before := known.get(one.region)) is not None
        and before.keys() == (now := _volumes(one)).keys()
        and all(abs(before[name] - now[name]) <= _ROUNDING_ML for name in now)
        for one in measured
    )


def _volumes(region: RegionSeverity) -> dict[tuple[str, ...], float]:
    volumes: dict[tuple[str, ...], float]
    volumes = {("class", name): ml for name, ml in region.lesion_class_ml.items()}
    return volumes | {("lung",): region.lung_ml, ("lesion",): region.lesion_ml}


def _as_measured(severity: dict[str, Any]) -> dict[str, Any]:
    """The severity without what the report says of it beside."""
    kinds = {"rules": RuleResult, "slices": SliceSeverity, "lobes": RegionSeverity}
    return severity | {
        part: [{one.name: entry[one.name] for one in fields(kind)} for entry in severity[part]]
        for part, kind in kinds.items()
        if part in severity
    }
