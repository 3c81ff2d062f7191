"""What the drop-down lists offer, with labels for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from slicer.i18n import tr as _


class LungMethod(Enum):
    """How the lungs are found; values are those of ``Parameters.lungs``."""

    THRESHOLD = "threshold"

    def label(self) -> str:
        return {LungMethod.THRESHOLD: _("Classical (no network)")}[self]


class Device(Enum):
    """Where the network runs; values are those of ``Parameters.device``."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"

    def label(self) -> str:
        return {
            Device.AUTO: _("Automatic (GPU if there is one)"),
            Device.CPU: _("Processor (CPU)"),
            Device.CUDA: _("NVIDIA GPU (CUDA)"),
            Device.MPS: _("Apple GPU (MPS)"),
        }[self]


class Tiling(Enum):
    """How a slice meets the network; values are those of ``Parameters.tiling``."""

    WHOLE_SLICE = "whole-slice"
    OVERLAPPING = "overlapping"
    NON_OVERLAPPING = "non-overlapping"

    def label(self) -> str:
        return {
            Tiling.WHOLE_SLICE: _("Whole slices"),
            Tiling.OVERLAPPING: _("Overlapping patches"),
            Tiling.NON_OVERLAPPING: _("Separate patches (as published)"),
        }[self]


class Precision(Enum):
    """Number format of the network; values are those of ``Parameters.precision``."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"

    def label(self) -> str:
        return {
            Precision.AUTO: _("Automatic"),
            Precision.FLOAT32: _("Full (float32)"),
            Precision.BFLOAT16: _("Reduced (bfloat16)"),
        }[self]


@dataclass(frozen=True)
class ModelChoice:
    """One model of the catalogue, as the panel lists it."""

    id: str
    title: str
    weights_present: bool


def model_choices() -> list[ModelChoice]:
    """All models of the catalogue, in its order."""
    from ..engine.models.catalogue import load_catalogue

    return [
        ModelChoice(model.id, model.title, model.weights_present)
        for model in load_catalogue().models
    ]
