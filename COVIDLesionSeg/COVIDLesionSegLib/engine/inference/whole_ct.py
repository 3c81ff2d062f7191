"""Networks that take a whole CT at once, beside those that take its slices."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from torch import nn

from ..errors import DeviceError, ModelError, ParameterError
from ..flags import Flag
from ..models.card import ModelCard
from ..networks.nnunet import NnUNet
from ..parameters import Parameters
from ..volume import Volume
from .device import make_plan, ran_out_of_memory
from .predictor import Predictor, SliceBox


class WholeCtPredictor:
    """An nnU-Net, asked for slices of one CT: it predicts all of it when it is asked first.

    Attributes:
        model_id, plan, flags, needs_whole_slices: See :class:`~.predictor.Predictor`.
    """

    needs_whole_slices = True

    def __init__(
        self, card: ModelCard, network: NnUNet, parameters: Parameters, volume: Volume
    ) -> None:
        """Set an nnU-Net up for a CT.

        Raises:
            DeviceError: The device asked for is not there.
            ParameterError: A tiling was asked for; nnU-Net has its own.
        """
        if parameters.tiling != "whole-slice":
            raise ParameterError(
                f"tiling is {parameters.tiling!r}, but nnU-Net {card.id} takes whole CTs and has a "
                "tiling of its own: choose the tiling whole-slice."
            )
        self.model_id = card.id
        # One after the other, each with all threads; its precision is its own.
        self.plan = replace(make_plan(parameters, False), workers=1, bfloat16=False)
        self.flags: list[Flag] = []
        self._network = network
        self._volume = volume
        self._channels = card.class_channels
        self._found: npt.NDArray[np.float32] | None = None
        self._lock = threading.Lock()

    def slices_at_once(self, shape: tuple[int, int]) -> int:
        """As many as there are."""
        return len(self._volume.axial)

    def at(
        self, axial_hu: npt.NDArray[np.float32], lungs: npt.NDArray[np.uint8], place: SliceBox
    ) -> npt.NDArray[np.float32]:
        """Class probabilities (n, classes, rows, columns) at ``place``.

        Raises:
            DeviceError: Out of memory.
            ModelError: The network gives something else than numbers.
        """
        with self._lock:
            if self._found is None:
                self._found = self._predict()
        batch, rows, columns = place
        return self._found[batch][:, :, rows, columns]

    def _predict(self) -> npt.NDArray[np.float32]:
        volume = self._volume
        try:
            if self._network.reorients:  # the patient's right, anterior and superior
                found = self._network.probabilities(
                    volume.axial[:, ::-1, ::-1], volume.axial_spacing, self.plan.device
                )[:, :, ::-1, ::-1]
                axial = [found[channel] for channel in self._channels]
            else:  # as the file holds it
                found = self._network.probabilities(
                    volume.array, volume.geometry.spacing[::-1], self.plan.device
                )
                axial = [volume.order.to_axial(found[channel]) for channel in self._channels]
        except (RuntimeError, MemoryError) as error:
            if not ran_out_of_memory(error):
                raise
            raise DeviceError(
                "There is not enough memory for this nnU-Net: close other programs, crop the CT to "
                "the chest, or choose the device cpu."
            ) from error
        stacked = np.stack(axial, axis=1)
        if not np.isfinite(stacked).all():
            raise ModelError(
                f"Model {self.model_id} gives no numbers for this CT: its weights are unfit; try "
                "the device cpu, or another model."
            )
        return stacked


def predictor_of(
    card: ModelCard, network: nn.Module, parameters: Parameters, volume: Volume
) -> Predictor | WholeCtPredictor:
    """A model, set up for a CT; raises as the predictors do."""
    if isinstance(network, NnUNet):
        return WholeCtPredictor(card, network, parameters, volume)
    return Predictor.of_model(card, network, parameters, volume.axial_spacing[1:])
