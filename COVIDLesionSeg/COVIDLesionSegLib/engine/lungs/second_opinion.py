"""A second opinion on the lungs: what a network sees on a few slices, against the lungs in use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import ndimage
from torch import nn

from ..flags import Flag
from ..inference.device import make_plan
from ..inference.predictor import Predictor
from ..inference.provenance import describe_model
from ..models.choice import opinion_model
from ..models.weights import load_network
from ..parameters import NO_OPINION, Parameters
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .dense_lung import slice_hulls
from .extractor import LungLabels
from .given import METHOD as GIVEN
from .morphology import label, largest
from .places import most_first, name_slices
from .rays import mediastinum
from .slice_batches import slice_batches

LARGEST = 30.0
"""ml of one place that two extractors may see differently without a flag."""
_APART = 10.0  # mm between the slices that are looked at, at least
_MOST = 48  # slices
_TISSUE = -300  # HU; above: tissue
_PIECE = 0.1  # of the largest piece; smaller ones elsewhere are no lung
_LEAST_PIXELS = 256  # along each side of a slice; larger ones are shrunk


@dataclass(frozen=True)
class Opinion:
    """What a second opinion came to.

    Attributes:
        flags: Where the two differ, or why there is no opinion.
        facts: For the provenance: JSON-ready.
    """

    flags: tuple[Flag, ...]
    facts: dict[str, Any]


class SecondOpinion:
    """A network that looks at the lungs that something else found.

    Args:
        parameters: The model, device, precision and batch size.

    Raises:
        ParameterError: The model is none that finds lungs.
        ModelError: Its weights are damaged.
        DeviceError: The device asked for is not there.
    """

    def __init__(self, parameters: Parameters):
        self._parameters = parameters
        self._model = opinion_model(parameters.second_opinion)
        self._network: nn.Module | None = None

    def of(
        self,
        found: LungLabels,
        axial_hu: np.ndarray,
        spacing: tuple[float, float, float],
        progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> Opinion:
        """Look at every n-th slice, and compare.

        Args:
            found: The lungs in use.
            axial_hu: HU, (z, y, x) in axial order.
            spacing: mm along (z, y, x).
            progress: Told what is being done.
            cancel: Looked at between batches.

        Raises:
            Cancelled: ``cancel`` was set.
        """
        model = self._model
        why_not = self._why_not(found)
        if why_not:
            return _no_opinion(model.id, why_not)
        card = model.card
        looked_at, every, pixels = _some_slices(axial_hu, spacing)
        apart = (spacing[0] * every, spacing[1] * pixels, spacing[2] * pixels)
        if self._network is None:
            self._network = load_network(model)
        slices = Predictor(
            self._network,
            card.preprocessing,
            make_plan(self._parameters, card.bfloat16),
            model_id=card.id,
            class_channels=card.class_channels,
            pixel_mm=apart[1:],
            batch_size=self._parameters.batch_size,
        )
        lung: np.ndarray = np.zeros(looked_at.shape, bool)

        def named(step: Progress) -> None:
            progress(replace(step, message=f"second opinion, {step.message}"))

        for batch in slice_batches(
            slices, len(lung), looked_at[0].shape, named, cancel or CancelToken()
        ):
            lung[batch] = slices(looked_at[batch]).sum(axis=1) > 0.5
        # Not a table below the patient, and not the air around: a lung lies amid the patient.
        lung &= slice_hulls(largest(looked_at > _TISSUE))
        rows, columns = lung.shape[1] * pixels, lung.shape[2] * pixels
        middle = slice(pixels // 2, None, pixels)
        labels = found.labels[every // 2 :: every, :rows, :columns][:, middle, middle]
        other = _on_sides(lung, labels)
        flags = compare_lungs(labels, other, apart, every=every, count=len(axial_hu))
        facts = {
            "model": card.id,
            **describe_model(card, slices.plan),
            "slices": len(lung),
            "flagged_from_ml": LARGEST,
        }
        return Opinion((*slices.flags, *flags), facts)

    def _why_not(self, found: LungLabels) -> str:
        if found.provenance.get("method") == GIVEN:
            return "the lungs were given"
        if found.provenance.get("method") == self._model.id:
            return "the lungs are those of this network itself"
        if self._model.card.weights is None:
            return "it was never trained"
        if self._model.card.preprocessing.lung_mask:
            return "its card asks for the lungs that it is to judge"
        return "" if self._model.weights_present else "its weights are not there"


def get_opinion(parameters: Parameters) -> SecondOpinion | None:
    """Who gives the second opinion that ``parameters`` ask for; None where they ask for none.

    Raises: as :class:`SecondOpinion`.
    """
    return None if parameters.second_opinion == NO_OPINION else SecondOpinion(parameters)


def _no_opinion(model_id: str, why_not: str) -> Opinion:
    note = Flag(
        "lung-opinion-none",
        f"There is no second opinion on the lungs by {model_id}: {why_not}.",
        level="note",
    )
    return Opinion((note,), {"model": model_id, "slices": f"n/a: {why_not}"})


def _on_sides(lung: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Right and left of the network's lungs: as in those in use, elsewhere by the mediastinum.

    Its small pieces elsewhere, such as trachea and bowel, are left out, as extractors do.
    The network does not know them apart, and what lies on the wrong side has a flag of its own.
    """
    pieces, sizes = label(lung)
    within = np.bincount(pieces[labels > 0], minlength=len(sizes))
    kept = (sizes >= _PIECE * sizes.max()) | (within > 0.5 * sizes)
    kept[0] = False
    lung = kept[pieces]
    both = lung | (labels > 0)
    if not both.any():
        return np.zeros_like(labels)
    middle, _ = mediastinum(both)
    side = np.where(np.arange(lung.shape[2]) < middle[:, None], 1, 2).astype(np.uint8)
    result: np.ndarray = np.where(labels > 0, labels, side[:, None]) * lung
    return result


