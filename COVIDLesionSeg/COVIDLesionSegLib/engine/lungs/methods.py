"""The lung extractors that can be chosen, by name."""

from __future__ import annotations

from ..models.choice import lung_model
from ..parameters import Parameters
from .extractor import LungExtractor


def get_extractor(parameters: Parameters | None = None) -> LungExtractor:
    """The lung extractor that ``parameters.lungs`` names; the default one without parameters.

    Raises:
        ParameterError: There is no extractor of this name.
        ModelError: Its network has no usable weights.
        DependencyError: A package that it needs is missing.
        DeviceError: The device asked for is not there.
    """
    parameters = parameters or Parameters()
    build = {
        "threshold": _threshold,
        "lungmask-r231": _lungmask,
        "lungmask-r231covidweb": _lungmask,
    }.get(parameters.lungs, _network)
    return build(parameters)


# Imported below: what an extractor computes with is needed for the job, not to offer the choice.


def _threshold(_: Parameters) -> LungExtractor:
    from .threshold import ThresholdExtractor

    return ThresholdExtractor()


def _lungmask(parameters: Parameters) -> LungExtractor:
    from .lungmask import LungmaskExtractor

    return LungmaskExtractor(parameters.lungs, parameters)


def _network(parameters: Parameters) -> LungExtractor:
    model = lung_model(parameters.lungs)
    from .network import NetworkExtractor

    return NetworkExtractor(model, parameters)
