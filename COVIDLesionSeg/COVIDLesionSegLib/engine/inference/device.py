"""Where the network runs, in what precision, and with how many patches at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ..errors import DeviceError
from ..parameters import Parameters
from ..text import counted

# Twice the 1,000 bytes per pixel that AMC-Net's forward pass takes in float32 on a CPU; what cuDNN
# takes for itself was not measured. Where this is too little, the batch steps down.
_GPU_BYTES_PER_PIXEL = 2_000
_BATCH_PIXELS = {"cpu": 2**18, "cuda": 2**22, "mps": 2**21}
# Each takes the memory of a forward pass; with more cores than this, every pass gets several.
_MOST_CPU_WORKERS = 4


@dataclass(frozen=True)
class ComputePlan:
    """How one run computes.

    Attributes:
        device: ``"cpu"``, ``"cuda"`` or ``"mps"``.
        bfloat16: Convolutions in bfloat16 instead of float32.
        pixels: Most pixels of all inputs of one forward pass together.
        name: Name of the hardware, for provenance.
        workers: Batches in work at the same time. A GPU computes one of them, while the other is
            prepared for it or taken from it.
    """

    device: str
    bfloat16: bool
    pixels: int
    name: str
    workers: int = 1

    def batch_size(self, patch_pixels: int) -> int:
        """Number of inputs of ``patch_pixels`` pixels that one forward pass takes, at least 1."""
        return max(1, self.pixels // patch_pixels)

    def smaller(self, patch_pixels: int) -> ComputePlan | None:
        """The next step down after running out of memory, or None: there is none.

        First half the batch, then the CPU, then half the batch again, then one batch at a time.
        """
        batch = self.batch_size(patch_pixels)
        if batch > 1:
            return replace(self, pixels=patch_pixels * (batch // 2))
        if self.device != "cpu":
            pixels, name = _BATCH_PIXELS["cpu"], _device_name("cpu")
            return ComputePlan("cpu", False, pixels, name, self.workers)
        if self.workers > 1:
            return replace(self, workers=1)
        return None


def make_plan(parameters: Parameters, bfloat16_allowed: bool) -> ComputePlan:
    """Choose device, precision and batch.

    Args:
        parameters: The user's wishes.
        bfloat16_allowed: The model's card says its scores do not move under bfloat16.

    Raises:
        DeviceError: The device asked for is not there.
    """
    device = _choose_device(parameters.device)
    if parameters.precision == "auto":
        bfloat16 = bfloat16_allowed and computes_bfloat16(device)
    else:
        bfloat16 = parameters.precision == "bfloat16"
    pixels = _BATCH_PIXELS[device]
    # Who asks for one patch at a time wants little memory.
    workers = 1 if parameters.batch_size == 1 else _workers(device)
    if device == "cuda":
        free, _ = torch.cuda.mem_get_info()
        pixels = min(pixels, max(1, int(0.8 * free) // _GPU_BYTES_PER_PIXEL))
    return ComputePlan(device, bfloat16, pixels, _device_name(device), workers)


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that a forward pass did not fit into memory."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text
    )


def _choose_device(requested: str) -> str:
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if requested == "auto":
        return next(device for device, there in available.items() if there)
    if not available[requested]:
        name = {"cuda": "an NVIDIA GPU (cuda)", "mps": "an Apple GPU (mps)"}[requested]
        raise DeviceError(
            f"The device asked for is {name}, but PyTorch finds none here: "
            "choose device auto or cpu, or install PyTorch with support for it."
        )
    return requested


def computes_bfloat16(device: str) -> bool:
    """Whether a device has bfloat16 itself; emulated, it takes ten times as long as float32."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # torch offers no public question for the CPU; without an answer float32 is the safe one.
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device == "cpu" and bool(native())


def _workers(device: str) -> int:
    if device != "cpu":
        return 2
    threads = torch.get_num_threads()
    threads_each = -(-threads // _MOST_CPU_WORKERS)
    return threads // threads_each


def _device_name(device: str) -> str:
    if device == "cuda":
        return torch.cuda.get_device_name()
    if device == "mps":
        return "Apple GPU"
    return f"CPU, {counted(torch.get_num_threads(), 'thread')}"
