"""Studies of one patient from what the user names: result folders, or CTs to be segmented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

from ..engine.errors import InputError, SeveralSeriesError
from ..engine.followup.compare import StudySource, check_days
from ..engine.followup.dicom_facts import DicomFacts, dicom_facts
from ..engine.followup.study import Study, deciding_parameters
from ..engine.followup.study_folder import STUDY_FILE, load_study
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, sub_progress
from ..engine.result import SegmentationResult
from ..engine.volume import Volume, read_volume, same_grid
from ..engine.volume.dicom_series import is_dicom_file
from ..engine.volume.fingerprint import made_from
from ..report.result_files import GENERATED_CT, REPORT_JSON
from ..report.result_reading import CORRECTED_FLAG, StoredLabels, read_labels
from .options import CompareOptions
from .options.follow_up import NO_SERIES

_READ = 0.05
"""Of the time that segmenting a CT takes."""


def study_sources(options: CompareOptions, cancel: CancelToken) -> list[StudySource]:
    """What gives each study when its turn comes; what is wrong with their number is said at once.

    Raises:
        InputError: There is not one CT for each result folder, a day is not known or comes before
            an earlier one, or a DICOM series cannot be read.
    """
    cts = _cts(options)
    facts = [_facts(ct, number) for number, ct in enumerate(cts, start=1)]
    days = _days(options, facts)
    check_days(days)
    sources: list[StudySource] = []
    for place, ct, known, day in zip(options.studies, cts, facts, days, strict=True):
        read = _reader(place, ct, options.parameters, cancel)
        sources.append(partial(_with_facts, read, day, None if known is None else known.patient))
    return sources


def _with_facts(
    read: StudySource, day: int | None, patient: str | None, progress: ProgressCallback
) -> Study:
    study = read(progress)
    return replace(study, day=day, patient=patient or study.patient)


@dataclass(frozen=True)
class _Ct:
    """Where a CT is, and its series where a folder holds several."""

    path: Path
    series: str | None

    def is_dicom(self) -> bool:
        return self.path.is_dir() or (self.path.is_file() and is_dicom_file(self.path))

    def read(self) -> Volume:
        return read_volume(self.path, self.series)


def _is_result(place: Path) -> bool:
    return (place / REPORT_JSON).is_file()


def _is_study(place: Path) -> bool:
    return (place / STUDY_FILE).is_file()


def _cts(options: CompareOptions) -> list[_Ct | None]:
    """The CT of each study; None where it is not known, or lies in the study's own folder."""
    results = sum(_is_result(place) for place in options.studies)
    if options.cts and len(options.cts) != results:
        raise InputError(
            f"{len(options.cts)} CTs were given for {results} result folders: give one for each, "
            "in their order, or none."
        )
    given = iter(options.cts)
    found: list[_Ct | None] = []
    for number, place in enumerate(options.studies):
        path: Path | None = place
        if _is_result(place):
            generated = place / GENERATED_CT
            path = next(given, generated if generated.is_file() else None)
        elif _is_study(place):
            path = None
        series = options.series_of(number)
        ct = None if path is None else _Ct(path, series)
        if series is not None and (ct is None or not ct.is_dicom()):
            raise InputError(
                f"Study {number + 1} has no CT in DICOM, so no series to choose: give {NO_SERIES} "
                "for it.",
                option="series",
            )
        found.append(ct)
    return found


def _facts(ct: _Ct | None, number: int) -> DicomFacts | None:
    if ct is None or not ct.is_dicom():
        return None
    try:
        return dicom_facts(ct.path, ct.series)
    except SeveralSeriesError as error:
        raise SeveralSeriesError(f"Study {number}: {error}", error.series) from error


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
    place: Path, ct: _Ct | None, parameters: Parameters, cancel: CancelToken
) -> StudySource:
    if _is_study(place):
        return lambda progress: load_study(place)
    if ct is None or _is_result(place):
        return lambda progress: _study_of_result(place, ct)
    return lambda progress: _segmented(ct, parameters, progress, cancel)


def _study_of_result(folder: Path, ct: _Ct | None) -> Study:
    """The segmentation as it is in the folder, also where it was corrected and saved there."""
    stored = read_labels(folder)
    study = _study(stored)
    if stored.changed:
        study = replace(study, flags=(*study.flags, CORRECTED_FLAG))
    else:  # the lobes are those of this segmentation
        study = replace(study, lobes=stored.severity.lobes)
    if ct is not None:
        volume = ct.read()
        if not same_grid(volume.geometry, study.geometry):
            raise InputError(
                f"The result {folder.name} does not lie on the grid of the CT that was given for "
                "it: give the CT that it was made from."
            )
        if made_from(stored.provenance, volume) is False:
            raise InputError(
                f"The CT that was given for the result {folder.name} lies on its grid, but has "
                "other voxels: give the CT that it was made from, or leave the CTs out."
            )
        study = replace(study, hu=volume.array)
    return study


def _segmented(
    ct: _Ct, parameters: Parameters, progress: ProgressCallback, cancel: CancelToken
) -> Study:
    progress(Progress("Reading the CT", 0.0))
    volume = ct.read()
    from ..engine.pipeline import segment

    result = segment(volume, parameters, sub_progress(progress, _READ, 1.0), cancel)
    return replace(_study(result), hu=volume.array)


def _study(result: SegmentationResult | StoredLabels) -> Study:
    return Study(
        geometry=result.geometry,
        lungs=result.lungs,
        lesions=result.lesions,
        classes=result.classes,
        models={
            name: facts["weights_sha256"]
            for name, facts in result.provenance.get("models", {}).items()
        },
        parameters=deciding_parameters(result.provenance),
        flags=result.flags,
    )
