"""A comparison of a paper, trained and scored row by row, and its table beside ours."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..engine.data.ct_table import files_of_table
from ..engine.data.slice_folder import files_of_folder
from ..engine.data.slice_index import INDEX_CSV
from ..engine.errors import InputError, OutputError, ParameterError
from ..engine.evaluation.run import Evaluation
from ..engine.files import output_path, sha256_of
from ..engine.models.catalogue import Catalogue, load_catalogue, read_models
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..engine.studies import Study, StudyRow, read_study
from ..engine.studies.results import (
    FoldResult,
    RowResult,
    StudyResult,
    read_row,
    scores_of,
    write_row,
)
from ..engine.training.recipe import Recipe
from ..engine.training.recipe_settings import parse_setting
from ..engine.training.run_folder import trained_length
from ..report.result_files import ROW_FOLDER
from ..report.study import STUDY_FILES, write_study
from .evaluation import evaluate_from
from .growing_folder import growing_folder
from .options import EvaluateOptions, StudyOptions, TrainOptions
from .training import recipe_of, train
from .training_run import Trained

_FILES = "files_sha256"
_TRAINED = 0.9
"""Fraction of a row at which its training ends."""
_LICENCE = "LicenseRef-not-stated"
_LICENCE_NOTE = "Trained to be compared within a study, whose data have licences of their own."
_SAME_MEMBERS = {"seeds": True, "learning_rate": None, "dropout": None}
"""Folds of a study differ in seed and patients alone, so that each row has the same folds."""
_SELECTED = (
    "The weights, or the length of the training, were selected on the patients that were scored, "
    "so the scores are optimistic: name folds instead."
)


def study(
    options: StudyOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> StudyResult:
    """Train and score each row of a paper's table, and write the table beside ours.

    Every row has the same patients, folds and seeds. ``rows/ROW`` holds its training as
    :func:`~.training.train` writes it, and its scores as :func:`~.evaluation.evaluate` does;
    ``study.csv``, ``study.html`` and ``study.json`` are written anew after each row. Run it again
    to go on after it was stopped: rows that are done are left alone, and a training goes on where
    it was.

    Args:
        options: The study, the data, and for how long each row is trained.
        out: Folder of the study; absent, empty, or that of an earlier run.
        progress: Called with progress.
        cancel: Set it to stop the job; what is finished stays.

    Raises:
        CovidLesionSegError: One of its kinds; a folder of another study, or of the same with
            another length or other patients, is refused.
        Cancelled: ``cancel`` was set.
    """
    cancel = cancel or CancelToken()
    out = output_path(out)
    progress(Progress("Starting", 0.0))
    wanted = read_study(options.study)
    if options.network is not None:
        wanted = wanted.with_network(options.network)
    rows = [wanted.row(name) for name in options.rows] or [
        row for row in wanted.rows if not row.not_run
    ]
    catalogue = load_catalogue()
    # What does not fit shall be said before the first row is trained.
    data = _fingerprints(options.data)
    plans = {
        row.id: _Plan(row, wanted, options, catalogue, data) for row in wanted.rows if row.network
    }
    results: dict[str, RowResult] = {}
    with growing_folder(out, (options.data,), (ROW_FOLDER,), STUDY_FILES):
        for name, plan in plans.items():
            if (found := read_row(out / ROW_FOLDER / name)) is not None:
                plan.check_same(found)
                results[name] = found
        for number, row in enumerate(rows):
            part = sub_progress(progress, number / len(rows), (number + 1) / len(rows))
            if row.id not in results:
                results[row.id] = plans[row.id].run(out / ROW_FOLDER / row.id, part, cancel)
            write_study(StudyResult(wanted, results, _set_for_all(options)), out)
            cancel.raise_if_cancelled()
    progress(Progress("Done", 1.0))
    return StudyResult(wanted, results, _set_for_all(options))


def _set_for_all(options: StudyOptions) -> dict[str, Any]:
    """Values of all rows' recipes that the user sets, by dotted names."""
    steps = {} if options.steps is None else {"steps": options.steps}
    return steps | dict(map(parse_setting, options.settings))


