"""What the drop-down lists offer, with labels for people."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..engine.errors import ModelError
from ..engine.parameters import LUNG_METHODS

if TYPE_CHECKING:
    from ..engine.models.catalogue import Model


class Choice(Enum):
    """One of the engine's values, with a label for people."""

    def label(self) -> str:
        """The label, or the engine's own value where there is none."""
        return _labels()[type(self).__name__].get(self.value, str(self.value))


class Combination(Choice):
    MAJORITY_VOTE = "majority-vote"
    MEAN = "mean"


class Device(Choice):
    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Tiling(Choice):
    WHOLE_SLICE = "whole-slice"
    OVERLAPPING = "overlapping"
    NON_OVERLAPPING = "non-overlapping"


class Precision(Choice):
    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class SeverityRule(Choice):
    WORSE_LUNG = "eamc-worse-lung"
    SLICE_MEAN = "cascade-slice-mean"
    POOLED = "pooled"


def devices(platform: str = sys.platform) -> list[Device]:
    """The devices that a computer of this platform may have."""
    absent = Device.CUDA if platform == "darwin" else Device.MPS
    return [device for device in Device if device is not absent]


def _labels() -> dict[str, dict[str, str]]:
    # Not at file scope: Slicer's translations are loaded later than this file may be.
    return {
        "Combination": {
            "majority-vote": _("Majority vote"),
            "mean": _("Mean probability"),
        },
        "Device": {
            "auto": _("Automatic"),
            "cpu": _("CPU"),
            "cuda": _("NVIDIA GPU (CUDA)"),
            "mps": _("Apple GPU (MPS)"),
        },
        "LungMethod": {
            "threshold": _("Thresholding (no network)"),
            "lungmask-r231": _("lungmask R231 (weights not included)"),
            "lungmask-r231covidweb": _("lungmask R231CovidWeb (weights not included)"),
        },
        "Tiling": {
            "whole-slice": _("Whole slices"),
            "overlapping": _("Overlapping patches"),
            "non-overlapping": _("Non-overlapping patches (as published)"),
        },
        "Precision": {
            "auto": _("Automatic"),
            "float32": _("Full (float32)"),
            "bfloat16": _("Reduced (bfloat16)"),
        },
        "SeverityRule": {
            "eamc-worse-lung": _("Worse lung (Pal et al. 2022, after Morozov et al. 2020)"),
            "cascade-slice-mean": _("Mean over slices (Qiblawey et al. 2021)"),
            "pooled": _("Both lungs pooled"),
        },
    }


@dataclass(frozen=True)
class ModelChoice:
    """A model, an ensemble or a lung extractor, as the panel lists it.

    Attributes:
        id: What ``Parameters`` call it.
        label: For people; it says where weights are missing.
        classes: Lesion classes of a model; empty for lung extractors.
        is_ensemble: Whether it stands for several models.
    """

    id: str
    label: str
    classes: tuple[str, ...] = ()
    is_ensemble: bool = False


@dataclass(frozen=True)
class ModelChoices:
    """Everything that segments lesions and lungs.

    Attributes:
        lesions: Models of the catalogue, in its order: trained ones first, an ensemble before its
            members.
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
        return str(_("{title} (not trained)").format(title=model.title))
    if not model.weights_present:
        return str(_("{title} (weights not installed)").format(title=model.title))
    return model.title
