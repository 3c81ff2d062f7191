"""A retrained model beside its parent, on the reviewed cases that were held out."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from ..data.labelled import LabelledImage
from ..evaluation.card_scores import HeldOut, bfloat16_change, card_scores
from ..evaluation.differences import DifferenceChooser, DifferenceSlice
from ..evaluation.evaluated_model import EvaluatedModel
from ..evaluation.run import Evaluation, evaluate_models
from ..models.card import ModelCard
from ..models.catalogue import Model
from ..models.promotion import HeldOutPatient, Overlap, ParentScores
from ..parameters import Parameters
from ..progress import CancelToken, ProgressCallback
from .frozen_cases import FrozenCase
from .reviewed_data import ReviewedData


class ParentComparison:
    """Evaluates both models on whole CTs, within the lungs, as in the main job.

    Args:
        parent: The model that was fine-tuned.
        network: Its network, with its own weights.
        held_out: Cases that neither model learned from.
        device: As in :class:`~..parameters.Parameters`.
        progress: Called with progress from 0 to 1.
        cancel: Looked at between CTs and batches.

    Attributes:
        evaluation: Scores of the parent and of the retrained model, in this order; None before
            :meth:`evaluate`.
    """

    def __init__(
        self,
        parent: Model,
        network: nn.Module,
        held_out: Sequence[FrozenCase],
        device: str,
        progress: ProgressCallback,
        cancel: CancelToken,
    ) -> None:
        self.evaluation: Evaluation | None = None
        self._parent = parent.card, network
        self._held_out = held_out
        self._device = device
        self._progress = progress
        self._cancel = cancel
        self._differences = DifferenceChooser()

    def evaluate(
        self, network: nn.Module, card: ModelCard, slices: Sequence[LabelledImage]
    ) -> HeldOut:
        """What :func:`~..training.export.export_model` asks for.

        Args:
            network: The retrained network.
            card: Its card.
            slices: Some slices of the held-out cases, on which bfloat16 is measured.

        Raises:
            CovidLesionSegError: As for :func:`~..evaluation.run.evaluate_models`.
        """
        change = bfloat16_change(network, card, slices)
        self.evaluation = evaluate_models(
            ReviewedData(self._held_out),
            [
                EvaluatedModel(
                    [member],
                    Parameters(model=member[0].id, device=self._device, precision="float32"),
                )
                for member in (self._parent, (card, network))
            ],
            progress=self._progress,
            cancel=self._cancel,
            watch=self._differences.consider,
        )
        _, new = self.evaluation.models
        return HeldOut(new.patients, tuple(card_scores(new.patients, new.protocol)), change)

    @property
    def comparison(self) -> ParentScores | None:
        """Agreement of both with the reviewed lesions; None before :meth:`evaluate`."""
        if self.evaluation is None:
            return None
        old, new = self.evaluation.models
        return ParentScores(
            tuple(
                HeldOutPatient(
                    name,
                    scores.slices,
                    _overlap(scores.values),
                    _overlap(new.patients[name].values),
                )
                for name, scores in old.patients.items()
            ),
            _overlap(old.pooled),
            _overlap(new.pooled),
        )

    @property
    def differences(self) -> Sequence[DifferenceSlice]:
        """The slices in which they differ most."""
        return self._differences.slices


def _overlap(values: dict[str, float | None]) -> Overlap:
    return Overlap(values["dice"], values["sensitivity"], values["precision"])
