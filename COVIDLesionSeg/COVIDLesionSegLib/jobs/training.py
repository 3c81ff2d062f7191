"""A network learns from annotated slices and CTs: one model, or one for each fold of patients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from ..engine.data.splits import patients_in
from ..engine.data.training_data import TrainingData, read_training_data
from ..engine.errors import OutputError, ParameterError
from ..engine.evaluation.card_scores import evaluate_held_out
from ..engine.evaluation.slice_classes import evaluate_slice_classes
from ..engine.files import output_path
from ..engine.models.card import SLICE_CLASSES, ModelCard, Weights
from ..engine.models.catalogue import Model, load_catalogue
from ..engine.models.weights import load_network
from ..engine.options import recorded_command
from ..engine.progress import CancelToken, ProgressCallback, ignore_progress
from ..engine.training.cross_validation import CrossValidation, Member, cross_validate, folds_of
from ..engine.training.dask_folds import cross_validate_on_cluster
from ..engine.training.distributed import is_first_process
from ..engine.training.encoder_weights import network_on_encoder, read_encoder_weights
from ..engine.training.export import (
    Exported,
    WeightsStatement,
    check_held_out,
    check_new_id,
    export_model,
)
from ..engine.training.members import Members
from ..engine.training.recipe import Recipe
from ..engine.training.recipe_settings import choose_recipe, parse_setting
from ..engine.training.slice_classes import CLASSIFICATION
from ..engine.training.trainer import SEGMENTATION, silence_lightning
from ..engine.training.trainer import fit as fit
from ..report.training import write_cross_validation, write_curves
from .options import (
    EnhanceOptions,
    RetrainOptions,
    SelfLearnOptions,
    TrainDetectorOptions,
    TrainOptions,
)

CROSS_VALIDATION_CSV = "cross-validation.csv"


@dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes:
        card: Of the new model, with its scores; None where folds were trained.
        members: One for each fold, with the scores of its held-out patients; else empty.
    """

    card: ModelCard | None
    members: tuple[Member, ...] = ()

    @property
    def model(self) -> str:
        """The new model's id, or those of all members, joined by ``+``."""
        return self.card.id if self.card else "+".join(member.model for member in self.members)


