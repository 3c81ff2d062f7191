"""What ``train`` does: one model, or one member for each fold of patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ..engine.data.splits import patients_in
from ..engine.data.training_data import TrainingData, read_training_data
from ..engine.errors import OutputError
from ..engine.evaluation.card_scores import evaluate_held_out
from ..engine.metrics.overlap import mean_and_sd
from ..engine.models.card import ModelCard
from ..engine.models.catalogue import Model, load_catalogue
from ..engine.models.weights import load_network
from ..engine.progress import CancelToken, ProgressCallback
from ..engine.training.cross_validation import CrossValidation, Member, cross_validate, folds_of
from ..engine.training.dask_folds import cross_validate_on_cluster
from ..engine.training.distributed import is_first_process
from ..engine.training.export import (
    Exported,
    Provenance,
    check_held_out,
    check_new_id,
    export_model,
)
from ..engine.training.recipes import make_recipe
from ..engine.training.trainer import silence_lightning, train
from ..engine.wording import score_text
from .csv_table import write_table
from .training_curves import write_curves

CROSS_VALIDATION_CSV = "cross-validation.csv"


@dataclass(frozen=True)
class TrainingJob:
    """What the command's options say.

    Attributes:
        model_id, title: Of the new model; its network's title by default.
        network: Id of the model whose network is trained.
        slices, volumes, clean_ct, clean_labels, clean_name: See :func:`read_training_data`.
        onward: Begin with the weights of ``network``.
        validation: Patients kept for validation; nobody where ``folds`` are asked for.
        folds: See :func:`~..engine.training.folds.make_folds`; None for one model.
        parallel, scheduler: Folds at a time on a local Dask cluster, or the address of a running
            one; one fold after another by default.
        out: Folder for all that is written.
        steps, device, devices, nodes, workers, resume: As for the trainer.
        provenance: What the card says about the weights.
    """

    model_id: str
    title: str | None
    network: str
    slices: list[Path]
    volumes: Path | None
    clean_ct: Path | None
    clean_labels: Path | None
    clean_name: str
    onward: bool
    validation: list[str]
    folds: str | None
    parallel: int
    scheduler: str | None
    out: Path
    steps: int | None
    device: str
    devices: int
    nodes: int
    workers: int
    resume: bool
    provenance: Provenance

    def run(self, report: ProgressCallback, cancel: CancelToken) -> list[str]:
        """Train, write everything, and give lines to tell the user."""
        silence_lightning()
        parent = parent_of(self.model_id, self.network)
        start = load_network(parent) if self.onward else None
        recipe = make_recipe(parent.card, self.steps, self.onward)
        data = read_training_data(
            self.slices,
            self.validation,
            self.clean_ct,
            self.clean_labels,
            self.clean_name,
            with_lungs=recipe.needs_lungs,
            volumes=self.volumes,
            cancel=cancel,
            classes=recipe.classes,
        )
        if self.onward:
            check_held_out(parent.card, patients_in([*data.validation, *data.outside]))
        folds = folds_of(recipe, data, self.folds) if self.folds else []
        if is_first_process(self.devices * self.nodes):
            make_model_folder(self.out, self.resume)

        def export(network: nn.Module, own: TrainingData, model_id: str) -> Exported:
            return export_model(
                network,
                recipe,
                own,
                self.out,
                model_id=model_id,
                title=self.title or parent.title,
                paper=parent.card.paper,
                provenance=self.provenance,
                evaluate=evaluate_held_out,
                selected_on_validation=self.folds is None and recipe.needs_validation,
                parent=parent.card if self.onward else None,
            )

        if folds:
            plan = CrossValidation(
                recipe,
                data,
                folds,
                self.out,
                self.model_id,
                export,
                resume=self.resume,
                device=self.device,
                workers=self.workers,
            )
            return self._cross_validate(plan, report, cancel)
        network = train(
            recipe,
            data.training,
            self.out,
            cancel,
            validation=data.validation,
            start=start,
            resume=self.resume,
            device=self.device,
            devices=self.devices,
            nodes=self.nodes,
            workers=self.workers,
            report=report,
        )
        write_curves(self.out)
        card = export(network, data, self.model_id).card
        return score_lines(card)

    def _cross_validate(
        self, plan: CrossValidation, report: ProgressCallback, cancel: CancelToken
    ) -> list[str]:
        found: Iterable[Member]
        if self.scheduler or self.parallel > 1:
            found = cross_validate_on_cluster(plan, self.scheduler, self.parallel, report, cancel)
        else:
            found = cross_validate(plan, report, cancel)
        members = []
        for member in found:
            write_curves(plan.folder_of(member.fold))
            members.append(member)
        members.sort(key=lambda member: member.fold)
        rows = list(_rows(members))
        # As the EAMC paper's Table 2: every patient's Dice by the member that never saw them.
        write_table(["model", "patient", "slices", "dice"], rows, self.out / CROSS_VALIDATION_CSV)
        lines = [f"Dice {score_text(dice)}  {who}" for _, who, _, dice in rows]
        return [*lines, "Ensemble: " + "+".join(member.model for member in members)]


def _rows(members: list[Member]) -> list[tuple[str | None, str, int | None, float | None]]:
    """Member, patient, slices and Dice of each held-out patient, then mean and sd."""
    rows: list[tuple[str | None, str, int | None, float | None]] = [
        (member.model, patient, scores.slices, scores.values["dice"])
        for member in members
        for patient, scores in member.patients.items()
    ]
    mean, sd = mean_and_sd([dice for *_, dice in rows])
    return [*rows, (None, "mean", None, mean), (None, "sd", None, sd)]


def score_lines(card: ModelCard) -> list[str]:
    """What a new model's card says of its scores, for people."""
    return [f"{s.metric} {s.value:.4f} on {s.data}; {s.protocol}" for s in card.scores]


def parent_of(model_id: str, network: str) -> Model:
    """The model whose network becomes the new model ``model_id``.

    Raises as :func:`~..engine.training.export.check_new_id` and ``Catalogue.get`` do.
    """
    catalogue = load_catalogue()
    parent = catalogue.get(network)
    check_new_id(model_id, parent, catalogue)
    return parent


def make_model_folder(out: Path, resume: bool) -> None:
    """Make the folder of a training; raises OutputError if it cannot be that."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        occupied = any(out.iterdir())
    except OSError as error:
        raise OutputError(f"The folder for the model cannot be made: {error.strerror}.") from error
    if occupied and not resume:
        raise OutputError(
            "The folder for the model is not empty: choose a new one, or --resume a training."
        )
