"""Reviewed cases as they were when a training began, so that it can resume after more reviews."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from ..errors import InputError, OutputError
from ..files import write_bytes
from ..models.json_file import read_json
from ..review import ReviewedCase, Verdict, reoriented
from ..review.arrays import FILE_SUFFIX, read_arrays, write_arrays
from ..volume import Geometry, Volume
from ..volume.exact import geometry_from_facts, load_volume

CASES_JSON = "cases.json"
LEARNED_VERDICTS = (Verdict.ACCEPTED, Verdict.CORRECTED)
_SHORT = 8


def short_id(key: str) -> str:
    """The first digits of a case's id or a patient's key: enough to tell them apart.

    Should two patients share them, they count as one, and are never on both sides.
    """
    return key[:_SHORT]


@dataclass(frozen=True)
class FrozenCase:
    """One reviewed case: its CT where it was reviewed, and a copy of its labels.

    Attributes:
        id, verdict: As of a :class:`~..review.case.ReviewedCase`.
        patient: Its patient's key, short.
        geometry: Grid of the labels: that of the CT when they were copied.
        reviewed: Folder of the reviewed case, with the CT.
        labels: File with the labels.
    """

    id: str
    patient: str
    verdict: Verdict
    geometry: Geometry
    reviewed: Path
    labels: Path

    @property
    def name(self) -> str:
        """What messages and tables call it."""
        return short_id(self.id)

    def volume(self) -> Volume:
        """The CT.

        Raises:
            InputError: The reviewed case was removed, or is damaged.
        """
        try:
            return load_volume(self.reviewed)
        except InputError as error:
            raise InputError(
                f"The CT of the reviewed case {self.name} cannot be read: the case was removed or "
                "damaged. Start a new training."
            ) from error

    def read_labels(self, geometry: Geometry) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Lungs and lesions, uint8 (k, j, i), as of a reviewed case.

        Args:
            geometry: The CT's grid now: its axes may be turned round, as the case may have been
                removed and its CT reviewed again from another file.

        Raises:
            InputError: They are gone or damaged, or of another grid.
        """
        try:
            arrays, _ = read_arrays(self.labels, self.geometry.shape)
            lungs, lesions = (
                reoriented(arrays[name], self.geometry, geometry) for name in ("lungs", "lesions")
            )
            return lungs, lesions
        except (
            *(OSError, ValueError, KeyError, InputError),
            *(zipfile.BadZipFile, zlib.error),
        ) as error:
            raise InputError(
                f"The copied labels of case {self.name} are damaged, or of another CT: start a "
                "new training."
            ) from error


def freeze_cases(cases: Sequence[ReviewedCase], folder: Path) -> None:
    """Copy the labels of accepted and corrected cases; those of others are not looked at.

    Args:
        cases: Reviewed cases.
        folder: Created if absent. The list in it is written last.

    Raises:
        InputError: A case is damaged.
        OutputError: The folder cannot be written.
    """
    listed = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The training's folder cannot be made: {error.strerror}.") from error
    for case in cases:
        if case.verdict not in LEARNED_VERDICTS:
            continue
        labels = {"lungs": case.lungs(), "lesions": case.lesions()}
        write_arrays(labels, folder / f"{case.id}{FILE_SUFFIX}")
        listed.append(
            {
                "id": case.id,
                "patient": case.patient,
                "verdict": case.verdict.value,
                "geometry": asdict(case.geometry),
            }
        )
    write_bytes(json.dumps(listed, indent=1).encode(), folder / CASES_JSON)


def frozen_cases(folder: Path, reviews: Path) -> list[FrozenCase] | None:
    """What :func:`freeze_cases` wrote, or None if it did not finish.

    Args:
        folder: As given there.
        reviews: Folder of the reviewed cases.

    Raises:
        InputError: The list is damaged.
    """
    try:
        return [
            FrozenCase(
                str(one["id"]),
                short_id(str(one["patient"])),
                Verdict(one["verdict"]),
                geometry_from_facts(one["geometry"]),
                reviews / str(one["id"]),
                folder / f"{one['id']}{FILE_SUFFIX}",
            )
            for one in read_json(folder / CASES_JSON)
        ]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{CASES_JSON} is damaged, or of an earlier version of this software: start a new "
            "training in another folder."
        ) from error
