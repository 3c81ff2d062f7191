"""One reviewed case, as it lies in the folder of reviewed cases."""

from __future__ import annotations

import errno
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import InputError, UnreadableCaseError
from ..lesions import corrected_lungs
from ..models.json_file import parse_json, read_json
from ..result import ARRAYS, SegmentationResult, result_from_facts
from ..steps import Steps, finish
from ..volume import AxialOrder, Geometry, Volume
from ..volume.exact import CT_FILE, geometry_from_facts, load_volume, load_volume_in_steps
from ..volume.fingerprint import fingerprint
from .arrays import is_complete, read_arrays
from .folder import KEY_LENGTH, reviews_folder

CASE_FILE = "case.json"
FORMAT = "covid-lesion-seg-review"
FORMAT_VERSION = 1

_DAMAGE = (None, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EINVAL)
"""What the system says of files that are gone or not what they should be; all else may pass."""

_CASE_ID = re.compile(rf"[0-9a-f]{{{KEY_LENGTH}}}")

Labels = npt.NDArray[np.uint8]


class Verdict(Enum):
    """What a person said of a case.

    Attributes:
        ACCEPTED: The prediction is right as it is.
        CORRECTED: It is right after the corrections.
        REJECTED: It is of no use, corrected or not.
    """

    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REJECTED = "rejected"

    def after_edits(self, edited: bool) -> Verdict:
        """The verdict on a case that differs from its prediction, or does not.

        Accepted and corrected are one judgement, before and after edits; rejected stays.
        """
        if self is Verdict.REJECTED:
            return self
        return Verdict.CORRECTED if edited else Verdict.ACCEPTED


@dataclass(frozen=True)
class ReviewedCase:
    """One CT with a prediction that a person looked at. Nothing in it identifies the patient.

    Attributes:
        id: See :func:`case_id`.
        folder: Where its files are.
        geometry: The grid of all arrays, as the CT had it when its review began.
        classes: Names of the lesion classes; class n has the label n + 1.
        models: SHA-256 of the weights by id of each model that made the prediction, or None where
            a model has no trained weights.
        category: Of the prediction, ``"CT-0"`` to ``"CT-4"``; None where it is undefined.
        ratio: That the category grades, 0 to 1, or None.
        doubt_ml: Volume that the prediction is in doubt about, see :mod:`.queue`.
        warnings: Codes of the quality flags of the prediction that are warnings.
        patient: The same for all cases of a patient, see :func:`.patient_key`; the id of the case
            where the patient is unknown.
        verdict: None before one was given, or after it was withdrawn.
        note: For people.
        seen: Slices that a person marked as looked at, as indices along k.
        edited: Whether lungs or lesions differ from the prediction.
        changed: When it was saved last, in UTC.
    """

    id: str
    folder: Path
    geometry: Geometry
    classes: tuple[str, ...]
    models: dict[str, str | None]
    category: str | None
    ratio: float | None
    doubt_ml: float
    warnings: tuple[str, ...]
    patient: str
    verdict: Verdict | None
    note: str
    seen: frozenset[int]
    edited: bool
    changed: datetime

    def volume(self) -> Volume:
        """The CT, bit for bit.

        Raises:
            InputError: A file of the case is damaged or gone.
        """
        with _damage_named(self.folder):
            return load_volume(self.folder)

    def volume_in_steps(
        self, array_for: Callable[[tuple[int, ...], np.dtype[Any]], np.ndarray]
    ) -> Steps[Volume]:
        """As :meth:`volume`, in short steps, into memory of the caller's."""
        with _damage_named(self.folder):
            return (yield from load_volume_in_steps(self.folder, array_for))

    def lungs(self) -> Labels:
        """Lungs with the corrections, (k, j, i): 1 right lung, 2 left lung, lesions included.

        Segments of 3D Slicer exclude each other by default: a lesion that was painted over a lung,
        and so cut out of it, is part of it here, see :func:`~..lesions.corrected_lungs`.

        Raises:
            InputError: A file of the case is damaged or gone.
        """
        drawn, of_run = self._labels("labels"), self._labels("predicted")
        return corrected_lungs(drawn["lungs"], drawn["lesions"], of_run["lungs"], of_run["lesions"])

    def lesions(self) -> Labels:
        """Lesions with the corrections, (k, j, i): n + 1 for ``classes[n]``.

        Raises:
            InputError: A file of the case is damaged or gone.
        """
        return self._labels("labels")["lesions"]

    def prediction(self) -> Labels:
        """Lesions as predicted, (k, j, i): n + 1 for ``classes[n]``.

        Raises:
            InputError: A file of the case is damaged or gone.
        """
        return self._labels("predicted")["lesions"]

    def result(self) -> SegmentationResult:
        """Everything that the run gave, as it gave it.

        Raises:
            InputError: A file of the case is damaged or gone.
        """
        with _damage_named(self.folder):
            state = read_state(self.folder)
            arrays = dict(read_arrays(self.folder / state["predicted"], self.geometry.shape)[0])
            others, facts = read_arrays(self.folder / state["prediction"], self.geometry.shape)
            return result_from_facts(parse_json(facts), arrays | others)

    def _labels(self, which: str) -> dict[str, Labels]:
        with _damage_named(self.folder):
            # As it is now: an earlier file is gone after the next but one save.
            path = self.folder / read_state(self.folder)[which]
            return read_arrays(path, self.geometry.shape)[0]


