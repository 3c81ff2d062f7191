"""Publishes a small result folder, and kills itself at a chosen file-system operation.

    python publish_and_die.py FOLDER GENERATION STEP

STEP counts the operations that Python's audit hooks announce (making, opening, renaming,
removing); the process is killed before that one is carried out. Exits with 0 if it never is.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from COVIDLesionSegLib.jobs.result_folder import result_folder
from COVIDLesionSegLib.report import result_files as names
from COVIDLesionSegLib.report import result_reading  # noqa: F401 - loading it is no operation

FILES = (names.REPORT_JSON, names.SEGMENTATION, names.SLICES_PICTURE)
_OPERATIONS = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.scandir"}


def write_result(folder: Path, generation: str) -> None:
    for name in FILES:
        content = {"format": names.REPORT_FORMAT, "generation": generation}
        (folder / name).write_text(json.dumps(content))


def die_at(step: int) -> None:
    count = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal count
        if event in _OPERATIONS:
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            count += 1

    sys.addaudithook(hook)


if __name__ == "__main__":
    target, generation, step = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    die_at(step)
    with result_folder(target) as staging:
        write_result(staging, generation)
