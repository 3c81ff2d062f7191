"""Models against experts: labelled data in, a folder of scores out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..engine.data.ct_table import VolumeData
from ..engine.data.labelled import LabelledData
from ..engine.data.slice_folder import SliceData
from ..engine.errors import InputError, OutputError
from ..engine.evaluation.card_scores import check_card_is_the_users, with_scores
from ..engine.evaluation.evaluated_model import load_evaluated_models
from ..engine.evaluation.of_lungs import LungData, find_lungs_of_data
from ..engine.evaluation.run import Evaluation
from ..engine.evaluation.run import evaluate_models as run_evaluation
from ..engine.inference.allocator import tune_allocator
from ..engine.labels import LESION
from ..engine.models.card_json import write_card
from ..engine.models.catalogue import Catalogue, Model, load_catalogue
from ..engine.parameters import DEFAULT_MODEL, Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..report.decisions import write_model_decisions_csv
from ..report.evaluation import (
    write_classes_csv,
    write_evaluation_html,
    write_evaluation_json,
    write_scores_csv,
)
from ..report.evaluation_slices import (
    write_groups_csv,
    write_limits_csv,
    write_slices_csv,
    write_thresholds_csv,
)
from ..report.result_files import (
    CLASSES_CSV,
    DECISIONS_CSV,
    EVALUATION_HTML,
    EVALUATION_JSON,
    EVALUATION_RESULT,
    GROUPS_CSV,
    LIMITS_CSV,
    SCORES_CSV,
    SLICES_CSV,
    THRESHOLDS_CSV,
)
from .options import EvaluateOptions
from .result_folder import result_folder

_SCORING, _WRITING = 0.02, 0.97
"""Fractions of the whole job at which these stages start."""


def evaluate(
    options: EvaluateOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Evaluation:
    """Score models on slices or CTs that an expert annotated, side by side.

    Args:
        options: The labelled data and the models.
        out: Result folder: absent, empty, or an earlier evaluation, which is replaced.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Raises:
        CovidLesionSegError: One of its kinds; ``out`` and cards are as they were, unless it is a
            card itself that cannot be written.
        Cancelled: ``cancel`` was set; ``out`` and cards are as they were.
    """
    return evaluate_from(load_catalogue(), options, out, progress, cancel or CancelToken())


def evaluate_from(
    catalogue: Catalogue,
    options: EvaluateOptions,
    out: Path,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> Evaluation:
    """As :func:`evaluate`, with the models of this catalogue."""
    progress(Progress("Starting", 0.0))
    with result_folder(out, (options.data,), EVALUATION_RESULT) as staging:
        tune_allocator()
        models = list(options.models) or [DEFAULT_MODEL]
        of_lungs = find_lungs_of_data(models, options.parameters, catalogue)
        for name in () if of_lungs else models:
            catalogue.members(replace(options.parameters, model=name).members)
        own = _own_models(models, catalogue) if options.write_card else []
        data: LabelledData
        if of_lungs:
            data = LungData(_read(options, (LESION,)))
        else:
            data = _read(options, _classes(models, options.parameters, catalogue))
        progress(Progress("Loading the models", 0.01))
        evaluated = load_evaluated_models(
            models, options.parameters, catalogue, cancel, options.held_out, of_lungs
        )
        evaluation = run_evaluation(
            data, evaluated, options.lung_mask, sub_progress(progress, _SCORING, _WRITING), cancel
        )
        progress(Progress("Writing the scores", _WRITING))
        write_scores_csv(evaluation, staging / SCORES_CSV)
        write_slices_csv(evaluation, staging / SLICES_CSV)
        write_groups_csv(evaluation, staging / GROUPS_CSV)
        write_limits_csv(evaluation, staging / LIMITS_CSV)
        write_thresholds_csv(evaluation, staging / THRESHOLDS_CSV)
        write_model_decisions_csv(evaluation, staging / DECISIONS_CSV)
        write_classes_csv(evaluation, staging / CLASSES_CSV)
        write_evaluation_json(evaluation, staging / EVALUATION_JSON)
        write_evaluation_html(evaluation, staging / EVALUATION_HTML)
        cancel.raise_if_cancelled()
    # Without cards to write, ``own`` is empty.
    for model, scores in zip(own, evaluation.models, strict=False):
        write_card(with_scores(model.card, scores), model.folder)
    progress(Progress("Done", 1.0))
    return evaluation


def _classes(names: list[str], parameters: Parameters, catalogue: Catalogue) -> tuple[str, ...]:
    """The classes that masks are read with.

    Those of the first model that has several; one class of several where all models find it alone.
    """
    found = [
        catalogue.members(replace(parameters, model=name).members)[0].card.classes for name in names
    ]
    for classes in found:
        if len(classes) > 1:
            return classes
    return found[0] if len(set(found)) == 1 else (LESION,)


def _read(options: EvaluateOptions, classes: tuple[str, ...]) -> LabelledData:
    path, patients = options.data, list(options.patients) or None
    if path.is_dir():
        return SliceData(path, patients, classes)
    if path.is_file():
        return VolumeData(path, options.parameters, patients, classes)
    raise InputError(f"{path.name} does not exist; check the path.")


def _own_models(names: list[str], catalogue: Catalogue) -> list[Model]:
    """The models whose cards are written."""
    if ensembles := [name for name in names if "+" in name]:
        raise OutputError(f"{ensembles[0]} is an ensemble, which has no card to write scores onto.")
    models = [catalogue.get(name) for name in names]
    for model in models:
        check_card_is_the_users(model)
    return models
