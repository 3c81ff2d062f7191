"""Recursive self-learning: CTs without masks in, the model of the best level out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ..engine.data.ct_table import patient_of_ct
from ..engine.data.labelled import LabelledImage
from ..engine.data.training_data import TrainingData, read_training_data
from ..engine.errors import InputError, ParameterError
from ..engine.evaluation.card_scores import evaluate_held_out
from ..engine.files import output_path
from ..engine.inference.device import make_plan
from ..engine.inference.ensemble import decide
from ..engine.inference.predictor import Predictor
from ..engine.labels import CLASSES
from ..engine.models.card import ModelCard
from ..engine.models.catalogue import Model
from ..engine.networks import build_network
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..engine.self_training.ct_slices import (
    Labelling,
    pseudo_labelled_slices,
    unlabelled_slices,
)
from ..engine.self_training.self_learning import LevelSettings, SelfLearned, learn_recursively
from ..engine.training.export import export_model
from ..engine.training.module import first_layers, frozen
from ..engine.training.recipe import Recipe
from ..engine.training.recipe_settings import choose_recipe
from ..engine.training.trainer import fit, silence_lightning
from ..report.training import write_curves, write_levels
from .options import SelfLearnOptions
from .training_run import make_model_folder, new_model, parent_for, settings_of

PSEUDO_LABELS = "pseudo-labels"
LEVELS_CSV = "levels.csv"

_LABELLED, _LEARNED = 0.1, 0.97
"""Fractions of the whole job at which these stages end."""


@dataclass(frozen=True)
class SelfLearnedModel:
    """What self-learning gave.

    Attributes:
        card: Card of the new model, with its scores.
        learned: Every level, and which was kept.
    """

    card: ModelCard
    learned: SelfLearned


def self_learn(
    options: SelfLearnOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SelfLearnedModel:
    """Learn from pseudo-labels of CTs, and then from what was learned (DRSegUNet).

    Args:
        options: CTs to learn from, and labelled patients that select the level that is kept.
        out: A new folder, or the folder of such a training to resume.
        progress: Called with progress.
        cancel: Set it to stop the job after a step; it can be resumed.

    Raises:
        CovidLesionSegError: One of its kinds.
        Cancelled: ``cancel`` was set.
    """
    cancel = cancel or CancelToken()
    out = output_path(out)
    silence_lightning()
    progress(Progress("Starting", 0.0))
    parent = parent_for(options.model_id, options.network)
    recipe, own = _recipe_of(options, parent)
    labelling = Labelling(options.rule, options.thesis_lungs, options.thesis_slices)
    labelled = read_training_data(
        options.slices,
        options.validate,
        with_lungs=recipe.needs_lungs,
        volumes=options.volumes,
        cancel=cancel,
        classes=recipe.classes,
    )
    if not any(item.has_lesion for item in labelled.validation):
        raise InputError("The validation slices show no lesion: name patients whose slices do.")
    cts, more_cts = _named_cts(options, labelled)
    learner = LevelLearner(
        recipe, labelled.validation, out, cancel, options.resume, options.device, own
    )
    stages = learner.first_layers()
    make_model_folder(out, options.resume)
    labelling_progress = sub_progress(progress, 0.0, _LABELLED)
    slices = _pseudo_labels(cts, recipe, out / PSEUDO_LABELS, labelling, labelling_progress, cancel)
    further = [
        item
        for ct, patient in more_cts
        for item in unlabelled_slices(ct, patient, cancel, labelling)
    ]
    learned = learn_recursively(
        learner,
        slices,
        labelled.validation,
        cancel,
        first_stages=stages,
        further=further,
        depth=options.depth,
        progress=sub_progress(progress, _LABELLED, _LEARNED),
    )
    for level in learned.levels:
        write_curves(out / f"level-{level.number}")
    write_levels(learned, out / LEVELS_CSV)
    progress(Progress("Scoring", _LEARNED))
    new = new_model(
        "self-learn",
        options,
        parent,
        fine_tuned=False,
        title=f"{parent.title}, self-learned from pseudo-labels",
        notes=[_how_it_learned(learned)],
    )
    exported = export_model(
        learned.network,
        learner.recipe_of(learned.settings),
        TrainingData(learned.slices, labelled.validation, labelled.outside),
        out,
        new,
        evaluate_held_out,
        selected_on_validation=len(learned.levels) > 1 or recipe.needs_validation,
    )
    progress(Progress("Done", 1.0))
    return SelfLearnedModel(exported.card, learned)


def _recipe_of(options: SelfLearnOptions, parent: Model) -> tuple[Recipe, frozenset[str]]:
    """The recipe of all levels, and the names of its values that the options set.

    Raises:
        ParameterError: A value cannot be set here, or the network does not find what pseudo-labels
            are.
    """
    settings = settings_of(options)
    own = frozenset(name for name, _ in settings)
    if "frozen" in own:
        raise ParameterError(
            "The levels freeze the network's first layers themselves: do not set frozen.",
            option="settings",
        )
    recipe = choose_recipe(parent.card, settings=settings)
    several = len(recipe.classes) > 1
    if recipe.task != "lesions" or (several and recipe.classes != CLASSES):
        raise ParameterError(
            f"Pseudo-labels are {' and '.join(CLASSES)}, which the network of {parent.id} does "
            "not find: choose another network."
        )
    if several and options.rule == "thesis":
        raise ParameterError(
            f"The thesis' rule labels ground glass alone, but the network of {parent.id} tells "
            f"{' and '.join(recipe.classes)} apart: choose drsegunet-ggo, or the rule density."
        )
    return recipe, own


def _named_cts(
    options: SelfLearnOptions, labelled: TrainingData
) -> tuple[list[tuple[Path, str]], list[tuple[Path, str]]]:
    """The CTs that get pseudo-labels and those that level 1 labels, with the patient of each.

    Raises:
        InputError: Two CTs show the same patient, or one a patient who is held out.
    """
    cts, more_cts = (
        [(ct.absolute(), patient_of_ct(ct.absolute())) for ct in given]
        for given in (options.cts, options.more_cts)
    )
    patients = [patient for _, patient in (*cts, *more_cts)]
    twice = [name for name, count in Counter(patients).items() if count > 1]
    if twice:
        raise InputError(
            f"Two of the CTs are called {twice[0]}: give their files or folders different "
            "names, as patients are called by them."
        )
    if both := set(patients) & labelled.held_out_patients:
        raise InputError(
            f"{min(both)} is among the CTs to learn from, and is held out: name each patient once."
        )
    return cts, more_cts


def _pseudo_labels(
    cts: list[tuple[Path, str]],
    recipe: Recipe,
    folder: Path,
    labelling: Labelling,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> list[LabelledImage]:
    folder.mkdir(exist_ok=True)
    slices = []
    for done, (ct, patient) in enumerate(cts):
        cancel.raise_if_cancelled()
        progress(Progress("Labelling the CTs", done / len(cts), patient))
        slices += pseudo_labelled_slices(
            ct, patient, folder / patient, recipe.classes, cancel, labelling
        )
    return slices


@dataclass(frozen=True)
class LevelLearner:
    """Trains levels with the trainer and its recipe, each in a folder ``level-1`` and so on.

    Learning rate and epochs are the level's, unless they are among the names in ``own``, which the
    user set in the recipe.
    """

    recipe: Recipe
    validation: Sequence[LabelledImage]
    out: Path
    cancel: CancelToken
    resume: bool = False
    device: str = "cpu"
    own: frozenset[str] = frozenset()

    @property
    def classes(self) -> Sequence[str]:
        return self.recipe.classes

    def recipe_of(self, settings: LevelSettings) -> Recipe:
        """The recipe of one level."""
        recipe = self.recipe
        of_level: dict[str, Any] = {"learning_rate": settings.learning_rate}
        if recipe.epochs is not None:
            of_level["epochs"] = settings.epochs
        mine = {name: value for name, value in of_level.items() if name not in self.own}
        return replace(recipe, frozen=settings.frozen or None, **mine)

    def first_layers(self) -> tuple[str, ...]:
        """Names of the network's first layers; raises ModelError if it cannot be built."""
        return first_layers(build_network(self.recipe.network, self.recipe.network_arguments))

    def parameters_of(self, stages: Sequence[str]) -> int:
        network = build_network(self.recipe.network, self.recipe.network_arguments)
        with frozen(network, stages) as parameters:
            return parameters

    def train(
        self,
        settings: LevelSettings,
        slices: Sequence[LabelledImage],
        start: nn.Module | None,
        progress: ProgressCallback,
    ) -> nn.Module:
        return fit(
            self.recipe_of(settings),
            slices,
            self.out / f"level-{settings.number}",
            self.cancel,
            validation=self.validation,
            start=start,
            resume=self.resume,
            device=self.device,
            progress=progress,
        )

    def predict(
        self, network: nn.Module, slices: Sequence[LabelledImage], lung_mask: bool
    ) -> Iterator[np.ndarray]:
        recipe, prepared = self.recipe, self.recipe.preprocessing
        predictor = Predictor(
            network,
            prepared,
            make_plan(Parameters(device=self.device, precision="float32"), False),
            model_id="level",
            class_channels=[recipe.channels.index(name) for name in recipe.classes],
            # Slices of unknown pixel size stay as they are.
            pixel_mm=(prepared.resample_mm, prepared.resample_mm),
        )
        for item in slices:
            self.cancel.raise_if_cancelled()
            unit = item.in_unit(prepared)
            lungs = item.known_lungs() if lung_mask or predictor.needs_lungs else None
            seen = None if lungs is None or not predictor.needs_lungs else lungs[None]
            probability = predictor.probabilities(unit[None], seen)
            labels = decide([probability], Parameters.threshold, Parameters.combination).labels[0]
            yield labels if lungs is None or not lung_mask else labels * (lungs > 0)


def _how_it_learned(learned: SelfLearned) -> str:
    dice = ", ".join(f"{level.dice:.4f}" for level in learned.levels)
    return (
        f"Level {learned.best} of {len(learned.levels)} of recursive self-learning (DRSegUNet "
        f"thesis, Sections 4.4.2 and 5.5); validation Dice level by level: {dice}."
    )
