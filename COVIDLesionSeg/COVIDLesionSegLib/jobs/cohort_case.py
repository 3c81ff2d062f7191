"""One case of a cohort: read, segmented and written, with a manifest that tells how far it came."""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..engine.cohort.record import (
    MANIFEST_FOLDER,
    CaseRecord,
    failure,
    numbers_of,
    read_record,
    write_record,
)
from ..engine.cohort.sources import CaseSource
from ..engine.errors import CorrectedError
from ..engine.flags import Flag
from ..engine.inference.allocator import give_back_freed_memory
from ..engine.models.catalogue import load_catalogue
from ..engine.progress import CancelToken, ignore_progress
from ..engine.result import SegmentationResult
from ..engine.severity.lobes_file import read_lobes
from ..engine.volume import Volume, read_volume
from ..engine.volume.placed_labels import PlacedLabels
from ..report.result_files import CASE_FOLDER, REPORT_JSON
from .dicom_output import dicom_output
from .given_lobes import with_given_lobes
from .options import BatchOptions
from .result_folder import refuse_corrected, result_folder

if TYPE_CHECKING:
    from ..engine.pipeline import Loaded
    from ..report.dicom_files import DicomOutput

_KEPT = Flag(
    "corrected-not-done-again",
    "The segmentation was corrected by hand, so this CT was not segmented again and the numbers "
    "are those before the correction: move the case's folder elsewhere to have it done again.",
)


@dataclass(frozen=True)
class Read:
    """A CT, its lobes if they are given, which DICOM files to write, seconds that reading took."""

    volume: Volume
    lobes: PlacedLabels | None
    dicom: DicomOutput | None
    seconds: float


@dataclass(frozen=True)
class Computed:
    """A CT, what was found in it, and the seconds that each stage took."""

    read: Read
    result: SegmentationResult
    seconds: dict[str, float]


class CaseWork:
    """What is done with every case, in whatever process.

    Slicer's MRML works in one thread: :meth:`write` is always called in the same one.

    Args:
        options: Options of the cohort.
        out: Its folder.
    """

    def __init__(self, options: BatchOptions, out: Path) -> None:
        self._options = options
        self._out = out

    @cached_property
    def made_with(self) -> dict[str, Any]:
        """What decides a result beside the CT.

        Raises:
            ModelError: A model is unknown.
        """
        parameters = self._options.parameters
        catalogue = load_catalogue()
        catalogue.members(parameters.members)  # they can be used together
        files = ("with_scene", "pdf", "dicom", "dicom_slices", "lobe_labels")
        return {
            "version": __version__,
            "parameters": parameters.to_dict(),
            "weights": {
                model.id: model.card.weights.sha256 if model.card.weights else None
                for model in catalogue.models_of(parameters)
            },
            **{name: getattr(self._options, name) for name in files},
        }

    @cached_property
    def made_with_text(self) -> str:
        """The same, equal where a result would be."""
        return json.dumps(self.made_with, sort_keys=True)

    @cached_property
    def _loaded(self) -> Loaded:
        from ..engine.pipeline import Loaded

        return Loaded(self._options.parameters)

    def begin(self, case: CaseSource) -> CaseRecord:
        """The record of a case that is about to begin.

        Raises:
            InputError or OSError: The CT is gone.
        """
        source = case.fingerprint()
        key = hashlib.sha256(f"{source}{self.made_with_text}".encode()).hexdigest()
        return CaseRecord(
            case.case, case.place, key, "running", input=source, made_with=self.made_with
        )

    def manifest(self, case: str) -> Path:
        """Where the manifest of a case is."""
        return self._out / MANIFEST_FOLDER / f"{case}.json"

    def earlier(self, case: str) -> CaseRecord | None:
        """What is known of a case already; a result that is gone is not known."""
        record = read_record(self.manifest(case))
        if record is None or record.status != "done":
            return record
        return record if (self._out / CASE_FOLDER / case / REPORT_JSON).is_file() else None

    def keep(self, record: CaseRecord) -> CaseRecord:
        """Write the manifest."""
        write_record(record, self.manifest(record.case))
        return record

    def forget(self, case: str) -> None:
        """Remove the manifest."""
        with suppress(OSError):
            self.manifest(case).unlink(missing_ok=True)

    def fail(self, record: CaseRecord, error: Exception) -> CaseRecord:
        """Write down that a case has no result, and why; or that its corrected one was kept."""
        if isinstance(error, CorrectedError):
            return self._keep_corrected(record)
        return self.keep(replace(record, status="failed", error=failure(error)))

    def _keep_corrected(self, record: CaseRecord) -> CaseRecord:
        """A corrected case as its report says; without a key, so that the next run looks again."""
        from ..report.result_reading import read_report

        report = read_report(self._out / CASE_FOLDER / record.case)
        numbers, flags = numbers_of(report.severity), (_KEPT, *report.flags)
        return self.keep(CaseRecord(record.case, record.place, "", "done", 1, None, numbers, flags))

    def read(self, case: CaseSource, record: CaseRecord) -> Read:
        """Begin with a case.

        Raises:
            CorrectedError: A person corrected the result that there is.
        """
        refuse_corrected(self._out / CASE_FOLDER / case.case)
        self.keep(record)
        start = time.perf_counter()
        dicom = dicom_output(self._options, case.source, case.series)
        volume = read_volume(case.source, case.series)
        volume = replace(volume, warnings=(*volume.warnings, *case.warnings))
        lobes = None
        if case.lobes is not None:
            lobes = read_lobes(case.lobes, self._options.lobe_labels, volume.geometry)
        return Read(volume, lobes, dicom, time.perf_counter() - start)

    def compute(self, read: Read, cancel: CancelToken) -> Computed:
        """Segment; models that were loaded for a case before are not loaded again."""
        from ..engine.pipeline import segment

        parameters = self._options.parameters
        result = segment(read.volume, parameters, cancel=cancel, loaded=self._loaded)
        if read.lobes is not None:
            result = with_given_lobes(result, read.lobes)
        seconds = {"reading": read.seconds, **result.provenance["seconds"]}
        return Computed(read, result, seconds)

    def write(self, record: CaseRecord, computed: Computed, cancel: CancelToken) -> CaseRecord:
        """Write result folder and manifest."""
        from ..report.segmentation import write_segmentation

        start = time.perf_counter()
        with result_folder(self._out / CASE_FOLDER / record.case) as staging:
            write_segmentation(
                computed.read.volume,
                computed.result,
                staging,
                ignore_progress,
                cancel,
                self._options.with_scene,
                paper=self._options.pdf,
                dicom=computed.read.dicom,
            )
        seconds = computed.seconds | {"writing": time.perf_counter() - start}
        give_back_freed_memory()  # or the holes that cases leave in the heap add up
        return self.keep(
            replace(
                record,
                status="done",
                numbers=numbers_of(computed.result.severity),
                flags=computed.result.flags,
                seconds={stage: round(value, 2) for stage, value in seconds.items()},
            )
        )
