"""What the C library does with memory that was freed."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
_KEEP_BYTES = 1 << 30


def tune_allocator() -> bool:
    """Stop glibc from returning every large tensor to the kernel; True where it took effect.

    By default each large tensor is mapped afresh and its pages fault in at every forward pass,
    which costs more than the convolution of a small patch. The price is a process that keeps up to
    its peak memory, so this is for processes that do one job and end. Call it before the first
    tensor. Does nothing outside Linux with glibc.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is None:
        return False
    settings = (
        (_M_MMAP_MAX, 0),
        (_M_TRIM_THRESHOLD, _KEEP_BYTES),
        (_M_TOP_PAD, 64 << 20),
        (_M_ARENA_MAX, 1),  # or every thread keeps blocks of its own
    )
    return all(mallopt(name, value) == 1 for name, value in settings)


def give_back_freed_memory() -> None:
    """Return to the kernel what was freed: a stage that needed much leaves holes in the heap.

    The arrays of the next stage rarely fit into them. Does nothing outside Linux with glibc.
    """
    malloc_trim = _of_glibc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(0)


def _of_glibc(name: str) -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        function: Callable[..., int] = getattr(ctypes.CDLL("libc.so.6"), name)
    except (OSError, AttributeError):
        return None
    return function
