"""The job of ``covid-lesion-seg evaluate``: labelled data in, a folder of scores out."""

from __future__ import annotations

from pathlib import Path

from ..engine.data.ct_table import VolumeData
from ..engine.data.labelled import LabelledData
from ..engine.data.slice_folder import SliceData
from ..engine.errors import InputError, OutputError
from ..engine.evaluation.card_scores import check_card_is_the_users, with_scores
from ..engine.evaluation.evaluated_model import load_evaluated_models
from ..engine.evaluation.run import Evaluation, evaluate
from ..engine.inference.cpu import tune_allocator
from ..engine.models.card_file import write_card
from ..engine.models.catalogue import Catalogue, Model, load_catalogue
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, share_of
from .evaluation_html import write_evaluation_html
from .evaluation_tables import write_evaluation_json, write_scores_csv
from .output_folder import output_folder
from .result_names import EVALUATION_HTML, EVALUATION_JSON, EVALUATION_RESULT, SCORES_CSV

_SCORING, _WRITING = 0.02, 0.97
"""Shares of the whole job at which these stages start."""


def run_evaluation(
    path: Path,
    patients: list[str] | None,
    models: list[str],
    parameters: Parameters,
    folder: Path,
    report: ProgressCallback,
    cancel: CancelToken,
    *,
    lung_mask: bool | None = None,
    held_out: bool = False,
    write_cards: bool = False,
) -> Evaluation:
    """Score models on labelled data and publish the scores, complete or not at all.

    Args:
        path: A slice folder, or a CSV file of CTs.
        patients: Only these; all where None.
        models: Ids; a ``+`` joins those of an ensemble.
        parameters: What else decides the answers.
        folder: Where the scores shall appear.
        report: Told at every step.
        cancel: Looked at between steps.
        lung_mask: Count only lesions within the lungs; None leaves it to the kind of data.
        held_out: Let only those members of an ensemble answer a patient that never learned from
            them.
        write_cards: Write the scores onto the models' cards, too; they must be the user's own.

    Raises:
        CovidLesionSegError: In one sentence, what is wrong; ``folder`` and cards are as they were,
            unless it is a card itself that cannot be written.
        Cancelled: ``cancel`` was set; ``folder`` and cards are as they were.
    """
    report(Progress("Starting", 0.0))
    path = path.expanduser()
    with output_folder(folder, (path,), EVALUATION_RESULT) as staging:
        tune_allocator()
        catalogue = load_catalogue()
        own = _own_models(models, catalogue) if write_cards else []
        data = _read(path, parameters, patients)
        report(Progress("Loading the models", 0.01))
        contenders = load_evaluated_models(models, parameters, catalogue, cancel, held_out)
        evaluation = evaluate(
            data, contenders, lung_mask, share_of(report, _SCORING, _WRITING), cancel
        )
        report(Progress("Writing the scores", _WRITING))
        write_scores_csv(evaluation, staging / SCORES_CSV)
        write_evaluation_json(evaluation, staging / EVALUATION_JSON)
        write_evaluation_html(evaluation, staging / EVALUATION_HTML)
        cancel.raise_if_cancelled()
    # Without cards to write, ``own`` is empty.
    for model, scores in zip(own, evaluation.models, strict=False):
        write_card(with_scores(model.card, scores), model.folder)
    report(Progress("Done", 1.0))
    return evaluation


def _read(path: Path, parameters: Parameters, patients: list[str] | None) -> LabelledData:
    if path.is_dir():
        return SliceData(path, patients)
    if path.is_file():
        return VolumeData(path, parameters, patients)
    raise InputError(f"{path.name} does not exist; check the path.")


def _own_models(names: list[str], catalogue: Catalogue) -> list[Model]:
    """The models whose cards are written."""
    if ensembles := [name for name in names if "+" in name]:
        raise OutputError(f"{ensembles[0]} is an ensemble, which has no card to write scores onto.")
    models = [catalogue.get(name) for name in names]
    for model in models:
        check_card_is_the_users(model)
    return models
