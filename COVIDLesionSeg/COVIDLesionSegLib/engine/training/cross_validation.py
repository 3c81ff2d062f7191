"""One member for each fold of patients: an ensemble, and a held-out score of every patient."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ..data.labelled import LabelledImage, truth_of
from ..data.splits import Fold, hold_out_validation, make_folds, slices_without
from ..data.training_data import TrainingData
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from .export import Exported, PatientResult
from .recipe import Recipe
from .trainer import fit


@dataclass(frozen=True)
class Member:
    """The model of one fold.

    Attributes:
        fold: Its number, from 1.
        model: Its id.
        patients: Its scores of the held-out patients.
    """

    fold: int
    model: str
    patients: dict[str, PatientResult]


Export = Callable[[nn.Module, TrainingData, str, Recipe], Exported]
"""Writes a member: network, the data of its fold, its id, and what it was trained by."""


@dataclass(frozen=True)
class CrossValidation:
    """A member for each fold, trained, written and scored.

    Patients with a lesion that an expert marked, or with lungs where lungs are learned, are dealt
    to the folds; all others, as those with pseudo-labels alone, are always trained on. A synthetic
    slice is trained on where none of its patients is held out. Nothing is selected on held-out
    patients: where the recipe selects on validation, a fifth of the training patients serve for it.

    Attributes:
        recipe: All numbers; its ``members`` says in what members differ.
        data: The patients of ``training`` are dealt; ``validation`` is not used.
        folds: See :func:`folds_of`.
        folder: Gets a folder ``fold-1`` and so on for each training.
        model_id: Members are called ``<model_id>-1`` and so on.
        export: Writes a member.
        resume, device, workers: As for :func:`~.trainer.fit`.
        start: Makes the network that a member's training starts with; None for random weights.
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
    start: Callable[[Recipe], nn.Module] | None = None

    def folder_of(self, number: int) -> Path:
        """Where fold ``number``, from 1, is trained."""
        return self.folder / f"fold-{number}"

    def member(self, number: int, progress: ProgressCallback, cancel: CancelToken) -> Member:
        """Train, write and score the member of fold ``number``, from 1.

        Raises as :func:`~.trainer.fit` does.
        """
        fold, slices = self.folds[number - 1], self.data.training
        recipe = self.recipe.of_member(number)
        validation, held_out = _slices_of(slices, fold.validation), _slices_of(slices, fold.test)
        network = fit(
            recipe,
            slices_without(slices, {*fold.validation, *fold.test}),
            self.folder_of(number),
            cancel,
            # Where nothing is selected on validation, the curve may as well show the held-out ones.
            validation=validation or held_out,
            start=None if self.start is None else self.start(recipe),
            resume=self.resume,
            device=self.device,
            workers=self.workers,
            progress=progress,
        )
        progress(Progress("Scoring", 1.0, f"fold {number} of {len(self.folds)}"))
        # Weights are not scored on the patients that they were selected on.
        own = TrainingData(slices_without(slices, fold.test), held_out, self.data.outside)
        exported = self.export(network, own, f"{self.model_id}-{number}", recipe)
        scores = {name: exported.patients[name] for name in fold.test}
        return Member(number, exported.card.id, scores)


def cross_validate(
    plan: CrossValidation,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Iterator[Member]:
    """One fold after another; raises as :func:`~.trainer.fit` does."""
    total = len(plan.folds)
    for number in range(1, total + 1):
        part = sub_progress(progress, (number - 1) / total, number / total)
        yield plan.member(number, part, cancel or CancelToken())


def folds_of(recipe: Recipe, data: TrainingData, wanted: str) -> list[Fold]:
    """The folds of a :class:`CrossValidation`.

    Args:
        recipe: Its seed deals, and it says whether weights are selected on validation.
        data: The patients of ``training`` that show what the recipe's network finds are dealt.
        wanted: See :func:`~..data.splits.make_folds`.

    Raises:
        InputError: There are too few patients.
        ParameterError: ``wanted`` names no folds.
    """
    shown = {
        item.patient
        for item in data.training
        if not item.pseudo and len(item.patients) == 1 and truth_of(item, recipe.task).any()
    }
    folds = make_folds(wanted, shown, recipe.seed)
    if not recipe.needs_validation:
        return folds
    return [fold if fold.validation else hold_out_validation(fold, recipe.seed) for fold in folds]


def _slices_of(slices: Sequence[LabelledImage], patients: Collection[str]) -> list[LabelledImage]:
    """The slices of these patients that may be evaluated on: those without pseudo-labels."""
    return [item for item in slices if item.patient in patients and not item.pseudo]
