"""A cohort: every CT of some files, folders, DICOM trees and tables, one result folder each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from ..engine.cohort.record import (
    MANIFEST_FOLDER,
    MOST_ATTEMPTS,
    CaseRecord,
    failure,
    stops_all,
)
from ..engine.cohort.sources import CaseSource, LeftOut, find_cases
from ..engine.errors import Cancelled, CovidLesionSegError, InputError
from ..engine.files import output_path
from ..engine.inference.allocator import tune_allocator
from ..engine.models.choice import check_choice
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..report.result_files import CASE_FOLDER
from .cohort_case import CaseWork, Computed, Read
from .dicom_output import require_dicom
from .growing_folder import growing_folder
from .options import BatchOptions
from .preloading import loading_beside

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
    out = output_path(out)
    progress(Progress("Looking for CTs", 0.0))
    tune_allocator()
    check_choice(options.parameters)
    work = CaseWork(options, out)
    work.made_with  # noqa: B018 - an unknown model is said before anything is written
    cases, left_out = find_cases(options.sources)
    if options.with_scene:
        from ..headless.bootstrap import require_rendering

        require_rendering()
    if options.pdf is not None:
        from ..report.report_pdf import require_pdf

        require_pdf()
    if options.dicom:
        require_dicom()
    from ..report.cohort import COHORT_FILES

    subfolders = (CASE_FOLDER, MANIFEST_FOLDER)
    with growing_folder(out, options.sources, subfolders, COHORT_FILES):
        run = _Run(options, work, out, cases, left_out, progress, cancel)
        with loading_beside(*_LIBRARIES):
            run.go()
    progress(Progress("Done", 1.0))
    return run.cohort()


class _Run:
    """One run of a cohort.

    Slicer's MRML works in one thread, which is the caller's: that one writes, while two others read
    and compute. So three CTs are in memory at a time, whatever the size of the cohort. On a cluster
    each worker has one.
    """

    def __init__(
        self,
        options: BatchOptions,
        work: CaseWork,
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
        self._work = work
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
            if self._options.on_cluster and self._todo:
                self._on_cluster()
            else:
                self._here()
        except Exception:
            self._forget_begun()
            raise
        finally:
            self._sum_up()

    def _plan(self, case: CaseSource) -> None:
        """Keep what an earlier run made of a case, or put it on the list of what is to be done."""
        try:
            record = self._work.begin(case)
            problem = case.problem
        except (InputError, OSError) as error:
            record = CaseRecord(case.case, case.place, "", "running")
            problem = failure(error)["message"]
        self._records[case.case] = record
        if problem is not None:
            self._fail(record, InputError(problem))
            return
        earlier = self._work.earlier(case.case)
        if earlier is None or earlier.key != record.key:
            self._todo.append((case, record))
        elif earlier.status == "done" or (
            earlier.status == "failed" and not self._options.retry_failed
        ):
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

    def _on_cluster(self) -> None:
        from .cohort_cluster import on_cluster

        self._tell()
        for record in on_cluster(
            self._options, self._out, self._todo, self._cancel.raise_if_cancelled
        ):
            self._records[record.case] = record
            self._one_more()
            self._tell()

    def _here(self) -> None:
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
                waiting: tuple[CaseRecord, Future[Computed]] | None = None
                for _, record in todo:
                    assert ahead is not None  # one for each case
                    computed = computing.submit(self._compute, ahead)
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

    def _read(self, case: CaseSource, record: CaseRecord) -> Read:
        self._cancel.raise_if_cancelled()
        return self._work.read(case, record)

    def _compute(self, read: Future[Read]) -> Computed:
        got = read.result()
        self._cancel.raise_if_cancelled()
        return self._work.compute(got, self._cancel)

    def _finish(self, record: CaseRecord, computed: Future[Computed]) -> None:
        """Wait for a case, write it, and note what became of it."""
        self._tell(record.case)
        try:
            self._records[record.case] = self._work.write(record, computed.result(), self._cancel)
        except Exception as error:
            if isinstance(error, Cancelled) or stops_all(error):
                raise
            self._fail(record, error)
        self._one_more()

    def _one_more(self) -> None:
        self._done += 1
        if time.monotonic() - self._summed_up > _SUMMARY_SECONDS:
            self._sum_up()

    def _fail(self, record: CaseRecord, error: Exception) -> None:
        self._records[record.case] = self._work.fail(record, error)

    def _sum_up(self) -> None:
        from ..report.cohort import write_cohort

        write_cohort(self.cohort().cases, self._left_out, self._options, self._out)
        self._summed_up = time.monotonic()

    def _tell(self, case: str = "") -> None:
        """Report the case that is being finished, or how many are."""
        total = len(self._todo)
        left = ""
        if self._done:
            seconds = (time.monotonic() - self._started) / self._done * (total - self._done)
            left = f", about {_duration(seconds)} left" if seconds else ""
        count = f"{case}: {self._done + 1}" if case else f"{self._done}"
        progress = Progress(
            "Segmenting the cohort", 0.99 * self._done / total, f"{count} of {total}{left}"
        )
        self._progress(progress)

    def _forget_begun(self) -> None:
        """Remove the manifests of cases that this run began: stopping was not their fault.

        A worker may have finished a case of which nothing was heard here; and what an earlier run
        says of a case that was not begun stays.
        """
        for case, record in self._records.items():
            if record.status != "running":
                continue
            now = self._work.earlier(case)
            if now is None or now.key != record.key or now.attempts < record.attempts:
                continue
            if now.status == "running":
                self._work.forget(case)
            elif now.status == "done":
                self._records[case] = now


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"
