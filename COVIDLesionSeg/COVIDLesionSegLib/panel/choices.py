"""What the drop-down lists offer, with labels for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..engine.errors import ModelError
from ..engine.parameters import COMBINATIONS, DEVICES, LUNG_METHODS, PRECISIONS, TILINGS

if TYPE_CHECKING:
    from ..engine.models.catalogue import Model


class _Choice(Enum):
    """One of the engine's values, with a label for people."""

    def label(self) -> str:
        """The label, or the engine's own value where there is none."""
        return _labels()[type(self).__name__].get(self.value, self.value)


def _offer(name: str, values: tuple[str, ...]) -> type[_Choice]:
    members = {value.upper().replace("-", "_"): value for value in values}
    return _Choice(name, members, module=__name__)


Combination = _offer("Combination", COMBINATIONS)
Device = _offer("Device", DEVICES)
Tiling = _offer("Tiling", TILINGS)
Precision = _offer("Precision", PRECISIONS)


def _labels() -> dict[str, dict[str, str]]:
    # Not at file scope: Slicer's translations are loaded later than this file may be.
    return {
        "Combination": {
            "majority-vote": _("Majority vote"),
            "mean": _("Mean probability"),
        },
        "Device": {
            "auto": _("Automatic (GPU if there is one)"),
            "cpu": _("Processor (CPU)"),
            "cuda": _("NVIDIA GPU (CUDA)"),
            "mps": _("Apple GPU (MPS)"),
        },
        "LungMethod": {
            "threshold": _("Classical (no network)"),
            "lungmask-r231": _("lungmask R231 (weights not included)"),
            "lungmask-r231covidweb": _("lungmask R231CovidWeb (weights not included)"),
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
    """One way to find lesions or lungs, as the panel lists it.

    Attributes:
        id: What ``Parameters`` call it.
        label: For people; it says where weights are missing.
        classes: What a model of the catalogue tells apart; empty for other ways.
        is_ensemble: It is several models already.
    """

    id: str
    label: str
    classes: tuple[str, ...] = ()
    is_ensemble: bool = False


@dataclass(frozen=True)
class ModelChoices:
    """Everything that finds lesions and lungs.

    Attributes:
        lesions: Models of the catalogue, in its order: trained ones first; an ensemble stands
            before its members.
        lungs: Lung extractors, then models of the catalogue.
        problem: What is wrong with models that are not listed, or "".
    """

    lesions: list[ModelChoice]
    lungs: list[ModelChoice]
    problem: str


def model_choices() -> ModelChoices:
    """What the catalogue offers now, and the lung extractors that need none."""
    from ..engine.models.catalogue import load_catalogue

    labels = _labels()["LungMethod"]
    methods = [ModelChoice(method, labels.get(method, method)) for method in LUNG_METHODS]
    try:
        catalogue = load_catalogue()
    except ModelError as error:
        return ModelChoices([], methods, str(error))
    ensembles = {one.members[0]: one for one in catalogue.ensembles}
    models: dict[str, list[ModelChoice]] = {"lesions": [], "lungs": []}
    for model in catalogue.models:
        if one := ensembles.get(model.id):
            choice = ModelChoice(one.id, one.title, model.card.classes, is_ensemble=True)
            models["lesions"].append(choice)
        choice = ModelChoice(model.id, _label(model), model.card.classes)
        models[model.card.task].append(choice)
    return ModelChoices(
        models["lesions"], [*methods, *models["lungs"]], " ".join(catalogue.problems)
    )


def _label(model: Model) -> str:
    if model.card.weights is None:
        return _("{title} (not trained)").format(title=model.title)
    if not model.weights_present:
        return _("{title} (weights not installed)").format(title=model.title)
    return model.title
