"""What a job gets ready beside its work, so that nobody waits for it."""

from __future__ import annotations

import importlib
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def loading_beside(*modules: str) -> Iterator[None]:
    """Import libraries in the background, in this order, while the block runs.

    Code that needs one of them imports it as ever, and waits only for what is left of it. A library
    that is absent or broken is reported by that code, not here. At the end of the block the import
    under way ends, and those after it are left out.
    """
    ended = threading.Event()

    def load() -> None:
        for module in modules:
            if ended.is_set():
                return
            with suppress(Exception):
                importlib.import_module(module)

    # Both sides silence warnings for a moment, all over the process: whichever ends last would
    # leave them silenced.
    with warnings.catch_warnings():
        thread = threading.Thread(target=load, name="loading libraries", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
