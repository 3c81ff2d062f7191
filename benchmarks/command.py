"""The command line on one CT, from command to result, and how long each of its stages takes.

Work that goes on beside a stage counts only as far as that stage waits for it: the stages add up to
the whole time.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from COVIDLesionSegLib.report import result_files

from .report import Measurement

_COMMAND = "import sys; from COVIDLesionSegLib.cli.main import main; sys.exit(main())"
_STAGES = {
    "Loading the software": "imports",
    "Starting": "imports",
    "Reading the CT": "reading",
    "Loading PyTorch": "imports",
    "Loading the model": "model",
    "Finding the lungs": "lungs",
    "Finding lesions": "lesions",
    "Grading severity": "severity",
    "Loading what draws the result": "imports",
    "3D model": "scene",
    result_files.SCENE: "scene",
    result_files.INFECTION_PICTURE: "pictures",
    result_files.SLICES_PICTURE: "pictures",
}
"""What is timed as one, by the stage of the progress, or by its message where files are written."""
_FILES = "files"


def time_command(ct: Path, model: str, device: str, slices: int, runs: int) -> list[Measurement]:
    """The whole time, and the time of each stage, of ``segment CT``.

    Raises:
        subprocess.CalledProcessError: The command failed.
    """
    begun = _processor_seconds()
    timed = [_run(ct, model, device) for _ in range(runs)]
    processor = (_processor_seconds() - begun) / runs
    label = f"{model}, from command to result"
    note = f"{processor:.1f} s of processor time a run"
    whole = [sum(stages.values()) for stages in timed]
    return [
        Measurement(label, "command", whole, slices, note=note),
        *(
            Measurement(f"{label}: {stage}", "stage", seconds, slices, note="what is waited for")
            for stage, seconds in _by_stage(timed)
        ),
    ]


def _by_stage(timed: list[dict[str, float]]) -> Iterator[tuple[str, list[float]]]:
    for stage in dict.fromkeys((*_STAGES.values(), _FILES)):
        yield stage, [stages.get(stage, 0.0) for stages in timed]


def _run(ct: Path, model: str, device: str) -> dict[str, float]:
    """Seconds by stage of one run in a process of its own."""
    seconds: dict[str, float] = {}
    stage, since = "imports", time.perf_counter()

    def spent() -> None:
        nonlocal since
        now = time.perf_counter()
        seconds[stage] = seconds.get(stage, 0.0) + now - since
        since = now

    with TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _COMMAND, "segment", str(ct)]
        command += ["--out", str(Path(folder, "result")), "--model", model, "--device", device]
        command += ["--allow-untrained", "--json-progress"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                spent()
                stage = _stage(json.loads(line))
        spent()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds


def _stage(progress: dict[str, object]) -> str:
    name = str(progress.get("message")), str(progress.get("stage"))
    return next((_STAGES[part] for part in name if part in _STAGES), _FILES)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
