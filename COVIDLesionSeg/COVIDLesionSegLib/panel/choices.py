"""What the drop-down lists offer, with labels for people."""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..engine.parameters import LUNG_METHODS, NO_CLASSIFIER, NO_OPINION

if TYPE_CHECKING:
    from ..engine.models.catalogue import Catalogue, Model


class Choice(Enum):
    """One of the engine's values, with a label for people."""

    def label(self) -> str:
        """The label, or the engine's own value where there is none."""
        return _labels()[type(self).__name__].get(self.value, str(self.value))


class Combination(Choice):
    MAJORITY_VOTE = "majority-vote"
    MEAN = "mean"
    MEAN_BY_CLASS = "mean-by-class"


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


class OverlayKind(Choice):
    PROBABILITY = "probability"
    DISAGREEMENT = "disagreement"


class ColorMap(Choice):
    JET = "jet"
    UNIFORM = "uniform"


class ThreeD(Choice):
    SURFACES = "surfaces"
    VOLUME_RENDERING = "volume-rendering"
    NOTHING = "nothing"


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
            "mean-by-class": _("Mean probability of each class"),
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
        "OverlayKind": {
            "probability": _("Lesion probability"),
            "disagreement": _("Ensemble disagreement"),
        },
        "ColorMap": {
            "jet": _("Jet"),
            "uniform": _("Perceptually uniform"),
        },
        "ThreeD": {
            "surfaces": _("Surfaces"),
            "volume-rendering": _("Volume rendering"),
            "nothing": _("Nothing"),
        },
        "SeverityRule": {
            "eamc-worse-lung": _("Worse lung (Pal Das et al. 2022)"),
            "cascade-slice-mean": _("Mean over slices (Qiblawey et al. 2021)"),
            "pooled": _("Both lungs pooled"),
        },
    }


def lung_choices(catalogue: Catalogue | None) -> list[tuple[str, str]]:
    """Name and label of every way to find lungs: extractors, then models of the catalogue."""
    labels = _labels()["LungMethod"]
    methods = [(method, labels.get(method, method)) for method in LUNG_METHODS]
    models = catalogue.models if catalogue else ()
    return [
        *methods,
        *((model.id, _label(model)) for model in models if model.card.task == "lungs"),
    ]


def opinion_choices(catalogue: Catalogue | None) -> list[tuple[str, str]]:
    """Name and label of no second opinion on the lungs, then of every model that can give one."""
    return [(NO_OPINION, str(_("None"))), *_trained(catalogue, "lungs")]


def classifier_choices(catalogue: Catalogue | None) -> list[tuple[str, str]]:
    """Name and label of no slice classifier, then of every trained one."""
    return [(NO_CLASSIFIER, str(_("None"))), *_trained(catalogue, "slice-classes")]


def _trained(catalogue: Catalogue | None, task: str) -> list[tuple[str, str]]:
    models = catalogue.models if catalogue else ()
    return [
        (model.id, _label(model))
        for model in models
        if model.card.task == task and model.card.weights is not None
    ]


def _label(model: Model) -> str:
    if model.card.weights is None:
        return str(_("{title} (not trained)").format(title=model.title))
    if not model.weights_present:
        return str(_("{title} (weights not installed)").format(title=model.title))
    return model.title