def train(
    options: TrainOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Trained:
    """Train a network; write card, weights, learning curve and checkpoints.

    Args:
        options: What it learns from, for how long, and on what.
        out: A new folder, or the folder of a training to resume.
        progress: Called with progress.
        cancel: Set it to stop the job after a step; it can be resumed.

    Raises:
        CovidLesionSegError: One of its kinds.
        Cancelled: ``cancel`` was set.
    """
    cancel = cancel or CancelToken()
    out = output_path(out)
    silence_lightning()
    parent = parent_for(options.model_id, options.network)
    start = load_network(parent) if options.fine_tune else None
    recipe = recipe_of(options, parent.card)
    on_encoder, notes = encoder_of(options.encoder_weights)
    if on_encoder is not None and not options.folds:  # each fold makes its own
        start = on_encoder(recipe)
    classifies = recipe.task == SLICE_CLASSES
    if classifies and (options.folds or options.calibrate or options.eight_bit):
        raise ParameterError(
            f"Model {options.network} tells the classes of slices, for which there are no folds, "
            "no calibration and no weights in 8 bits: name patients for validation instead."
        )
    data = read_training_data(
        list(options.slices),
        list(options.validate),
        options.clean_ct,
        options.clean_labels,
        options.clean_name,
        with_lungs=recipe.needs_lungs,
        volumes=options.volumes,
        cancel=cancel,
        classes=recipe.classes,
        windowed=list(options.windowed_slices),
        infected_class=parent.card.outputs[-1] if classifies else "",
    )
    if options.fine_tune:
        check_held_out(parent.card, patients_in([*data.validation, *data.outside]))
    folds = folds_of(recipe, data, options.folds) if options.folds else []
    if is_first_process(options.devices * options.nodes):
        make_model_folder(out, options.resume)

    def export(network: nn.Module, own: TrainingData, model_id: str, by: Recipe) -> Exported:
        return export_model(
            network,
            by,
            own,
            out,
            model_id=model_id,
            title=options.title or parent.title,
            paper=parent.card.paper,
            provenance=provenance_of("train", options),
            evaluate=evaluate_slice_classes if classifies else evaluate_held_out,
            selected_on_validation=options.folds is None and recipe.needs_validation,
            calibrate=options.calibrate,
            eight_bit=options.eight_bit,
            parent=parent.card if options.fine_tune else None,
            notes=notes,
        )

    if folds:
        plan = CrossValidation(
            recipe,
            data,
            folds,
            out,
            options.model_id,
            export,
            resume=options.resume,
            device=options.device,
            workers=options.workers,
            start=on_encoder,
        )
        return _cross_validate(plan, options, out, progress, cancel)
    network = fit(
        recipe,
        data.training,
        out,
        cancel,
        validation=data.validation,
        start=start,
        resume=options.resume,
        device=options.device,
        devices=options.devices,
        nodes=options.nodes,
        workers=options.workers,
        progress=progress,
        method=CLASSIFICATION if classifies else SEGMENTATION,
    )
    write_curves(out)
    return Trained(export(network, data, options.model_id, recipe).card)


def encoder_of(
    file: Path | None,
) -> tuple[Callable[[Recipe], nn.Module] | None, list[str]]:
    """What makes the network on the encoder of the user's file, and what the card says of it."""
    if file is None:
        return None, []
    weights, sha256 = read_encoder_weights(file)
    note = f"Its encoder started from the weights in a file with the SHA-256 {sha256}."
    return partial(network_on_encoder, weights=weights), [note]


def recipe_of(options: TrainOptions, card: ModelCard) -> Recipe:
    """The recipe that trains the network of ``card`` as the options say.

    Raises:
        ModelError: No recipe trains this network.
        ParameterError: A recipe or value is unknown, of the wrong kind, or out of range.
    """
    settings = settings_of(options)
    if options.learning_rate is not None:
        settings.append(("learning_rate", options.learning_rate))
    recipe = choose_recipe(
        card, fine_tune=options.fine_tune, recipe=options.recipe, settings=settings
    )
    if options.encoder_weights is not None:  # in the place of ImageNet's
        recipe = replace(recipe, start="random")
    return recipe if options.folds else replace(recipe, members=Members())


def settings_of(
    options: TrainOptions | EnhanceOptions | RetrainOptions | SelfLearnOptions,
) -> list[tuple[str, Any]]:
    """Names and values of the recipe that options set, their steps among them.

    Raises:
        ParameterError: One of them is no NAME=VALUE, or sets members without folds.
    """
    settings = [parse_setting(text) for text in options.settings]
    if options.steps is not None:
        settings.append(("steps", options.steps))
    folds = isinstance(options, TrainOptions) and options.folds
    if not folds and any(name.partition(".")[0] == "members" for name, _ in settings):
        raise ParameterError(
            "The recipe's members are those of a cross-validation: train with folds, or set no "
            "members.",
            option="settings",
        )
    return settings


def _cross_validate(
    plan: CrossValidation,
    options: TrainOptions,
    out: Path,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> Trained:
    found: Iterable[Member]
    if options.scheduler or options.parallel > 1:
        found = cross_validate_on_cluster(
            plan, options.scheduler, options.parallel, progress, cancel
        )
    else:
        found = cross_validate(plan, progress, cancel)
    members = []
    for member in found:
        write_curves(plan.folder_of(member.fold))
        members.append(member)
    members.sort(key=lambda member: member.fold)
    write_cross_validation(members, out / CROSS_VALIDATION_CSV)
    return Trained(None, tuple(members))


def parent_for(model_id: str, network: str) -> Model:
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
            "The folder for the model is not empty: choose a new one, or resume the training.",
            option="resume",
        )


def provenance_of(
    job: str,
    options: TrainOptions
    | TrainDetectorOptions
    | EnhanceOptions
    | SelfLearnOptions
    | RetrainOptions,
    inherited: Weights | None = None,
    date: str = "",
) -> WeightsStatement:
    """What a new model's card says about its weights.

    Args:
        job: Its command.
        options: Options of the job.
        inherited: Weights whose licence holds where the options state none.
        date: See :class:`~..engine.training.export.WeightsStatement`.
    """
    command = f"{recorded_command(f'covid-lesion-seg {job}', options)} --out OUT"
    licence = options.licence or (inherited.licence if inherited else "")
    note = options.licence_note or (inherited.licence_note if inherited else "")
    return WeightsStatement(licence, note, command, date)
