"""The cases of a cohort side by side, on a Dask cluster: one task for each case.

Dask only hands the cases out. What became of a case is what its manifest says, whoever asks: a task
that Dask repeats, because its worker or the result's message was lost, finds there that the case is
finished, or that it was begun and is to be done again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ..engine.cohort.record import MANIFEST_FOLDER, CaseRecord, stops_all
from ..engine.cohort.sources import CaseSource
from ..engine.errors import Cancelled, CovidLesionSegError, OutputError
from ..engine.locks import take_lock
from ..engine.progress import CancelToken
from .cohort_case import CaseWork
from .options import BatchOptions

_ENDED = (
    "Workers of the cluster ended in the middle of this CT {times}, perhaps for want of memory: "
    "try it alone, or ask for failed cases to be tried again."
)
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class _Plan:
    """What every worker is told.

    Attributes:
        options, out: As for :class:`~.cohort_case.CaseWork`.
        threads: Of PyTorch in each worker of a local cluster; None on a running one.
        gpus: That the workers of a local cluster share out.
    """

    options: BatchOptions
    out: Path
    threads: int | None
    gpus: tuple[str, ...]


def on_cluster(
    options: BatchOptions,
    out: Path,
    todo: Sequence[tuple[CaseSource, CaseRecord]],
    look: Callable[[], None],
) -> Iterator[CaseRecord]:
    """Each case as soon as it is done or has failed, in any order.

    A case in whose middle a worker was lost is done once more, by another; after a second time it
    has failed.

    Args:
        options, out: As for :func:`~.cohort.batch`.
        todo: The cases, with the record of what is about to begin.
        look: Called several times a second; what it raises ends the work.

    Raises:
        DependencyError: The package distributed is not installed.
        ParameterError: The cluster cannot be reached, has no workers, or they take several tasks.
        OutputError: The workers do not see the folder or the CTs, or cannot write.
        CovidLesionSegError: The cluster ended.
    """
    import torch

    from ..engine.cluster import as_ended, cluster_client, distributed_package, gpus

    dask = distributed_package("Cases side by side")
    names = () if options.scheduler or options.parameters.device == "cpu" else gpus()
    workers = min(options.workers or len(names) or 1, len(todo))
    threads = None if options.scheduler else max(1, torch.get_num_threads() // workers)
    work = CaseWork(options, out)
    for case, record in todo:
        if record.attempts == 1:  # what an earlier run left says nothing about this one
            work.forget(case.case)
    with cluster_client(dask, options.scheduler, workers) as client:
        plan = client.scatter(_Plan(options, out, threads, names), broadcast=True, hash=False)
        futures = {
            # Names of cases may be those of patients, and Dask logs and shows its keys.
            client.submit(_one, plan, case, record, key=f"case-{number}-{time.time_ns()}"): record
            for number, (case, record) in enumerate(todo)
        }
        try:
            for future in as_ended(dask, list(futures), look):
                try:
                    yield future.result()
                except dask.KilledWorker:
                    error = CovidLesionSegError(_ENDED.format(times="again and again"))
                    yield work.fail(futures[future], error)
        except dask.CancelledError as error:
            raise CovidLesionSegError(
                "The Dask cluster ended: start it again, and run the same command to go on."
            ) from error
        finally:
            client.cancel(list(futures))
    for lock in (out / MANIFEST_FOLDER).glob(".*.lock"):
        lock.unlink(missing_ok=True)


def _one(plan: _Plan, case: CaseSource, record: CaseRecord) -> CaseRecord:
    """One case, on a worker."""
    from ..engine.cluster import DaskCancelToken, take_gpu, this_worker

    take_gpu(plan.gpus)
    cancel = DaskCancelToken(this_worker(plan.threads))
    for seen in (plan.out / MANIFEST_FOLDER, case.ct.parent):
        if not seen.is_dir():
            raise OutputError(
                "A worker of the cluster does not see the CTs or the output folder: choose folders "
                "on a file system that all computers share."
            )
    # A worker that Dask gave up may still be at it.
    while (lock := take_lock(plan.out / MANIFEST_FOLDER / f".{case.case}.lock")) is None:
        cancel.raise_if_cancelled()
        time.sleep(_LOOK_SECONDS)
    with lock:
        return do_alone(_work(plan), case, record, cancel)


def do_alone(
    work: CaseWork, case: CaseSource, record: CaseRecord, cancel: CancelToken
) -> CaseRecord:
    """A case that nobody else does meanwhile; what its manifest says of it is not done again.

    Args:
        work: Does it.
        case: The CT.
        record: What is about to begin, as it was planned.
        cancel: Set it to stop; the case is then as if it was not begun.

    Raises:
        OutputError: Nothing can be written.
        Cancelled: ``cancel`` was set.
    """
    now = work.earlier(case.case)
    if now is not None and now.key == record.key and now.attempts >= record.attempts:
        if now.status != "running":
            return now
        if now.attempts > record.attempts:
            return work.fail(now, CovidLesionSegError(_ENDED.format(times="twice")))
        record = replace(record, attempts=now.attempts + 1)
    try:
        read = work.read(case, record)
        cancel.raise_if_cancelled()
        return work.write(record, work.compute(read, cancel), cancel)
    except Cancelled:
        work.forget(case.case)  # stopping was not its fault
        raise
    except Exception as error:
        if stops_all(error):
            raise
        return work.fail(record, error)


def _work(plan: _Plan) -> CaseWork:
    """That of the cases before, with the models that it has loaded."""
    return _latest(plan.options, plan.out, CaseWork(plan.options, plan.out).made_with_text)


@lru_cache(maxsize=1)
def _latest(options: BatchOptions, out: Path, made_with: str) -> CaseWork:
    return CaseWork(options, out)
