"""Keeps pydicom and highdicom from printing: their warnings may quote the patient's data."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("pydicom", "highdicom")
_lock = threading.Lock()
_inside = 0
_filters: warnings.catch_warnings[None] | None = None
_levels: list[int] = []


@contextmanager
def quiet_dicom() -> Iterator[None]:
    """Show no warnings of pydicom and highdicom, as long as any thread is inside.

    Filters of warnings belong to the process: where each thread saved and restored them by itself,
    as ``warnings.catch_warnings`` does, one that reads would bring them back while another writes.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _filters
    with _lock:
        _inside += 1
        if _inside > 1:
            return
        _filters = warnings.catch_warnings()
        _filters.__enter__()
        warnings.simplefilter("ignore")
        _levels[:] = [logging.getLogger(name).level for name in _LOGGERS]
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside or _filters is None:
            return
        _filters.__exit__(None, None, None)
        for name, level in zip(_LOGGERS, _levels, strict=True):
            logging.getLogger(name).setLevel(level)
