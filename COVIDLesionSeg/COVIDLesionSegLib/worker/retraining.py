"""Retrainings that the panel starts: their folders, and the processes that do them.

Each has a folder of its own, which is kept until its user has decided on the model: a training that
was interrupted is resumed from it, and what it gave outlives the window.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO

from ..engine.errors import InputError, ModelError, OutputError, ParameterError
from ..engine.files import cannot_write, write_bytes
from ..engine.locks import take_lock
from ..engine.models.catalogue import Catalogue
from ..engine.models.json_file import read_json
from ..engine.models.retrained import (
    COMPARISON_HTML,
    MODEL_FOLDER,
    RETRAINING_JSON,
    TRAINING_FOLDER,
    Retrained,
    load_retrained,
)
from ..engine.progress import ProgressCallback
from ..engine.steps import Steps
from ..jobs import KeepRetrainedOptions, RetrainOptions
from .job import WorkerJob, job_in_background

RETRAININGS_FOLDER_VARIABLE = "COVIDLESIONSEG_RETRAININGS"
STATE_FILE, LOCK_FILE = "retraining.json", "lock"
UNLABELLED_FOLDER = "unlabelled"
"""Copies of CTs that are predicted; gone when the training is over."""
TABLE_FILE = "cts.csv"
FORMAT = "covid-lesion-seg-retraining-state"
STOP_SECONDS = 60.0
"""For the end of a step, which takes 15 s on two busy cores, and a checkpoint."""
_NUMBER = re.compile(r"-r\d+$")


class ModelDecisionState(Enum):
    """What the user decided on a retrained model."""

    OPEN = "open"
    KEPT = "kept"
    PROMOTED = "promoted"


@dataclass(frozen=True)
class Retraining:
    """One retraining.

    Attributes:
        folder: Where all of it is.
        options: What the model learns from.
        decision: On the model.
    """

    folder: Path
    options: RetrainOptions
    decision: ModelDecisionState = ModelDecisionState.OPEN

    @property
    def model_folder(self) -> Path:
        """The model and its comparison with its parent, once the training is finished."""
        return self.folder / MODEL_FOLDER

    @property
    def training_folder(self) -> Path:
        """The learning curve, while the training goes on."""
        return self.folder / TRAINING_FOLDER

    @property
    def comparison_page(self) -> Path:
        """All scores of both models, for people, where cases could be held out."""
        return self.model_folder / COMPARISON_HTML

    @property
    def is_finished(self) -> bool:
        """Whether there is a model."""
        return (self.model_folder / RETRAINING_JSON).is_file()

    def lock(self) -> BinaryIO:
        """Keep other windows from this retraining until what is returned is closed.

        Raises:
            OutputError: Another window trains it.
        """
        held = take_lock(self.folder / LOCK_FILE)
        if held is None:
            raise OutputError(
                "This training goes on in another Slicer window: wait for it, or cancel it there."
            )
        return held

    def result(self) -> Retrained:
        """What a finished training gave; raises InputError where that is damaged."""
        return load_retrained(self.model_folder)


def retrainings_folder() -> Path:
    """``$COVIDLESIONSEG_RETRAININGS``, or a folder in the user's home."""
    chosen = os.environ.get(RETRAININGS_FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path.home() / ".covid-lesion-seg" / "retrainings"


def new_model_id(parent: str, catalogue: Catalogue) -> str:
    """An id for what is retrained from ``parent``: with the next free number, ``amc-net-r1``."""
    stem = _NUMBER.sub("", parent)[:48]
    number = 1
    while (
        catalogue.is_taken(f"{stem}-r{number}")
        or (retrainings_folder() / f"{stem}-r{number}").exists()
    ):
        number += 1
    return f"{stem}-r{number}"


def new_retraining(options: RetrainOptions, predictions: bool) -> Retraining:
    """Make the folder of a retraining, named by its model.

    Args:
        options: What the model learns from.
        predictions: Whether it learns from CTs without a verdict, too, which are put there.

    Raises:
        OutputError: It is there already, or cannot be made.
    """
    folder = retrainings_folder() / options.model_id
    table = folder / UNLABELLED_FOLDER / TABLE_FILE if predictions else None
    retraining = Retraining(folder, replace(options, unlabelled=table))
    try:
        retraining.folder.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise cannot_write(retraining.folder, error) from error
    _save(retraining)
    return retraining


def latest_retraining() -> Retraining | None:
    """The retraining that began last, or None; what cannot be understood is left out."""
    found = _load_all()
    return max(found, key=lambda one: one[0])[1] if found else None


def unfinished_retrainings(model_id: str) -> list[Retraining]:
    """Retrainings that go on from a model, or can be resumed and then do."""
    return [
        retraining
        for _, retraining in _load_all()
        if retraining.options.model == model_id and not retraining.is_finished
    ]


def check_not_needed(model_id: str) -> None:
    """Make sure that no unfinished retraining goes on from a model; raises ModelError."""
    if unfinished := unfinished_retrainings(model_id):
        raise ModelError(
            f"The training of {unfinished[0].options.model_id} goes on from {model_id}: finish it "
            "or discard it in Slicer first."
        )


def note_decision(retraining: Retraining, decision: ModelDecisionState) -> Retraining:
    """Note a decision; raises OutputError where that is impossible."""
    decided = replace(retraining, decision=decision)
    _save(decided)
    return decided


def remove_retraining(retraining: Retraining) -> None:
    """Remove everything of a retraining; a model that was kept is elsewhere.

    Raises:
        OutputError: Something cannot be removed.
    """
    # First the file without which the folder is no retraining.
    with suppress(FileNotFoundError):
        (retraining.folder / STATE_FILE).unlink()
    try:
        shutil.rmtree(retraining.folder)
    except OSError as error:
        raise OutputError(
            f"The folder {retraining.folder.name} of the training cannot be removed: "
            f"{error.strerror}."
        ) from error


def retrain_in_background(
    retraining: Retraining,
    write_cts: Callable[[Path], Steps[Path | None]],
) -> WorkerJob[Retrained]:
    """The job ``retrain``, begun or gone on with after an interruption.

    Args:
        retraining: Its folder and options.
        write_cts: Writes the CTs that are to be predicted into a folder, which it may make, and
            gives their table, or None where there are none, in steps. Not called where the options
            name no table.
    """

    def prepare(folder: Path, progress: ProgressCallback) -> Steps[RetrainOptions]:
        options = replace(retraining.options, resume=True)
        if options.unlabelled is not None and not options.unlabelled.is_file():
            table = yield from write_cts(options.unlabelled.parent)
            options = replace(options, unlabelled=table)
        return options

    def load(folder: Path) -> Retrained:
        _tidy(retraining)
        return retraining.result()

    return WorkerJob("retrain", prepare, load, retraining.folder, stop_seconds=STOP_SECONDS)


def keep_in_background(retraining: Retraining, promote: bool) -> WorkerJob[Retraining]:
    """The job ``keep_retrained``, which adds a model to the user's, and perhaps promotes it.

    Args:
        retraining: It is finished.
        promote: Whether the model becomes the default.
    """
    options = KeepRetrainedOptions(folder=retraining.model_folder, promote=promote)
    decision = ModelDecisionState.PROMOTED if promote else ModelDecisionState.KEPT
    return job_in_background(
        "keep_retrained", options, lambda out: note_decision(retraining, decision)
    )


def _tidy(retraining: Retraining) -> None:
    """Remove what only an unfinished training needs: CTs, chosen slices, checkpoints."""
    shutil.rmtree(retraining.folder / UNLABELLED_FOLDER, ignore_errors=True)
    for path in (
        *retraining.training_folder.glob("*.ckpt"),
        *retraining.training_folder.glob("*.npz"),
    ):
        with suppress(OSError):
            path.unlink()


def _load_all() -> list[tuple[float, Retraining]]:
    """All that can be understood, each with the time at which its state was written."""
    try:
        folders = [path for path in retrainings_folder().iterdir() if path.is_dir()]
    except OSError:
        return []
    return [loaded for folder in folders if (loaded := _load(folder)) is not None]


def _save(retraining: Retraining) -> None:
    state = {
        "format": FORMAT,
        "options": retraining.options.to_dict(),
        "decision": retraining.decision.value,
    }
    write_bytes(json.dumps(state, indent=1).encode(), retraining.folder / STATE_FILE)


def _load(folder: Path) -> tuple[float, Retraining] | None:
    try:
        path = folder / STATE_FILE
        state: dict[str, Any] = read_json(path)
        if state["format"] != FORMAT:
            return None
        options = RetrainOptions.from_dict(state["options"])
        return path.stat().st_mtime, Retraining(
            folder, options, ModelDecisionState(state["decision"])
        )
    except (OSError, ValueError, KeyError, TypeError, ParameterError, InputError):
        return None
