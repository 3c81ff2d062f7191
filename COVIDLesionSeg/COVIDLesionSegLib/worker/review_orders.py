"""Reviewed cases saved by a process of their own, as often as the user does something.

The window only copies what changed into files and leaves an order. The process, see
:mod:`.review_saver`, outlives it for as long as there are orders: an order that was given is
carried out, even if the window is killed.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import OutputError
from ..engine.files import cannot_write, write_bytes
from ..engine.review import Verdict
from ..engine.severity.correction import LabelledCT
from ..engine.steps import Steps
from ..engine.volume import Geometry, Volume
from ..engine.volume.exact import save_volume_in_steps
from ..engine.volume.raw_nrrd import write_in_steps
from .label_files import LabelFiles
from .process import ChildProcess, WorkerProcess
from .request import INPUT_FOLDER, remove_request, save_request

MODULE = "COVIDLesionSegLib.worker.review_saver"
BEGIN, RESUME, KEEP, RELEASE = "begin", "resume", "keep", "release"
"""Kinds of orders."""
BEGIN_FOLDER = "begin"
"""In the folder of a case: the CT and the prediction."""
ARRAY_FILE = "{}.nrrd"
FINISH_FILE = "finish"
"""There will be no more orders."""
LAST_WAIT_SECONDS = 10.0
LAST_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Answer:
    """What became of an order.

    Attributes:
        case: Id of the case.
        number: Number of the order.
        changed: When the case was saved, as its file says; None where nothing was to be saved.
        error: One sentence for people, or "".
    """

    case: str
    number: int
    changed: str | None = None
    error: str = ""


class Keeper:
    """Gives the orders; who waits for answers calls :meth:`poll`."""

    def __init__(
        self,
        reviews: Path,
        start_process: Callable[[Path], WorkerProcess] | None = None,
        temporary_path: str | None = None,
    ) -> None:
        """Starts nothing yet.

        Args:
            reviews: The folder of reviewed cases.
            start_process: Starts the process on a request file; a child by default.
            temporary_path: Where its private folder is made; the system's choice if None.
        """
        self._reviews = reviews
        self._start_process = start_process or partial(ChildProcess, module=MODULE)
        self._temporary_path = temporary_path
        self._given: Path | None = None
        self._process: WorkerProcess | None = None
        self._number = 0
        self._waiting: dict[int, tuple[str, str]] = {}
        self._labels: dict[str, LabelFiles] = {}
        self._files: dict[str, LabelFiles] = {}
        self._prepared: dict[str, dict[str, Any]] = {}

    def has(self, case: str) -> bool:
        """Whether the process keeps this case, or has the order to begin."""
        return case in self._labels and self._alive

    def is_prepared(self, case: str) -> bool:
        """Whether :meth:`start` can order to keep this case."""
        return case in self._prepared and self._alive

    @property
    def waiting(self) -> bool:
        """Whether an order is still unanswered."""
        return bool(self._waiting)

    def prepare(
        self,
        case: str,
        volume: Volume,
        result: dict[str, Any],
        prediction: LabelledCT,
        arrays: Mapping[str, np.ndarray],
        patient: str | None,
        labels: LabelledCT,
    ) -> Steps[None]:
        """Hand over a CT and a prediction, in steps: nothing is saved before :meth:`start`.

        The first step starts the process where none runs.

        Args:
            case: Id of the CT, see :func:`~COVIDLesionSegLib.engine.review.case_id`.
            volume: The CT.
            result: Of the run, see :func:`~COVIDLesionSegLib.engine.result.facts_from_result`.
            prediction: Its lungs and lesions.
            arrays: Its other arrays, by name.
            patient: See :func:`~COVIDLesionSegLib.engine.review.patient_key`.
            labels: Lungs and lesions as they are now: what of them does not change needs not be
                copied again by :meth:`keep`.

        Raises:
            OutputError: The temporary folder cannot be written, or the process not be started.
            DependencyError: Slicer has no Python of its own.
        """
        self._open(case)
        folder = self._input / case / BEGIN_FOLDER
        try:
            folder.mkdir(exist_ok=True)
            files = LabelFiles(folder)
            yield from files.prepare(prediction)
            saved = files.save(prediction)[0]
            yield from self._files[case].prepare(labels)
            yield from save_volume_in_steps(volume, folder)
            for name, array in arrays.items():
                path = folder / ARRAY_FILE.format(name)
                yield from write_in_steps(array, volume.geometry, path)
        except OSError as error:
            raise cannot_write(folder, error) from error
        self._prepared[case] = {
            "kind": BEGIN,
            "result": result,
            "prediction": saved,
            "arrays": list(arrays),
            "patient": patient,
        }

    def prepare_again(self, case: str, changed: str, labels: LabelledCT) -> Steps[None]:
        """The same for a case that was saved before, at ``changed``, with the same prediction.

        Raises:
            OutputError, DependencyError: As :meth:`prepare`.
        """
        self._open(case)
        try:
            yield from self._files[case].prepare(labels)
        except OSError as error:
            raise cannot_write(self._input, error) from error
        self._prepared[case] = {"kind": RESUME, "changed": changed}

    def start(self, case: str) -> None:
        """Order to keep a case that was prepared.

        Raises:
            OutputError: The temporary folder cannot be written.
        """
        facts = self._prepared.pop(case)
        self._order(facts.pop("kind"), case, **facts)
        self._labels[case] = self._files[case]

    def forget(self, case: str) -> None:
        """Remove what was handed over of a case that did not start."""
        if self._prepared.pop(case, None) is not None:
            shutil.rmtree(self._input / case, ignore_errors=True)

    def keep(
        self,
        case: str,
        labels: LabelledCT | None,
        geometry: Geometry,
        verdict: Verdict | None,
        note: str,
        seen: Collection[int],
    ) -> int:
        """Order to save the state of a case that began; a newer order takes its place.

        Args:
            case: Its id.
            labels: Lungs and lesions as they are now; None leaves them.
            geometry: The CT's grid now.
            verdict: None withdraws it.
            note: For people.
            seen: Slices that were looked at.

        Returns:
            The number of the order, which its answer has.

        Raises:
            OutputError: The temporary folder cannot be written.
        """
        files = self._labels[case]
        try:
            saved = None if labels is None else files.save(labels)[0]
        except OSError as error:
            raise cannot_write(self._input, error) from error
        number = self._order(
            KEEP,
            case,
            labels=saved,
            geometry=asdict(geometry),
            verdict=None if verdict is None else verdict.value,
            note=note,
            seen=sorted(seen),
        )
        if saved is not None:
            files.remove_others()
        return number

    def release(self, case: str) -> None:
        """Order to let other programs review the case, once everything is saved."""
        if self.has(case):
            del self._labels[case]
            self._order(RELEASE, case)

    def poll(self) -> list[Answer]:
        """The answers since the last call."""
        if self._process is None:
            return []
        # Asked for first: what was said before the end is then heard below.
        ended = self._process.exit_code() is not None
        answers = []
        for message in self._process.messages():
            order = self._waiting.pop(message.get("number", 0), None)
            if order is not None:
                answers.append(Answer(**message))
                if answers[-1].error and order[0] in (BEGIN, RESUME):
                    self._labels.pop(order[1], None)
        if ended:
            sentence = (
                "The review was not saved: the process that saves it ended unexpectedly. Change "
                "anything to try again."
            )
            answers += [Answer(case, n, error=sentence) for n, (_, case) in self._waiting.items()]
            self._end()
        return answers

    def close(self) -> list[Answer]:
        """Give no more orders, and wait a while until all are carried out.

        Returns:
            The answers since the last :meth:`poll`. A process that takes longer goes on alone.
        """
        answers: list[Answer] = []
        deadline = time.monotonic() + LAST_WAIT_SECONDS
        while self._waiting and time.monotonic() < deadline:
            answers += self.poll()
            time.sleep(LAST_POLL_SECONDS)
        if self._process is not None:
            with suppress(OutputError):
                write_bytes(b"", self._input / FINISH_FILE)
            # Its answers go with its folder.
            self._process.wait(max(LAST_POLL_SECONDS, deadline - time.monotonic()))
        self._end()
        return answers

    @property
    def _alive(self) -> bool:
        return self._process is not None and self._process.exit_code() is None

    def _end(self) -> None:
        """Forget all that was handed over; where no process is left to remove it, remove it."""
        if self._given is not None and not self._alive:
            remove_request(self._given.parent)
        self._process = self._given = None
        self._waiting.clear()
        self._labels.clear()
        self._prepared.clear()
        self._files.clear()

    @property
    def _input(self) -> Path:
        if self._given is None:
            raise RuntimeError("There is no process.")
        return self._given

    def _open(self, case: str) -> None:
        """Have a process that runs, and a folder for the case."""
        try:
            if not self._alive:
                self._end()
                # The process removes it at its end: it may outlive this one.
                folder = Path(tempfile.mkdtemp(prefix="COVIDLesionSeg-", dir=self._temporary_path))
                self._given = folder / INPUT_FOLDER
                self._given.mkdir()
                request = save_request(folder, KEEP, {"reviews": str(self._reviews)})
                try:
                    self._process = self._start_process(request)
                except BaseException:
                    self._end()
                    raise
            (self._input / case).mkdir(exist_ok=True)
            self._files[case] = LabelFiles(self._input / case)
        except OSError as error:
            raise OutputError(
                f"The review cannot be saved ({error.strerror}): check the folder for temporary "
                "files, and the free memory."
            ) from error

    def _order(self, kind: str, case: str, **facts: Any) -> int:
        self._number += 1
        order = {"number": self._number, "kind": kind, "case": case, **facts}
        write_bytes(json.dumps(order).encode(), self._input / f"order-{self._number:09}.json")
        self._waiting[self._number] = kind, case
        return self._number


def orders_in(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The orders that are to be carried out, in turn."""
    orders = []
    for path in sorted(folder.glob("order-*.json")):
        with suppress(FileNotFoundError, PermissionError):
            orders.append((path, dict(json.loads(path.read_text(encoding="utf-8")))))
    return orders
