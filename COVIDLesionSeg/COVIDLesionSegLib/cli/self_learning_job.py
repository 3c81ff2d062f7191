"""What ``self-learn`` does: CTs without masks in, the best level of recursive self-learning out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import nn

from ..engine.data.ct_table import patient_of_ct
from ..engine.data.labelled import LabelledImage
from ..engine.data.splits import patients_in
from ..engine.data.training_data import TrainingData, read_training_data
from ..engine.errors import InputError, ParameterError
from ..engine.evaluation.card_scores import evaluate_held_out
from ..engine.evaluation.evaluated_model import EvaluatedModel
from ..engine.lesion_classes import CLASSES
from ..engine.models.card import ModelCard
from ..engine.networks import build_network, count_parameters
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, share_of
from ..engine.self_training.pseudo_slices import pseudo_labelled_slices
from ..engine.self_training.self_learning import LevelSettings, SelfLearned, learn_recursively
from ..engine.training.export import Provenance, export_model
from ..engine.training.module import frozen
from ..engine.training.recipe import Recipe
from ..engine.training.recipes import make_recipe
from ..engine.training.trainer import silence_lightning, train
from .csv_table import write_table
from .training_curves import write_curves
from .training_job import make_model_folder, parent_of, score_lines

PSEUDO_LABELS = "pseudo-labels"
LEVELS_CSV = "levels.csv"

_LABELLED, _LEARNED = 0.1, 0.97
"""Shares of the whole job at which these stages end."""


@dataclass(frozen=True)
class SelfLearningJob:
    """What the command's options say.

    Attributes:
        model_id, title: Of the new model; by default a title that tells what it learned from.
        network: Id of the model whose network is trained.
        cts: Whom level 1 learns from.
        slices, volumes: Hold the validation patients; see :func:`read_training_data`.
        validation: Patients with masks of experts, who decide which level is kept.
        depth: Number of levels.
        out: Folder for all that is written.
        steps: Of every level; the thesis' epochs by default.
        device, resume: As for the trainer.
        provenance: What the card says about the weights.
    """

    model_id: str
    title: str | None
    network: str
    cts: list[Path]
    slices: list[Path]
    volumes: Path | None
    validation: list[str]
    depth: int
    out: Path
    steps: int | None
    device: str
    resume: bool
    provenance: Provenance

    def run(self, report: ProgressCallback, cancel: CancelToken) -> list[str]:
        """Learn, write everything, and give lines to tell the user."""
        silence_lightning()
        report(Progress("Starting", 0.0))
        parent = parent_of(self.model_id, self.network)
        recipe = make_recipe(parent.card, self.steps)
        several = len(recipe.classes) > 1
        if recipe.task != "lesions" or (several and recipe.classes != CLASSES):
            raise ParameterError(
                f"Pseudo-labels are {' and '.join(CLASSES)}, which the network of {parent.id} does "
                "not find: choose another network."
            )
        judges = read_training_data(
            self.slices,
            self.validation,
            with_lungs=recipe.needs_lungs,
            volumes=self.volumes,
            cancel=cancel,
            classes=recipe.classes,
        )
        patients = self._patients(judges)
        make_model_folder(self.out, self.resume)
        slices = self._pseudo_labels(patients, recipe, share_of(report, 0.0, _LABELLED), cancel)
        learner = LevelLearner(
            recipe, judges.validation, self.out, cancel, self.resume, self.device
        )
        learned = learn_recursively(
            learner,
            slices,
            judges.validation,
            cancel,
            depth=self.depth,
            report=share_of(report, _LABELLED, _LEARNED),
        )
        for level in learned.levels:
            write_curves(self.out / f"level-{level.number}")
        _write_levels(learned, self.out / LEVELS_CSV)
        report(Progress("Scoring", _LEARNED))
        card = export_model(
            learned.network,
            learner.recipe_of(learned.settings),
            TrainingData(learned.slices, judges.validation, judges.outside),
            self.out,
            model_id=self.model_id,
            title=self.title or f"{parent.title}, self-learned from pseudo-labels",
            paper=parent.card.paper,
            provenance=self.provenance,
            evaluate=evaluate_held_out,
            selected_on_validation=len(learned.levels) > 1 or recipe.needs_validation,
            notes=[_how_it_learned(learned)],
        ).card
        report(Progress("Done", 1.0))
        flags = [flag.message for level in learned.levels for flag in level.flags]
        return [*_level_lines(learned), *flags, *card.notes[1:], *score_lines(card)]

    def _patients(self, judges: TrainingData) -> list[str]:
        """Whom the CTs show; nobody twice, and nobody who judges."""
        patients = [patient_of_ct(ct) for ct in self.cts]
        twice = [name for name, count in Counter(patients).items() if count > 1]
        if twice:
            raise InputError(
                f"Two of the CTs are called {twice[0]}: give their files or folders different "
                "names, as patients are called by them."
            )
        if both := set(patients) & patients_in([*judges.validation, *judges.outside]):
            raise InputError(
                f"{min(both)} is among the CTs to learn from, and judges what is learned: name "
                "each patient once."
            )
        return patients

    def _pseudo_labels(
        self, patients: list[str], recipe: Recipe, report: ProgressCallback, cancel: CancelToken
    ) -> list[LabelledImage]:
        folder = self.out / PSEUDO_LABELS
        folder.mkdir(exist_ok=True)
        slices = []
        for done, (ct, patient) in enumerate(zip(self.cts, patients, strict=True)):
            cancel.raise_if_cancelled()
            report(Progress("Labelling the CTs", done / len(patients), patient))
            slices += pseudo_labelled_slices(ct, patient, folder / patient, recipe.classes, cancel)
        return slices


@dataclass(frozen=True)
class LevelLearner:
    """The :class:`~..engine.self_training.self_learning.Learner` of the trainer and its recipe.

    Attributes:
        recipe: All numbers but those of :class:`LevelSettings`.
        validation: Slices with masks of experts.
        folder: Gets a folder ``level-1`` and so on for each training.
        cancel: Looked at after every step.
        resume, device: As for :func:`~..engine.training.trainer.train`.
    """

    recipe: Recipe
    validation: Sequence[LabelledImage]
    folder: Path
    cancel: CancelToken
    resume: bool = False
    device: str = "cpu"

    @property
    def classes(self) -> Sequence[str]:
        return self.recipe.classes

    def recipe_of(self, settings: LevelSettings) -> Recipe:
        """The recipe of one level."""
        return replace(
            self.recipe,
            learning_rate=settings.learning_rate,
            epochs=None if self.recipe.epochs is None else settings.epochs,
            frozen=settings.frozen or None,
        )

    def parameters_of(self, stages: Sequence[str]) -> int:
        network = build_network(self.recipe.network, self.recipe.network_arguments)
        with frozen(network, stages) as parameters:
            return parameters

    def train(
        self,
        settings: LevelSettings,
        slices: Sequence[LabelledImage],
        start: nn.Module | None,
        report: ProgressCallback,
    ) -> nn.Module:
        return train(
            self.recipe_of(settings),
            slices,
            self.folder / f"level-{settings.number}",
            self.cancel,
            validation=self.validation,
            start=start,
            resume=self.resume,
            device=self.device,
            report=report,
        )

    def predict(
        self, network: nn.Module, slices: Sequence[LabelledImage], lung_mask: bool
    ) -> Iterator[np.ndarray]:
        card = ModelCard(
            id="level",
            title="",
            paper="",
            network=self.recipe.network,
            arguments=self.recipe.network_arguments,
            parameters=count_parameters(network),
            classes=self.recipe.classes,
            channels=self.recipe.channels,
            preprocessing=self.recipe.preprocessing,
        )
        model = EvaluatedModel(
            [(card, network)], Parameters(device=self.device, precision="float32")
        )
        for item in slices:
            yield model.predict(item, lung_mask, cancel=self.cancel).labels[0]


def _how_it_learned(learned: SelfLearned) -> str:
    dice = ", ".join(f"{level.dice:.4f}" for level in learned.levels)
    return (
        f"Level {learned.best} of {len(learned.levels)} of recursive self-learning (DRSegUNet "
        f"thesis, Sections 4.4.2 and 5.5); validation Dice level by level: {dice}."
    )


def _level_lines(learned: SelfLearned) -> list[str]:
    return [
        f"Level {level.number}: validation Dice {level.dice:.4f}, "
        f"{level.frozen_parameters:,} parameters frozen"
        + (", kept" if level.number == learned.best else "")
        for level in learned.levels
    ]


def _write_levels(learned: SelfLearned, path: Path) -> None:
    """As the thesis' Table 15: what became of each level."""
    rows = [
        [one.number, one.dice, one.frozen_parameters, "yes" if one.number == learned.best else "no"]
        for one in learned.levels
    ]
    write_table(["level", "validation_dice", "frozen_parameters", "kept"], rows, path)
