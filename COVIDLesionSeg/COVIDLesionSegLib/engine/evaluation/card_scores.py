"""Measured scores on a model's card, each with its data and protocol."""

from __future__ import annotations

from dataclasses import replace

from ..errors import OutputError
from ..models.card import ModelCard, Score
from ..models.catalogue import Model, read_models
from ..models.user_models import user_folder
from .scores import ModelScores, PatientScores

_ON_CARDS = {"dice": "Dice", "precision": "precision", "sensitivity": "sensitivity"}


def card_scores(patient: str, scores: PatientScores, protocol: str) -> list[Score]:
    """Dice, precision and sensitivity of one patient; what is undefined is left out."""
    data = f"{patient}, {scores.slices} slices"
    patient_protocol = f"{_relation(scores)}; {protocol}"
    return [
        Score(name, round(scores.values[key], 4), data, patient_protocol)
        for key, name in _ON_CARDS.items()
        if scores.values[key] is not None
    ]


def _relation(scores: PatientScores) -> str:
    """Of the model to the patient, which decides what a score is worth."""
    if scores.learned_from:
        return "patient learned from"
    if scores.learned_from is None:
        return "not recorded whether the patient was learned from"
    if scores.windowed:
        return "outside patient, image windowed by its publisher"
    return "patient not named in the training data"


def with_scores(card: ModelCard, scores: ModelScores) -> ModelCard:
    """The card with its scores of patients not learned from; equal measurements give way."""
    measured = [
        score
        for patient, one in scores.patients.items()
        if not one.learned_from
        for score in card_scores(patient, one, scores.protocol)
    ]
    known = {(score.metric, score.data, score.protocol) for score in measured}
    kept = [s for s in card.scores if (s.metric, s.data, s.protocol) not in known]
    return replace(card, scores=(*kept, *measured))


def check_card_is_the_users(model: Model) -> None:
    """Make sure that the card may be written: packaged cards belong to the software.

    Raises:
        OutputError: The card is not in a file of its own in the folder of the user's models.
    """
    path = model.folder / f"{model.id}.json"
    alone = path.is_file() and len(read_models(path)) == 1
    if model.folder != user_folder() or not alone:
        raise OutputError(
            f"The card of model {model.id} cannot be written: scores go only onto cards of your "
            f"own models, in {user_folder()}, each in a file of its own named by its id."
        )
