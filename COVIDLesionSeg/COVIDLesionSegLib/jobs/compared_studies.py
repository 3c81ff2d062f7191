"""Studies of one patient from what the user names: result folders, or CTs to be segmented."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import InputError
from ..engine.flags import Flag
from ..engine.followup.compare import StudySource, check_days
from ..engine.followup.dicom_facts import DicomFacts, dicom_facts
from ..engine.followup.study import Study
from ..engine.followup.study_folder import STUDY_FILE, load_study
from ..engine.labels import LUNG_LABELS
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, sub_progress
from ..engine.result import SegmentationResult
from ..engine.severity import RegionSeverity
from ..engine.volume import Geometry, read_volume, same_grid
from ..engine.volume.dicom_series import is_dicom_file
from ..engine.volume.segmentation_file import read_segments
from ..report.result_files import (
    GENERATED_CT,
    REPORT_JSON,
    SEGMENTATION,
    SEGMENTATION_RESULT,
)
from ..report.result_reading import is_as_reported
from .options import CompareOptions

_READ = 0.05
"""Of the time that segmenting a CT takes."""


def study_sources(options: CompareOptions, cancel: CancelToken) -> list[StudySource]:
    """What gives each study when its turn comes; what is wrong with their number is said at once.

    Raises:
        InputError: There is not one CT for each result folder, a day is not known or comes before
            an earlier one, or a DICOM series cannot be read.
    """
    cts = _cts(options)
    facts = [_facts(ct) for ct in cts]
    days = _days(options, facts)
    check_days(days)
    sources: list[StudySource] = []
    for number, (place, ct) in enumerate(zip(options.studies, cts, strict=True)):
        read = _reader(place, ct, options.parameters, cancel)
        known = facts[number]
        sources.append(
            partial(_with_facts, read, days[number], None if known is None else known.patient)
        )
    return sources


def _with_facts(
    read: StudySource, day: int | None, patient: str | None, progress: ProgressCallback
) -> Study:
    return replace(read(progress), day=day, patient=patient)


def _is_result(place: Path) -> bool:
    return (place / REPORT_JSON).is_file()


def _is_study(place: Path) -> bool:
    return (place / STUDY_FILE).is_file()


def _cts(options: CompareOptions) -> list[Path | None]:
    """The CT of each study; None where it is not known, or lies in the study's own folder."""
    results = sum(_is_result(place) for place in options.studies)
    if options.cts and len(options.cts) != results:
        raise InputError(
            f"{len(options.cts)} CTs were given for {results} result folders: give one for each, "
            "in their order, or none."
        )
    given = iter(options.cts)
    found: list[Path | None] = []
    for place in options.studies:
        if _is_result(place):
            generated = place / GENERATED_CT
            found.append(next(given, generated if generated.is_file() else None))
        else:
            found.append(None if _is_study(place) else place)
    return found


def _facts(ct: Path | None) -> DicomFacts | None:
    if ct is None or not (ct.is_dir() or (ct.is_file() and is_dicom_file(ct))):
        return None
    return dicom_facts(ct)


def _days(options: CompareOptions, facts: Sequence[DicomFacts | None]) -> list[int | None]:
    """Days from the first study."""
    if options.days:
        return [day - options.days[0] for day in options.days]
    if not options.days_from_dicom:
        return [None] * len(options.studies)
    dates: list[date] = []
    for number, known in enumerate(facts, start=1):
        if known is None or known.day is None:
            raise InputError(
                f"Study {number} has no CT in DICOM that states its date: give the days yourself, "
                "or leave them out."
            )
        dates.append(known.day)
    return [(day - dates[0]).days for day in dates]


def _reader(
    place: Path, ct: Path | None, parameters: Parameters, cancel: CancelToken
) -> StudySource:
    if _is_study(place):
        return lambda progress: load_study(place)
    if _is_result(place):
        return lambda progress: _study_of_result(place, ct)
    return lambda progress: _segmented(place, parameters, progress, cancel)


def _study_of_result(folder: Path, ct: Path | None) -> Study:
    """The segmentation as it is in the folder, also where it was corrected and saved there."""
    study = _read_result(folder)
    if ct is not None:
        volume = read_volume(ct)
        if not same_grid(volume.geometry, study.geometry):
            raise InputError(
                f"The result {folder.name} does not lie on the grid of the CT that was given for "
                "it: give the CT that it was made from."
            )
        study = replace(study, hu=volume.array)
    return study


def _segmented(
    ct: Path, parameters: Parameters, progress: ProgressCallback, cancel: CancelToken
) -> Study:
    progress(Progress("Reading the CT", 0.0))
    volume = read_volume(ct)
    from ..engine.pipeline import segment

    result = segment(volume, parameters, sub_progress(progress, _READ, 1.0), cancel)
    return replace(_study(result), hu=volume.array)


def _study(result: SegmentationResult) -> Study:
    return Study(
        geometry=result.geometry,
        lungs=result.lungs,
        lesions=result.lesions,
        classes=result.classes,
        models=_models(result.provenance),
        flags=result.flags,
    )


def _models(provenance: Mapping[str, Any]) -> dict[str, str | None]:
    models = provenance.get("models", {})
    return {name: facts["weights_sha256"] for name, facts in models.items()}


def _read_result(folder: Path) -> Study:
    """A result folder as a study without its CT."""
    try:
        report = json.loads((folder / REPORT_JSON).read_text("utf-8"))
        if not SEGMENTATION_RESULT.is_report(report):
            raise InputError("It is not the report of a segmentation.")
        grid = report["geometry"]
        names = ("size_voxels", "spacing_mm", "origin_lps_mm", "direction_lps")
        geometry = Geometry(*(tuple(grid[name]) for name in names))
        labels = {one["name"]: int(one["label"]) for one in report["classes"]}
        lungs, lesions = (np.zeros(geometry.shape, np.uint8) for _ in range(2))
        for segment in read_segments(folder / SEGMENTATION, geometry):
            name = segment.class_name
            if name in LUNG_LABELS:
                lungs[segment.mask] = LUNG_LABELS[name]
            elif name in labels:
                lesions[segment.mask] = labels[name]
        study = Study(
            geometry=geometry,
            lungs=lungs,
            lesions=lesions,
            classes=tuple(labels),
            models=_models(report["provenance"]),
            flags=tuple(Flag.from_dict(flag) for flag in report["flags"]),
        )
        return replace(study, lobes=_lobes(report["severity"], study))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(
            f"{folder.name} holds no complete result: segment the CT again."
        ) from error


def _lobes(severity: dict[str, Any], study: Study) -> tuple[RegionSeverity, ...]:
    """The lobes as the report states them, unless its segmentation was changed since."""
    lobes = _regions(severity.get("lobes", ()))
    if lobes and is_as_reported(_regions(severity["regions"]), study.regions()):
        return lobes
    return ()


def _regions(stated: Sequence[Mapping[str, Any]]) -> tuple[RegionSeverity, ...]:
    names = [one.name for one in fields(RegionSeverity)]
    return tuple(RegionSeverity(**{name: one[name] for name in names}) for one in stated)
