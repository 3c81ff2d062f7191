"""Labelled slices and CTs: one type for training, evaluation, synthesis and self-training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ..errors import InputError, ParameterError
from ..models.preprocessing import Preprocessing
from ..progress import CancelToken
from ..volume import Volume


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """One axial slice, or one CT, with its lesions.

    Arrays of a slice have the shape (rows, columns), rows to posterior and columns to the patient's
    left; those of a CT (z, y, x), in axial order from inferior to superior.

    Attributes:
        name: Identifier within its data set; no patient data.
        patient: The patient it is filed under: scores are given, and data split, by it.
        image: HU, float32 in slices; or float32 in 0..1 where ``windowed``.
        windowed: The image was windowed before it was stored; its HU are unknown.
        lesion: bool, lesion of any class; or uint8, n + 1 for class n of several.
        lungs: Non-zero in the lungs, bool in slices; None where they are not known, or not read.
        spacing_mm: Of the voxels along (z, y, x); None where it is not known, as in slice folders.
        pseudo: The lesions are pseudo-labels: computed, not checked by an expert.
        weight: How many times it counts in training beside others, above 0; 0.5 is half of its
            samples in every epoch.
        sources: The patients of a synthetic slice: whose lesion, then whose lungs it shows. Empty
            where it shows ``patient`` alone.
        slice_class: Name of the class that an expert gave the whole slice, whose lesions were not
            outlined then; empty where ``lesion`` tells all.
        scanner: Name of the scanner it comes from, by which a detector's scores are given as well;
            empty where it is not known.

    Raises:
        ParameterError: The weight is not positive.
    """

    name: str
    patient: str
    image: np.ndarray
    windowed: bool
    lesion: np.ndarray
    lungs: np.ndarray | None = None
    spacing_mm: tuple[float, float, float] | None = None
    pseudo: bool = False
    weight: float = 1.0
    sources: tuple[str, ...] = ()
    slice_class: str = ""
    scanner: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.weight < float("inf"):
            raise ParameterError(f"A weight is {self.weight}, but must be a positive number.")

    @property
    def patients(self) -> tuple[str, ...]:
        """All patients that the image shows: one, or both of a synthetic slice."""
        return self.sources or (self.patient,)

    @property
    def has_lesion(self) -> bool:
        """Whether any pixel is marked as lesion."""
        return bool(self.lesion.any())

    @property
    def is_not_outlined(self) -> bool:
        """Whether it has a class and no outlines: it may show lesions that ``lesion`` lacks."""
        return bool(self.slice_class) and not self.has_lesion

    def in_unit(self, preprocessing: Preprocessing) -> np.ndarray:
        """The image, of the same shape, in 0..1 of a network's window, or as published."""
        return self.image if self.windowed else preprocessing.to_unit(self.image)

    def known_lungs(self) -> np.ndarray:
        """The lungs, of the shape of the image.

        Raises:
            InputError: They are not known.
        """
        if self.lungs is None:
            raise InputError(
                f"{self.name} has no mask of the lungs, which are needed here: add it to the data."
            )
        return self.lungs

    def as_stack(self) -> LabelledImage:
        """The same with arrays of shape (z, y, x): a slice becomes a stack of one."""
        if self.image.ndim == 3:
            return self
        return replace(
            self,
            image=self.image[None],
            lesion=self.lesion[None],
            lungs=None if self.lungs is None else self.lungs[None],
        )

    def slice_name(self, index: int) -> str:
        """Name of slice ``index`` of a stack: of a CT ``name_007``, 0 at the inferior end."""
        return f"{self.name}_{index:03d}" if self.spacing_mm else self.name

    def axial_slice(self, index: int, lesion: np.ndarray | None = None) -> LabelledImage:
        """A copy of slice ``index`` of a stack.

        Args:
            index: 0 at the inferior end.
            lesion: (rows, columns), in place of the stack's own.
        """
        return LabelledImage(
            name=self.slice_name(index),
            patient=self.patient,
            image=np.array(self.image[index], dtype=np.float32),
            windowed=self.windowed,
            lesion=(self.lesion[index] if lesion is None else lesion).copy(),
            lungs=None if self.lungs is None else self.lungs[index] > 0,
            pseudo=self.pseudo,
            sources=self.sources,
        )

    def slices_with_lung(self) -> Iterator[LabelledImage]:
        """Copies of the slices of a stack that hold lung, from inferior to superior."""
        for index in np.flatnonzero(self.known_lungs().any(axis=(1, 2))):
            yield self.axial_slice(int(index))


