"""Recursive self-learning: CTs without masks in, the model of the best level out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ..engine.enhancement.self_learning import SelfLearned, learn_recursively
from ..engine.errors import InputError, ParameterError
from ..engine.evaluation.volume_data import patient_of_ct
from ..engine.labels import CLASSES
from ..engine.models.card import ModelCard
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..engine.pseudo_labels.pseudo_slices import pseudo_labelled_slices
from ..engine.training.data import TrainingData, patients_of, read_training_data
from ..engine.training.export import export_model
from ..engine.training.recipe import Recipe
from ..engine.training.recipes import make_recipe
from ..engine.training.slices import LabelledSlice
from ..engine.training.trainer import quieten_lightning
from ..report.training import write_curves, write_levels
from .options import SelfLearnOptions
from .training import make_model_folder, parent_of, provenance_of

PSEUDO_LABELS = "pseudo-labels"
LEVELS_CSV = "levels.csv"

_LABELLED, _LEARNED = 0.1, 0.97
"""Fractions of the whole job at which these stages end."""


@dataclass(frozen=True)
class SelfLearnedModel:
    """What self-learning gave.

    Attributes:
        card: Of the new model, with its scores.
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
    out = Path(out).expanduser().resolve()
    quieten_lightning()
    progress(Progress("Starting", 0.0))
    parent = parent_of(options.model_id, options.network)
    recipe = make_recipe(parent.card, options.steps)
    several = len(recipe.classes) > 1
    if recipe.task != "lesions" or (several and recipe.classes != CLASSES):
        raise ParameterError(
            f"Pseudo-labels are {' and '.join(CLASSES)}, which the network of {parent.id} does "
            "not find: choose another network."
        )
    labelled = read_training_data(
        list(options.slices),
        list(options.validate),
        with_lungs=recipe.needs_lungs,
        volumes=options.volumes,
        cancel=cancel,
        classes=recipe.classes,
    )
    cts = [ct.absolute() for ct in options.cts]
    patients = _patients(cts, labelled)
    make_model_folder(out, options.resume)
    labelling = sub_progress(progress, 0.0, _LABELLED)
    slices = _pseudo_labels(cts, patients, recipe, out / PSEUDO_LABELS, labelling, cancel)
    learned = learn_recursively(
        recipe,
        slices,
        labelled.validation,
        out,
        cancel,
        depth=options.depth,
        resume=options.resume,
        device=options.device,
        report=sub_progress(progress, _LABELLED, _LEARNED),
    )
    for level in learned.levels:
        write_curves(out / f"level-{level.number}")
    write_levels(learned, out / LEVELS_CSV)
    progress(Progress("Scoring", _LEARNED))
    card = export_model(
        learned.network,
        learned.recipe,
        TrainingData(learned.slices, labelled.validation, labelled.outside),
        out,
        model_id=options.model_id,
        title=options.title or f"{parent.title}, self-learned from pseudo-labels",
        paper=parent.card.paper,
        provenance=provenance_of("self-learn", options),
        decided=len(learned.levels) > 1 or recipe.needs_validation,
        notes=[_how_it_learned(learned)],
    ).card
    progress(Progress("Done", 1.0))
    return SelfLearnedModel(card, learned)


def _patients(cts: list[Path], labelled: TrainingData) -> list[str]:
    """Whom the CTs show; nobody twice, and nobody who is held out."""
    patients = [patient_of_ct(ct) for ct in cts]
    twice = [name for name, count in Counter(patients).items() if count > 1]
    if twice:
        raise InputError(
            f"Two of the CTs are called {twice[0]}: give their files or folders different "
            "names, as patients are called by them."
        )
    if both := set(patients) & patients_of([*labelled.validation, *labelled.outside]):
        raise InputError(
            f"{min(both)} is among the CTs to learn from, and is held out: name each patient once."
        )
    return patients


def _pseudo_labels(
    cts: list[Path],
    patients: list[str],
    recipe: Recipe,
    folder: Path,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> list[LabelledSlice]:
    folder.mkdir(exist_ok=True)
    slices = []
    for done, (ct, patient) in enumerate(zip(cts, patients, strict=True)):
        cancel.raise_if_cancelled()
        progress(Progress("Labelling the CTs", done / len(patients), patient))
        slices += pseudo_labelled_slices(ct, patient, folder / patient, recipe.classes, cancel)
    return slices


def _how_it_learned(learned: SelfLearned) -> str:
    dice = ", ".join(f"{level.dice:.4f}" for level in learned.levels)
    return (
        f"Level {learned.best} of {len(learned.levels)} of recursive self-learning (DRSegUNet "
        f"thesis, Sections 4.4.2 and 5.5); validation Dice level by level: {dice}."
    )
