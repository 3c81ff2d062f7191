"""Python packages that only some choices need, so that a user installs them when making one."""

from __future__ import annotations

from .models.catalogue import load_catalogue
from .parameters import LUNG_METHODS, Parameters

_ENCODERS = ("segmentation-models-pytorch>=0.5",)
_LUNGMASK = ("lungmask>=0.2.20",)

NETWORK_PACKAGES = {
    "DenseNetUNet": _ENCODERS,
    "EncoderFPN": _ENCODERS,
    "EncoderUNet": _ENCODERS,
    "InceptionUNet": _ENCODERS,
}
"""By the network's name; here and not on cards, because a card may come from a stranger."""
LUNG_METHOD_PACKAGES = {
    "threshold": (),
    "lungmask-r231": _LUNGMASK,
    "lungmask-r231covidweb": _LUNGMASK,
}


def chosen_packages(parameters: Parameters) -> list[str]:
    """pip requirements of the chosen networks and lung extractor, beyond those of every run.

    Raises:
        ModelError: There is no such model.
    """
    packages = dict.fromkeys(LUNG_METHOD_PACKAGES.get(parameters.lungs, ()))
    catalogue = load_catalogue()
    model_ids = catalogue.expand(parameters.members)
    if parameters.lungs not in LUNG_METHODS:
        model_ids += (parameters.lungs,)
    for model_id in model_ids:
        network = catalogue.get(model_id).card.network
        packages |= dict.fromkeys(NETWORK_PACKAGES.get(network, ()))
    return list(packages)
