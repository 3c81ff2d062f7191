"""Corrections measured in a process of their own, as often as the user edits.

A thread would not do: inside Slicer it runs only while other Python code does. The process is
started by the first question and waits for the next ones, so an answer takes a fraction of a
second. Only the newest question is answered.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..engine.errors import CovidLesionSegError, InputError
from ..engine.files import write_bytes
from ..engine.severity.correction import Correction, LabelledCT
from ..engine.severity.report import SeverityReport
from ..engine.volume import Geometry
from ..engine.volume.exact import geometry_from_facts
from .label_files import LabelFiles, read_labelled
from .process import ChildProcess, WorkerProcess
from .request import INPUT_FOLDER, save_request

MODULE = "COVIDLesionSegLib.worker.correction_meter_child"
QUESTION_FILE = "question.json"
LAST_WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Question:
    """What differs between two segmentations; see :func:`.measure_correction`."""

    before: LabelledCT
    after: LabelledCT
    classes: tuple[str, ...]
    geometry: Geometry
    original: SeverityReport
    graded: bool


class CorrectionMeter:
    """Asks a process to measure corrections; who waits for the answer calls :meth:`poll`."""

    def __init__(
        self,
        start_process: Callable[[Path], WorkerProcess] | None = None,
        temporary_path: str | None = None,
    ) -> None:
        """Starts nothing yet.

        Args:
            start_process: Starts the process on a request file; a child by default.
            temporary_path: Where its private folder is made; the system's choice if None.
        """
        self._start_process = start_process or partial(ChildProcess, module=MODULE)
        self._temporary_path = temporary_path
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: WorkerProcess | None = None
        self._number = 0
        self._answered = 0
        self._labels: LabelFiles | None = None

    @property
    def pending(self) -> bool:
        """Whether the newest question is unanswered."""
        return self._answered < self._number

    def ask(self, question: Question) -> Iterator[None]:
        """Ask anew; what was asked before is not answered any more.

        Voxels are copied into files, those of a known state only once, a part between two values
        of the iterator: who must stay responsive does something else in between. The question is
        asked when the iterator ends, or not at all if it is dropped before.

        Raises:
            OutputError: The temporary folder cannot be written.
            DependencyError: Slicer has no Python of its own.
            OSError: As ``OutputError``, or the process cannot be started.
        """
        if self._process is None or self._process.exit_code() is not None:
            self._start()
            yield
        if self._labels is None:
            raise RuntimeError("There is no process.")
        yield from self._labels.prepare(question.before, question.after)
        before, after = self._labels.save(question.before, question.after)
        facts = {
            "number": self._number + 1,
            "before": before,
            "after": after,
            "classes": question.classes,
            "geometry": asdict(question.geometry),
            "original": question.original.to_dict(),
            "graded": question.graded,
        }
        write_bytes(json.dumps(facts).encode(), self._input / QUESTION_FILE)
        self._number += 1
        self._labels.remove_others()

    def poll(self) -> Correction | None:
        """The answer to the newest question, once; None before.

        Raises:
            CovidLesionSegError: The process ended or failed; the next question starts another.
        """
        if self._process is None or not self.pending:
            return None
        # Asked for first: what was said before the end is then heard below.
        ended = self._process.exit_code() is not None
        for message in self._process.messages():
            if message.get("number") == self._number:
                self._answered = self._number
                if "error" in message:
                    raise CovidLesionSegError(message["error"])
                return Correction.from_dict(message["correction"])
        if ended:
            self._answered = self._number
            raise CovidLesionSegError(
                "The correction could not be measured: the process that measures ended "
                "unexpectedly. Edit once more to try again."
            )
        return None

    def forget(self) -> None:
        """Nobody waits for an answer any more."""
        self._answered = self._number

    def close(self) -> None:
        """End the process, wait until it is gone, and remove its files."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(LAST_WAIT_SECONDS)
            self._process = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._labels = None
        self.forget()

    def _start(self) -> None:
        self.close()
        self._folder = tempfile.TemporaryDirectory(
            prefix="COVIDLesionSeg-", dir=self._temporary_path, ignore_cleanup_errors=True
        )
        try:
            self._input.mkdir()
            self._labels = LabelFiles(self._input)
            request = save_request(self._input.parent, "measure", {})
            self._process = self._start_process(request)
        except BaseException:
            self.close()
            raise

    @property
    def _input(self) -> Path:
        if self._folder is None:
            raise RuntimeError("There is no process.")
        return Path(self._folder.name) / INPUT_FOLDER


def read_question(facts: dict[str, Any], folder: Path) -> Question:
    """The inverse of :meth:`CorrectionMeter.ask`, given the question's facts.

    Raises:
        FileNotFoundError: A newer question took the place of this one.
        InputError: The question is damaged.
    """
    try:
        return Question(
            before=read_labelled(facts["before"], folder),
            after=read_labelled(facts["after"], folder),
            classes=tuple(facts["classes"]),
            geometry=geometry_from_facts(facts["geometry"]),
            original=SeverityReport.from_dict(facts["original"]),
            graded=bool(facts["graded"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("The question is damaged.") from error
