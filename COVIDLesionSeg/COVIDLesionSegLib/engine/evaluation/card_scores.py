"""Measured scores on a model's card, each with its data and protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from ..data.labelled import LabelledImage
from ..errors import OutputError
from ..inference.device import computes_bfloat16
from ..metrics.overlap import ProbabilityHistogram
from ..models.calibration import Calibration
from ..models.card import ModelCard, Score
from ..models.catalogue import Model, read_models
from ..models.eight_bit import DICE, StorageCriterion
from ..models.user_models import user_folder
from ..parameters import Parameters
from .calibration import calibrate
from .counts import Counts
from .evaluated_model import EvaluatedModel
from .scores import ModelScores, PatientScores, protocol_of

_ON_CARDS = {"dice": "Dice", "precision": "precision", "sensitivity": "sensitivity"}


@dataclass(frozen=True)
class HeldOut:
    """Scores of a freshly trained model on patients that it was not trained on.

    Attributes:
        patients: Scores by patient.
        scores: The same for the model's card.
        bfloat16_change: See :func:`bfloat16_change`.
        calibration: Of the probabilities in float32; None where it was not measured.
        measure: What decides whether the weights can be stored in 8 bits.
    """

    patients: dict[str, PatientScores]
    scores: tuple[Score, ...]
    bfloat16_change: float | None
    calibration: Calibration | None = None
    measure: StorageCriterion = DICE


def evaluate_held_out(
    network: nn.Module, card: ModelCard, slices: Sequence[LabelledImage]
) -> HeldOut:
    """Scores for the card of a freshly trained model, in float32, and how bfloat16 changes them.

    Args:
        network: The trained network.
        card: Its card.
        slices: Slices of patients that it was not trained on.
    """
    histogram = ProbabilityHistogram()
    patients = score_patients(network, card, slices, histogram=histogram)
    protocol = protocol_of(Parameters())
    return HeldOut(
        patients=patients,
        scores=tuple(card_scores(patients, protocol)),
        bfloat16_change=bfloat16_change(network, card, slices, patients),
        calibration=calibrate(
            histogram,
            ", ".join(f"{name}, {scores.slices} slices" for name, scores in patients.items()),
        ),
    )


def bfloat16_change(
    network: nn.Module,
    card: ModelCard,
    slices: Sequence[LabelledImage],
    in_float32: Mapping[str, PatientScores] | None = None,
) -> float | None:
    """Largest change of any patient's Dice in bfloat16; None where the processor has none.

    Args:
        network: The trained network.
        card: Its card.
        slices: Slices of patients that it was not trained on.
        in_float32: Their scores in float32, where they are known.
    """
    if not computes_bfloat16("cpu"):
        return None
    exact = score_patients(network, card, slices) if in_float32 is None else in_float32
    lower = score_patients(network, card, slices, "bfloat16")
    changes = (
        abs((scores.values["dice"] or 0.0) - (lower[name].values["dice"] or 0.0))
        for name, scores in exact.items()
    )
    return max(changes, default=0.0)


def score_patients(
    network: nn.Module,
    card: ModelCard,
    slices: Sequence[LabelledImage],
    precision: str = "float32",
    histogram: ProbabilityHistogram | None = None,
) -> dict[str, PatientScores]:
    """Scores of every patient of ``slices``; whole slices, p > 0.5, no lung mask, on the CPU.

    Args:
        network: The trained network.
        card: Its card; of its weights nothing is needed.
        slices: Slices of patients that it was not trained on.
        precision: ``"float32"`` or ``"bfloat16"``.
        histogram: All pixels are added to it.
    """
    model = EvaluatedModel([(card, network)], Parameters(device="cpu", precision=precision))
    counts: dict[str, Counts] = {}
    shown: dict[str, set[str]] = {}
    for item in slices:
        decision = model.predict(item, lung_mask=False)
        counts.setdefault(item.patient, Counts()).add(item, decision)
        shown.setdefault(item.patient, {item.patient}).update(item.patients)
    if histogram is not None:
        for of_patient in counts.values():
            histogram.merge(of_patient.probabilities)
    return {
        patient: PatientScores.of(of_patient, model.learned_from(*shown[patient]))
        for patient, of_patient in sorted(counts.items())
    }


def card_scores(patients: Mapping[str, PatientScores], protocol: str) -> list[Score]:
    """Dice, precision and sensitivity patient by patient; what is undefined is left out."""
    return [
        Score(
            name,
            round(value, 4),
            f"{patient}, {scores.slices} slices",
            f"{_relation(scores)}; {protocol}",
        )
        for patient, scores in patients.items()
        for key, name in _ON_CARDS.items()
        if (value := scores.values[key]) is not None
    ]


def _relation(scores: PatientScores) -> str:
    """Whether the model was trained on the patient."""
    if scores.learned_from:
        return "patient learned from"
    if scores.learned_from is None:
        return "not recorded whether the patient was learned from"
    if scores.windowed:
        return "outside patient, image windowed by its publisher"
    return "patient not named in the training data"


def with_scores(card: ModelCard, scores: ModelScores) -> ModelCard:
    """The card with its scores of held-out patients, which replace equal measurements."""
    held_out = {
        name: patient_scores
        for name, patient_scores in scores.patients.items()
        if not patient_scores.learned_from
    }
    measured = card_scores(held_out, scores.protocol)
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
