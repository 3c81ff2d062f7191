"""Kernels as whole numbers of 8 bits, with a scale for each output channel.

Symmetric: a weight is its whole number, -127 to 127, times the scale of its channel, so it moves by
half a scale at most: by 1/254 of the largest weight of its channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import ModelError


@dataclass(frozen=True)
class RequiredScore:
    """What a model must reach on the held-out patients, or no change of its scores says anything.

    Attributes:
        key: Of the score, among a patient's values.
        name: Name of the score, in a sentence.
        least: The least mean over the patients.
    """

    key: str
    name: str
    least: float

    def mean(self, scores: Iterable[float | None]) -> float:
        """Mean of the patients' scores, of those where it is defined; 0 where it is of none."""
        known = [score for score in scores if score is not None]
        return sum(known) / len(known) if known else 0.0


@dataclass(frozen=True)
class StorageCriterion:
    """A score that storing in 8 bits may move by little.

    Attributes:
        key: Its name among a patient's values.
        name: Its name in a sentence.
        largest_change: By how much it may move.
        together: It may move so far in the mean over the slices of all patients, and not of every
            patient.
        required: What the model must reach for that to say anything; None where any will do.
    """

    key: str
    name: str
    largest_change: float
    together: bool = False
    required: RequiredScore | None = None

    def changes(
        self, before: Mapping[str, float | None], after: Mapping[str, float | None]
    ) -> dict[str, float]:
        """How storing in 8 bits moved each patient's score, which is 0 here where undefined."""
        return {name: (after[name] or 0.0) - (score or 0.0) for name, score in before.items()}

    def too_large(self, changes: Mapping[str, float]) -> dict[str, float]:
        """Those of ``changes`` that are larger than they may be."""
        return {
            name: change
            for name, change in changes.items()
            if round(abs(change), 6) > self.largest_change
        }


DICE = StorageCriterion("dice", "Dice", 0.002)
MEAN_PRECISION = StorageCriterion(
    "paper_map",
    "mean average precision",
    0.01,
    True,
    RequiredScore("coco_map", "mean average precision by COCO's rule", 0.1),
)
"""Of a detector: one lesion more or less moves it further than Dice, in a patient of nine slices by
0.04, so that it is that of all slices. By the paper's rule a detector that finds nothing scores in
clean slices; COCO's says whether it finds lesions. Required is ten times the change: near the
change itself all lesions could be lost."""

_SCALE = ".scale"
"""Follows a kernel's name in the name of its scales."""
_LARGEST = 127
_SMALLEST_KERNELS = (16384, 49152, 131072)
"""Weights. Smaller kernels stay: they hold few of a U-Net's weights, and give most of the error.
With those from 1,024 on AMC-Net's logits move by seven times as much, for 4 % less space. Where the
first moves a patient's score too far, the next may not."""
_SMALLEST_CHANNEL = 16
"""Weights of a channel: a depthwise kernel of 3 x 3 would gain little, and lose the most."""

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_KERNELS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, *_TRANSPOSED)


def smallest_kernels(network: nn.Module) -> list[int]:
    """Least numbers of weights of kernels in 8 bits that may be tried, the first to be tried first.

    Empty where the network has no kernel that is large enough.
    """
    largest = max((parameter.numel() for parameter in network.parameters()), default=0)
    return [size for size in _SMALLEST_KERNELS if size <= largest]


def to_eight_bit(
    network: nn.Module, tensors: dict[str, Tensor], smallest_kernel: int
) -> dict[str, Tensor]:
    """The network's tensors, large kernels of convolutions and linear layers as int8 and scales.

    The scales are float32, and of as many dimensions as the kernel: times the whole numbers they
    are the kernel. Everything else, and what is not finite, stays as it is in ``tensors``.

    Args:
        network: Says which tensors are kernels, and gives them in full precision.
        tensors: What is written of it otherwise.
        smallest_kernel: Least number of weights of a kernel in 8 bits.
    """
    stored = dict(tensors)
    for name, layer in network.named_modules():
        key = f"{name}.weight" if name else "weight"
        if not isinstance(layer, _KERNELS) or key not in tensors:
            continue
        kernel = layer.weight.detach().to("cpu", torch.float32)
        channel = 1 if isinstance(layer, _TRANSPOSED) else 0
        large = kernel.numel() >= smallest_kernel
        if large and kernel.numel() >= _SMALLEST_CHANNEL * kernel.shape[channel]:
            others = [axis for axis in range(kernel.ndim) if axis != channel]
            scale = kernel.abs().amax(dim=others, keepdim=True) / _LARGEST
            if scale.isfinite().all():
                scale = torch.where(scale > 0, scale, 1.0)
                whole = (kernel / scale).round().clamp(-_LARGEST, _LARGEST)
                stored[key] = whole.to(torch.int8).contiguous()
                stored[f"{key}{_SCALE}"] = scale.contiguous()
    return stored


def from_eight_bit(tensors: dict[str, Tensor], eight_bit: bool, file: str) -> dict[str, Tensor]:
    """The tensors of a weights file, with its kernels of 8 bits as floats.

    Args:
        tensors: As they were read.
        eight_bit: Whether the card says that there are kernels of 8 bits.
        file: Name of the file, for messages.

    Raises:
        ModelError: The card says otherwise, or the scales of a kernel are missing or unusable.
    """
    kernels = {name for name, tensor in tensors.items() if tensor.dtype == torch.int8}
    if bool(kernels) != eight_bit:
        stated, found = ("8 bits", "none") if eight_bit else ("no 8 bits", "some in 8 bits")
        raise ModelError(
            f"The card states {stated} for the weights in {file}, but there are {found}: use the "
            "file that belongs to this model's card."
        )
    floats = {}
    for name, tensor in tensors.items():
        if name in kernels:
            scale = tensors.get(f"{name}{_SCALE}")
            if scale is None or not _fits(scale, tensor):
                raise ModelError(
                    f"The weights in {file} are damaged: {name} is stored in 8 bits without usable "
                    "scales; install or train the model again."
                )
            floats[name] = tensor.to(torch.float32) * scale
        elif not (name.endswith(_SCALE) and name.removesuffix(_SCALE) in kernels):
            floats[name] = tensor
    return floats


def _fits(scale: Tensor, kernel: Tensor) -> bool:
    """Whether these are the scales of a kernel: one for each channel along one of its axes."""
    channels = [axis for axis, size in enumerate(scale.shape) if size > 1]
    return (
        scale.dtype == torch.float32
        and scale.ndim == kernel.ndim
        and len(channels) <= 1
        and all(scale.shape[axis] == kernel.shape[axis] for axis in channels)
        and bool((scale.isfinite() & (scale > 0)).all())
    )
