"""Slices to retrain a model on: its own most certain answers, and what people corrected.

After the "Unsupervised enhancement" of COVID-Rate; see :mod:`.certainty`. Corrections by hand are
not in the paper. Retraining on the slices is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..errors import InputError
from ..evaluation.contender import Contender
from ..evaluation.samples import LabelledData, Sample
from ..evaluation.slice_data import slice_name, slice_of
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..training.slices import LabelledSlice
from .certainty import CUT_OFF, LEAST_CERTAINTY, TOP_SHARE, certainty_index, most_certain

Verdict = Literal["selected", "not among the most certain", "not certain enough", "no lesion found"]


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
        slices: With the model's own answers as lesions, which nobody checked, the most certain
            first; of weight 1, as the paper retrains on them as they are.
        candidates: Every slice that the model answered, in the data's order.
    """

    slices: tuple[LabelledSlice, ...]
    candidates: tuple[Candidate, ...]


def with_corrections(
    labelled: Sequence[LabelledSlice], corrections: Sequence[LabelledSlice], weight: float = 1.0
) -> list[LabelledSlice]:
    """Labelled slices, and after them corrections, in whose place no other label stays.

    Args:
        labelled: Slices whose lesions somebody marked.
        corrections: Slices whose lesions a person marked anew, known by patient and name.
        weight: Of each correction.

    Raises:
        InputError: A slice was corrected twice.
        ParameterError: The weight is not positive.
    """
    corrected = _names(corrections)
    if len(corrected) < len(corrections):
        raise InputError("A slice was corrected twice: keep one of the corrections.")
    kept = [item for item in labelled if (item.patient, item.name) not in corrected]
    return kept + [replace(item, weight=weight) for item in corrections]


def enhance(
    data: LabelledData,
    contender: Contender,
    marked: Sequence[LabelledSlice] = (),
    share: float = TOP_SHARE,
    least: float = LEAST_CERTAINTY,
    report: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Enhancement:
    """Answer slices with a model, and choose those that it should learn from.

    Masks in ``data`` are not looked at. Where the lungs are known, slices without lung are left out
    and lesions outside the lungs do not count. Windowed slices are left out: training needs HU. A
    selected slice keeps its patient, who must not judge the retrained model.

    A person always wins: a slice of ``marked``, known by patient and name, is no candidate. The
    slices of a CT are called by the CT's name and their axial index, ``name_007``.

    Args:
        data: Slices or CTs.
        contender: The model.
        marked: Slices whose lesions a person marked or corrected.
        share, least: See :func:`~.certainty.most_certain`. Slices that are certain enough stay in
            memory until all are answered.
        report: Told after every CT or slice.
        cancel: Looked at between CTs or slices.

    Raises:
        Cancelled: The token was set.
    """
    cancel = cancel or CancelToken()
    known = _names(marked)
    rows: list[tuple[LabelledSlice | None, Candidate]] = []
    samples, done = sum(data.samples_of.values()), 0
    for patient in data.samples_of:
        for sample in data.read(patient, cancel):
            cancel.raise_if_cancelled()
            if not sample.windowed:
                rows += _candidates(sample, contender, known, least, cancel)
            done += 1
            report(Progress("Finding lesions", done / samples, sample.name))
    chosen = most_certain([candidate.certainty for _, candidate in rows], share, least)
    selected = {n: replace(rows[n][1], verdict="selected") for n in chosen}
    return Enhancement(
        slices=tuple(rows[n][0] for n in chosen),
        candidates=tuple(selected.get(n, candidate) for n, (_, candidate) in enumerate(rows)),
    )


def _names(slices: Iterable[LabelledSlice]) -> set[tuple[str, str]]:
    return {(item.patient, item.name) for item in slices}


def _candidates(
    sample: Sample,
    contender: Contender,
    known: set[tuple[str, str]],
    least: float,
    cancel: CancelToken,
) -> Iterator[tuple[LabelledSlice | None, Candidate]]:
    """Slices of a sample that may be selected, else None, each with its row of the report."""
    has_lungs = sample.lungs is not None
    probability = contender.predict(sample, lung_mask=has_lungs, cancel=cancel).probability
    for index, one in enumerate(probability):
        name = slice_name(sample, index)
        if (sample.patient, name) in known or (has_lungs and not sample.lungs[index].any()):
            continue
        certainty = certainty_index(one)
        lesion = one > CUT_OFF
        # Whole CTs do not stay in memory: only what can be selected does.
        item, verdict = None, "no lesion found" if certainty is None else "not certain enough"
        if certainty is not None and certainty >= least:
            verdict = "not among the most certain"
            item = replace(slice_of(sample, index, lesion), pseudo=True)
        yield item, Candidate(name, sample.patient, certainty, int(lesion.sum()), verdict)