class LabelledData(Protocol):
    """A data set with the lesions that experts marked.

    Attributes:
        samples_of: Number of slices or CTs of every patient.
        classes: Lesion classes that masks may tell apart: class n has the label n + 1.
        unit: Unit of distances: ``"mm"``, or ``"px"`` where the size of pixels is not known.
        lungs: Where the lungs come from, for people; None if the data have none. Of CTs whose masks
            may hold them it is known once they were read.
        mask_by_default: Whether lesions outside the lungs are not counted unless they are asked
            for.
    """

    samples_of: dict[str, int]
    classes: Sequence[str]
    unit: str
    lungs: str | None
    mask_by_default: bool

    def read(self, patient: str, cancel: CancelToken) -> Iterator[LabelledImage]:
        """The slices or CTs of one patient, one by one.

        Raises:
            InputError: One cannot be read, or its mask does not belong to it.
            Cancelled: The token was set.
        """
        ...


def chosen_patients(samples_of: dict[str, int], patients: list[str] | None) -> dict[str, int]:
    """The part of ``samples_of`` that was asked for; everything where ``patients`` is None.

    Raises:
        InputError: A patient is not in the data.
    """
    if not patients:
        return samples_of
    if unknown := sorted(set(patients) - set(samples_of)):
        raise InputError(
            f"The data have no patient {unknown[0]}; they have: {', '.join(samples_of)}."
        )
    return {patient: count for patient, count in samples_of.items() if patient in patients}


def lesion_free_slices(
    volume: Volume, indices: Sequence[int], patient: str, lungs: np.ndarray | None = None
) -> list[LabelledImage]:
    """Slices of a CT that an expert found free of lesions.

    Args:
        volume: A CT in HU.
        indices: Their axial indices, 0 at the inferior end.
        patient: Name to file them under.
        lungs: Non-zero in the lungs of the CT, (z, y, x) in axial order; None where not known.
    """
    axial = volume.axial
    return [
        LabelledImage(
            name=f"{patient}_{index:03d}",
            patient=patient,
            image=np.ascontiguousarray(axial[index], dtype=np.float32),
            windowed=False,
            lesion=np.zeros(axial.shape[1:], dtype=bool),
            lungs=None if lungs is None else lungs[index] > 0,
        )
        for index in indices
    ]


def fingerprint_of_slices(slices: Iterable[LabelledImage]) -> str:
    """SHA-256 of everything that a training sees of these slices, in their order."""
    digest = hashlib.sha256()
    for item in slices:
        digest.update(f"{item.name}\0{item.patient}\0{item.windowed}".encode())
        if item.weight != 1:  # so that earlier fingerprints, without weights, stay the same
            digest.update(f"\0{item.weight}".encode())
        if item.slice_class:
            digest.update(f"\0{item.slice_class}".encode())
        for array in (item.image, item.lesion, item.lungs):
            if array is not None:
                digest.update(f"{array.dtype}{array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def class_of(item: LabelledImage, classes: Sequence[str]) -> int:
    """Number of a slice's class: its own, else the last one with lesions and the first without.

    Raises:
        InputError: The slice's own class is not among ``classes``.
    """
    if not item.slice_class:
        return len(classes) - 1 if item.has_lesion else 0
    if item.slice_class not in classes:
        raise InputError(
            f"Slice {item.name} is of the class {item.slice_class!r}, but the network tells apart: "
            f"{', '.join(classes)}."
        )
    return list(classes).index(item.slice_class)


def truth_of(item: LabelledImage, task: str) -> np.ndarray:
    """What a network of a task shall find in a slice, uint8 (rows, columns).

    n + 1 where class n is, 0 elsewhere; 1 without classes. Of the task "lungs" the lungs.
    """
    if task == "lungs":
        return (item.known_lungs() > 0).astype(np.uint8)
    return item.lesion.astype(np.uint8)


def evaluation_slice(item: LabelledImage, task: str) -> LabelledImage:
    """The slice with what a network of that task finds as its lesions, classes as one."""
    return replace(item, lesion=truth_of(item, task) > 0)
