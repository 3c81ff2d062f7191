"""What became of one case of a cohort, as its manifest keeps it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import CorrectedError, CovidLesionSegError, OutputError, in_one_sentence
from ..files import write_bytes
from ..flags import Flag
from ..lobes import LOBES
from ..locks import FOLDER_LOCK, take_lock
from ..metrics.infection import SLICE_RULES
from ..severity import SeverityReport
from ..steps import Steps

FORMAT = "covid-lesion-seg-case"
FORMAT_VERSION = 1
MANIFEST_FOLDER = "manifests"
"""Of a cohort: a JSON file for each case."""
OPENED_CT, OPENED_RESULT = "ct", "result"
"""Folders in which a case is handed to the window that shows it."""
MOST_ATTEMPTS = 4
"""After so many runs that ended in the middle of a case it counts as failed."""

Status = Literal["running", "done", "failed"]


@dataclass(frozen=True)
class CaseRecord:
    """One case of a cohort.

    Attributes:
        case, place: See :class:`~.sources.CaseSource`.
        key: What decides the result, as one number: SHA-256 of ``input`` and ``made_with``. With
            another key the case is done again.
        status: ``"running"`` also where the process was killed in the middle.
        attempts: How many times the case was begun with this key.
        error: Kind and sentence of what failed.
        numbers: Columns of the summary, by name; None where undefined. Empty unless done.
        flags: Quality flags of the result.
        seconds: By stage.
        input: Fingerprint of the CT's files, as of :meth:`~.sources.CaseSource.fingerprint`.
        made_with: Version of this software, parameters, SHA-256 of the weights by model, and which
            files are written.
    """

    case: str
    place: str
    key: str
    status: Status
    attempts: int = 1
    error: dict[str, str] | None = None
    numbers: dict[str, Any] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    input: str = ""
    made_with: dict[str, Any] = field(default_factory=dict)

    @property
    def warnings(self) -> int:
        """How many flags are warnings."""
        return sum(flag.level == "warning" for flag in self.flags)


def numbers_of(severity: SeverityReport) -> dict[str, Any]:
    """The columns of the summary: volumes in ml, ratios 0 to 1, slices; None where undefined."""
    numbers: dict[str, Any] = {"category": severity.category, "ratio": severity.ratio}
    for region in severity.regions:
        name = region.region.replace(" ", "_")
        numbers[f"{name}_ml"] = region.lung_ml
        numbers[f"{name}_lesion_ml"] = region.lesion_ml
        numbers[f"{name}_ratio"] = region.ratio
    for rule in severity.rules:
        numbers[f"{rule.rule}_ratio"] = rule.ratio
        numbers[f"{rule.rule}_category"] = rule.category
    lobes = {lobe.region: lobe.ratio for lobe in severity.lobes}
    for name in LOBES:
        numbers[f"{name.replace(' ', '_')}_ratio"] = lobes.get(name)
    numbers["ct_severity_score"] = severity.ct_severity_score
    numbers["slices_with_lung"] = len(severity.slices)
    numbers["slices_with_lesion"] = sum(slice_.lesion_mm2 > 0 for slice_ in severity.slices)
    for of_slices in SLICE_RULES:
        positive = severity.positive_slices(of_slices.rule)
        numbers[f"{of_slices.rule}_slices"] = None if positive is None else len(positive)
    return numbers


def write_record(record: CaseRecord, path: Path) -> None:
    """Write a manifest, in one step.

    Raises:
        OutputError: The file cannot be written.
    """
    facts = {"format": FORMAT, "version": FORMAT_VERSION, **asdict(record)}
    write_bytes(json.dumps(facts, indent=1).encode(), path)


def read_record(path: Path) -> CaseRecord | None:
    """The manifest, or None where there is none that can be read: the case is done again."""
    try:
        facts = json.loads(path.read_text("utf-8"))
        if facts.pop("format") != FORMAT or facts.pop("version") != FORMAT_VERSION:
            return None
        flags = tuple(Flag.from_dict(flag) for flag in facts.pop("flags"))
        return CaseRecord(**facts, flags=flags)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read_records(folder: Path) -> tuple[CaseRecord, ...]:
    """The manifests of a cohort's folder, sorted by name; damaged ones are left out."""
    paths = sorted((folder / MANIFEST_FOLDER).glob("*.json"))
    records = (read_record(path) for path in paths)
    return tuple(record for record in records if record is not None)


class RecordWatch:
    """The manifests of a cohort's folder, as they change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / MANIFEST_FOLDER
        self._seen: dict[str, tuple[int, int]] = {}

    def changed(self) -> Iterator[CaseRecord | None]:
        """Manifests that are new, or other than at the last look; None for any other file."""
        try:
            entries = list(os.scandir(self._folder))
        except OSError:
            return
        for entry in entries:
            record = None
            with suppress(OSError):
                state = entry.stat().st_mtime_ns, entry.stat().st_size
                if entry.name.endswith(".json") and self._seen.get(entry.name) != state:
                    record = read_record(self._folder / entry.name)
                    self._seen[entry.name] = state
            yield record


def forget_begun(folder: Path) -> Steps[None]:
    """Remove the manifests of cases that were begun, in short steps: being stopped is no failure.

    Nothing happens while another run writes the cohort.
    """
    there = (folder / MANIFEST_FOLDER).is_dir()
    lock = take_lock(folder / FOLDER_LOCK) if there else None
    if lock is None:
        return
    with lock:
        for path in sorted((folder / MANIFEST_FOLDER).glob("*.json")):
            record = read_record(path)
            if record is not None and record.status == "running":
                with suppress(OSError):
                    path.unlink()
            yield


def failure(error: Exception) -> dict[str, str]:
    """Kind and sentence of an error."""
    ours = isinstance(error, CovidLesionSegError)
    kind = type(error).__name__ if ours else "Unexpected"
    return {"kind": kind, "message": in_one_sentence(error)}


def stops_all(error: Exception) -> bool:
    """Whether an error of one case would meet every other case as well: a full disk."""
    return isinstance(error, OutputError) and not isinstance(error, CorrectedError)
