"""One member for each fold of patients: an ensemble, and an honest score of every patient."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ..evaluation.scores import PatientScores
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress, share_of
from .data import TrainingData, people_of, slices_without
from .export import Exported
from .folds import Fold, hold_out_validation, make_folds
from .recipe import Recipe
from .slices import LabelledSlice
from .trainer import train


@dataclass(frozen=True)
class Member:
    """The model of one fold.

    Attributes:
        model: Its id.
        patients: Its scores of the patients who were held out.
    """

    model: str
    patients: dict[str, PatientScores]


Export = Callable[[nn.Module, TrainingData, str], Exported]
"""Writes a member: network, the data of its fold, and its id."""


def cross_validate(
    recipe: Recipe,
    data: TrainingData,
    wanted: str,
    folder: Path,
    model_id: str,
    export: Export,
    *,
    resume: bool = False,
    device: str = "cpu",
    report: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Iterator[Member]:
    """Train and export a member for each fold, and give it with its scores.

    Patients with a lesion are dealt to the folds; those without are always learned from. A
    synthetic slice is learned from where nobody it shows is held out. Who is held out never
    decides: where the recipe lets validation decide, a fifth of the patients to learn from does.

    Args:
        recipe: All numbers.
        data: Patients to deal are those of ``training``; ``validation`` is not used.
        wanted: See :func:`~.folds.make_folds`.
        folder: Gets a folder ``fold-1`` and so on for each training.
        model_id: Members are called ``<model_id>-1`` and so on.
        export: Writes a member.
        resume, device, report, cancel: As for :func:`~.trainer.train`.

    Raises:
        InputError: There are too few patients, or as for :func:`~.trainer.train`.
        ParameterError: ``wanted`` names no folds.
    """
    folds = folds_of(recipe, data, wanted)
    for number, fold in enumerate(folds, start=1):
        part = share_of(report, (number - 1) / len(folds), number / len(folds))
        decide = _slices_of(data, fold.validation)
        judge = _slices_of(data, fold.test)
        network = train(
            recipe,
            slices_without(data.training, {*fold.validation, *fold.test}),
            folder / f"fold-{number}",
            cancel,
            # Where validation does not decide, the curve may as well show who is held out.
            validation=decide or judge,
            resume=resume,
            device=device,
            report=part,
        )
        report(Progress("Scoring", number / len(folds), f"fold {number} of {len(folds)}"))
        # Who decided about the weights does not judge them.
        own = TrainingData(slices_without(data.training, fold.test), judge, data.outside)
        exported = export(network, own, f"{model_id}-{number}")
        yield Member(exported.card.id, {name: exported.patients[name] for name in fold.test})


def folds_of(recipe: Recipe, data: TrainingData, wanted: str) -> list[Fold]:
    """The folds of :func:`cross_validate`; raises as it does."""
    infected = {
        item.patient for item in data.training if item.lesion.any() and len(people_of(item)) == 1
    }
    folds = make_folds(wanted, infected, recipe.seed)
    if not recipe.needs_validation:
        return folds
    return [fold if fold.validation else hold_out_validation(fold, recipe.seed) for fold in folds]


def _slices_of(data: TrainingData, patients: Collection[str]) -> list[LabelledSlice]:
    return [item for item in data.training if item.patient in patients]
