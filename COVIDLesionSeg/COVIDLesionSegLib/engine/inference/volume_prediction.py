"""Lesions of a whole CT, slice by slice, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch

from ..boxes import bounding_box, whole
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..volume.geometry import zeros_laid_out_as
from .allocator import give_back_freed_memory
from .ensemble import LabelledSlices, decide
from .predictor import Predictor, SliceBox
from .whole_ct import WholeCtPredictor

Item = TypeVar("Item")
Result = TypeVar("Result")

# What the network sees around the lungs: its receptive field reaches into the chest wall.
_MARGIN_MM = 36.0
# Neighbouring slices share a box: about so many of them, in at most so many boxes. A network's
# prediction moves a little with what it sees around the lungs, so that the box must not follow the
# batches, which every device chooses for itself. Each further size of box leaves other holes in
# memory, so that their number must not follow that of the slices.
_SLICES_IN_A_BOX = 8
_BOXES = 16
# After so many sizes the holes are given back: at each of them it would cost a tenth of the time.
_BOXES_BETWEEN = 4


def predict_volume(
    axial_hu: np.ndarray,
    lungs: np.ndarray,
    pixel_mm: tuple[float, float],
    members: Sequence[Predictor | WholeCtPredictor],
    threshold: float = 0.5,
    combination: str = "majority-vote",
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
    skipped: Collection[int] = (),
) -> LabelledSlices:
    """Lesion probability and labels of a CT, arrays (z, y, x); 0 outside the lungs.

    Only slices that contain lung are computed, and of them only the box around their lungs and
    those of their neighbours, unless a network needs the whole slice.

    Args:
        axial_hu: HU (z, y, x) in axial order.
        lungs: Non-zero in the lungs, same shape.
        pixel_mm: Pixel size along (y, x), in mm.
        members: The network, or those of an ensemble, all of the same classes.
        threshold, combination: See :func:`~.ensemble.decide`.
        progress: Told after every batch; ``fraction`` runs from 0 to 1 within this call.
        cancel: Looked at before every batch and every member.
        skipped: Axial indices of slices that are not computed, which changes nothing in the others.

    Raises:
        Cancelled: The token was set.
        DeviceError: Out of memory, with no smaller step left.
    """
    cancel = cancel or CancelToken()
    whole = LabelledSlices(
        probability=zeros_laid_out_as(axial_hu, np.float32),
        labels=zeros_laid_out_as(axial_hu, np.uint8),
        disagreement=zeros_laid_out_as(axial_hu, np.float32) if len(members) > 1 else None,
    )
    slices = np.flatnonzero(lungs.any(axis=(1, 2)))
    computed = np.setdiff1d(slices, list(skipped))
    if not len(computed):
        return whole

    def solve(place: SliceBox) -> int:
        predictions = []
        for member in members:
            cancel.raise_if_cancelled()
            predictions.append(member.at(axial_hu, lungs, place))
        decision = decide(predictions, threshold, combination)
        inside = lungs[place] > 0
        whole.probability[place] = np.where(inside, decision.probability, np.float32(0.0))
        whole.labels[place] = decision.labels * inside
        if whole.disagreement is not None and decision.disagreement is not None:
            whole.disagreement[place] = decision.disagreement * inside
        return len(inside)

    places: list[SliceBox] = []
    boxes = min(_BOXES, math.ceil(len(slices) / _SLICES_IN_A_BOX))
    for group in np.array_split(slices, boxes):
        rows, columns = _lung_box(lungs[group], pixel_mm)
        inside, whole_slice = lungs[0, rows, columns].shape, lungs.shape[1:]
        step = min(
            member.slices_at_once(whole_slice if member.needs_whole_slices else inside)
            for member in members
        )
        group = np.intersect1d(group, computed)
        batches = np.split(group, range(step, len(group), step)) if len(group) else []
        places += [(batch, rows, columns) for batch in batches]
    workers = min(member.plan.workers for member in members)
    done, boxes_seen = 0, 0
    box: tuple[slice, slice] | None = None
    for place, solved in zip(places, in_parallel(solve, places, workers), strict=True):
        if place[1:] != box:
            box = place[1:]
            boxes_seen += 1
            if boxes_seen % _BOXES_BETWEEN == 0:
                give_back_freed_memory()
        done += solved
        message = f"slice {done} of {len(computed)}"
        progress(Progress("Finding lesions", done / len(computed), message))
    return whole


def _lung_box(lungs: np.ndarray, pixel_mm: tuple[float, float]) -> tuple[slice, slice]:
    """Rows and columns that hold the lungs of all these slices, with a margin."""
    seen: np.ndarray = np.any(lungs, axis=0)
    margin = [round(_MARGIN_MM / mm) for mm in pixel_mm]
    rows, columns = bounding_box(seen, margin) or whole(seen.shape)
    return rows, columns


def in_parallel(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Results of ``work`` on every item, in order, ``workers`` items at a time.

    A convolution that all threads share ends when its slowest thread does, hundreds of times for a
    slice: with other programs on the same processor, threads mostly wait for each other. Slices
    that are computed side by side never do.

    What ``work`` raises is raised here; items that were not begun are then left out.
    """
    threads = torch.get_num_threads()
    share = max(1, threads // workers)
    try:
        with ThreadPoolExecutor(
            workers, initializer=torch.set_num_threads, initargs=(share,)
        ) as pool:
            yield from pool.map(work, items)
    finally:
        # Threads that PyTorch meets later would take over what was set last.
        torch.set_num_threads(threads)
