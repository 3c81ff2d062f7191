"""Lungs by a network of the catalogue, such as the first step of the cascade.

Source: Qiblawey et al., Diagnostics 2021;11(5):893, section 2.3: every pixel of a slice is lung or
background by softmax. Which lung it is, and which pieces are none, is worked out afterwards as the
threshold extractor does it.
"""

from __future__ import annotations

import numpy as np

from ..boxes import bounding_box
from ..errors import LungsNotFoundError, ModelError
from ..flags import untrained_flag
from ..inference.device import make_plan
from ..inference.predictor import Predictor
from ..inference.provenance import describe_model
from ..models.catalogue import Model
from ..models.weights import load_network
from ..parameters import Parameters
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .body import find_body, large_pieces, midline_of, width_of
from .extractor import LungLabels
from .morphology import fill_enclosed, within
from .plausibility import check_lungs
from .sides import remove_remnant, right_and_left, with_lone_lung_on_its_side
from .slice_batches import ANSWERED, slice_batches
from .working_grid import WorkingGrid, clip_hu


class NetworkExtractor:
    """Lungs by a network that tells lung from background on axial slices.

    Args:
        model: A model whose task is the lungs.
        parameters: Device, precision, batch size, and whether an untrained network may run.

    Raises:
        ModelError: The model has no usable weights, or finds the lungs from the lungs.
        DeviceError: The device asked for is not there.
        DependencyError: A package that the network is built from is missing.
    """

    def __init__(self, model: Model, parameters: Parameters):
        if model.card.preprocessing.lung_mask:
            raise ModelError(
                f"The card of model {model.id} asks for the lungs that it is to find: set "
                "lung_mask to false on it."
            )
        self._model = model
        self._network = load_network(model, parameters.allow_untrained)
        self._plan = make_plan(parameters, model.card.bfloat16)
        self._batch_size = parameters.batch_size

    def extract(
        self,
        axial_hu: np.ndarray,
        spacing: tuple[float, float, float],
        progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> LungLabels:
        """See :class:`~.extractor.LungExtractor`."""
        card = self._model.card
        slices = Predictor(
            self._network,
            card.preprocessing,
            self._plan,
            model_id=card.id,
            class_channels=card.class_channels,
            pixel_mm=spacing[1:],
            batch_size=self._batch_size,
        )
        lung = np.zeros(axial_hu.shape, bool)
        for batch in slice_batches(
            slices, len(lung), axial_hu[0].shape, progress, cancel or CancelToken()
        ):
            lung[batch] = slices(axial_hu[batch]).sum(axis=1) > 0.5
        progress(Progress("Finding the lungs", ANSWERED, "right and left"))
        try:
            labels = label_lungs(lung, axial_hu, spacing)
        except LungsNotFoundError as error:
            if card.weights is not None:
                raise
            raise LungsNotFoundError(
                f"Model {card.id} was never trained, and nothing that its random weights call lung "
                "is large enough to be one: train it, or choose another lung extractor."
            ) from error
        flags = (*slices.flags, *check_lungs(labels, axial_hu, spacing))
        if card.weights is None:
            flags = (untrained_flag([card.id]), *flags)
        progress(Progress("Finding the lungs", 1.0))
        return LungLabels(labels, flags, {"method": card.id, **describe_model(card, slices.plan)})


def label_lungs(
    lung: np.ndarray, axial_hu: np.ndarray, spacing: tuple[float, float, float]
) -> np.ndarray:
    """Right and left lung of a mask of both, without small pieces, with what they enclose.

    Args:
        lung: bool (z, y, x) in axial order.
        axial_hu: HU, same shape.
        spacing: mm along (z, y, x).

    Returns:
        uint8, same shape; 1 right lung, 2 left lung.

    Raises:
        LungsNotFoundError: No piece is large enough, or all are gas.
    """
    grid = WorkingGrid.of(lung.shape, spacing)
    coarse = grid.shrink(axial_hu, clip_hu)
    pieces = grid.shrink(lung) >= 50
    body = find_body(coarse, grid)
    lungs = large_pieces(pieces, coarse, grid)
    sides = right_and_left(lungs, midline_of(body), grid, width_of(body, grid))
    sides = with_lone_lung_on_its_side(sides, body, coarse, grid)
    labels: np.ndarray = grid.repeat(sides) * lung
    for side in (1, 2):
        # The outline, where less than half of a coarse voxel is lung.
        edge = grid.repeat(within(sides == side, max(grid.spacing), grid.spacing))
        labels[edge & lung & (labels == 0)] = side
        one = labels == side
        box = bounding_box(one, 1)
        if box is not None:
            labels[box][fill_enclosed(one[box]) & (labels[box] == 0)] = side
    remove_remnant(labels)
    return labels
