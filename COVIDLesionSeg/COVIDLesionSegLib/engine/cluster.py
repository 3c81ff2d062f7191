"""A Dask cluster for work that is done in processes side by side: a running one, or a local one."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from .errors import DependencyError, ParameterError
from .progress import CancelToken

_LOOK_SECONDS = 0.2
_WORKERS_SECONDS = 60


def distributed_package(purpose: str) -> ModuleType:
    """The package distributed, which nothing else needs.

    Args:
        purpose: What it is wanted for, as the beginning of a sentence.

    Raises:
        DependencyError: It is not installed.
    """
    try:
        import distributed
    except ImportError as error:
        raise DependencyError(
            f"{purpose} need the Python package distributed: install it (groups 'cluster' and "
            "'cohort' of this software), or do one after another."
        ) from error
    return distributed


@contextmanager
def cluster_client(dask: ModuleType, scheduler: str | None, workers: int) -> Iterator[Any]:
    """A client of a running cluster, or of a local one that ends with it.

    Args:
        dask: The package distributed.
        scheduler: Address of the running cluster; None for a local one.
        workers: Processes of the local one, each with one thread for tasks.

    Raises:
        ParameterError: The running cluster cannot be reached, or has no workers.
    """
    if scheduler is None:
        with (
            dask.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                memory_limit=0,  # or Dask would end work that takes more than its share
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


def as_ended(dask: ModuleType, futures: Sequence[Any], look: Callable[[], None]) -> Iterator[Any]:
    """Futures as they end, in any order; ``look`` is called several times a second meanwhile."""
    ended = dask.as_completed(futures)
    while not ended.is_empty():
        look()
        batch = ended.next_batch(block=False)
        yield from batch
        if not batch:
            time.sleep(_LOOK_SECONDS)


def this_worker(threads: int | None) -> Any:
    """The worker that runs this task, set up to compute in it.

    Args:
        threads: Number of PyTorch's threads; None leaves it.

    Raises:
        ParameterError: It takes several tasks at a time.
    """
    import torch
    from distributed import get_worker

    from .inference.allocator import tune_allocator

    worker = get_worker()
    if worker.state.nthreads > 1:
        raise ParameterError(
            "A worker of the cluster takes several tasks at a time, but tasks in one process would "
            "share random numbers and Slicer's scene: start workers with one thread each."
        )
    # Dask makes its workers return freed memory at once, which makes a step half as long again.
    tune_allocator()
    if threads is not None:
        torch.set_num_threads(threads)
    return worker


def gpus() -> tuple[str, ...]:
    """The GPUs that this process may use, by the names that ``CUDA_VISIBLE_DEVICES`` takes."""
    import torch

    count = torch.cuda.device_count()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(chosen.split(",") if chosen else map(str, range(count)))[:count]


def take_gpu(names: Sequence[str]) -> None:
    """On a worker of a local cluster: compute on one GPU, each worker on another, in turn.

    It must come before anything that looks for a GPU.
    """
    from distributed import get_worker

    if names:
        os.environ["CUDA_VISIBLE_DEVICES"] = names[int(get_worker().name) % len(names)]


class DaskCancelToken(CancelToken):
    """Set once the client no longer waits for the task: it cancelled it, or has died."""

    def __init__(self, worker: Any):
        super().__init__()
        self._task = worker.state.tasks[worker.get_current_task()]

    @property
    def cancelled(self) -> bool:
        return bool(self._task.state != "executing")