def _some_slices(
    axial_hu: np.ndarray, spacing: tuple[float, float, float]
) -> tuple[np.ndarray, int, int]:
    """Every n-th slice, shrunk in the plane; n, and the pixels along each side of a new one."""
    count, rows, columns = axial_hu.shape
    every = max(1, round(_APART / spacing[0]), -(-count // _MOST))
    every = min(every, count // 2)
    pixels = max(1, min(rows, columns) // _LEAST_PIXELS)
    chosen = axial_hu[every // 2 :: every, : rows - rows % pixels, : columns - columns % pixels]
    shape = (len(chosen), rows // pixels, pixels, columns // pixels, pixels)
    small: np.ndarray = chosen.reshape(shape).mean(axis=(2, 4), dtype=np.float32)
    return small, every, pixels


def compare_lungs(
    labels: np.ndarray,
    other: np.ndarray,
    spacing: tuple[float, float, float],
    tolerated_ml: float = LARGEST,
    every: int = 1,
    count: int | None = None,
) -> Iterator[Flag]:
    """Flag each lung on which a second labelmap differs in one place by more than a volume.

    What differs by less in every place, such as outlines a voxel apart, is not flagged.

    Args:
        labels: The lungs in use, uint8 (z, y, x) in axial order; 1 right lung, 2 left lung.
        other: The second opinion on the same grid.
        spacing: mm along (z, y, x).
        tolerated_ml: Connected voxels that differ and have at most this volume do not count.
        every: Slices of the CT that each of these stands for; it is amid them.
        count: Slices of the CT; as many as given where each stands for itself.

    Yields:
        Flags with the code ``lung-opinions-differ``, which name the lung, the volumes that only one
        of them counts, and the slices, those that differ most first.
    """
    voxel_ml = float(np.prod(spacing)) / 1000
    for side, name in ((1, "right"), (2, "left")):
        here, there = labels == side, other == side
        only = {}
        for which, mask in (("more", here & ~there), ("less", there & ~here)):
            if np.count_nonzero(mask) * voxel_ml <= tolerated_ml:
                only[which] = np.zeros_like(mask)
                continue
            core = _without_outline(mask)
            pieces, sizes = label(core)
            only[which] = np.isin(pieces, np.flatnonzero(sizes * voxel_ml > tolerated_ml))
        voxels = {which: np.count_nonzero(mask, axis=(1, 2)) for which, mask in only.items()}
        both = voxels["more"] + voxels["less"]
        if both.any():
            there = np.pad(np.repeat(both, every), (0, every), mode="edge")[: count or len(both)]
            more, less = (voxels[which].sum() * voxel_ml for which in ("more", "less"))
            yield Flag(
                "lung-opinions-differ",
                f"A second look at the {name} lung leaves out {more:.0f} ml of it and finds "
                f"{less:.0f} ml more, in {name_slices(there > 0)}: look which is right.",
                slices=most_first(there),
            )


def _without_outline(mask: np.ndarray) -> np.ndarray:
    """Opened by a voxel in the plane: places that hang together by a thin outline are parted."""
    opened: np.ndarray = ndimage.binary_opening(mask, np.ones((1, 3, 3), bool))
    return opened
