"""What ``enhance`` does: answer, choose, retrain, and compare with the model as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from ..engine.data.ct_table import VolumeData, read_labelled_volumes
from ..engine.data.labelled import LabelledData, LabelledImage, fingerprint
from ..engine.data.slice_folder import SliceData
from ..engine.data.splits import patients_in
from ..engine.data.training_data import TrainingData, read_training_data
from ..engine.errors import InputError, ModelError
from ..engine.evaluation.card_scores import evaluate_held_out, score_patients
from ..engine.evaluation.evaluated_model import EvaluatedModel
from ..engine.models.catalogue import Model
from ..engine.models.weights import load_network
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, share_of
from ..engine.self_training.confidence import enhance
from ..engine.self_training.corrections import with_corrections
from ..engine.self_training.selection_file import read_selection, write_selection
from ..engine.training.export import Exported, Provenance, check_held_out, export_model
from ..engine.training.recipe import Recipe
from ..engine.training.recipes import make_recipe
from ..engine.training.targets import evaluation_slice
from ..engine.training.trainer import silence_lightning, train
from .enhancement_tables import (
    before_after_lines,
    before_and_after,
    write_before_after,
    write_candidates,
)
from .training_curves import write_curves
from .training_job import make_model_folder, parent_of

CANDIDATES_CSV = "candidates.csv"
BEFORE_AFTER_CSV = "before-after.csv"
SELECTION_FILE = "selection.npz"
_READ, _CHOSEN, _TRAINED = 0.02, 0.3, 0.9
"""Shares of the whole job at which these stages end."""


@dataclass(frozen=True)
class EnhancementJob:
    """What the command's options say.

    Attributes:
        model_id, title: Of the new model; its parent's title by default.
        model: Id of the parent, whose answers are learned from and whose training goes on.
        unlabelled: CSV file of CTs, or slice folder, that the parent answers; None for none.
        corrections: CSV file of CTs and corrected masks; None for none.
        share, least: Which answers are chosen, see :func:`~..engine.enhancement.enhance.enhance`.
        slices, volumes: Labelled data to rehearse with, see :func:`read_training_data`.
        validation: Patients of these, who judge the model before and after.
        prediction_weight, correction_weight: Of a chosen answer, and of a corrected slice.
        out: Folder for all that is written.
        steps, device, resume: As for the trainer.
        provenance: What the card says about the weights.
    """

    model_id: str
    title: str | None
    model: str
    unlabelled: Path | None
    corrections: Path | None
    share: float
    least: float
    slices: list[Path]
    volumes: Path | None
    validation: list[str]
    prediction_weight: float
    correction_weight: float
    out: Path
    steps: int | None
    device: str
    resume: bool
    provenance: Provenance

    def run(self, report: ProgressCallback, cancel: CancelToken) -> list[str]:
        """Choose, train, write everything, and give lines to tell the user."""
        silence_lightning()
        parent = parent_of(self.model_id, self.model)
        _check_finds_lesions(parent)
        start = load_network(parent)
        recipe = make_recipe(parent.card, self.steps, fine_tune=True)
        report(Progress("Reading the data", 0.0))
        data, corrected = self._marked(recipe, cancel)
        judges = patients_in([*data.validation, *data.outside])
        check_held_out(parent.card, judges)
        unlabelled = self._unlabelled(judges)
        make_model_folder(self.out, self.resume)

        chosen: list[LabelledImage] = []
        if unlabelled is not None:
            part = share_of(report, _READ, _CHOSEN)
            chosen = self._chosen(parent, start, unlabelled, data.training, part, cancel)
        if not chosen and not corrected:
            raise InputError(
                "No answer was certain enough to learn from, and there are no corrections: see the "
                f"certainties in {CANDIDATES_CSV}, then lower --least-certainty, or correct some "
                "slices and give them as --corrections."
            )
        weighted = [replace(item, weight=self.prediction_weight) for item in chosen]
        learned = replace(data, training=[*data.training, *weighted])
        exported = self._retrained(
            parent, start, recipe, learned, self._note(len(chosen), corrected), report, cancel
        )
        judged = [evaluation_slice(item, recipe) for item in data.validation]
        before = score_patients(load_network(parent), parent.card, judged)
        rows = before_and_after(before, exported.patients)
        write_before_after(rows, self.out / BEFORE_AFTER_CSV)
        report(Progress("Done", 1.0))
        return [
            f"Learned from {len(chosen)} answers of its own and {corrected} corrected slices",
            *before_after_lines(rows, parent.id),
        ]

    def _marked(self, recipe: Recipe, cancel: CancelToken) -> tuple[TrainingData, int]:
        """All that people marked, and how many slices of it they corrected."""
        data = read_training_data(
            self.slices,
            self.validation,
            with_lungs=recipe.needs_lungs,
            volumes=self.volumes,
            cancel=cancel,
        )
        if self.corrections is None:
            return data, 0
        corrections = read_labelled_volumes(self.corrections, cancel)
        training = with_corrections(data.training, corrections, self.correction_weight)
        return replace(data, training=training), len(corrections)

    def _unlabelled(self, judges: set[str]) -> LabelledData | None:
        path = self.unlabelled
        if path is None:
            return None
        if path.is_dir():
            data: LabelledData = SliceData(path)
        elif path.is_file():
            data = VolumeData(path, Parameters(), labelled=False)
        else:
            raise InputError(f"{path.name} does not exist; check the path.")
        if shared := judges & set(data.samples_of):
            raise InputError(
                f"These patients judge the model, so it cannot learn from them: "
                f"{', '.join(sorted(shared))}; take them out of the unlabelled data."
            )
        return data

    def _chosen(
        self,
        parent: Model,
        network: nn.Module,
        unlabelled: LabelledData,
        marked: list[LabelledImage],
        report: ProgressCallback,
        cancel: CancelToken,
    ) -> list[LabelledImage]:
        """The parent's most certain answers, written down; or those written down earlier."""
        path = self.out / SELECTION_FILE
        chosen_by = {
            "model": parent.card.weights.sha256,
            "share": self.share,
            "least": self.least,
            "unlabelled": unlabelled.samples_of,
            "marked": fingerprint(replace(item, weight=1.0) for item in marked),
        }
        if path.exists():
            return read_selection(chosen_by, path)
        parameters = Parameters(model=parent.id, device=self.device, precision="float32")
        contender = EvaluatedModel([(parent.card, network)], parameters)
        enhancement = enhance(unlabelled, contender, marked, self.share, self.least, report, cancel)
        write_candidates(enhancement.candidates, self.out / CANDIDATES_CSV)
        write_selection(enhancement.slices, chosen_by, path)
        return list(enhancement.slices)

    def _retrained(
        self,
        parent: Model,
        start: nn.Module,
        recipe: Recipe,
        data: TrainingData,
        note: str,
        report: ProgressCallback,
        cancel: CancelToken,
    ) -> Exported:
        network = train(
            recipe,
            data.training,
            self.out,
            cancel,
            validation=data.validation,
            start=start,
            resume=self.resume,
            device=self.device,
            report=share_of(report, _CHOSEN, _TRAINED),
        )
        report(Progress("Scoring", _TRAINED))
        write_curves(self.out)
        return export_model(
            network,
            recipe,
            data,
            self.out,
            model_id=self.model_id,
            title=self.title or parent.title,
            paper=parent.card.paper,
            provenance=self.provenance,
            evaluate=evaluate_held_out,
            parent=parent.card,
            notes=[note],
        )

    def _note(self, chosen: int, corrected: int) -> str:
        parts = [
            f"{count} {whose}, each counted {weight:g} times"
            for count, whose, weight in (
                (chosen, f"most certain answers of {self.model} itself", self.prediction_weight),
                (corrected, "slices that people corrected", self.correction_weight),
            )
            if count
        ]
        return f"Training went on with {', and '.join(parts)}."


def _check_finds_lesions(parent: Model) -> None:
    if parent.card.task != "lesions" or len(parent.card.classes) > 1:
        raise ModelError(
            f"Model {parent.id} finds {', '.join(parent.card.classes)}, but how certain a model is "
            "was defined for lesions of a single class: choose a model of those."
        )
