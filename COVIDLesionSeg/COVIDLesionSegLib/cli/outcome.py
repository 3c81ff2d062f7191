"""How a command ends: an exit code, and one clear line on stderr if it failed.

0 done, 1 failed, 2 wrong usage, 130 cancelled by Ctrl-C or a termination signal.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import typer

from ..engine.errors import Cancelled, CovidLesionSegError
from ..engine.progress import CancelToken

FAILED = 1
CANCELLED = 130


@contextmanager
def clear_outcome(debug: bool = False) -> Iterator[CancelToken]:
    """Run a command's work, turning whatever stops it into one line and an exit code.

    Args:
        debug: Let an error through with its traceback.

    Yields:
        The token that the first Ctrl-C or termination signal cancels. A second signal interrupts
        at once.

    Raises:
        typer.Exit: With the exit code, after the line was printed.
    """
    cancel = CancelToken()
    try:
        with _cancelled_by_signals(cancel):
            yield cancel
    except typer.Exit:
        raise
    except KeyboardInterrupt:
        _end(str(Cancelled()), CANCELLED)
    except Cancelled as error:
        _end(str(error), CANCELLED)
    except Exception as error:
        if debug:
            raise
        _end(f"Error: {one_sentence(error)}", FAILED)


def one_sentence(error: Exception) -> str:
    """What a person is told about an error, in one line."""
    if isinstance(error, CovidLesionSegError):
        text = str(error)
    elif isinstance(error, ImportError):
        package = error.name or "a Python package"
        text = f"{package} cannot be loaded ({error}): install or repair it, then try again."
    elif isinstance(error, MemoryError):
        text = "Memory ran out: close other programs, crop the CT to the chest, or lower the batch."
    else:
        text = (
            f"Something unexpected went wrong ({type(error).__name__}: {error}): run again with "
            "--debug and report the traceback."
        )
    return " ".join(text.split())


@contextmanager
def _cancelled_by_signals(cancel: CancelToken) -> Iterator[None]:
    def on_signal(number: int, frame: FrameType | None) -> None:
        if cancel.cancelled:
            raise KeyboardInterrupt
        cancel.cancel()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(line: str, code: int) -> None:
    print(line, file=sys.stderr)
    raise typer.Exit(code)
