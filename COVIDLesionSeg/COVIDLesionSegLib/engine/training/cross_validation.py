"""One member for each fold of patients: an ensemble, and an honest score of every patient."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
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
        fold: Its number, from 1.
        model: Its id.
        patients: Its scores of the patients who were held out.
    """

    fold: int
    model: str
    patients: dict[str, PatientScores]


Export = Callable[[nn.Module, TrainingData, str], Exported]
"""Writes a member: network, the data of its fold, and its id."""


@dataclass(frozen=True)
class CrossValidation:
    """A member for each fold, trained, written and scored.

    Patients with a lesion are dealt to the folds; those without are always learned from. A
    synthetic slice is learned from where nobody it shows is held out. Who is held out never
    decides: where the recipe lets validation decide, a fifth of the patients to learn from does.

    Attributes:
        recipe: All numbers.
        data: Patients dealt are those of ``training``; ``validation`` is not used.
        folds: See :func:`folds_of`.
        folder: Gets a folder ``fold-1`` and so on for each training.
        model_id: Members are called ``<model_id>-1`` and so on.
        export: Writes a member.
        resume, device, workers: As for :func:`~.trainer.train`.
    """

    recipe: Recipe
    data: TrainingData
    folds: list[Fold]
    folder: Path
    model_id: str
    export: Export
    resume: bool = False
    device: str = "cpu"
    workers: int = 0

    def folder_of(self, number: int) -> Path:
        """Where fold ``number``, from 1, is trained."""
        return self.folder / f"fold-{number}"

    def member(self, number: int, report: ProgressCallback, cancel: CancelToken) -> Member:
        """Train, write and score the member of fold ``number``, from 1.

        Raises as :func:`~.trainer.train` does.
        """
        fold, slices = self.folds[number - 1], self.data.training
        decide, judge = _slices_of(slices, fold.validation), _slices_of(slices, fold.test)
        network = train(
            self.recipe,
            slices_without(slices, {*fold.validation, *fold.test}),
            self.folder_of(number),
            cancel,
            # Where validation does not decide, the curve may as well show who is held out.
            validation=decide or judge,
            resume=self.resume,
            device=self.device,
            workers=self.workers,
            report=report,
        )
        report(Progress("Scoring", 1.0, f"fold {number} of {len(self.folds)}"))
        # Who decided about the weights does not judge them.
        own = TrainingData(slices_without(slices, fold.test), judge, self.data.outside)
        exported = self.export(network, own, f"{self.model_id}-{number}")
        scores = {name: exported.patients[name] for name in fold.test}
        return Member(number, exported.card.id, scores)


def cross_validate(
    plan: CrossValidation,
    report: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Iterator[Member]:
    """One fold after another; raises as :func:`~.trainer.train` does."""
    total = len(plan.folds)
    for number in range(1, total + 1):
        part = share_of(report, (number - 1) / total, number / total)
        yield plan.member(number, part, cancel or CancelToken())


def folds_of(recipe: Recipe, data: TrainingData, wanted: str) -> list[Fold]:
    """The folds of a :class:`CrossValidation`.

    Args:
        recipe: Its seed deals, and it says whether validation decides.
        data: Who is dealt are the patients of ``training`` with a lesion.
        wanted: See :func:`~.folds.make_folds`.

    Raises:
        InputError: There are too few patients.
        ParameterError: ``wanted`` names no folds.
    """
    infected = {
        item.patient for item in data.training if item.lesion.any() and len(people_of(item)) == 1
    }
    folds = make_folds(wanted, infected, recipe.seed)
    if not recipe.needs_validation:
        return folds
    return [fold if fold.validation else hold_out_validation(fold, recipe.seed) for fold in folds]


def _slices_of(slices: Sequence[LabelledSlice], patients: Collection[str]) -> list[LabelledSlice]:
    return [item for item in slices if item.patient in patients]
