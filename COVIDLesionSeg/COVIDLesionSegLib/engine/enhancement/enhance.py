"""Slices to retrain a model on: its own most certain answers, and what people corrected.

After the "Unsupervised enhancement" of COVID-Rate; see :mod:`.certainty`. Corrections by hand are
not in the paper. Retraining on the slices is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..errors import InputError, ParameterError
from ..evaluation.contender import Contender
from ..evaluation.samples import LabelledData, Sample
from ..evaluation.slice_data import slice_name, slice_of
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..training.slices import LabelledSlice
from .certainty import CUT_OFF, LEAST_CERTAINTY, certainty_index, most_certain

Verdict = Literal["selected", "not in the top quarter", "not certain enough", "no lesion found"]


@dataclass(frozen=True)
class WeightedSlice:
    """A slice to learn from.

    Attributes:
        item: The slice; its lesion is the model's or a person's.
        weight: How much it counts beside others, above 0.
        origin: Who marked the lesion.
    """

    item: LabelledSlice
    weight: float
    origin: Literal["prediction", "correction"]


@dataclass(frozen=True)
class Candidate:
    """A row of the report: one slice that the model answered.

    Attributes:
        name, patient: Of the slice.
        certainty: Its certainty index; None where no lesion was found.
        lesion_pixels: Number of pixels above the cut-off.
        verdict: Whether it was selected, and if not, why.
    """

    name: str
    patient: str
    certainty: float | None
    lesion_pixels: int
    verdict: Verdict


@dataclass(frozen=True)
class Enhancement:
    """What to retrain on, and how it was chosen.

    Attributes:
        slices: Corrections in the order given, then selected answers, the most certain first.
        candidates: Every slice that the model answered, in the data's order.
    """

    slices: tuple[WeightedSlice, ...]
    candidates: tuple[Candidate, ...]


def enhance(
    data: LabelledData,
    contender: Contender,
    corrections: Sequence[LabelledSlice] = (),
    prediction_weight: float = 1.0,
    correction_weight: float = 1.0,
    report: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Enhancement:
    """Answer slices with a model, and choose those that it should learn from.

    Masks in ``data`` are not looked at. Where the lungs are known, slices without lung are left out
    and lesions outside the lungs do not count. A selected slice keeps its patient, who must not
    judge the retrained model.

    A correction always wins: its slice, known by patient and name, is no candidate any more. The
    slices of a CT are called by the CT's name and their axial index, ``name_007``.

    Args:
        data: Slices or CTs.
        contender: The model.
        corrections: Slices whose lesions a person marked.
        prediction_weight: Of each selected answer; 1 in the paper, which retrains on them as they
            are.
        correction_weight: Of each correction.
        report: Told after every CT or slice.
        cancel: Looked at between CTs or slices.

    Raises:
        ParameterError: A weight is not positive.
        InputError: A slice was corrected twice, or there is nothing to answer.
        Cancelled: The token was set.
    """
    cancel = cancel or CancelToken()
    for weight in (prediction_weight, correction_weight):
        if not 0 < weight < float("inf"):
            raise ParameterError(f"A weight is {weight}, but must be a positive number.")
    corrected = {(item.patient, item.name) for item in corrections}
    if len(corrected) < len(corrections):
        raise InputError("A slice was corrected twice: keep one of the corrections.")
    rows: list[tuple[LabelledSlice | None, Candidate]] = []
    samples, done = sum(data.samples_of.values()), 0
    for patient in data.samples_of:
        for sample in data.read(patient, cancel):
            cancel.raise_if_cancelled()
            rows += _candidates(sample, contender, corrected, cancel)
            done += 1
            report(Progress("Finding lesions", done / samples, sample.name))
    if not rows and not corrections:
        raise InputError("There is no slice with lung in the data, and no correction.")
    chosen = most_certain([candidate.certainty for _, candidate in rows])
    selected = {n: replace(rows[n][1], verdict="selected") for n in chosen}
    return Enhancement(
        slices=(
            *(WeightedSlice(item, correction_weight, "correction") for item in corrections),
            *(WeightedSlice(rows[n][0], prediction_weight, "prediction") for n in chosen),
        ),
        candidates=tuple(selected.get(n, candidate) for n, (_, candidate) in enumerate(rows)),
    )


def _candidates(
    sample: Sample, contender: Contender, corrected: set[tuple[str, str]], cancel: CancelToken
) -> Iterator[tuple[LabelledSlice | None, Candidate]]:
    """Slices of a sample that may be selected, else None, each with its row of the report."""
    has_lungs = sample.lungs is not None
    probability = contender.predict(sample, lung_mask=has_lungs, cancel=cancel).probability
    for index, one in enumerate(probability):
        name = slice_name(sample, index)
        if (sample.patient, name) in corrected or (has_lungs and not sample.lungs[index].any()):
            continue
        certainty = certainty_index(one)
        lesion = one > CUT_OFF
        # Whole CTs do not stay in memory: only what can be selected does.
        item, verdict = None, "no lesion found" if certainty is None else "not certain enough"
        if certainty is not None and certainty >= LEAST_CERTAINTY:
            verdict = "not in the top quarter"
            item = slice_of(sample, index, lesion)
        yield item, Candidate(name, sample.patient, certainty, int(lesion.sum()), verdict)
