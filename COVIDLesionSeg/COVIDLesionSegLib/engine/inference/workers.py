"""Forward passes at the same time, each on its share of the processor's threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Results of ``work`` on every item, in order, ``workers`` items at a time.

    A convolution that all threads share ends when its slowest thread does, hundreds of times for a
    slice: with other programs on the same processor, threads mostly wait for each other. Slices
    that are computed side by side never do.

    What ``work`` raises is raised here; items that were not begun are then left out.
    """
    threads = torch.get_num_threads()
    share = max(1, threads // workers)
    try:
        with ThreadPoolExecutor(
            workers, initializer=torch.set_num_threads, initargs=(share,)
        ) as pool:
            yield from pool.map(work, items)
    finally:
        # Threads that PyTorch meets later would take over what was set last.
        torch.set_num_threads(threads)