class _Plan:
    """How one row is trained and scored.

    Args:
        row: A row of ``study``.
        study: The paper's table.
        options: Options of the job.
        catalogue: All models.
        data: Fingerprints of the data.

    Raises:
        ModelError: No recipe trains the row's network.
        ParameterError: A value is unknown, out of range, or differs between the rows.
    """

    def __init__(
        self,
        row: StudyRow,
        study: Study,
        options: StudyOptions,
        catalogue: Catalogue,
        data: dict[str, str],
    ):
        self.row = row
        self._data = data
        self._study, self._options, self._catalogue = study, options, catalogue
        card = catalogue.get(row.network).card
        self.published = recipe_of(self._train_options(row.settings), card)
        self.recipe = recipe_of(self._train_options(self._settings()), card)

    def _settings(self) -> dict[str, Any]:
        """The row's own settings, and over them those of the user."""
        settings = dict(self.row.settings)
        if self._options.steps is not None:
            settings.pop("epochs", None)
        for name, value in _set_for_all(self._options).items():
            if any(_overlap(name, own) for row in self._study.rows for own in row.settings):
                raise ParameterError(
                    f"The rows of {self._study.name} differ in {name}, so it cannot be set for all "
                    "of them: leave it out.",
                    option="settings",
                )
            settings[name] = value
        return settings

    def _train_options(self, settings: dict[str, Any]) -> TrainOptions:
        options = self._options
        if not options.validate:
            settings = {"members": _SAME_MEMBERS, **settings}
        folder = options.data.is_dir()
        return TrainOptions(
            model_id=f"{self._study.name}-{self.row.id}",
            licence=_LICENCE,
            licence_note=_LICENCE_NOTE,
            slices=(options.data,) if folder else (),
            volumes=None if folder else options.data,
            validate=options.validate,
            folds=None if options.validate else options.folds or self._study.folds,
            network=self.row.network,
            recipe=self.row.recipe,
            settings=tuple(f"{name}={json.dumps(value)}" for name, value in settings.items()),
            resume=True,
            device=options.device,
            workers=options.workers,
        )

    @property
    def _asked(self) -> dict[str, Any]:
        options = self._train_options(self._settings())
        return {
            **self._data,
            "network": self.row.network,
            "recipe": json.loads(json.dumps(self.recipe.to_dict())),
            "folds": options.folds,
            "validate": sorted(options.validate),
        }

    def check_same(self, found: RowResult) -> None:
        """Make sure that an earlier result of this row is what is asked for now."""
        # Rows of earlier versions do not say what the files held.
        if {_FILES: self._data[_FILES], **found.asked} != self._asked:
            raise OutputError(
                f"The folder holds the row {self.row.id} as it was trained with other settings or "
                "data: choose another folder, or give the same ones."
            )

    def run(self, folder: Path, progress: ProgressCallback, cancel: CancelToken) -> RowResult:
        """Train and score the row."""

        def told(report: Progress) -> None:
            progress(replace(report, message=f"{self.row.title}: {report.message}"))

        training = folder / "training"
        options = self._train_options(self._settings())
        trained = train(
            options, training, progress=sub_progress(told, 0.0, _TRAINED), cancel=cancel
        )
        runs = _runs(trained, options, training)
        evaluations = []
        for number, (model, held_out, _) in enumerate(runs, start=1):
            start, end = (
                _TRAINED + (1 - _TRAINED) * part / len(runs) for part in (number - 1, number)
            )
            evaluations.append(
                self._evaluate(
                    model,
                    held_out,
                    training,
                    folder / f"evaluation-{number}",
                    sub_progress(told, start, end),
                    cancel,
                )
            )
        result = self._result(runs, evaluations)
        write_row(result, folder)
        return result

    def _evaluate(
        self,
        model: str,
        held_out: tuple[str, ...],
        training: Path,
        out: Path,
        progress: ProgressCallback,
        cancel: CancelToken,
    ) -> Evaluation:
        own = tuple(read_models(training / f"{model}.json"))
        options = EvaluateOptions(
            data=self._options.data,
            models=(model,),
            patients=held_out,
            parameters=Parameters(precision="float32", device=self._options.device),
        )
        catalogue = replace(self._catalogue, models=(*own, *self._catalogue.models))
        return evaluate_from(catalogue, options, out, progress, cancel)

    def _result(
        self, runs: list[tuple[str, tuple[str, ...], Path]], evaluations: list[Evaluation]
    ) -> RowResult:
        folds = []
        for _, held_out, folder in runs:
            length = trained_length(folder)
            folds.append(FoldResult(held_out, length.steps, length.epochs))
        counted = [
            [slice_ for slices in evaluation.counted[0].values() for slice_ in slices]
            for evaluation in evaluations
        ]
        described = next(iter(evaluations[0].provenance["models"].values()))
        return RowResult(
            id=self.row.id,
            asked=self._asked,
            scores=scores_of(self._study.columns, counted),
            slices=sum(map(len, counted)),
            folds=tuple(folds),
            paper_epochs=self.published.epochs,
            parameters=described["parameters"],
            stopped_early=any(_stopped_early(self.recipe, fold) for fold in folds),
            machine=described["hardware"],
            software=evaluations[0].provenance["software"],
            notes=(_SELECTED,) if self._options.validate and self.recipe.needs_validation else (),
        )


def _fingerprints(data: Path) -> dict[str, str]:
    """SHA-256 of the table that names the data, and of what its files hold.

    So rows of other data, or of corrected masks, are not mixed.
    """
    table = data / INDEX_CSV if data.is_dir() else data
    digest = hashlib.sha256()
    for file in files_of_folder(data) if data.is_dir() else files_of_table(data):
        digest.update(_sha256(file).encode())
    return {"data_sha256": _sha256(table), _FILES: digest.hexdigest()}


def _sha256(file: Path) -> str:
    try:
        return sha256_of(file)
    except OSError as error:
        raise InputError(f"{file.name} cannot be read ({error.strerror}): check it.") from error


def _runs(
    trained: Trained, options: TrainOptions, folder: Path
) -> list[tuple[str, tuple[str, ...], Path]]:
    """Model, held-out patients and folder of each training of a row."""
    if trained.card is not None:
        return [(trained.card.id, options.validate, folder)]
    return [
        (member.model, tuple(sorted(member.patients)), folder / f"fold-{member.fold}")
        for member in trained.members
    ]


def _stopped_early(recipe: Recipe, fold: FoldResult) -> bool:
    """Whether a training ended before the recipe's last step."""
    if recipe.early_stop is None:
        return False
    if recipe.steps is not None:
        return fold.steps < recipe.steps
    return fold.epochs is not None and fold.epochs < (recipe.epochs or 0)


def _overlap(name: str, other: str) -> bool:
    """Whether two dotted names set the same value, or one a part of the other."""
    return f"{name}.".startswith(f"{other}.") or f"{other}.".startswith(f"{name}.")
