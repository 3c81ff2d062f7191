"""A job in a process of its own: what runs in the child.

``python -m COVIDLesionSegLib.worker.main REQUEST.json`` runs the request's job and reports its
progress on standard output, one JSON object per line: ``{"stage", "fraction", "message"}``, or as
the last one ``{"error", "message"}``: the error's class and its sentence, and ``"option"`` where
one of the job's options mends it.

A process of its own keeps Slicer's window live, keeps a crash of a GPU driver out of Slicer, gives
all memory back at the end, and can be cancelled at any instant by ending it. A job that has
something to write first stops by itself where the file ``stop`` appears beside its request. At file
scope nothing is imported that is not in Slicer's own Python: typer and rich are not.

Every second, a line ``{"alive"}`` tells the processor time that the process has taken so far, so
that one that is stuck is told from one that is busy.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled by SIGINT, SIGTERM or that file.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from ..engine.errors import Cancelled, CovidLesionSegError, InputError, in_one_sentence
from ..engine.progress import CancelToken, Progress
from .parent_watch import end_with
from .request import STOP_FILE, load_request

DONE, FAILED, CANCELLED = 0, 1, 130
BEAT_SECONDS = 1.0
_LOOK_SECONDS = 0.2
_speaking = threading.Lock()


def main(arguments: list[str] | None = None) -> int:
    """Run the request and return the exit code."""
    parser = argparse.ArgumentParser(prog="COVIDLesionSegLib.worker.main", description=__doc__)
    parser.add_argument("request", type=Path, help="request.json in a private folder")
    parser.add_argument("--parent", type=int, help="process to end with, removing the job")
    options = parser.parse_args(arguments)

    # Libraries may print: only this channel speaks to the parent, everything else goes to stderr.
    channel, sys.stdout = sys.stdout, sys.stderr
    faulthandler.enable(sys.stderr)
    cancel = CancelToken()
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, lambda *_: cancel.cancel())
    threading.Thread(target=_beat, args=[channel], daemon=True, name="heartbeat").start()
    try:
        _run(options.request, options.parent, channel, cancel)
    except Exception as error:  # the last line of defence of a whole process
        return _report_failure(error, channel)
    return DONE


def _run(path: Path, parent: int | None, channel: TextIO, cancel: CancelToken) -> None:
    def tell(progress: Progress) -> None:
        _tell(channel, asdict(progress))

    request = load_request(path)
    tell(Progress("Loading the software", 0.0))
    from .. import jobs

    if request.job not in jobs.OPTIONS:
        raise InputError(f"There is no job {request.job!r}.")
    options = jobs.OPTIONS[request.job].from_dict(request.options)
    # Only now is it known that the folder is a job's, so that its files may be removed.
    watch = end_with(parent, path.parent) if parent else None
    look = threading.Thread(target=_look, args=[path.with_name(STOP_FILE), cancel], daemon=True)
    look.start()
    try:
        getattr(jobs, request.job)(options, request.out, progress=tell, cancel=cancel)
    finally:
        if watch:
            watch.act_if_gone()  # ends the process: nobody else would remove the job's files


def _report_failure(error: Exception, channel: TextIO) -> int:
    if not isinstance(error, CovidLesionSegError):
        logging.getLogger(__name__).error("Unexpected error", exc_info=error)
    told = {"error": type(error).__name__, "message": in_one_sentence(error)}
    if isinstance(error, CovidLesionSegError) and error.option:
        told["option"] = error.option
    _tell(channel, told)
    return CANCELLED if isinstance(error, Cancelled) else FAILED


def _beat(channel: TextIO) -> None:
    while True:
        time.sleep(BEAT_SECONDS)
        try:
            _tell(channel, {"alive": round(time.process_time(), 2)})
        except (OSError, ValueError):  # nobody listens any more
            return


def _look(stop: Path, cancel: CancelToken) -> None:
    while not stop.exists():
        time.sleep(_LOOK_SECONDS)
    cancel.cancel()


def _tell(channel: TextIO, message: dict[str, Any]) -> None:
    with _speaking:
        channel.write(json.dumps(message) + "\n")
        channel.flush()


if __name__ == "__main__":
    sys.exit(main())
