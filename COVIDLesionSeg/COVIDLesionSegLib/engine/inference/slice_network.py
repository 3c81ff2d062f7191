"""A 2D network as a function of slices: resampled, padded, tiled, and thrifty when memory ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import DeviceError
from ..flags import Flag
from ..models.preprocessing import Preprocessing
from .device import ComputePlan, ran_out_of_memory
from .tiling import make_inferer


class SliceNetwork:
    """Lesion probability of slices in HU.

    Args:
        network: Image (batch, 1, rows, columns) in 0..1 to one channel of logits.
        preprocessing: Of the network.
        plan: Device, precision and batch; :attr:`plan` holds the one in force after steps down.
        tiling: See :func:`~.tiling.make_inferer`.
        batch_size: Patches per forward pass; 0 leaves it to the plan.
        pixel_mm: Pixel size along (rows, columns) of the slices to come, in mm.

    Attributes:
        flags: Steps down and resampling, for the result's reader.
    """

    def __init__(
        self,
        network: nn.Module,
        preprocessing: Preprocessing,
        plan: ComputePlan,
        tiling: str,
        batch_size: int,
        pixel_mm: tuple[float, float],
    ):
        self._network = network.eval().to(memory_format=torch.channels_last)
        self._preprocessing = preprocessing
        self._tiling = tiling
        self._batch_size = batch_size
        self.plan = plan
        self.flags: list[Flag] = []
        smallest, largest = preprocessing.pixel_mm
        self._zoom = (1.0, 1.0)
        if not all(smallest <= size <= largest for size in pixel_mm):
            self._zoom = tuple(size / preprocessing.resample_mm for size in pixel_mm)
            self.flags.append(_resampled(pixel_mm, preprocessing))

    def slices_at_once(self, shape: tuple[int, int]) -> int:
        """How many slices of ``shape`` to hand over together."""
        if self._tiling != "whole-slice":
            return 1
        return self._batch_size or self.plan.batch_size(self._network_pixels(shape))

    def __call__(self, hu: np.ndarray) -> np.ndarray:
        """Lesion probability, float32, of HU slices (n, rows, columns).

        Raises:
            DeviceError: Out of memory, with no smaller step left.
        """
        images = torch.from_numpy(self._preprocessing.to_unit(hu))[:, None]
        while True:
            try:
                batch = self.slices_at_once(hu.shape[1:])
                return torch.cat([self._forward(part) for part in images.split(batch)]).numpy()
            except (RuntimeError, MemoryError) as error:
                if not ran_out_of_memory(error):
                    raise
                self._step_down(hu.shape[1:], error)

    def _forward(self, images: Tensor) -> Tensor:
        shape = images.shape[2:]
        resampled = self._resampled_shape(shape)
        if resampled != tuple(shape):
            images = functional.interpolate(images, resampled, mode="bilinear", antialias=True)
        padded = self._padded_shape(resampled)
        images = functional.pad(images, (0, padded[1] - resampled[1], 0, padded[0] - resampled[0]))
        patches = self._batch_size or self.plan.batch_size(self._network_pixels(shape))
        inferer = make_inferer(self._tiling, self._preprocessing, patches)
        self._network.to(self.plan.device)
        with (
            torch.inference_mode(),
            # PyTorch's default, TF32, keeps 10 of float32's 23 bits on an NVIDIA GPU.
            torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False),
            torch.autocast(self.plan.device, torch.bfloat16, enabled=self.plan.bfloat16),
        ):
            images = images.to(self.plan.device).contiguous(memory_format=torch.channels_last)
            probability = inferer(images, self._probability)
        probability = probability[:, :, : resampled[0], : resampled[1]].cpu()
        if resampled != tuple(shape):
            probability = functional.interpolate(probability, shape, mode="bilinear")
        return probability[:, 0]

    def _probability(self, images: Tensor) -> Tensor:
        return torch.sigmoid(self._network(images).float())

    def _resampled_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        return tuple(max(1, round(n * zoom)) for n, zoom in zip(shape, self._zoom, strict=True))

    def _padded_shape(self, shape: tuple[int, int]) -> tuple[int, int]:
        steps = (
            (self._preprocessing.multiple,) * 2
            if self._tiling == "whole-slice"
            else self._preprocessing.patch_size
        )
        return tuple(-(-n // step) * step for n, step in zip(shape, steps, strict=True))

    def _network_pixels(self, shape: tuple[int, int]) -> int:
        """Pixels of one network input: a padded slice, or a patch."""
        if self._tiling == "whole-slice":
            rows, columns = self._padded_shape(self._resampled_shape(shape))
        else:
            rows, columns = self._preprocessing.patch_size
        return rows * columns

    def _step_down(self, shape: tuple[int, int], error: BaseException) -> None:
        pixels = self._network_pixels(shape)
        failed = self._batch_size or self.plan.batch_size(pixels)
        before = replace(self.plan, pixels=failed * pixels)
        after = before.smaller(pixels)
        if after is None:
            raise DeviceError(
                "There is not enough memory for a single patch: close other programs and try again."
            ) from error
        if before.device != after.device:
            change = f"the {before.device} device gave way to the CPU"
            torch.cuda.empty_cache()
        else:
            change = f"batches shrank to {after.batch_size(pixels)}"
        self.plan, self._batch_size = after, 0
        self.flags.append(Flag("memory-step-down", f"Memory ran out, so {change}.", "note"))


def _resampled(pixel_mm: tuple[float, float], preprocessing: Preprocessing) -> Flag:
    rows, columns = pixel_mm
    return Flag(
        "pixel-size-unusual",
        f"Pixels of {rows:.2f} x {columns:.2f} mm are unlike those the model learned from; slices "
        f"were resampled to {preprocessing.resample_mm:.2f} mm for it, so check small lesions.",
    )
