"""How long a model takes on this computer: measured in every run, and remembered."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from ..errors import OutputError
from ..files import write_bytes
from .json_file import read_json
from .user_models import make_user_folder, user_folder

_FILE = "speed.list"  # not *.json, which are cards
_MOST = 500
"""Measurements that are kept, so that the file stays small."""


@dataclass(frozen=True)
class Speed:
    """One run of a model on this computer.

    Attributes:
        models: Ids of the model, or of all that voted, joined by ``+``.
        device: What it ran on: ``"cpu"``, ``"cuda"`` or ``"mps"``.
        hardware: Name of that device.
        lungs: The lung extractor of that run.
        slices: Axial slices of the CT, at least 1.
        seconds: For the whole job, from loading the software to the severity.
        measured: Day of the run, as ``YYYY-MM-DD``.
    """

    models: str
    device: str
    hardware: str
    lungs: str
    slices: int
    seconds: float
    measured: str

    def seconds_for(self, slices: int) -> float:
        """Expected seconds for a CT with so many axial slices."""
        return self.seconds / self.slices * slices


def remember_speed(
    models: Iterable[str], device: str, hardware: str, lungs: str, slices: int, seconds: float
) -> None:
    """Keep what a run took; it takes the place of earlier runs of the same models and device.

    A file that cannot be written is no reason to fail a run: one line in the log says so.

    Args:
        models: Ids of the model, or of all that voted.
        device, hardware, lungs, slices: See :class:`Speed`.
        seconds: Wall time of the whole job.
    """
    new = Speed(joined(models), device, hardware, lungs, slices, seconds, date.today().isoformat())
    kept = [
        speed
        for speed in read_speeds()
        if (speed.models, speed.device, speed.hardware) != (new.models, device, hardware)
    ]
    try:
        make_user_folder()
        facts = [asdict(speed) for speed in [*kept, new][-_MOST:]]
        write_bytes((json.dumps(facts, indent=1) + "\n").encode(), user_folder() / _FILE)
    except OutputError as error:
        logging.getLogger(__name__).warning("The speed of this run is not kept: %s", error)


def read_speeds() -> list[Speed]:
    """Every measurement, the oldest first; what cannot be understood is left out."""
    try:
        content = read_json(user_folder() / _FILE)
    except (OSError, ValueError):
        return []
    found = []
    for facts in content if isinstance(content, list) else []:
        with suppress(TypeError, ValueError):
            found.append(_speed(facts))
    return found


def speed_of(speeds: Iterable[Speed], models: Iterable[str], device: str) -> Speed | None:
    """The last measurement of these models on a device; None if there is none.

    Args:
        speeds: As :func:`read_speeds` gives them.
        models: Ids of all that vote, in any order.
        device: One of ``DEVICES``; ``"auto"`` means the device of the last run.
    """
    wanted = joined(models)
    matching = [s for s in speeds if s.models == wanted and device in ("auto", s.device)]
    return matching[-1] if matching else None


def joined(models: Iterable[str]) -> str:
    """One name for models that vote, whatever their order."""
    return "+".join(sorted(models))


def _speed(facts: Any) -> Speed:
    speed = Speed(**facts)
    texts = (speed.models, speed.device, speed.hardware, speed.lungs, speed.measured)
    numbers = (speed.slices, speed.seconds)
    whole = isinstance(speed.slices, int) and speed.slices >= 1
    if not (whole and all(isinstance(text, str) for text in texts)):
        raise ValueError("no measurement")
    if any(isinstance(number, bool) or number < 0 for number in numbers):
        raise ValueError("no measurement")
    return speed