class CaseList(NamedTuple):
    """What the folder of reviewed cases holds.

    Attributes:
        cases: Those that are complete, the one that changed last first.
        problems: A sentence for each that was left out, as it is damaged or cannot be read now.
    """

    cases: tuple[ReviewedCase, ...]
    problems: tuple[str, ...]


def case_id(volume: Volume) -> str:
    """The id of a CT, see :func:`case_id_of`."""
    return case_id_of(fingerprint(volume))


def case_id_of(digest: str) -> str:
    """The id of a CT: the beginning of its :func:`~..volume.fingerprint.fingerprint`."""
    return digest[:KEY_LENGTH]


def reoriented(array: npt.NDArray[Any], source: Geometry, target: Geometry) -> npt.NDArray[Any]:
    """An array of one grid on another of the same voxels, whose axes may be turned round.

    Raises:
        InputError: The grids are not of the same voxels.
    """
    turned = AxialOrder.of(target).to_stored(AxialOrder.of(source).to_axial(array))
    if turned.shape != target.shape:
        raise InputError("These labels are of another CT: they were not used.")
    return turned


def result_on(result: SegmentationResult, geometry: Geometry) -> SegmentationResult:
    """A result on another grid of the same voxels, see :func:`reoriented`."""
    if result.geometry == geometry:
        return result
    arrays = {name: getattr(result, name) for name in ARRAYS}
    turned: dict[str, Any] = {
        name: np.ascontiguousarray(reoriented(array, result.geometry, geometry))
        for name, array in arrays.items()
        if array is not None
    }
    return replace(result, geometry=geometry, **turned)


def read_case(folder: Path) -> ReviewedCase:
    """The case in a folder.

    Raises:
        InputError: The folder holds no complete case.
        UnreadableCaseError: What it holds may be complete, but cannot be read now.
    """
    with _damage_named(folder):
        state = read_state(folder)
        case = ReviewedCase(
            id=folder.name,
            folder=folder,
            geometry=geometry_from_facts(state["geometry"]),
            classes=tuple(state["classes"]),
            models=dict(state["models"]),
            category=state["category"],
            ratio=state["ratio"],
            doubt_ml=float(state["doubt_ml"]),
            warnings=tuple(state["warnings"]),
            patient=str(state["patient"]),
            verdict=None if state["verdict"] is None else Verdict(state["verdict"]),
            note=str(state["note"]),
            seen=frozenset(state["seen"]),
            edited=state["labels"] != state["predicted"],
            changed=datetime.fromisoformat(state["changed"]),
        )
        names = {state["prediction"], state["predicted"], state["labels"]}
        complete = all(is_complete(folder / name) for name in names)
        complete = complete and (folder / CT_FILE).stat().st_size >= int(state["ct_bytes"])
        if case.changed.tzinfo is None or not complete:
            raise ValueError
    return case


@contextmanager
def _damage_named(folder: Path) -> Iterator[None]:
    try:
        yield
    except UnreadableCaseError:
        raise
    except (
        *(OSError, EOFError, ValueError, KeyError, TypeError, AttributeError),
        *(InputError, zipfile.BadZipFile, zlib.error),
    ) as error:
        if isinstance(error, OSError) and error.errno not in _DAMAGE:
            raise UnreadableCaseError(
                f"The reviewed case {folder.name} cannot be read now ({error.strerror}): check the "
                "disk and the permissions, and try again."
            ) from error
        raise InputError(
            f"The reviewed case {folder.name} is damaged: remove its folder, or review its CT "
            "again."
        ) from error


def read_cases(folder: Path | None = None) -> CaseList:
    """All complete cases, and a sentence for each that is not; what else is there is no case.

    Args:
        folder: Of the reviewed cases; :func:`.reviews_folder` by default. It need not exist.
    """
    return finish(read_cases_in_steps(folder))


def read_cases_in_steps(folder: Path | None = None) -> Steps[CaseList]:
    """What :func:`read_cases` gives, with a step for every case."""
    folder = folder or reviews_folder()
    cases, problems = [], []
    try:
        entries = sorted(path for path in folder.iterdir() if _CASE_ID.fullmatch(path.name))
    except OSError:
        entries = []
    for entry in entries:
        try:
            cases.append(read_case(entry))
        except InputError as error:
            problems.append(str(error))
        yield
    cases.sort(key=lambda case: case.changed, reverse=True)
    return CaseList(tuple(cases), tuple(problems))


def read_state(folder: Path) -> dict[str, Any]:
    """What the case file says.

    Raises:
        OSError, ValueError: It is damaged.
        UnreadableCaseError: A newer version of this software wrote it.
    """
    state = read_json(folder / CASE_FILE)
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError("another format")
    version = state.get("version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise UnreadableCaseError(
            f"The reviewed case {folder.name} is of a newer version of this software: update "
            "the software, or review the CT where that version is."
        )
    if version != FORMAT_VERSION:
        raise ValueError("another version")
    return state
