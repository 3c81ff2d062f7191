"""How well a freshly trained network finds lesions on slices of patients it has never seen."""

from __future__ import annotations

from torch import nn

from ..evaluation.contender import Contender
from ..evaluation.scores import PatientScores
from ..evaluation.slice_data import sample_of
from ..evaluation.tally import Tally
from ..models.card import ModelCard
from ..parameters import Parameters
from .slices import LabelledSlice


def score_patients(
    network: nn.Module, card: ModelCard, slices: list[LabelledSlice], precision: str = "float32"
) -> dict[str, PatientScores]:
    """Score every patient of ``slices``; whole slices, p > 0.5, no lung mask, on the CPU.

    Args:
        network: The trained network.
        card: Its card; of its weights nothing is needed.
        slices: Of patients the network never learned from.
        precision: ``"float32"`` or ``"bfloat16"``.
    """
    contender = Contender([(card, network)], Parameters(device="cpu", precision=precision))
    tallies: dict[str, Tally] = {}
    for sample in map(sample_of, slices):
        decision = contender.predict(sample, lung_mask=False)
        tallies.setdefault(sample.patient, Tally()).add(sample, decision)
    return {
        patient: PatientScores.of(tally, contender.learned_from(patient))
        for patient, tally in sorted(tallies.items())
    }
