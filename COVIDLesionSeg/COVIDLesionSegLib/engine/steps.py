"""Long work in short steps, so that a window stays live between them.

A function that works in steps is a generator: it yields whenever a few milliseconds of work are
done, and returns its result at the end. Closing it between two steps ends the work.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

Result = TypeVar("Result")
Steps = Generator[None, None, Result]

SLAB_BYTES = 1 << 23
"""How much of an array is copied, read or written in one step: some milliseconds of work."""


def finish(steps: Generator[Any, None, Result]) -> Result:
    """Do all steps at once, and give the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result


def at_once(result: Result) -> Steps[Result]:
    """A result that is there already, as work of a single step."""
    yield
    return result


class Work(Generic[Result]):
    """Work in steps that is under way.

    Attributes:
        result: What it gave; None before its end.
    """

    def __init__(self, steps: Generator[Any, None, Result]) -> None:
        self._steps = steps
        self.result: Result | None = None

    def go_on(self, seconds: float) -> bool:
        """Do as many steps as begin within ``seconds``, at least one; whether that was the end.

        What a step raises is passed on; the work has then ended.
        """
        deadline = time.monotonic() + seconds
        try:
            while True:
                next(self._steps)
                if time.monotonic() >= deadline:
                    return False
        except StopIteration as end:
            self.result = end.value
            return True

    def close(self) -> None:
        """End the work where it is."""
        self._steps.close()


def slabs(array: npt.NDArray[Any], multiple: int = 1) -> Iterator[slice]:
    """Ranges along the first axis of about :data:`SLAB_BYTES` each.

    Args:
        array: An array of at least one axis.
        multiple: Every range but the last has a multiple of so many entries.
    """
    if array.shape[0] == 0:
        return
    each = max(1, array.nbytes // array.shape[0])
    length = max(1, SLAB_BYTES // each // multiple) * multiple
    for start in range(0, array.shape[0], length):
        yield slice(start, min(start + length, array.shape[0]))


def copied(array: npt.NDArray[Any], dtype: npt.DTypeLike | None = None) -> Steps[np.ndarray]:
    """A contiguous copy of ``array``, of another type if one is given."""
    copy = np.empty(array.shape, array.dtype if dtype is None else dtype)
    for part in slabs(copy):
        copy[part] = array[part]
        yield
    return copy
