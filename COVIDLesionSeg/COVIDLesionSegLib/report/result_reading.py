"""Reads a result folder back: the result that :mod:`.segmentation` wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine.errors import InputError
from ..engine.flags import Flag
from ..engine.labels import BOTH_LUNGS, LUNG_LABELS, is_lesion
from ..engine.lesions import lungs_with_lesions, painted_over
from ..engine.result import SegmentationResult
from ..engine.severity import SeverityReport, measure_severity
from ..engine.severity.correction import lesion_free_after
from ..engine.severity.report import RegionSeverity, RuleResult, SliceSeverity
from ..engine.volume import AxialOrder, Geometry, read_array
from ..engine.volume.segmentation_file import Segment, read_segments
from .json_file import grid_from_content
from .report_json import voxels_sha256
from .result_files import DISAGREEMENT, PROBABILITY, REPORT_JSON, SEGMENTATION, SEGMENTATION_RESULT

CORRECTED = "corrected"
"""True in the provenance of a result whose segmentation was corrected after the run."""
_ROUNDING_ML = 1e-6
_CHANGED = Flag(
    "segmentation-changed",
    "The segmentation was changed after its report was written, so the numbers are those of the "
    "segmentation before the change: do not rely on them for this one.",
)
CORRECTED_FLAG = Flag(
    "segmentation-corrected",
    "The segmentation was corrected after the run: the numbers are those of the corrected one, and "
    "warnings may be about the one before.",
    "note",
)


@dataclass(frozen=True)
class StoredReport:
    """What the report in a result folder says.

    Attributes:
        geometry: The grid of lungs and lesions.
        labels: Label of each lesion class, by name.
        severity, flags, provenance: As they were written.
        voxels_sha256: As of :func:`~.report_json.voxels_sha256`; empty in earlier versions.
    """

    geometry: Geometry
    labels: dict[str, int]
    severity: SeverityReport
    flags: tuple[Flag, ...]
    provenance: dict[str, Any]
    voxels_sha256: dict[str, str]


@dataclass(frozen=True, eq=False)
class StoredLabels:
    """Lungs and lesions of a result folder as they are there, and what its report says.

    Attributes:
        geometry: The grid of both arrays, (k, j, i).
        lungs, lesions: As of :class:`~..engine.result.SegmentationResult`.
        classes: Names of the lesion classes.
        severity, flags, provenance: Severity, flags and provenance of the report.
        changed: Whether it is another segmentation than the report's: it was corrected since.
            Of results of earlier versions, whether it has other volumes.
        lesions_changed: Whether its lesions are, and not its lungs alone.
    """

    geometry: Geometry
    lungs: npt.NDArray[np.uint8]
    lesions: npt.NDArray[np.uint8]
    classes: tuple[str, ...]
    severity: SeverityReport
    flags: tuple[Flag, ...]
    provenance: dict[str, Any]
    changed: bool
    lesions_changed: bool


def read_labels(folder: Path, geometry: Geometry | None = None) -> StoredLabels:
    """Lungs and lesions in a result folder, also where they were corrected and saved there.

    Segments of other software or the user's own are left out, as everywhere, unless their coded
    term says that they are lesions. A lesion that was painted over a lung is part of that lung.

    Args:
        folder: As the job ``segment`` wrote it, or a case of a cohort.
        geometry: Grid on which it must lie; that of its report by default.

    Raises:
        InputError: The folder holds no complete result, or one of another CT; or lesions of no
            class of its model.
    """
    report = read_report(folder)
    with _damage_named(folder):
        geometry = geometry or report.geometry
        segments = read_segments(folder / SEGMENTATION, geometry)
    lungs, lesions, others = _labels_of(segments, report, geometry)
    for segment in others:
        _refuse_lesions(segment, folder)
    changed = lesions_changed = False
    if report.voxels_sha256:
        differ = _differ(report, lungs, lesions)
        changed, lesions_changed = bool(differ), "lesions" in differ
    lungs = _with_painted_over(lungs, lesions, geometry, folder, report)
    if not report.voxels_sha256:
        measured = measure_severity(lungs, lesions, tuple(report.labels), geometry)
        changed = not _is_as_reported(report.severity.regions, measured.regions)
        lesions_changed = _other_lesion_volumes(report, lesions, geometry)
    return StoredLabels(
        geometry,
        lungs,
        lesions,
        tuple(report.labels),
        report.severity,
        report.flags,
        report.provenance,
        changed,
        lesions_changed,
    )


def read_report(folder: Path) -> StoredReport:
    """What ``report.json`` of a result folder says.

    Raises:
        InputError: It is none of a segmentation, or damaged.
    """
    with _damage_named(folder):
        report = json.loads((folder / REPORT_JSON).read_text("utf-8"))
        if not SEGMENTATION_RESULT.is_report(report):
            raise InputError("It is not the report of a segmentation.")
        return StoredReport(
            grid_from_content(report["geometry"]),
            {class_["name"]: int(class_["label"]) for class_ in report["classes"]},
            SeverityReport.from_dict(_as_measured(report["severity"])),
            tuple(Flag.from_dict(flag) for flag in report["flags"]),
            dict(report["provenance"]),
            dict(report.get("voxels_sha256", {})),
        )


def is_corrected(folder: Path) -> bool:
    """Whether a person changed the segmentation in a result folder, or drew a segment there.

    Where that cannot be told, as the file cannot be read on its CT's grid any more, it counts as
    changed. A folder without a whole result holds nothing that was corrected.
    """
    try:
        report = read_report(folder)
    except InputError:
        return False
    if not (folder / SEGMENTATION).is_file():
        return False
    try:
        with _damage_named(folder):
            segments = read_segments(folder / SEGMENTATION, report.geometry)
        lungs, lesions, others = _labels_of(segments, report, report.geometry)
        if any(segment.mask.any() for segment in others):
            return True
        if report.voxels_sha256:
            return bool(_differ(report, lungs, lesions))
        return read_labels(folder).changed
    except InputError:
        return True


def _labels_of(
    segments: Sequence[Segment], report: StoredReport, geometry: Geometry
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], list[Segment]]:
    """Lungs and lesions as they were drawn, and the segments that are neither."""
    lungs, lesions = (np.zeros(geometry.shape, np.uint8) for _ in range(2))
    others = []
    for segment in segments:
        if segment.class_name in LUNG_LABELS:
            lungs[segment.mask] = LUNG_LABELS[segment.class_name]
        elif segment.class_name in report.labels:
            lesions[segment.mask] = report.labels[segment.class_name]
        else:
            others.append(segment)
    return lungs, lesions, others


def _differ(
    report: StoredReport, lungs: npt.NDArray[np.uint8], lesions: npt.NDArray[np.uint8]
) -> set[str]:
    """Which of "lungs" and "lesions" are other voxels than the report was written of."""
    now = voxels_sha256(lungs, lesions)
    return {name for name, digest in now.items() if report.voxels_sha256.get(name) != digest}


def read_result(
    folder: Path, geometry: Geometry | None = None, *, measure_again: bool = False
) -> SegmentationResult:
    """The result in a result folder; a flag says so where its segmentation was changed since.

    Args:
        folder, geometry: See :func:`read_labels`.
        measure_again: Give a changed segmentation its own severity in place of the report's.

    Raises:
        InputError: See :func:`read_labels`.
    """
    stored = read_labels(folder, geometry)
    if stored.changed:
        stored = _measured_again(stored) if measure_again else _with_flag(stored, _CHANGED)
    with _damage_named(folder):
        probability = _read_float(folder / PROBABILITY, stored.geometry)
        disagreement = None
        if (folder / DISAGREEMENT).is_file():
            disagreement = _read_float(folder / DISAGREEMENT, stored.geometry)
    return SegmentationResult(
        geometry=stored.geometry,
        lungs=stored.lungs,
        lesions=stored.lesions,
        probability=probability,
        classes=stored.classes,
        severity=stored.severity,
        flags=stored.flags,
        provenance=stored.provenance,
        disagreement=disagreement,
    )


def _measured_again(stored: StoredLabels) -> StoredLabels:
    """The same with the severity of the segmentation as it is; a note says so.

    What needs more than the segmentation is not known then: lobes, confidence and the disagreement
    of an ensemble.
    """
    severity = measure_severity(
        stored.lungs,
        stored.lesions,
        stored.classes,
        stored.geometry,
        lesion_free_ml=lesion_free_after(stored.severity, stored.lesions_changed),
    ).without_slices(stored.severity.slices_not_segmented)
    provenance = stored.provenance | {CORRECTED: True}
    return _with_flag(replace(stored, severity=severity, provenance=provenance), CORRECTED_FLAG)


def _other_lesion_volumes(
    report: StoredReport, lesions: npt.NDArray[np.uint8], geometry: Geometry
) -> bool:
    """Whether the lesions have other volumes than the report's, and not the lungs alone.

    All that a run finds lies in the lungs, so lesions count that lie outside corrected ones.
    """
    reported = report.severity.region(BOTH_LUNGS).lesion_class_ml
    return any(
        abs(np.count_nonzero(lesions == label) * geometry.voxel_volume_ml - reported[name])
        > _ROUNDING_ML
        for name, label in report.labels.items()
    )


def _with_painted_over(
    lungs: npt.NDArray[np.uint8],
    lesions: npt.NDArray[np.uint8],
    geometry: Geometry,
    folder: Path,
    report: StoredReport,
) -> npt.NDArray[np.uint8]:
    """The lungs with the lesions that a correction painted over them.

    As of :func:`~..engine.lesions.corrected_lungs`: what was painted beyond the run's lungs, over
    the chest wall, does not become lung.
    """
    beside = (lesions > 0) & (lungs == 0)
    if not beside.any():
        return lungs
    with _damage_named(folder):
        probability = _read_float(folder / PROBABILITY, geometry)
        threshold = report.provenance["parameters"]["threshold"]
        # More than half of the threshold wherever a run finds lesion, by majority vote, too.
        painted = painted_over(beside, found=probability > threshold / 2)
    was_lung = probability > 0  # a network says 0 nowhere, and outside the lungs it is not asked
    AxialOrder.of(geometry).to_axial(was_lung)[list(report.severity.slices_not_segmented)] = True
    return lungs_with_lesions(lungs, painted & was_lung, geometry)


def _with_flag(stored: StoredLabels, flag: Flag) -> StoredLabels:
    return replace(stored, flags=(*stored.flags, flag))


@contextmanager
def _damage_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(
            f"{folder.name} holds no complete result, or one of another CT: segment the CT again."
        ) from error


def _refuse_lesions(segment: Segment, folder: Path) -> None:
    """Nobody knows the class of lesions that the user drew into a segment of their own."""
    if segment.class_name is not None or is_lesion(None, segment.terminology):
        raise InputError(
            f"The segmentation in {folder.name} holds lesions in a segment that is not of its "
            "model: move them into a segment of the result, and save it again."
        )


def _read_float(path: Path, geometry: Geometry) -> npt.NDArray[np.float32]:
    array = read_array(path)[0].astype(np.float32, copy=False)
    if array.shape != geometry.shape:
        raise InputError(f"{path.name} is of another CT.")
    return array


def _is_as_reported(stated: Sequence[RegionSeverity], measured: Sequence[RegionSeverity]) -> bool:
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
        part: [
            {field_.name: entry[field_.name] for field_ in fields(kind) if field_.name in entry}
            for entry in severity[part]
        ]
        for part, kind in kinds.items()
        if part in severity
    }
