"""Slices that a classifier calls clean, so that they are not segmented (COVID-Rate, Fig. 14)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import ModelError
from ..flags import CLEAN_SLICES, Flag
from ..models.choice import classifier_model
from ..models.preprocessing import Preprocessing
from ..models.weights import load_network
from ..parameters import Parameters
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..text import index_ranges
from .device import make_plan
from .frame import frame_of
from .predictor import on_device
from .provenance import describe_model


def slice_image(
    preprocessing: Preprocessing,
    unit: np.ndarray,
    lungs: np.ndarray | None,
    pixel_mm: tuple[float, float] = (1.0, 1.0),
) -> Tensor:
    """Network input (1, rows, columns) of a slice to classify.

    Args:
        preprocessing: With an input size.
        unit: (rows, columns) in 0..1 of the window.
        lungs: Non-zero in the lungs, same shape; needed where the preprocessing has a lung mask.
        pixel_mm: Pixel size along (rows, columns).
    """
    frame = frame_of(unit.shape, lungs, preprocessing, pixel_mm)
    stack = None if lungs is None else lungs[None]
    return frame.image(preprocessing.normalise(unit[None], stack)[0])


def class_probabilities(network: nn.Module, images: Tensor, device: str = "cpu") -> np.ndarray:
    """Probabilities float32 (n, classes), each of its own, of images (n, 1, rows, columns)."""
    with torch.inference_mode(), on_device(device):
        found: np.ndarray = network.to(device)(images.to(device)).float().cpu().numpy()
    return found


def is_clean(probabilities: np.ndarray) -> bool:
    """Whether the first class, without lesions, is more probable than each other.

    Of classes that are as probable it is not, so that the slice is looked at.

    Args:
        probabilities: (classes,).
    """
    return bool(probabilities[0] > probabilities[1:].max())


@dataclass(frozen=True)
class CleanSlices:
    """What a classifier says of a CT.

    Attributes:
        slices: Axial indices, 0 at the inferior end, of the slices with lung that it calls clean.
        flags: Say so.
        facts: For the provenance: model, weights with their checksum, device, slices.
    """

    slices: tuple[int, ...]
    flags: tuple[Flag, ...]
    facts: dict[str, Any]


class SliceClassifier:
    """The network that tells infected from clean slices, loaded when it is first needed.

    Args:
        parameters: Name it, and the device.

    Attributes:
        model: Model of the catalogue.

    Raises:
        ParameterError: There is no such model, or it tells no classes of slices.
    """

    def __init__(self, parameters: Parameters):
        self._parameters = parameters
        self._network: nn.Module | None = None
        self.model = classifier_model(parameters.slice_classifier)

    def clean_slices(
        self,
        axial_hu: np.ndarray,
        lungs: np.ndarray,
        pixel_mm: tuple[float, float],
        progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> CleanSlices:
        """Slices whose most probable class is the first, the one without lesions.

        Args:
            axial_hu: HU, (z, y, x) in axial order.
            lungs: Non-zero in the lungs, same shape; slices without lung are not looked at.
            pixel_mm: Pixel size along (y, x), in mm.
            progress: Told after every slice.
            cancel: Looked at before every slice.

        Raises:
            ModelError: It has no weights, or damaged ones, or gives something else than numbers.
            DeviceError: The device asked for is not there.
            Cancelled: The token was set.
        """
        cancel = cancel or CancelToken()
        card = self.model.card
        plan = make_plan(self._parameters, bfloat16_allowed=False)
        if self._network is None:
            self._network = load_network(self.model, self._parameters.allow_untrained)
        clean = []
        with_lung = np.flatnonzero(lungs.any(axis=(1, 2))).tolist()
        for done, index in enumerate(with_lung):
            cancel.raise_if_cancelled()
            unit = card.preprocessing.to_unit(axial_hu[index])
            image = slice_image(card.preprocessing, unit, lungs[index], pixel_mm)
            found = class_probabilities(self._network, image[None], plan.device)[0]
            if not np.isfinite(found).all():
                raise ModelError(
                    f"Slice classifier {card.id} gives no numbers for this CT: its weights are "
                    "unfit; choose another one, or none."
                )
            if is_clean(found):
                clean.append(index)
            told = f"slice {done + 1} of {len(with_lung)}"
            progress(Progress("Telling clean slices", (done + 1) / len(with_lung), told))
        facts = {
            "model": card.id,
            **describe_model(card, plan),
            "slices": len(with_lung),
            "slices_called_clean": clean,
        }
        return CleanSlices(tuple(clean), self._flags(clean, len(with_lung)), facts)

    def _flags(self, clean: list[int], looked_at: int) -> tuple[Flag, ...]:
        if not clean:
            return ()
        weights = self.model.card.weights
        sha256 = f"SHA-256 of its weights {weights.sha256}" if weights else "random weights"
        return (
            Flag(
                CLEAN_SLICES,
                f"{len(clean)} of {looked_at} slices with lung were not segmented, because the "
                f"slice classifier {self.model.id} ({sha256}) calls them clean: "
                f"slices {index_ranges(clean)} (from 0 at the inferior end). A lesion there is "
                "missed: look at them.",
                slices=tuple(clean),
            ),
        )
