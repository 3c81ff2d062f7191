"""The lung extractors that can be chosen, by name."""

from __future__ import annotations

from ..errors import ParameterError
from ..models.catalogue import Model, check_models, check_trained, load_catalogue, not_trained
from ..parameters import LUNG_METHODS, NO_OPINION, Parameters
from .extractor import LungExtractor


def check_choice(parameters: Parameters, lungs_given: bool = False) -> None:
    """Make sure that all that a run needs exists, can be used together, and is trained.

    Reads cards only: call it before PyTorch is loaded.

    Args:
        parameters: Of the run.
        lungs_given: Whether the lungs are given: the lung extractor is then not used.

    Raises:
        ParameterError: There is no such lung extractor, or no such model for a second opinion.
        ModelError: See :func:`~..models.catalogue.check_trained`; or lungs are to be found by a
            network without weights.
    """
    (check_models if parameters.allow_untrained else check_trained)(parameters.members)
    if not lungs_given and parameters.lungs not in LUNG_METHODS:
        model = _lung_model(parameters)
        if model.card.weights is None and not parameters.allow_untrained:
            raise not_trained(model.id)
    if parameters.second_opinion != NO_OPINION:
        opinion_model(parameters.second_opinion)


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


def opinion_model(name: str) -> Model:
    """The model for lungs that gives a second opinion.

    Raises:
        ParameterError: There is no such model.
    """
    models = _lung_models()
    if name not in models:
        raise ParameterError(
            f"There is no model for lungs {name!r} to give a second opinion; choose one of: "
            f"{', '.join((NO_OPINION, *models))}.",
            option="second_opinion",
        )
    return models[name]


# Imported below: what an extractor computes with is needed for the job, not to offer the choice.


def _threshold(_: Parameters) -> LungExtractor:
    from .threshold import ThresholdExtractor

    return ThresholdExtractor()


def _lungmask(parameters: Parameters) -> LungExtractor:
    from .lungmask import LungmaskExtractor

    return LungmaskExtractor(parameters.lungs, parameters)


def _network(parameters: Parameters) -> LungExtractor:
    model = _lung_model(parameters)
    from .network import NetworkExtractor

    return NetworkExtractor(model, parameters)


def _lung_model(parameters: Parameters) -> Model:
    models = _lung_models()
    if parameters.lungs in models:
        return models[parameters.lungs]
    trained = [name for name, model in models.items() if model.card.weights is not None]
    others = [name for name in models if name not in trained]
    raise ParameterError(
        f"There is no lung extractor {parameters.lungs!r}; choose one of: "
        f"{', '.join((*LUNG_METHODS, *trained))}; or, without weights: {', '.join(others)}.",
        option="lungs",
    )


def _lung_models() -> dict[str, Model]:
    return {m.id: m for m in load_catalogue().models if m.card.task == "lungs"}
