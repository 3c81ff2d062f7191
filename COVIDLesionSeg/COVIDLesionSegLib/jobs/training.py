"""A network learns from annotated slices and CTs: one model, or one for each fold of patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from torch import nn

from ..engine.data.training_data import TrainingData, read_training_data
from ..engine.errors import ParameterError
from ..engine.evaluation.card_scores import evaluate_held_out
from ..engine.evaluation.slice_classes import evaluate_slice_classes
from ..engine.files import output_path
from ..engine.models.card import SLICE_CLASSES, ModelCard
from ..engine.models.weights import load_network
from ..engine.progress import CancelToken, ProgressCallback, ignore_progress
from ..engine.training.cross_validation import (
    CrossValidation,
    Export,
    Member,
    cross_validate,
    folds_of,
)
from ..engine.training.dask_folds import cross_validate_on_cluster
from ..engine.training.distributed import is_first_process
from ..engine.training.export import Exported, export_model
from ..engine.training.members import Members
from ..engine.training.new_model import NewModel, check_held_out
from ..engine.training.recipe import Recipe
from ..engine.training.recipe_settings import choose_recipe
from ..engine.training.slice_classes import CLASSIFICATION
from ..engine.training.trainer import SEGMENTATION, fit, silence_lightning
from ..report.training import write_cross_validation, write_curves
from .options import TrainOptions
from .training_run import (
    Trained,
    encoder_of,
    make_model_folder,
    new_model,
    parent_for,
    settings_of,
)

CROSS_VALIDATION_CSV = "cross-validation.csv"


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
    data = _read_data(options, recipe, parent.card.outputs[-1] if classifies else "", cancel)
    if options.fine_tune:
        check_held_out(parent.card, data.held_out_patients)
    folds = folds_of(recipe, data, options.folds) if options.folds else []
    if is_first_process(options.devices * options.nodes):
        make_model_folder(out, options.resume)
    new = new_model("train", options, parent, fine_tuned=options.fine_tune, notes=notes)
    export = _export(options, recipe, new, out)
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
        return _cross_validate(plan, options, progress, cancel)
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
    return Trained(export(network, data, new.id, recipe).card)


def _read_data(
    options: TrainOptions, recipe: Recipe, infected_class: str, cancel: CancelToken
) -> TrainingData:
    return read_training_data(
        options.slices,
        options.validate,
        options.clean_ct,
        options.clean_labels,
        options.clean_name,
        with_lungs=recipe.needs_lungs,
        volumes=options.volumes,
        cancel=cancel,
        classes=recipe.classes,
        windowed=options.windowed_slices,
        infected_class=infected_class,
    )


def _export(options: TrainOptions, recipe: Recipe, new: NewModel, out: Path) -> Export:
    """What writes the new model, or that of a fold."""
    evaluate = evaluate_slice_classes if recipe.task == SLICE_CLASSES else evaluate_held_out

    def export(network: nn.Module, own: TrainingData, model_id: str, by: Recipe) -> Exported:
        return export_model(
            network,
            by,
            own,
            out,
            replace(new, id=model_id),
            evaluate,
            selected_on_validation=options.folds is None and recipe.needs_validation,
            calibrate=options.calibrate,
            eight_bit=options.eight_bit,
        )

    return export


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


def _cross_validate(
    plan: CrossValidation,
    options: TrainOptions,
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
    write_cross_validation(members, plan.folder / CROSS_VALIDATION_CSV)
    return Trained(None, tuple(members))
