"""How a command ends: an exit code, and one clear line on stderr if it failed.

0 done, 1 failed, 2 wrong usage, 130 cancelled by Ctrl-C or a termination signal.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType

import typer

from ..engine.errors import Cancelled, CovidLesionSegError, in_one_sentence
from ..engine.progress import CancelToken

FAILED = 1
CANCELLED = 130


@contextmanager
def exit_codes(
    debug: bool = False, flags: Mapping[str, str] | None = None
) -> Iterator[CancelToken]:
    """Run a command's work, turning whatever stops it into one line and an exit code.

    Args:
        debug: Let an error through with its traceback.
        flags: Name and flag of every option of the command: only these are hinted at.

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
        if debug or _nobody_reads(error):
            raise
        _end(f"Error: {in_one_sentence(error)}{option_hint(error, flags or {})}", FAILED)


def _nobody_reads(error: Exception) -> bool:
    """Whether the reader of the output, such as ``head``, had enough: typer then ends quietly."""
    if not isinstance(error, BrokenPipeError) or not hasattr(select, "poll"):
        return False
    try:
        output = sys.stdout.fileno()
    except (OSError, ValueError):
        return False
    poll = select.poll()
    poll.register(output, 0)
    return bool(poll.poll(0))  # what is reported without being asked for: an error, a hang-up


def option_hint(error: Exception, flags: Mapping[str, str]) -> str:
    """Which option of the command mends it, or shows the traceback of what is a defect."""
    if not isinstance(error, (CovidLesionSegError, ImportError, MemoryError)):
        return " Run it with --debug to see where it failed."
    flag = flags.get(getattr(error, "option", None) or "")
    return f" Option: --{flag}." if flag else ""


@contextmanager
def _cancelled_by_signals(cancel: CancelToken) -> Iterator[None]:
    def on_signal(number: int, frame: FrameType | None) -> None:
        if cancel.cancelled:
            raise KeyboardInterrupt
        cancel.cancel()
        # Not print: the signal may have come in the middle of one.
        with suppress(OSError):
            os.write(2, b"\nStopping after the present step; once more stops at once.\n")

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
