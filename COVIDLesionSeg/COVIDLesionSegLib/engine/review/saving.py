"""Cases are saved so that a kill at any moment leaves the last complete state.

A case is one folder. What is large is written once. Everything that changes hangs on one small
file, which names the files that count and is replaced in one step.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
import uuid
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..errors import InputError, OutputError, UnreadableCaseError
from ..files import atomic_folder, cannot_write, write_bytes
from ..parameters import Parameters
from ..result import SegmentationResult, facts_from_result
from ..volume import Geometry, Volume
from ..volume.exact import CT_FILE, geometry_from_facts, save_volume
from .arrays import FILE_SUFFIX, content_key, write_arrays
from .case import (
    CASE_FILE,
    FORMAT,
    FORMAT_VERSION,
    Labels,
    ReviewedCase,
    Verdict,
    case_id,
    read_case,
    read_state,
    reoriented,
    result_on,
)
from .folder import make_folder, reviews_folder
from .queue import doubt_ml, measure_slices

_ABANDONED_SECONDS = 3600.0
"""An unfinished file that is older was left by a kill."""
_UNFINISHED = re.compile(
    r"\.partial-[0-9a-f]{32}(\.\w+)?|\.removed-[0-9a-f]{32}|\.[0-9a-f]{32}-[0-9a-f]{32}"
)
"""Hidden names of :mod:`..files` and of a case that is being removed."""
_ONE_AT_A_TIME = threading.RLock()


def save_case(
    volume: Volume,
    result: SegmentationResult,
    patient: str | None = None,
    folder: Path | None = None,
) -> ReviewedCase:
    """Begin the review of a prediction: keep the CT and what the run gave.

    A CT that was reviewed before, with another prediction, begins anew: without verdict, note and
    corrections. Those it had stay in its folder, and its case file lists them as earlier. A case
    that is damaged is renamed, to a hidden name, and a new one begins.

    Args:
        volume: The CT.
        result: Of the run, without corrections, on the CT's grid.
        patient: See :func:`.patient_key`; None where the patient is unknown.
        folder: Of the reviewed cases; :func:`.reviews_folder` by default.

    Raises:
        UnreadableCaseError: The CT was reviewed before, and its case may be whole; it is untouched.
        OutputError: The folder cannot be written; an earlier case is untouched.
    """
    folder = folder or reviews_folder()
    make_folder(folder)
    _remove_abandoned(folder)
    target = folder / case_id(volume)
    with _ONE_AT_A_TIME:
        earlier = _earlier_state(target)
        if earlier is None:
            _set_aside(target)
            with atomic_folder(target) as staging:
                save_volume(volume, staging)
                state = _new_state(result, patient or target.name, staging)
                _write_state(staging, state)
        else:
            _clean(target, _files_of(earlier))
            geometry = geometry_from_facts(earlier["geometry"])
            state = _new_state(result_on(result, geometry), patient or earlier["patient"], target)
            state["earlier"] = [*earlier["earlier"], *_worth_keeping(earlier)]
            _commit(target, state)
        return read_case(target)


def save_labels(
    case: ReviewedCase, lungs: Labels, lesions: Labels, geometry: Geometry | None = None
) -> ReviewedCase:
    """Keep the lungs and lesions of a case as they are now.

    What is kept already is not written again, and does not count as a change. A verdict follows:
    what was accepted is corrected once it differs from the prediction, and accepted again when the
    edits are undone.

    Args:
        case: The case; what was saved since it was read is kept.
        lungs: uint8 (k, j, i): 1 right lung, 2 left lung, as drawn: painted lesions may cut them.
        lesions: uint8 (k, j, i): n + 1 for ``case.classes[n]``.
        geometry: The grid of these arrays, where the CT's axes were turned round since the review
            began; by default that of the case.

    Raises:
        InputError: The arrays are not those of the case, or it was removed.
        OutputError: They cannot be written; what was saved before is untouched.
    """
    grid = geometry or case.geometry
    lungs, lesions = (reoriented(one, grid, case.geometry) for one in (lungs, lesions))
    with _ONE_AT_A_TIME:
        state = _state_of(case)
        before = dict(state)
        state["labels"] = _save_label_file(lungs, lesions, case.folder)
        if state["verdict"] is not None:
            edited = state["labels"] != state["predicted"]
            state["verdict"] = Verdict(state["verdict"]).after_edits(edited).value
        if state != before:
            _commit(case.folder, state, also_keep=[before["labels"]])
        return read_case(case.folder)


def save_verdict(
    case: ReviewedCase,
    verdict: Verdict | None,
    note: str,
    seen: Collection[int] | None = None,
) -> ReviewedCase:
    """Keep the verdict on a case, or withdraw it.

    Args:
        case: The case; corrections that were saved since it was read are kept.
        verdict: ``ACCEPTED`` and ``CORRECTED`` are kept as what fits the corrections.
        note: For people; it must not identify the patient.
        seen: Indices along k of slices that were looked at; None leaves them.

    Raises:
        InputError: The case was removed.
        OutputError: It cannot be written; what was saved before is untouched.
    """
    with _ONE_AT_A_TIME:
        state = _state_of(case)
        before = dict(state)
        if verdict is not None:
            verdict = verdict.after_edits(state["labels"] != state["predicted"])
        state["verdict"] = None if verdict is None else verdict.value
        state["note"] = note
        if seen is not None:
            state["seen"] = sorted(int(index) for index in seen)
        if state != before:
            _commit(case.folder, state)
        return read_case(case.folder)


def remove_case(case: ReviewedCase) -> None:
    """Remove a case with everything in it.

    Raises:
        OutputError: It cannot be removed.
    """
    with _ONE_AT_A_TIME:
        _remove(case.folder)


def _earlier_state(folder: Path) -> dict[str, Any] | None:
    """What the case file of an earlier review says; None where there is none, or it is damaged."""
    try:
        read_case(folder)
        return read_state(folder)
    except UnreadableCaseError:
        raise
    except (OSError, ValueError, InputError):
        return None


def _set_aside(folder: Path) -> None:
    """Rename a damaged case, if there is one: corrections may be left in it."""
    try:
        folder.rename(folder.with_name(f".damaged-{folder.name}-{uuid.uuid4().hex[:8]}"))
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(folder, error) from error


def _new_state(result: SegmentationResult, patient: str, folder: Path) -> dict[str, Any]:
    """Write the files of a prediction into ``folder``; returns the case file's content."""
    prediction = f"prediction-{uuid.uuid4().hex[:16]}{FILE_SUFFIX}"
    others = {"probability": result.probability}
    if result.disagreement is not None:
        others["disagreement"] = result.disagreement
    write_arrays(others, folder / prediction, _json(facts_from_result(result)))
    labels = _save_label_file(result.lungs, result.lesions, folder)
    models = result.provenance.get("models", {})
    threshold = result.provenance.get("parameters", {}).get("threshold", Parameters().threshold)
    slices = measure_slices(
        result.probability,
        threshold,
        result.geometry,
        result.severity,
        disagreement=result.disagreement,
    )
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "geometry": asdict(result.geometry),
        "ct_bytes": (folder / CT_FILE).stat().st_size,
        "classes": list(result.classes),
        "models": {name: facts.get("weights_sha256") for name, facts in models.items()},
        "category": result.severity.category,
        "ratio": result.severity.ratio,
        "doubt_ml": doubt_ml(slices, result.geometry),
        "warnings": [flag.code for flag in result.flags if flag.level == "warning"],
        "patient": patient,
        "prediction": prediction,
        "predicted": labels,
        "labels": labels,
        "verdict": None,
        "note": "",
        "seen": [],
        "earlier": [],
    }


