"""Make the C library keep the large blocks that convolutions ask for again and again."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -4, -8
_KEEP_BYTES = 1 << 30


def tune_allocator() -> bool:
    """Stop glibc from returning every large tensor to the kernel; True where it took effect.

    By default each large tensor is mapped afresh and its pages fault in at every forward pass,
    which costs more than the convolution of a small patch. The price is a process that keeps up to
    its peak memory, so this is for processes that do one job and end. Call it before the first
    tensor. Does nothing outside Linux with glibc.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    settings = (
        (_M_MMAP_MAX, 0),
        (_M_TRIM_THRESHOLD, _KEEP_BYTES),
        (_M_TOP_PAD, 64 << 20),
        (_M_ARENA_MAX, 1),  # or every thread keeps blocks of its own
    )
    return all(mallopt(name, value) == 1 for name, value in settings)
