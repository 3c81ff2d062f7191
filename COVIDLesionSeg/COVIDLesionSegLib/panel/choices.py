"""What the drop-down lists offer, with labels for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from slicer.i18n import tr as _

from ..engine.errors import ModelError
from ..engine.parameters import DEVICES, LUNG_METHODS, PRECISIONS, TILINGS


class _Choice(Enum):
    """One of the engine's values, with a label for people."""

    def label(self) -> str:
        """The label, or the engine's own value where there is none."""
        return _labels()[type(self).__name__].get(self.value, self.value)


def _offer(name: str, values: tuple[str, ...]) -> type[_Choice]:
    members = {value.upper().replace("-", "_"): value for value in values}
    return _Choice(name, members, module=__name__)


LungMethod = _offer("LungMethod", LUNG_METHODS)
Device = _offer("Device", DEVICES)
Tiling = _offer("Tiling", TILINGS)
Precision = _offer("Precision", PRECISIONS)


def _labels() -> dict[str, dict[str, str]]:
    # Not at file scope: Slicer's translations are loaded later than this file may be.
    return {
        "LungMethod": {"threshold": _("Classical (no network)")},
        "Device": {
            "auto": _("Automatic (GPU if there is one)"),
            "cpu": _("Processor (CPU)"),
            "cuda": _("NVIDIA GPU (CUDA)"),
            "mps": _("Apple GPU (MPS)"),
        },
        "Tiling": {
            "whole-slice": _("Whole slices"),
            "overlapping": _("Overlapping patches"),
            "non-overlapping": _("Separate patches (as published)"),
        },
        "Precision": {
            "auto": _("Automatic"),
            "float32": _("Full (float32)"),
            "bfloat16": _("Reduced (bfloat16)"),
        },
    }


@dataclass(frozen=True)
class ModelChoice:
    """One model of the catalogue, as the panel lists it."""

    id: str
    title: str
    weights_present: bool


def model_choices() -> tuple[list[ModelChoice], str]:
    """All models of the catalogue, in its order, and what is wrong with the others, or ""."""
    from ..engine.models.catalogue import load_catalogue

    try:
        catalogue = load_catalogue()
    except ModelError as error:
        return [], str(error)
    choices = [ModelChoice(one.id, one.title, one.weights_present) for one in catalogue.models]
    return choices, " ".join(catalogue.problems)
