"""Steps that the jobs which fine-tune a model share: predict, choose, train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from ..engine.data.ct_table import VolumeData
from ..engine.data.labelled import LabelledData, LabelledImage, fingerprint_of_slices
from ..engine.data.slice_folder import SliceData
from ..engine.errors import InputError, ModelError, ParameterError
from ..engine.evaluation.evaluated_model import EvaluatedModel
from ..engine.models.card import ModelCard
from ..engine.models.catalogue import Model
from ..engine.models.weights import load_network
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, ProgressCallback
from ..engine.self_training.confidence import (
    choose_predictions,
    read_selection,
    write_selection,
)
from ..engine.self_training.selection import THE_PAPERS, ConfidenceMeasure, what_to_change
from ..engine.training.recipe import Recipe
from ..engine.training.recipe_settings import choose_recipe
from ..engine.training.trainer import fit
from ..engine.volume import Volume
from ..report.training import write_candidates, write_curves
from .options import EnhanceOptions, RetrainOptions
from .training_run import settings_of

CANDIDATES_CSV = "candidates.csv"
SELECTION_FILE = "selection.npz"


@dataclass(frozen=True)
class Predictions:
    """Confident predictions.

    Attributes:
        slices: The most confident first.
        what_to_change: Where there are none: what to do about it, as the end of a sentence.
    """

    slices: list[LabelledImage]
    what_to_change: str = "lower the minimum confidence"


@dataclass(frozen=True)
class FineTuning:
    """A training that starts with the weights of a model.

    Attributes:
        parent: The model.
        network: Its network.
        recipe: What trains it.
        folder: Folder of the training; it exists.
        resume: Go on where an earlier run in the folder was stopped.
        device: As for :func:`~..engine.training.trainer.fit`.
        cancel: Set to stop after a step.
    """

    parent: Model
    network: nn.Module
    recipe: Recipe
    folder: Path
    resume: bool
    device: str
    cancel: CancelToken

    def confident_predictions(
        self,
        unlabelled: LabelledData,
        labelled: Sequence[LabelledImage],
        fraction: float,
        minimum: float,
        measure: ConfidenceMeasure,
        progress: ProgressCallback,
    ) -> Predictions:
        """The parent's most confident predictions, written down; or those of an earlier run.

        Args:
            unlabelled: CTs or slices, whose masks are not read.
            labelled: Slices that are no candidates.
            fraction, minimum: As for :func:`~..engine.self_training.confidence.most_confident`.
            measure: Measure of confidence.
            progress: Called with progress from 0 to 1.
        """
        path = self.folder / SELECTION_FILE
        chosen_by = {
            "model": self.parent.card.trained_weights.sha256,
            "share": fraction,
            "least": minimum,
            "unlabelled": unlabelled.samples_of,
            "marked": fingerprint_of_slices(replace(item, weight=1.0) for item in labelled),
        }
        if measure is not THE_PAPERS:
            chosen_by["measure"] = measure.name
        if path.exists():
            return Predictions(read_selection(chosen_by, path))
        parameters = Parameters(model=self.parent.id, device=self.device, precision="float32")
        enhancement = choose_predictions(
            unlabelled,
            EvaluatedModel([(self.parent.card, self.network)], parameters),
            labelled,
            fraction,
            minimum,
            measure,
            progress,
            self.cancel,
        )
        write_candidates(enhancement.candidates, measure.name, self.folder / CANDIDATES_CSV)
        write_selection(enhancement.slices, chosen_by, path)
        confidences = [candidate.confidence for candidate in enhancement.candidates]
        return Predictions(
            list(enhancement.slices), what_to_change(confidences, fraction, minimum, measure)
        )

    def train(
        self,
        training: Sequence[LabelledImage],
        validation: Sequence[LabelledImage],
        progress: ProgressCallback,
    ) -> nn.Module:
        """Train, with the learning curve as table and picture in the folder."""
        network = fit(
            self.recipe,
            training,
            self.folder,
            self.cancel,
            validation=validation,
            start=self.network,
            resume=self.resume,
            device=self.device,
            progress=progress,
        )
        write_curves(self.folder)
        return network


def fine_tuning_recipe(
    card: ModelCard,
    options: EnhanceOptions | RetrainOptions,
    **own: Any,
) -> Recipe:
    """The recipe that goes on from the weights of ``card``, with what the user sets.

    Args:
        card: Card of the model.
        options: Say what is set.
        own: Values of the job, where the user sets none.

    Raises:
        ModelError: No recipe trains this network.
        ParameterError: A value is unknown, of the wrong kind, or out of range; or would select
            weights on the patients that compare the model before and after.
    """
    settings = settings_of(options)
    named = {name for name, _ in settings}
    settings += [(name, value) for name, value in own.items() if name not in named]
    recipe = choose_recipe(card, fine_tune=True, settings=settings)
    if recipe.needs_validation:
        raise ParameterError(
            "The held-out patients compare the model before and after, so nothing may be selected "
            "on them: do not set keep, early_stop or plateau.",
            option="settings",
        )
    return recipe


def fine_tuned_note(*learned: tuple[int, str, float]) -> str:
    """What the card of a fine-tuned model says it learned from.

    Args:
        learned: Number of slices, whose they are, and how many times each counted.
    """
    parts = [
        f"{count} {whose}, each counted {weight:g} times"
        for count, whose, weight in learned
        if count
    ]
    return f"Fine-tuned on {', and '.join(parts)}."


def read_unlabelled(
    path: Path,
    leave_out: Callable[[str], bool] | None = None,
    skip: Callable[[Path, Volume], bool] | None = None,
) -> LabelledData:
    """A slice folder, or a CSV file of CTs, whose masks are not read.

    Args:
        path: Folder or file.
        leave_out: Says of the name of a patient whether none of its images is read.
        skip: Of a CSV file: says of the path and the content of a CT whether it is not read.

    Raises:
        InputError: It does not exist, or cannot be understood.
    """
    if path.is_dir():
        data: LabelledData = SliceData(path)
    elif path.is_file():
        data = VolumeData(path, Parameters(), labelled=False, skip=skip)
    else:
        raise InputError(f"{path.name} does not exist; check the path.")
    if leave_out is not None:
        for patient in [name for name in data.samples_of if leave_out(name)]:
            del data.samples_of[patient]
    return data


def load_single_class_parent(parent: Model) -> nn.Module:
    """The network of a model whose confidence is defined.

    Raises:
        ModelError: It finds something else than lesions of one class, or has no trained weights.
    """
    if parent.card.task != "lesions" or len(parent.card.classes) > 1:
        raise ModelError(
            f"Model {parent.id} finds {', '.join(parent.card.classes)}, but confidence is defined "
            "for single-class lesion models only: choose one."
        )
    return load_network(parent)
