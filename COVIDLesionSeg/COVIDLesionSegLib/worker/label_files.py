"""Labels of a CT as files: how the window hands them to a process, as often as the user edits."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.severity.correction import LabelBox, LabelledCT
from ..engine.steps import Steps, finish, slabs


class LabelFiles:
    """The voxels of one or more labellings in a folder; those of a known state only once."""

    def __init__(self, folder: Path) -> None:
        """``folder`` exists, and nobody else writes there."""
        self._folder = folder
        self._needed: set[str] = set()
        self._files: dict[str, str] = {}

    def prepare(self, *labellings: LabelledCT) -> Steps[None]:
        """Copy the voxels of known states in short steps: :meth:`save` is quick then.

        Raises:
            OSError: A file cannot be written.
        """
        for box in (
            box for labelling in labellings for box in (*labelling.lungs, *labelling.lesions)
        ):
            if box.state and box.state not in self._files:
                self._files[box.state] = yield from self._save_voxels(box)

    def save(self, *labellings: LabelledCT) -> list[dict[str, Any]]:
        """Copy voxels into files; files of earlier calls that are not needed now are removed.

        Returns:
            For each labelling what :func:`read_labelled` takes, ready for JSON.

        Raises:
            OSError: A file cannot be written.
        """
        needed: set[str] = set()
        saved = [
            {
                "lungs": [self._save_box(box, needed) for box in labelling.lungs],
                "lesions": [self._save_box(box, needed) for box in labelling.lesions],
            }
            for labelling in labellings
        ]
        self._needed = needed
        return saved

    def remove_others(self) -> None:
        """Remove the files that the last :meth:`save` did not need."""
        self._files = {state: name for state, name in self._files.items() if name in self._needed}
        for path in self._folder.glob("*.npy"):
            if path.name not in self._needed:
                with suppress(OSError):  # Windows keeps a file that is being read
                    path.unlink()

    def _save_box(self, box: LabelBox, needed: set[str]) -> dict[str, Any]:
        name = self._files.get(box.state) if box.state else None
        if name is None:
            name = finish(self._save_voxels(box))
            if box.state:
                self._files[box.state] = name
        needed.add(name)
        return {"file": name, "start": box.start, "labels": list(box.labels.items())}

    def _save_voxels(self, box: LabelBox) -> Steps[str]:
        name = f"voxels-{uuid.uuid4().hex}.npy"
        voxels = box.voxels
        facts = {
            "descr": np.lib.format.dtype_to_descr(voxels.dtype),
            "fortran_order": False,
            "shape": voxels.shape,
        }
        with (self._folder / name).open("wb") as file:
            np.lib.format.write_array_header_1_0(file, facts)
            for part in slabs(voxels):
                file.write(np.ascontiguousarray(voxels[part]).data)
                yield
        return name


def read_labelled(saved: dict[str, Any], folder: Path) -> LabelledCT:
    """The inverse of :meth:`LabelFiles.save`, for one labelling.

    Raises:
        FileNotFoundError: A newer labelling took the place of this one.
        ValueError, KeyError, TypeError: The files are damaged.
    """

    def boxes(saved: Iterable[dict[str, Any]]) -> list[LabelBox]:
        return [
            LabelBox(
                np.load(folder / one["file"], allow_pickle=False),
                tuple(one["start"]),
                dict(one["labels"]),
            )
            for one in saved
        ]

    return LabelledCT(boxes(saved["lungs"]), boxes(saved["lesions"]))
