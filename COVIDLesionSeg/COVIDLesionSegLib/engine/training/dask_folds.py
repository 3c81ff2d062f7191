"""The folds of a cross-validation side by side, on a Dask cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import fmean
from types import ModuleType
from typing import Any

import torch

from ..errors import Cancelled, DependencyError, OutputError, ParameterError, TrainingError
from ..inference.allocator import tune_allocator
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .cross_validation import CrossValidation, Member
from .run_folder import check_no_training
from .trainer import silence_lightning

_LOOK_SECONDS = 0.2
_WORKERS_SECONDS = 60


def cross_validate_on_cluster(
    plan: CrossValidation,
    scheduler: str | None = None,
    parallel: int = 2,
    report: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Iterator[Member]:
    """Several folds at a time, each member as soon as it is trained, in any order.

    A member has the same weights as one of :func:`~.cross_validation.cross_validate`, bit for bit
    where both are computed by as many threads. The slices are sent to every worker once. A fold
    whose worker was lost resumes from its last checkpoint on another.

    Args:
        plan: All workers must see its folder under the same path; its ``workers`` must be 0.
        scheduler: Address of a running cluster, such as ``tcp://host:8786``, each of whose workers
            takes one task at a time; by default a local cluster is started and ended.
        parallel: Processes of the local cluster; they share this process's threads.
        report: Called with the progress of all folds together.
        cancel: Looked at all the time; the trainings end after their step.

    Raises:
        DependencyError: The package distributed is not installed.
        ParameterError: The cluster cannot be reached, has no workers, or they take several tasks.
        OutputError: The folder holds a training that is not to be resumed, or the workers do not
            see it.
        TrainingError: Workers ended again and again.
        Cancelled: The token was set; the last checkpoints stay.
        CovidLesionSegError: What :func:`~.trainer.train` raised for a fold; the others are
            cancelled then.
    """
    _check_new(plan)
    dask = _distributed()
    numbers = range(1, len(plan.folds) + 1)
    shares = dict.fromkeys(numbers, 0.0)
    with _cluster(dask, scheduler, min(parallel, len(numbers))) as client:
        threads = None if scheduler else max(1, torch.get_num_threads() // parallel)
        client.subscribe_topic(plan.model_id, lambda event: shares.update([event[1]]))
        # Another worker resumes what a lost one started.
        shared = client.scatter(replace(plan, resume=True), broadcast=True, hash=False)
        futures = [client.submit(_member, shared, n, threads, pure=False) for n in numbers]
        try:
            yield from _as_finished(dask, futures, shares, report, cancel or CancelToken())
        finally:
            client.cancel(futures)


def _as_finished(
    dask: ModuleType,
    futures: list[Any],
    shares: dict[int, float],
    report: ProgressCallback,
    cancel: CancelToken,
) -> Iterator[Member]:
    pending = set(futures)
    fraction = 0.0
    while pending:
        if cancel.cancelled:
            raise Cancelled("Cancelled: training can resume from its last checkpoint.")
        finished: list[Member] = []
        try:
            done, pending = dask.wait(pending, _LOOK_SECONDS, "FIRST_COMPLETED")
            finished = [future.result() for future in done]
        except TimeoutError:
            pass
        except (dask.KilledWorker, dask.CancelledError) as error:
            raise TrainingError(
                "Workers of the cluster ended while they trained, as where memory runs out: train "
                "fewer folds at a time, and resume."
            ) from error
        for member in finished:
            shares[member.fold] = 1.0
            yield member
        # A fold that starts again from a checkpoint does not take progress back.
        fraction = max(fraction, fmean(shares.values()))
        count = f"{len(futures) - len(pending)} of {len(futures)} folds finished"
        report(Progress("Training", fraction, count))


def _member(plan: CrossValidation, number: int, threads: int | None) -> Member:
    """One fold, on a worker."""
    from distributed import get_worker

    worker = get_worker()
    if worker.state.nthreads > 1:
        raise ParameterError(
            "A worker of the cluster takes several tasks at a time, but trainings in one process "
            "would share their random numbers: start workers with one thread each."
        )
    if not plan.folder.is_dir():
        raise OutputError(
            "A worker of the cluster does not see the folder for the model: choose one on a file "
            "system that all computers share."
        )
    silence_lightning()
    # Dask makes its workers return freed memory at once, which makes a step half as long again.
    tune_allocator()
    if threads is not None:
        torch.set_num_threads(threads)

    def log(progress: Progress) -> None:
        worker.log_event(plan.model_id, (number, progress.fraction))

    return plan.member(number, log, DaskCancelToken(worker))


class DaskCancelToken(CancelToken):
    """Set once the client no longer waits for the task: it cancelled it, or has died."""

    def __init__(self, worker: Any):
        super().__init__()
        self._task = worker.state.tasks[worker.get_current_task()]

    @property
    def cancelled(self) -> bool:
        return bool(self._task.state != "executing")


@contextmanager
def _cluster(dask: ModuleType, scheduler: str | None, workers: int) -> Iterator[Any]:
    """A client of the running cluster, or of a local one that ends with it."""
    if scheduler is None:
        with (
            dask.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                memory_limit=0,  # or Dask would end a training that takes more than its share
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            ) as cluster,
            dask.Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = dask.Client(scheduler)
    except (OSError, ValueError) as error:
        raise ParameterError(
            f"There is no Dask scheduler at {scheduler}: start one with dask scheduler, and give "
            "the address that it names."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
        except TimeoutError as error:
            raise ParameterError(
                f"The Dask scheduler at {scheduler} has no workers: start some with dask worker."
            ) from error
        yield client


def _check_new(plan: CrossValidation) -> None:
    plan.folder.mkdir(parents=True, exist_ok=True)
    if not plan.resume:
        for number in range(1, len(plan.folds) + 1):
            check_no_training(plan.folder_of(number))


def _distributed() -> ModuleType:
    # Imported only where it is needed: everything else works without it.
    try:
        import distributed
    except ImportError as error:
        raise DependencyError(
            "Folds side by side need the Python package distributed: install it (group 'cluster' "
            "of this software), or train one fold after another."
        ) from error
    return distributed
