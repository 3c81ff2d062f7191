"""A cohort: every CT of some files, folders, DICOM trees and tables, one result folder each."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from .. import __version__
from ..engine.cohort.record import (
    MANIFEST_FOLDER,
    MOST_ATTEMPTS,
    CaseRecord,
    failure,
    numbers_of,
    read_record,
    stops_all,
    write_record,
)
from ..engine.cohort.sources import CaseSource, LeftOut, find_cases
from ..engine.errors import Cancelled, CovidLesionSegError, InputError
from ..engine.inference.allocator import tune_allocator
from ..engine.models.catalogue import check_models, load_catalogue
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..engine.result import SegmentationResult
from ..engine.volume import Volume, read_volume
from ..report.result_files import CASE_FOLDER, REPORT_JSON
from .beside import loading_beside
from .growing_folder import growing_folder
from .options import BatchOptions
from .result_folder import result_folder

_SUMMARY_SECONDS = 60.0
"""The summary is written anew at most so often, and at the end."""
_LIBRARIES = ("torch", "vtk", "slicer", "matplotlib.figure")


@dataclass(frozen=True)
class Cohort:
    """What became of a cohort.

    Attributes:
        cases: Every case, sorted by name.
        left_out: What the sources hold beside them.
        skipped: Cases that an earlier run had finished, or that had failed then.
    """

    cases: tuple[CaseRecord, ...]
    left_out: tuple[LeftOut, ...]
    skipped: int

    @property
    def failed(self) -> tuple[CaseRecord, ...]:
        """The cases without a result."""
        return tuple(case for case in self.cases if case.status != "done")


@dataclass(frozen=True)
class _Computed:
    volume: Volume
    result: SegmentationResult
    seconds: dict[str, float]


def batch(
    options: BatchOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Cohort:
    """Segment every CT of a cohort; a bad one never stops the others.

    The next CT is read, and the last one written, while one is computed. Every case has a folder
    ``cases/NAME`` as :func:`~.segmentation.segment` writes it, and a manifest that tells what was
    done with it; ``cohort.csv``, ``cohort.json`` and ``cohort.html`` sum up. Run it again to go on
    after it was stopped or killed: cases that are done are left alone, unless their CT, the
    parameters, the weights or the version of this software changed.

    Args:
        options: The CTs and everything that decides their results.
        out: Folder of the cohort; absent, empty, or that of an earlier run.
        progress: Called with progress.
        cancel: Set it to stop the job; what is finished stays.

    Raises:
        InputError: A source does not exist or holds no CT, or a table is damaged.
        OutputError: The folder cannot be written, holds files of another origin, or is being
            written by another run; or the disk is full.
        ModelError: A model is unknown.
        DependencyError: A library is missing.
        Cancelled: ``cancel`` was set.
    """
    cancel = cancel or CancelToken()
    out = Path(out).expanduser().absolute()
    progress(Progress("Looking for CTs", 0.0))
    tune_allocator()
    check_models(options.parameters.members)
    cases, left_out = find_cases(options.sources)
    if options.with_scene:
        from ..headless.bootstrap import require_rendering

        require_rendering()
    if options.pdf is not None:
        from ..report.report_pdf import require_pdf

        require_pdf()
    from ..report.cohort import is_cohort_file

    subfolders = (CASE_FOLDER, MANIFEST_FOLDER)
    with growing_folder(out, options.sources, subfolders, is_cohort_file):
        run = _Run(options, out, cases, left_out, progress, cancel)
        with loading_beside(*_LIBRARIES):
            run.go()
    progress(Progress("Done", 1.0))
    return run.cohort()


class _Run:
    """One run of a cohort.

    Slicer's MRML works in one thread, which is the caller's: that one writes, while two others read
    and compute. So three CTs are in memory at a time, whatever the size of the cohort.
    """

    def __init__(
        self,
        options: BatchOptions,
        out: Path,
        cases: Sequence[CaseSource],
        left_out: Sequence[LeftOut],
        progress: ProgressCallback,
        cancel: CancelToken,
    ) -> None:
        self._options = options
        self._out = out
        self._left_out = tuple(left_out)
        self._progress, self._cancel = progress, cancel
        self._made_with = _made_with(options)
        self._records: dict[str, CaseRecord] = {}
        self._todo: list[tuple[CaseSource, CaseRecord]] = []
        self._skipped = 0
        for case in cases:
            self._plan(case)
        self._done = 0
        self._started = self._summed_up = time.monotonic()

    def cohort(self) -> Cohort:
        """What is known so far."""
        records = tuple(sorted(self._records.values(), key=lambda record: record.case))
        return Cohort(records, self._left_out, self._skipped)

    def go(self) -> None:
        """Do what is to be done."""
        try:
            self._go()
        except Exception:
            self._forget_begun()
            raise
        finally:
            self._sum_up()

    def _plan(self, case: CaseSource) -> None:
        """Keep what an earlier run made of a case, or put it on the list of what is to be done."""
        try:
            key = hashlib.sha256(f"{case.fingerprint()}{self._made_with}".encode()).hexdigest()
            problem = case.problem
        except (InputError, OSError) as error:
            key, problem = "", failure(error)["message"]
        record = CaseRecord(case.case, case.place, key, "running")
        self._records[case.case] = record
        if problem is not None:
            self._fail(record, InputError(problem))
            return
        earlier = read_record(self._manifest(case.case))
        if earlier is None or earlier.key != key:
            self._todo.append((case, record))
        elif self._is_over(earlier):
            self._records[case.case] = earlier
            self._skipped += 1
        elif earlier.status == "running" and earlier.attempts >= MOST_ATTEMPTS:
            error_text = (
                f"The software ended in the middle of this CT {earlier.attempts} times, perhaps "
                "for want of memory: try it alone, or ask for failed cases to be tried again."
            )
            self._fail(earlier, CovidLesionSegError(error_text))
        else:
            begun = earlier.attempts if earlier.status == "running" else 0
            self._todo.append((case, replace(record, attempts=begun + 1)))

    def _is_over(self, earlier: CaseRecord) -> bool:
        if earlier.status == "done":
            return (self._out / CASE_FOLDER / earlier.case / REPORT_JSON).is_file()
        return earlier.status == "failed" and not self._options.retry_failed

    def _go(self) -> None:
        fresh = [item for item in self._todo if item[1].attempts == 1]
        self._overlapped(fresh)
        # Whichever of these ended the process shall not take its neighbours with it again.
        for item in self._todo:
            if item not in fresh:
                self._overlapped([item])

    def _overlapped(self, todo: list[tuple[CaseSource, CaseRecord]]) -> None:
        """Read one case, compute the one before and write the one before that, all at a time."""
        with (
            ThreadPoolExecutor(1, "reading") as reading,
            ThreadPoolExecutor(1, "computing") as computing,
        ):
            try:
                reads = (reading.submit(self._read, *item) for item in todo)
                ahead = next(reads, None)
                waiting: tuple[CaseRecord, Future[_Computed]] | None = None
                for _, record in todo:
                    assert ahead is not None  # one for each case
                    computed = computing.submit(self._compute, record, ahead)
                    ahead = next(reads, None)
                    if waiting is not None:
                        self._finish(*waiting)
                    waiting = record, computed
                if waiting is not None:
                    self._finish(*waiting)
            except BaseException:
                for pool in (reading, computing):
                    pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _read(self, case: CaseSource, record: CaseRecord) -> tuple[Volume, float]:
        self._cancel.raise_if_cancelled()
        write_record(record, self._manifest(record.case))
        start = time.perf_counter()
        volume = read_volume(case.ct, case.series)
        return volume, time.perf_counter() - start

    def _compute(self, record: CaseRecord, read: Future[tuple[Volume, float]]) -> _Computed:
        volume, seconds = read.result()
        self._cancel.raise_if_cancelled()
        from ..engine.pipeline import segment

        result = segment(volume, self._options.parameters, cancel=self._cancel)
        return _Computed(volume, result, {"reading": seconds, **result.provenance["seconds"]})

    def _finish(self, record: CaseRecord, computed: Future[_Computed]) -> None:
        """Wait for a case, write it, and note what became of it."""
        self._tell(record.case)
        try:
            one = computed.result()
            start = time.perf_counter()
            self._write(record.case, one)
            seconds = one.seconds | {"writing": time.perf_counter() - start}
            record = replace(
                record,
                status="done",
                numbers=numbers_of(one.result),
                flags=one.result.flags,
                seconds={stage: round(value, 2) for stage, value in seconds.items()},
            )
            self._keep(record)
        except Exception as error:
            if isinstance(error, Cancelled) or stops_all(error):
                raise
            self._fail(record, error)
        self._done += 1
        if time.monotonic() - self._summed_up > _SUMMARY_SECONDS:
            self._sum_up()

    def _write(self, case: str, one: _Computed) -> None:
        from ..report.segmentation import write_segmentation

        with result_folder(self._out / CASE_FOLDER / case) as staging:
            write_segmentation(
                one.volume,
                one.result,
                staging,
                ignore_progress,
                self._cancel,
                self._options.with_scene,
                paper=self._options.pdf,
            )

    def _fail(self, record: CaseRecord, error: Exception) -> None:
        self._keep(replace(record, status="failed", error=failure(error)))

    def _keep(self, record: CaseRecord) -> None:
        self._records[record.case] = record
        write_record(record, self._manifest(record.case))

    def _sum_up(self) -> None:
        from ..report.cohort import write_cohort

        write_cohort(self.cohort().cases, self._left_out, self._options, self._out)
        self._summed_up = time.monotonic()

    def _tell(self, case: str) -> None:
        total = len(self._todo)
        left = ""
        if self._done:
            seconds = (time.monotonic() - self._started) / self._done * (total - self._done)
            left = f", about {_duration(seconds)} left"
        message = f"{case}: {self._done + 1} of {total}{left}"
        self._progress(Progress("Segmenting the cohort", 0.99 * self._done / total, message))

    def _forget_begun(self) -> None:
        """Remove the manifests of cases that were begun: stopping was not their fault."""
        for case, record in self._records.items():
            if record.status == "running":
                with suppress(OSError):
                    self._manifest(case).unlink(missing_ok=True)

    def _manifest(self, case: str) -> Path:
        return self._out / MANIFEST_FOLDER / f"{case}.json"


def _made_with(options: BatchOptions) -> str:
    """What decides a result beside the CT, as text."""
    models = load_catalogue().members(options.parameters.members)
    weights = [model.card.weights.sha256 if model.card.weights else None for model in models]
    return json.dumps(
        [__version__, options.with_scene, options.pdf, options.parameters.to_dict(), weights]
    )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"
