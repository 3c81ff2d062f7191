"""The models that a run's parameters name, each of the task it is named for."""

from __future__ import annotations

from ..errors import ParameterError
from ..parameters import LUNG_METHODS, NO_CLASSIFIER, NO_OPINION, Parameters
from .card import SLICE_CLASSES
from .catalogue import Model, check_models, check_trained, load_catalogue, not_trained


def check_choice(parameters: Parameters, lungs_given: bool = False) -> None:
    """Make sure that all that a run needs exists, can be used together, and is trained.

    Reads cards only: call it before a CT is read and PyTorch is loaded.

    Args:
        parameters: Of the run.
        lungs_given: Whether the lungs are given: the lung extractor is then not used.

    Raises:
        ParameterError: There is no such lung extractor, or no such model for a second opinion or
            for slices.
        ModelError: See :func:`~.catalogue.check_trained`; or lungs are to be found, or slices
            classified, by a network without weights.
    """
    (check_models if parameters.allow_untrained else check_trained)(parameters.members)
    check_others(parameters, lungs_given)


def check_others(parameters: Parameters, lungs_given: bool = False) -> None:
    """The same of the models beside the members: for lungs, slices and a second opinion.

    Args and errors: as for :func:`check_choice`.
    """
    needed = []
    if not lungs_given and parameters.lungs not in LUNG_METHODS:
        needed.append(lung_model(parameters.lungs))
    if parameters.slice_classifier != NO_CLASSIFIER:
        needed.append(classifier_model(parameters.slice_classifier))
    for model in needed:
        if model.card.weights is None and not parameters.allow_untrained:
            raise not_trained(model.id)
    if parameters.second_opinion != NO_OPINION:  # a run goes on without its weights
        opinion_model(parameters.second_opinion)


def lung_model(name: str) -> Model:
    """The model that finds the lungs, where no lung method of another kind is named.

    Raises:
        ParameterError: There is no such model.
    """
    models = _models("lungs")
    if name in models:
        return models[name]
    trained = [found for found, model in models.items() if model.card.weights is not None]
    others = [found for found in models if found not in trained]
    raise ParameterError(
        f"There is no lung extractor {name!r}; choose one of: "
        f"{', '.join((*LUNG_METHODS, *trained))}; or, without weights: {', '.join(others)}.",
        option="lungs",
    )


def opinion_model(name: str) -> Model:
    """The model for lungs that gives a second opinion.

    Raises:
        ParameterError: There is no such model.
    """
    asked = f"model for lungs {name!r} to give a second opinion"
    return _find(name, "lungs", asked, NO_OPINION, "second_opinion")


def classifier_model(name: str) -> Model:
    """The model that tells infected from clean slices.

    Raises:
        ParameterError: There is no such model, or it tells no classes of slices.
    """
    asked = f"slice classifier {name!r}"
    return _find(name, SLICE_CLASSES, asked, NO_CLASSIFIER, "slice_classifier")


def _find(name: str, task: str, asked: str, nothing: str, option: str) -> Model:
    """The model of a task; the error offers all others, and the word for going without."""
    models = _models(task)
    if name not in models:
        raise ParameterError(
            f"There is no {asked}; choose one of: {', '.join((nothing, *models))}.", option=option
        )
    return models[name]


def _models(task: str) -> dict[str, Model]:
    return {model.id: model for model in load_catalogue().models if model.card.task == task}