def _save_label_file(lungs: Labels, lesions: Labels, folder: Path) -> str:
    """Name of the file with these labels, which is written unless it is there."""
    arrays = {"lungs": lungs, "lesions": lesions}
    name = f"labels-{content_key(arrays)}{FILE_SUFFIX}"
    if not (folder / name).exists():
        write_arrays(arrays, folder / name)
    return name


def _state_of(case: ReviewedCase) -> dict[str, Any]:
    try:
        return read_state(case.folder)
    except (OSError, ValueError) as error:
        raise InputError(
            "The reviewed case was removed or damaged meanwhile: give the verdict again."
        ) from error


def _commit(folder: Path, state: dict[str, Any], also_keep: Iterable[str] = ()) -> None:
    """Make ``state`` that of the case, and remove files that belong to no state any more.

    Args:
        folder: Folder of the case.
        state: What the case file is to hold.
        also_keep: Files of the last state, which somebody may be reading.
    """
    try:
        _write_state(folder, state)
    except OutputError:
        _clean(folder, _files_of(_state_or_none(folder) or state))
        raise
    _clean(folder, {*_files_of(state), *also_keep})


def _write_state(folder: Path, state: dict[str, Any]) -> None:
    now = datetime.now(timezone.utc).isoformat()
    write_bytes(_json({**state, "changed": now}), folder / CASE_FILE, flush=True)


def _state_or_none(folder: Path) -> dict[str, Any] | None:
    try:
        return read_state(folder)
    except (OSError, ValueError):
        return None


def _files_of(state: dict[str, Any]) -> set[str]:
    return {
        state["prediction"],
        state["predicted"],
        state["labels"],
        *(one["labels"] for one in state["earlier"]),
    }


def _worth_keeping(state: dict[str, Any]) -> list[dict[str, Any]]:
    """A person's work on an earlier prediction, if there is any."""
    if state["labels"] == state["predicted"] and state["verdict"] is None and not state["note"]:
        return []
    return [{name: state[name] for name in ("labels", "classes", "verdict", "note", "changed")}]


def _clean(folder: Path, kept: Collection[str]) -> None:
    """Remove label and prediction files that are not ``kept``, and what kills have left."""
    _remove_abandoned(folder)
    for path in folder.glob(f"[!.]*{FILE_SUFFIX}"):
        if path.name not in kept:
            with suppress(OSError):  # somebody on Windows may be reading it
                path.unlink()


def _remove_abandoned(folder: Path) -> None:
    """Remove unfinished files and folders of this module that a kill has left."""
    entries: list[Path] = []
    with suppress(OSError):
        entries = [path for path in folder.iterdir() if _UNFINISHED.fullmatch(path.name)]
    for path in entries:
        with suppress(OSError):
            if time.time() - path.stat().st_mtime < _ABANDONED_SECONDS:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _remove(folder: Path) -> None:
    # Renamed first: what is half removed must not look like a case.
    gone = folder.with_name(f".removed-{uuid.uuid4().hex}")
    try:
        folder.rename(gone)
        shutil.rmtree(gone)
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(folder, error) from error


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, allow_nan=False).encode()
