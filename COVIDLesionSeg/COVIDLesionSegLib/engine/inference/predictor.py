"""The one object that predicts slices: network, preprocessing, classes and device plan together."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import DeviceError, ModelError, ParameterError
from ..flags import Flag
from ..models.calibration import Calibration
from ..models.card import ModelCard
from ..models.preprocessing import Preprocessing
from ..networks.nnunet import NnUNet
from ..parameters import Parameters
from .device import ComputePlan, make_plan, ran_out_of_memory
from .field_of_view import FieldOfView

SliceBox = tuple[np.ndarray, slice, slice]
"""Slices, rows and columns of a CT."""
_GPU = threading.Lock()


class Predictor:
    """Class probabilities of slices in HU; several threads may ask at the same time.

    Args:
        network: Image (batch, 1, rows, columns) to logits (batch, channels, rows, columns). One
            channel means a sigmoid, several a softmax.
        preprocessing: From HU to the network's input.
        plan: Device, precision and batch; :attr:`plan` holds the one in force after steps down.
        model_id: What messages call the model.
        class_channels: Output channel of each class.
        tiling: ``"whole-slice"``: one pass; the network is fully convolutional. ``"overlapping"``:
            half-overlapping patches, blended with a Gaussian. ``"non-overlapping"``: the EAMC
            paper's test protocol (section 5.1), 16 patches of 128x128 on a 512x512 slice.
        batch_size: Patches per forward pass; 0 leaves it to the plan.
        pixel_mm: Pixel size along (rows, columns) of the slices to come, in mm.
        calibration: Of the probabilities, for a network of one channel.

    Attributes:
        network: What computes: as given, or in bfloat16 a copy.
        model_id, preprocessing: As given.
        needs_whole_slices: Whether slices must be given uncropped.
        needs_lungs: Whether the lungs must be given with them.
        flags: Steps down and resampling, for the result's reader.

    Raises:
        ParameterError: The tiling asks for patches, but the network takes whole slices only.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Preprocessing,
        plan: ComputePlan,
        *,
        model_id: str,
        class_channels: Sequence[int],
        pixel_mm: tuple[float, float],
        tiling: str = "whole-slice",
        batch_size: int = 0,
        calibration: Calibration | None = None,
    ) -> None:
        if tiling != "whole-slice" and preprocessing.patch_size is None:
            raise ParameterError(
                f"tiling is {tiling!r}, but model {model_id} takes whole slices: "
                "choose the tiling whole-slice."
            )
        faster = getattr(network, "for_inference", None)
        network = faster() if faster else network
        self._given = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = _bfloat16_copy(network) if plan.bfloat16 else network
        self._class_channels = list(class_channels)
        self._tiling = tiling
        self._patch_size = preprocessing.patch_size or (0, 0)  # whole slices have none
        self._batch_size = batch_size
        self._pixel_mm = pixel_mm
        self._calibration = calibration
        self._places = threading.Semaphore(plan.workers)
        self._stepping_down = threading.Lock()
        self.model_id = model_id
        self.preprocessing = preprocessing
        self.plan = plan
        # The published test protocol fixes the place of its patches on the slice.
        self.needs_whole_slices = tiling == "non-overlapping" or preprocessing.needs_whole_slices
        self.needs_lungs = preprocessing.lung_mask
        self.flags: list[Flag] = []
        if self.field_of_view((1, 1)).unusual_pixels:
            self.flags.append(_resampled(pixel_mm, preprocessing.resample_mm))

    @classmethod
    def of_model(
        cls,
        card: ModelCard,
        network: nn.Module,
        parameters: Parameters,
        pixel_mm: tuple[float, float],
    ) -> Predictor:
        """A model as ``parameters`` ask for it: device, precision, tiling and batch size.

        Args:
            card: The model's card.
            network: With its weights.
            parameters: The user's wishes.
            pixel_mm: Pixel size along (rows, columns) of the slices to come, in mm.

        Raises:
            DeviceError: The device asked for is not there.
            ModelError: The network takes whole CTs, see :mod:`.whole_ct`.
            ParameterError: The network cannot be tiled so.
        """
        if isinstance(network, NnUNet):
            raise ModelError(
                f"Model {card.id} is an nnU-Net, which takes whole CTs: it can segment CTs and "
                "cohorts; choose another model for anything else."
            )
        return cls(
            network,
            card.preprocessing,
            make_plan(parameters, card.bfloat16),
            model_id=card.id,
            class_channels=card.class_channels,
            pixel_mm=pixel_mm,
            tiling=parameters.tiling,
            batch_size=parameters.batch_size,
            calibration=card.calibration,
        )

    def slices_at_once(self, shape: tuple[int, int]) -> int:
        """How many slices of ``shape`` to pass together."""
        if self._tiling != "whole-slice":
            return 1
        return self._batch_size or self.plan.batch_size(self._network_pixels(shape))

    def __call__(self, hu: np.ndarray, lungs: np.ndarray | None = None) -> np.ndarray:
        """Class probabilities, float32 (n, classes, rows, columns), of HU slices.

        Args:
            hu: Shape (n, rows, columns).
            lungs: Non-zero in the lungs, same shape; needed where :attr:`needs_lungs`.

        Raises:
            DeviceError: Out of memory, with no smaller step left.
            ModelError: The network gives something else than numbers.
        """
        return self.probabilities(self.preprocessing.to_unit(hu), lungs)

    def at(self, axial_hu: np.ndarray, lungs: np.ndarray, place: SliceBox) -> np.ndarray:
        """Class probabilities (n, classes, rows, columns) at ``place`` of a CT.

        Args:
            axial_hu: HU (z, y, x).
            lungs: Non-zero in the lungs, same shape.
            place: What is asked for; the network may see more of the slices.

        Raises as a call does.
        """
        batch, rows, columns = place
        seen = (batch, slice(None), slice(None)) if self.needs_whole_slices else place
        prediction = self(axial_hu[seen], lungs[seen] if self.needs_lungs else None)
        return prediction[:, :, rows, columns] if self.needs_whole_slices else prediction

    def probabilities(self, unit: np.ndarray, lungs: np.ndarray | None = None) -> np.ndarray:
        """The same for slices that were windowed already, float32 in 0..1."""
        images = torch.from_numpy(self.preprocessing.normalise(unit, lungs))[:, None]
        while True:
            tried = self.plan
            try:
                with self._places:
                    batch = self.slices_at_once((unit.shape[1], unit.shape[2]))
                    parts = torch.split(images, batch)
                    probability = torch.cat([self._forward(part) for part in parts])
                break
            except (RuntimeError, MemoryError) as error:
                if not ran_out_of_memory(error):
                    raise
                self._step_down(tried, len(unit), (unit.shape[1], unit.shape[2]), error)
        if not probability.isfinite().all():
            raise ModelError(
                f"Model {self.model_id} gives no numbers for this CT: its weights or its precision "
                "are unfit; try precision float32, or another model."
            )
        return probability.numpy()

    @torch.inference_mode()
    def _forward(self, images: Tensor) -> Tensor:
        field = self.field_of_view((images.shape[2], images.shape[3]))
        inputs = field.resample(images)
        with (
            on_device(self.plan.device),
            torch.autocast(self.plan.device, torch.bfloat16, enabled=self.plan.bfloat16),
        ):
            if self.plan.device != "cpu":
                self.network.to(self.plan.device)
            inputs = inputs.to(self.plan.device).contiguous(memory_format=torch.channels_last)
            probability = self._infer(inputs, field.shape).cpu()
        return field.restore(probability)

    def _infer(self, inputs: Tensor, shape: tuple[int, int]) -> Tensor:
        """One pass over whole slices, or MONAI's sliding window; ``shape`` is the slices' own."""
        if self._tiling == "whole-slice":
            return self._class_probabilities(inputs)
        # MONAI takes seconds to load, and whole slices need nothing of it.
        from monai.inferers.utils import sliding_window_inference

        blended = self._tiling == "overlapping"
        probability = sliding_window_inference(
            inputs,
            roi_size=self._patch_size,
            sw_batch_size=self._batch_size or self.plan.batch_size(self._network_pixels(shape)),
            predictor=self._class_probabilities,
            overlap=0.5 if blended else 0.0,
            mode="gaussian" if blended else "constant",
        )
        assert isinstance(probability, Tensor)  # as _class_probabilities gives one
        return probability

    def _class_probabilities(self, images: Tensor) -> Tensor:
        logits = self.network(images).float()
        if self._calibration:
            logits = logits / self._calibration.temperature + self._calibration.bias
        if logits.shape[1] == 1:
            return torch.sigmoid(logits)
        return torch.softmax(logits, dim=1)[:, self._class_channels]

    def field_of_view(self, shape: tuple[int, int]) -> FieldOfView:
        """How slices of ``shape`` become the network's input."""
        preprocessing = self.preprocessing
        whole = self._tiling == "whole-slice"
        steps = (preprocessing.multiple, preprocessing.multiple) if whole else self._patch_size
        return FieldOfView(shape, self._pixel_mm, preprocessing, steps)

    def _network_pixels(self, shape: tuple[int, int]) -> int:
        """Pixels of one network input: a padded slice, or a patch."""
        whole = self._tiling == "whole-slice"
        return math.prod(self.field_of_view(shape).network_shape if whole else self._patch_size)

    def _step_down(
        self, tried: ComputePlan, slices: int, shape: tuple[int, int], error: BaseException
    ) -> None:
        with self._stepping_down:
            if self.plan is not tried:  # another thread stepped down meanwhile
                return
            pixels = self._network_pixels(shape)
            failed = self._batch_size or tried.batch_size(pixels)
            if self._tiling == "whole-slice":
                failed = min(failed, slices)
            after = replace(tried, pixels=failed * pixels).smaller(pixels)
            if after is None:
                raise DeviceError(
                    "There is not enough memory for a single patch: close other programs and try "
                    "again."
                ) from error
            for _ in range(tried.workers):  # what is still being computed ends first
                self._places.acquire()
            if tried.device != after.device:
                change = f"the {tried.device} device gave way to the CPU"
                self.network = self._given.cpu()
                torch.cuda.empty_cache()
            elif tried.workers != after.workers:
                change = "slices are computed one after the other"
            else:
                change = f"batches shrank to {after.batch_size(pixels)}"
            self.plan, self._batch_size = after, 0
            self.flags.append(Flag("memory-step-down", f"Memory ran out, so {change}.", "note"))
            self._places.release(after.workers)


@contextmanager
def on_device(device: str) -> Iterator[None]:
    """Compute on ``device`` within the block; a GPU lets in one thread at a time.

    cuDNN's settings belong to the whole process, and the memory of one batch is what was planned.
    """
    if device == "cpu":
        yield
        return
    with (
        _GPU,
        # PyTorch's default, TF32, keeps 10 of float32's 23 bits on an NVIDIA GPU.
        torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False),
    ):
        yield


def _bfloat16_copy(network: nn.Module) -> nn.Module:
    """The network with its kernels in bfloat16, which autocast would convert at every pass."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            module.to(torch.bfloat16)
    return network


def _resampled(pixel_mm: tuple[float, float], resample_mm: float) -> Flag:
    rows, columns = pixel_mm
    return Flag(
        "pixel-size-unusual",
        f"The pixel spacing of {rows:.2f} x {columns:.2f} mm is outside the model's training "
        f"range; slices were resampled to {resample_mm:.2f} mm for it, so check small lesions.",
    )
