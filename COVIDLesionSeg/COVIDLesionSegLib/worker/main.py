"""One segmentation in a process of its own: the panel's background job.

``python -m COVIDLesionSegLib.worker.main REQUEST.json`` reads the request's folder, writes the
result into ``result/`` beside the request, and tells its progress on standard output, one JSON
object per line: ``{"stage", "fraction", "message"}``, or ``{"error", "message"}`` as the last one.

A process of its own keeps Slicer's window live, keeps a crash of a GPU driver out of Slicer, gives
all memory back at the end, and can be cancelled at any instant by ending it. Only the standard
library is imported at file scope: typer and rich are not part of Slicer's Python.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled by SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from ..engine.errors import Cancelled, CovidLesionSegError, in_one_sentence
from ..engine.progress import CancelToken, Progress

DONE, FAILED, CANCELLED = 0, 1, 130


def main(arguments: list[str] | None = None) -> int:
    """Run the request and return the exit code."""
    parser = argparse.ArgumentParser(prog="COVIDLesionSegLib.worker.main", description=__doc__)
    parser.add_argument("request", type=Path, help="request.json in a private folder")
    parser.add_argument("--parent", type=int, help="process to end with, removing the job")
    options = parser.parse_args(arguments)

    # Libraries may print: only this channel speaks to the parent, everything else goes to stderr.
    channel, sys.stdout = sys.stdout, sys.stderr
    cancel = CancelToken()
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: cancel.cancel())
    try:
        _run(options.request, options.parent, channel, cancel)
    except Exception as error:  # the last line of defence of a whole process
        return _report_failure(error, channel)
    return DONE


def _run(request: Path, parent: int | None, channel: TextIO, cancel: CancelToken) -> None:
    _tell(channel, asdict(Progress("Loading the engine", 0.0)))
    from .parent_watch import end_with
    from .request import RESULT_FOLDER, load_request

    # Read first: a bad request is refused before torch takes its seconds to load.
    volume, parameters = load_request(request)
    # Only now is it known that the folder is a job's, so that its files may be removed.
    if parent:
        end_with(parent, request.parent)
    from ..engine.inference.allocator import tune_allocator

    tune_allocator()
    from ..engine.pipeline import segment
    from ..engine.result import save_result

    result = segment(
        volume,
        parameters,
        report=lambda progress: _tell(channel, asdict(progress)),
        cancel=cancel,
    )
    cancel.raise_if_cancelled()
    save_result(result, request.parent / RESULT_FOLDER)


def _report_failure(error: Exception, channel: TextIO) -> int:
    if not isinstance(error, CovidLesionSegError):
        logging.getLogger(__name__).error("Unexpected error", exc_info=error)
    _tell(channel, {"error": type(error).__name__, "message": in_one_sentence(error)})
    return CANCELLED if isinstance(error, Cancelled) else FAILED


def _tell(channel: TextIO, message: dict[str, Any]) -> None:
    channel.write(json.dumps(message) + "\n")
    channel.flush()


if __name__ == "__main__":
    sys.exit(main())
