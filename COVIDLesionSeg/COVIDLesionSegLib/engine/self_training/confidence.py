"""Unsupervised enhancement: the confident predictions of a model, as slices to train it further on.

Source: N. Enshaei et al., "COVID-rate: an automated framework for segmentation of COVID-19 lesions
from chest CT images", Scientific Reports 12:3212, 2022, Methods, "Unsupervised enhancement".

Slices that people marked or corrected are not in the paper. The caller trains on the slices.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from ..data.labelled import LabelledData, LabelledImage
from ..errors import InputError
from ..files import write_bytes
from ..inference.ensemble import LabelledSlices
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .selection import THE_PAPERS, TOP_FRACTION, ConfidenceMeasure, most_confident

SelectionOutcome = Literal[
    "selected", "not among the most confident", "not confident enough", "no lesion found"
]


class LesionModel(Protocol):
    """Predicts lesions, as :class:`~..evaluation.evaluated_model.EvaluatedModel` does."""

    def predict(
        self, sample: LabelledImage, lung_mask: bool, *, cancel: CancelToken | None = None
    ) -> LabelledSlices:
        """Probability and labels, (z, y, x) of both, within the lungs where ``lung_mask``."""
        ...


@dataclass(frozen=True)
class Candidate:
    """A row of the report: one slice with a prediction.

    Attributes:
        name, patient: Name and patient of the slice.
        confidence: See :class:`.selection.ConfidenceMeasure`; None where no lesion was found.
        lesion_pixels: Number of pixels above the cut-off.
        outcome: Whether it was selected, and if not, why.
    """

    name: str
    patient: str
    confidence: float | None
    lesion_pixels: int
    outcome: SelectionOutcome


@dataclass(frozen=True)
class Enhancement:
    """Slices to train on further, and how they were selected.

    Attributes:
        slices: With the predictions as lesions, which are pseudo-labels, the most confident first;
            of weight 1, as the paper uses them as they are.
        candidates: Every slice with a prediction, in the data's order.
    """

    slices: tuple[LabelledImage, ...]
    candidates: tuple[Candidate, ...]


def choose_predictions(
    data: LabelledData,
    model: LesionModel,
    marked: Sequence[LabelledImage] = (),
    fraction: float = TOP_FRACTION,
    minimum: float | None = None,
    measure: ConfidenceMeasure = THE_PAPERS,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Enhancement:
    """Predict slices with a model, and select those to train it further on.

    Masks in ``data`` are not looked at. Where the lungs are known, slices without lung are left out
    and lesions outside the lungs do not count. Windowed slices are left out: training needs HU. A
    selected slice keeps its patient, who is no longer held out from the retrained model.

    A slice of ``marked``, identified by patient and name, is no candidate: its label by a person
    stays. The slices of a CT are called by the CT's name and their axial index, ``name_007``.

    Args:
        data: Slices or CTs.
        model: The model.
        marked: Slices whose lesions a person marked or corrected.
        fraction, minimum: See :func:`.selection.most_confident`; the minimum is the measure's where
            None. Slices that are confident enough stay in memory until all are predicted.
        measure: Measure of confidence.
        progress: Called after every CT or slice.
        cancel: Looked at between CTs or slices.

    Raises:
        Cancelled: The token was set.
    """
    cancel = cancel or CancelToken()
    minimum = measure.minimum if minimum is None else minimum
    known = {(item.patient, item.name) for item in marked}
    confident: dict[int, LabelledImage] = {}
    candidates: list[Candidate] = []
    samples, done = sum(data.samples_of.values()), 0
    for patient in data.samples_of:
        for sample in data.read(patient, cancel):
            cancel.raise_if_cancelled()
            if not sample.windowed:
                for item, candidate in _candidates(sample, model, known, minimum, measure, cancel):
                    if item is not None:
                        confident[len(candidates)] = item
                    candidates.append(candidate)
            done += 1
            progress(Progress("Finding lesions", done / samples, sample.name))
    selected = most_confident([candidate.confidence for candidate in candidates], fraction, minimum)
    for number in selected:
        candidates[number] = replace(candidates[number], outcome="selected")
    return Enhancement(tuple(confident[n] for n in selected), tuple(candidates))


def _candidates(
    sample: LabelledImage,
    model: LesionModel,
    known: set[tuple[str, str]],
    minimum: float,
    measure: ConfidenceMeasure,
    cancel: CancelToken,
) -> Iterator[tuple[LabelledImage | None, Candidate]]:
    """Slices that may be selected, else None, each with its row of the report."""
    sample = sample.as_stack()
    lungs = sample.lungs
    probability = model.predict(sample, lung_mask=lungs is not None, cancel=cancel).probability
    for index, slice_ in enumerate(probability):
        name = sample.slice_name(index)
        if (sample.patient, name) in known or (lungs is not None and not lungs[index].any()):
            continue
        confidence = measure.of(slice_)
        lesion = slice_ > measure.cut_off
        item: LabelledImage | None = None
        outcome: SelectionOutcome = (
            "no lesion found" if confidence is None else "not confident enough"
        )
        # Whole CTs do not stay in memory: only slices that can be selected do.
        if confidence is not None and confidence >= minimum:
            outcome = "not among the most confident"
            item = replace(sample.axial_slice(index, lesion), pseudo=True)
        yield item, Candidate(name, sample.patient, confidence, int(lesion.sum()), outcome)


def with_corrections(
    labelled: Sequence[LabelledImage], corrections: Sequence[LabelledImage], weight: float = 1.0
) -> list[LabelledImage]:
    """Labelled slices without those that were corrected, and after them the corrections.

    Args:
        labelled: Slices with lesions from any source.
        corrections: Slices whose lesions a person corrected, identified by patient and name.
        weight: Weight of each correction.

    Raises:
        InputError: A slice was corrected twice.
        ParameterError: The weight is not positive.
    """
    corrected = {(item.patient, item.name) for item in corrections}
    if len(corrected) < len(corrections):
        raise InputError("A slice was corrected twice: keep one of the corrections.")
    kept = [item for item in labelled if (item.patient, item.name) not in corrected]
    return kept + [replace(item, weight=weight) for item in corrections]


def write_selection(
    slices: Sequence[LabelledImage], chosen_by: Mapping[str, Any], path: Path
) -> None:
    """Write slices in HU, compressed; the file is complete or absent.

    Args:
        slices: See :attr:`~.confidence.Enhancement.slices`.
        chosen_by: What determined the selection, ready for JSON.
        path: A file ``.npz``.

    Raises:
        OutputError: It cannot be written.
    """
    named = [[item.name, item.patient, *item.sources] for item in slices]
    facts = {"chosen_by": chosen_by, "slices": named}
    arrays: dict[str, Any] = {"facts": np.array(json.dumps(facts))}
    for number, item in enumerate(slices):
        arrays[f"image-{number}"], arrays[f"lesion-{number}"] = item.image, item.lesion
        if item.lungs is not None:
            arrays[f"lungs-{number}"] = item.lungs
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    write_bytes(data.getvalue(), path)


def read_selection(chosen_by: Mapping[str, Any], path: Path) -> list[LabelledImage]:
    """The slices of a file that :func:`write_selection` wrote.

    Raises:
        InputError: The file is damaged, or the slices were selected from other data or by another
            model.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes())) as arrays:
            facts = json.loads(str(arrays["facts"]))
            slices = [
                LabelledImage(
                    name=name,
                    patient=patient,
                    image=arrays[f"image-{number}"],
                    windowed=False,
                    lesion=arrays[f"lesion-{number}"],
                    lungs=arrays.get(f"lungs-{number}"),
                    pseudo=True,
                    sources=tuple(sources),
                )
                for number, (name, patient, *sources) in enumerate(facts["slices"])
            ]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path.name} is damaged: choose another folder.") from error
    if facts["chosen_by"] != json.loads(json.dumps(chosen_by)):
        raise InputError(
            "The folder holds slices that were chosen from other data, or by another model: resume "
            "with the same, or choose another folder."
        )
    return slices
