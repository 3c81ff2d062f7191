"""Synthetic slices for a training set, as COVID-Rate makes them; see :mod:`.transfer`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..data.labelled import LabelledImage, lesion_free_slices
from ..errors import InputError, ParameterError
from ..lungs import LungExtractor
from ..metrics.infection import infection_rate
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..volume import Volume, check_chest_ct
from .transfer import transfer_lesions

RATIO = 1.0
"""Synthetic slices per infected slice of the training set; best of 0.5, 1, 1.5, 2 (Table 6)."""
INFECTION_RATE_ABOVE = 0.01
"""A synthetic slice is kept only above ("Efficacy of the proposed synthetic data augmentation")."""
LUNG_SHARE_ABOVE = 0.03
"""A healthy slice is used only if more of the image is lung (the authors' published code)."""


@dataclass(frozen=True)
class SyntheticSlice:
    """One synthetic slice and what it was made of.

    Attributes:
        item: The slice; its ``sources`` are both patients.
        infected: The slice that gave the lesions.
        healthy: The slice that gave everything else.
        infection_rate: Area of lesion over area of the lungs, 0 to 1.
    """

    item: LabelledImage
    infected: LabelledImage
    healthy: LabelledImage
    infection_rate: float


@dataclass(frozen=True)
class Synthesis:
    """Synthetic slices of a training set.

    Attributes:
        slices: In the order in which they were made.
        wanted: Number asked for; fewer were made where pairs ran out.
        infected, healthy: Numbers of slices that could be used.
        too_small: Pairs whose lesion was too small after it was trimmed.
    """

    slices: tuple[SyntheticSlice, ...]
    wanted: int
    infected: int
    healthy: int
    too_small: int


def make_synthetic(
    slices: Sequence[LabelledImage],
    ratio: float = RATIO,
    seed: int = 0,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Synthesis:
    """Make synthetic slices out of a training set.

    Lesions come from slices with lesions, lungs from slices without, both with lung masks and in
    HU; windowed slices are not used, as their HU are unknown, nor those with a class whose lesions
    were not outlined. The paper pairs slices of infected
    and of healthy people at random; here no pair is used twice, and every infected slice is tried
    as often as any other.

    Args:
        slices: Of training patients, never of held-out ones. Synthetic ones are not used again.
        ratio: Synthetic slices as a multiple of N, the number of infected slices, of which the
            paper's training set consists.
        seed: The same gives the same slices.
        progress: Called after every pair.
        cancel: Looked at before every pair.

    Raises:
        ParameterError: ``ratio`` is not positive.
        InputError: There is nothing to make synthetic slices of, or no pair leaves enough lesion.
        Cancelled: The token was set.
    """
    if not 0 < ratio < float("inf"):
        raise ParameterError(f"The ratio is {ratio}, but must be a positive number.")
    usable = [s for s in slices if not s.windowed and not s.sources and _lung_share(s) > 0]
    infected = [s for s in usable if s.has_lesion]
    clean = [s for s in usable if not s.has_lesion and not s.is_not_outlined]
    healthy = [s for s in clean if _lung_share(s) > LUNG_SHARE_ABOVE]
    for kind, found in (("with lesions", infected), ("without lesions", healthy)):
        if not found:
            raise InputError(
                f"There is no slice {kind}, in HU and with its lungs: lesions of infected slices "
                "are pasted into the lungs of healthy ones."
            )
    wanted = max(1, round(ratio * len(infected)))
    made: list[SyntheticSlice] = []
    too_small = 0
    for i, h in _pairs(len(infected), len(healthy), np.random.default_rng(seed)):
        if len(made) == wanted:
            break
        if cancel is not None:
            cancel.raise_if_cancelled()
        item = transfer_lesions(infected[i], healthy[h])
        rate = infection_rate(item.lesion, item.known_lungs())
        if rate is not None and rate > INFECTION_RATE_ABOVE:
            item = replace(item, name=f"synthetic_{len(made) + 1:05d}")
            made.append(SyntheticSlice(item, infected[i], healthy[h], rate))
        else:
            too_small += 1
        progress(Progress("Pasting lesions", len(made) / wanted))
    if not made:
        raise InputError(
            "No pair of slices leaves enough lesion within the healthy lungs: give more slices."
        )
    return Synthesis(tuple(made), wanted, len(infected), len(healthy), too_small)


def healthy_slices(
    volume: Volume, patient: str, extractor: LungExtractor, cancel: CancelToken | None = None
) -> list[LabelledImage]:
    """The slices of a CT that hold lung, without any lesion.

    Args:
        volume: A CT in HU without lesions in the lungs.
        patient: Name to file the slices under.
        extractor: Finds the lungs.
        cancel: Looked at between steps.

    Raises:
        InputError: It is no chest CT, or has no lungs.
        Cancelled: The token was set.
    """
    volume = check_chest_ct(volume)
    lungs = extractor.extract(volume.axial, volume.axial_spacing, cancel=cancel).labels
    with_lung = np.flatnonzero(lungs.any(axis=(1, 2)))
    return lesion_free_slices(volume, with_lung.tolist(), patient, lungs)


def _lung_share(item: LabelledImage) -> float:
    """Share of the image that is lung; 0 where the lungs are not known."""
    return 0.0 if item.lungs is None else float(item.lungs.mean())


def _pairs(infected: int, healthy: int, random: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Every pair once, at random; each infected slice once in every ``infected`` pairs."""
    partners = random.permutation(healthy)
    first = random.integers(healthy, size=infected)
    for turn in range(healthy):
        for i in random.permutation(infected):
            yield int(i), int(partners[(first[i] + turn) % healthy])
