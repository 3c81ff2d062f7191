"""One case in a process of its own, so that its peak memory is its own.

``python -m benchmarks.child FOLDER ARGUMENTS`` with the case's arguments as JSON; prints what was
measured as one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

_MIB_PER_RSS_UNIT = 1 / 1024 if sys.platform != "darwin" else 1 / 1024**2


def main(folder: str, arguments: str) -> None:
    """Set the case up, warm it up, and time it."""
    options = json.loads(arguments)
    if options["tuned"]:
        from COVIDLesionSegLib.engine.inference.allocator import tune_allocator

        tune_allocator()
    import torch

    from .cases import CASES

    ready = CASES[options["case"]](Path(folder), **options["arguments"])
    before = peak_mib()
    seconds = []
    for repeat in range(options["warm_ups"] + options["repeats"]):
        _wait(torch)
        start = time.perf_counter()
        ready.run()
        _wait(torch)
        if repeat >= options["warm_ups"]:
            seconds.append(time.perf_counter() - start)
    measured = {
        "seconds": seconds,
        "slices": ready.slices,
        "gflop": ready.gflop,
        "precision": ready.precision,
        "note": ready.note,
        "peak_mib": peak_mib(),
        "peak_before_mib": before,
        "threads": torch.get_num_threads(),
    }
    if torch.cuda.is_available():
        measured["gpupeak_mib"] = torch.cuda.max_memory_allocated() / 2**20
    print(json.dumps(measured))


def _wait(torch) -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def peak_mib() -> float:
    """Peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MIB_PER_RSS_UNIT


if __name__ == "__main__":
    main(*sys.argv[1:])
