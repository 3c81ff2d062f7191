"""Unsupervised enhancement: predict, choose, fine-tune, and compare with the model before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..engine.data.ct_table import read_labelled_volumes
from ..engine.data.labelled import LabelledData, evaluation_slice
from ..engine.data.training_data import TrainingData, read_training_data
from ..engine.errors import InputError
from ..engine.evaluation.card_scores import evaluate_held_out, score_patients
from ..engine.files import output_path
from ..engine.models.card import ModelCard
from ..engine.models.weights import load_network
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..engine.self_training.confidence import with_corrections
from ..engine.self_training.selection import measure_for
from ..engine.training.export import Exported, export_model
from ..engine.training.new_model import check_held_out
from ..engine.training.trainer import silence_lightning
from ..report.training import (
    BeforeAfter,
    before_and_after,
    write_before_after,
)
from .fine_tuning import (
    CANDIDATES_CSV,
    FineTuning,
    Predictions,
    fine_tuned_note,
    fine_tuning_recipe,
    load_single_class_parent,
    read_unlabelled,
)
from .options import EnhanceOptions
from .training_run import make_model_folder, new_model, parent_for

BEFORE_AFTER_CSV = "before-after.csv"
_READ, _CHOSEN, _TRAINED = 0.02, 0.3, 0.9
"""Fractions of the whole job at which these stages end."""


@dataclass(frozen=True)
class Enhanced:
    """What an enhancement gave.

    Attributes:
        card: Card of the new model.
        parent: Id of the model that was fine-tuned.
        chosen: Number of its own predictions that it learned from.
        corrected: Number of corrected slices that it learned from.
        patients: Dice of every held-out patient before and after.
    """

    card: ModelCard
    parent: str
    chosen: int
    corrected: int
    patients: tuple[BeforeAfter, ...]


def enhance(
    options: EnhanceOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Enhanced:
    """Fine-tune a model on its most confident predictions and on corrections (COVID-Rate).

    Of the unlabelled slices the most confident are chosen. Labelled ones keep what was learned,
    and held-out patients of them compare the model before and after.

    Args:
        options: What the model learns from.
        out: A new folder, or the folder of an enhancement to resume.
        progress: Called with progress.
        cancel: Set it to stop the job after a step; it can be resumed.

    Raises:
        CovidLesionSegError: One of its kinds.
        Cancelled: ``cancel`` was set.
    """
    cancel = cancel or CancelToken()
    return _Enhancement(options, output_path(out), progress, cancel).run()


class _Enhancement:
    """One run: its steps share what they need."""

    def __init__(
        self, options: EnhanceOptions, out: Path, progress: ProgressCallback, cancel: CancelToken
    ) -> None:
        self._options = options
        self._out = out
        self._progress = progress
        self._cancel = cancel
        parent = parent_for(options.model_id, options.model)
        self._parent = parent
        self._tuning = FineTuning(
            parent,
            load_single_class_parent(parent),
            fine_tuning_recipe(parent.card, options),
            out,
            options.resume,
            options.device,
            cancel,
        )

    def run(self) -> Enhanced:
        silence_lightning()
        options, parent, tuning = self._options, self._parent, self._tuning
        self._progress(Progress("Reading the data", 0.0))
        data, corrected = self._labelled()
        check_held_out(parent.card, data.held_out_patients)
        unlabelled = self._unlabelled(data.held_out_patients)
        measure = measure_for(parent.card, options.selection)
        minimum = options.min_confidence
        if minimum is None:
            minimum = measure.minimum
        make_model_folder(self._out, options.resume)
        predictions = Predictions([])
        if unlabelled is not None:
            predictions = tuning.confident_predictions(
                unlabelled,
                data.training,
                options.top_fraction,
                minimum,
                measure,
                sub_progress(self._progress, _READ, _CHOSEN),
            )
        chosen = predictions.slices
        if not chosen and not corrected:
            raise InputError(
                "No prediction was confident enough to learn from, and there are no corrections: "
                f"see {CANDIDATES_CSV}, then {predictions.what_to_change}, or correct some slices.",
                option="min_confidence",
            )
        weighted = [replace(item, weight=options.prediction_weight) for item in chosen]
        learned = replace(data, training=[*data.training, *weighted])
        exported = self._retrained(learned, self._note(len(chosen), corrected))
        evaluated = [evaluation_slice(item, tuning.recipe.task) for item in data.validation]
        before = score_patients(load_network(parent), parent.card, evaluated)
        rows = before_and_after(before, exported.patients)
        write_before_after(rows, self._out / BEFORE_AFTER_CSV)
        self._progress(Progress("Done", 1.0))
        return Enhanced(exported.card, parent.id, len(chosen), corrected, tuple(rows))

    def _labelled(self) -> tuple[TrainingData, int]:
        """All that people labelled, and how many slices of it they corrected."""
        options = self._options
        data = read_training_data(
            options.slices,
            options.validate,
            with_lungs=self._tuning.recipe.needs_lungs,
            volumes=options.volumes,
            cancel=self._cancel,
        )
        if options.corrections is None:
            return data, 0
        corrections = read_labelled_volumes(options.corrections, self._cancel)
        training = with_corrections(data.training, corrections, options.correction_weight)
        return replace(data, training=training), len(corrections)

    def _unlabelled(self, held_out: set[str]) -> LabelledData | None:
        path = self._options.unlabelled
        if path is None:
            return None
        data = read_unlabelled(path)
        if shared := held_out & set(data.samples_of):
            raise InputError(
                f"These patients are held out, so the model cannot learn from them: "
                f"{', '.join(sorted(shared))}; take them out of the unlabelled data."
            )
        return data

    def _retrained(self, data: TrainingData, note: str) -> Exported:
        options, parent, tuning = self._options, self._parent, self._tuning
        network = tuning.train(
            data.training, data.validation, sub_progress(self._progress, _CHOSEN, _TRAINED)
        )
        self._progress(Progress("Scoring", _TRAINED))
        new = new_model("enhance", options, parent, fine_tuned=True, notes=[note])
        return export_model(network, tuning.recipe, data, self._out, new, evaluate_held_out)

    def _note(self, chosen: int, corrected: int) -> str:
        options = self._options
        return fine_tuned_note(
            (
                chosen,
                f"most confident predictions of {self._parent.id} itself",
                options.prediction_weight,
            ),
            (corrected, "slices that people corrected", options.correction_weight),
        )
