"""The folds of a cross-validation side by side, on a Dask cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from statistics import fmean
from types import ModuleType
from typing import Any

import torch

from ..cluster import DaskCancelToken, as_ended, cluster_client, distributed_package, this_worker
from ..errors import Cancelled, OutputError, TrainingError
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .cross_validation import CrossValidation, Member
from .run_folder import check_no_training
from .trainer import silence_lightning

_LOOK_SECONDS = 0.1
_STOPPING_SECONDS = 60.0


def cross_validate_on_cluster(
    plan: CrossValidation,
    scheduler: str | None = None,
    parallel: int = 2,
    progress: ProgressCallback = ignore_progress,
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
        progress: Called with the progress of all folds together.
        cancel: Looked at all the time; the trainings end after their step.

    Raises:
        DependencyError: The package distributed is not installed.
        ParameterError: The cluster cannot be reached, has no workers, or they take several tasks.
        OutputError: The folder holds a training that is not to be resumed, or the workers do not
            see it.
        TrainingError: Workers ended again and again.
        Cancelled: The token was set; each fold under way has a checkpoint of its last step, unless
            it took more than a minute to get there.
        CovidLesionSegError: What :func:`~.trainer.fit` raised for a fold; the others are
            cancelled then.
    """
    _check_new(plan)
    dask = distributed_package("Folds side by side")
    numbers = range(1, len(plan.folds) + 1)
    shares = dict.fromkeys(numbers, 0.0)
    under_way: set[int] = set()
    with cluster_client(dask, scheduler, min(parallel, len(numbers))) as client:
        threads = None if scheduler else max(1, torch.get_num_threads() // parallel)

        def hear(event: tuple[Any, tuple[int, float | None]]) -> None:
            number, share = event[1]
            if share is None:
                under_way.discard(number)
            else:
                under_way.add(number)
                shares[number] = share

        client.subscribe_topic(plan.model_id, hear)
        # Another worker resumes what a lost one started.
        shared = client.scatter(replace(plan, resume=True), broadcast=True, hash=False)
        futures = [client.submit(_member, shared, n, threads, pure=False) for n in numbers]
        try:
            yield from _as_finished(dask, futures, shares, progress, cancel or CancelToken())
        finally:
            client.cancel(futures)
            _wait_until_none(under_way)


def _as_finished(
    dask: ModuleType,
    futures: list[Any],
    shares: dict[int, float],
    progress: ProgressCallback,
    cancel: CancelToken,
) -> Iterator[Member]:
    fraction, finished = 0.0, 0

    def look() -> None:
        nonlocal fraction
        if cancel.cancelled:
            raise Cancelled("Cancelled: training can resume from where it stopped.")
        # A fold that starts again from a checkpoint does not take progress back.
        fraction = max(fraction, fmean(shares.values()))
        count = f"{finished} of {len(futures)} folds finished"
        progress(Progress("Training", fraction, count))

    for future in as_ended(dask, futures, look):
        try:
            member = future.result()
        except (dask.KilledWorker, dask.CancelledError) as error:
            raise TrainingError(
                "Workers of the cluster ended while they trained, as where memory runs out: train "
                "fewer folds at a time, and resume."
            ) from error
        finished += 1
        shares[member.fold] = 1.0
        yield member
    look()


def _member(plan: CrossValidation, number: int, threads: int | None) -> Member:
    """One fold, on a worker."""
    worker = this_worker(threads)
    if not plan.folder.is_dir():
        raise OutputError(
            "A worker of the cluster does not see the folder for the model: choose one on a file "
            "system that all computers share."
        )
    silence_lightning()

    def log(progress: Progress) -> None:
        worker.log_event(plan.model_id, (number, progress.fraction))

    try:
        return plan.member(number, log, DaskCancelToken(worker))
    finally:
        worker.log_event(plan.model_id, (number, None))


def _wait_until_none(under_way: set[int]) -> None:
    """Wait for the folds that were cancelled: a local cluster that ends would end them at once."""
    deadline = time.monotonic() + _STOPPING_SECONDS
    while under_way and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)


def _check_new(plan: CrossValidation) -> None:
    plan.folder.mkdir(parents=True, exist_ok=True)
    if not plan.resume:
        for number in range(1, len(plan.folds) + 1):
            check_no_training(plan.folder_of(number))
