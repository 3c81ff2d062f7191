"""Retraining: a model learns from reviewed cases, and is compared with its parent on others."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property
from pathlib import Path

from torch import nn

from ..engine.data.labelled import LabelledImage
from ..engine.data.splits import learned_patients
from ..engine.data.training_data import TrainingData
from ..engine.errors import InputError, ParameterError
from ..engine.files import atomic_folder, output_path
from ..engine.followup.dicom_facts import patient_id
from ..engine.models.promotion import PromotionDecision, decide_promotion
from ..engine.models.retrained import (
    COMPARISON_CSV,
    COMPARISON_HTML,
    MODEL_FOLDER,
    RETRAINING_JSON,
    TRAINING_FOLDER,
    DifferencePicture,
    Learned,
    Retrained,
    load_retrained,
)
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..engine.review import case_id, patient_key, read_cases, reviews_folder
from ..engine.self_training.frozen_cases import (
    FrozenCase,
    freeze_cases,
    frozen_cases,
    short_id,
)
from ..engine.self_training.parent_comparison import ParentComparison
from ..engine.self_training.reviewed_data import chosen_slices, labelled_case
from ..engine.self_training.reviewed_split import ReviewedSplit, split_reviewed
from ..engine.self_training.selection import THE_PAPERS, measure_for
from ..engine.training.export import export_model
from ..engine.training.new_model import check_held_out
from ..engine.training.recipe import Recipe
from ..engine.training.run_folder import trained_length
from ..engine.training.trainer import silence_lightning
from ..engine.volume import Volume
from ..report.evaluation import write_evaluation_html
from ..report.model_comparison import (
    write_comparison_csv,
    write_comparison_json,
    write_difference_figure,
)
from .fine_tuning import (
    FineTuning,
    fine_tuned_note,
    fine_tuning_recipe,
    load_single_class_parent,
    read_unlabelled,
)
from .options import RetrainOptions
from .training_run import make_model_folder, new_model, parent_for, settings_of

_CASES_FOLDER = "cases"
_COMPARING = "Comparing both models"
_CURVE_SLICES = 6
"""Of each held-out case: enough to see in the learning curve where Dice goes."""
_MIN_CERTAINTY = 0.6
"""Below the paper's: models trained with a focal loss are rarely above 0.7."""
_CHECKPOINT_STEPS, _CURVE_STEPS = 25, 50
_READ, _CHOSEN, _TRAINED, _COMPARED = 0.08, 0.2, 0.7, 0.97
"""Fractions of the whole job at which these stages end."""


def retrain(
    options: RetrainOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Retrained:
    """Fine-tune a model on reviewed cases, and compare it with its parent on held-out corrections.

    ``out/training`` gets the learning curve and checkpoints while the model learns. ``out/model``
    is complete or absent: card and weights, ``comparison.json`` with what this job returns, and,
    where cases could be held out, table, page and pictures of the comparison.

    Args:
        options: The model, and what it learns from.
        out: A new folder, or the folder of a retraining to resume: it goes on with the cases as
            they were when it began.
        progress: Called with progress.
        cancel: Set it to stop the job after a step; it can be resumed.

    Raises:
        CovidLesionSegError: One of its kinds.
        Cancelled: ``cancel`` was set.
    """
    out = output_path(out)
    if options.resume and (out / MODEL_FOLDER).is_dir():
        return load_retrained(out / MODEL_FOLDER)
    return _Retraining(options, out, progress, cancel or CancelToken()).run()


class _Retraining:
    """One run: its steps share what they need."""

    def __init__(
        self, options: RetrainOptions, out: Path, progress: ProgressCallback, cancel: CancelToken
    ) -> None:
        self._options = options
        self._out = out
        self._progress = progress
        self._cancel = cancel
        self._reviews = options.reviews or reviews_folder()
        parent = parent_for(options.model_id, options.model)
        self._parent = parent
        self._measure = measure_for(parent.card, options.selection)
        self._tuning = FineTuning(
            parent,
            load_single_class_parent(parent),
            self._recipe(),
            out / TRAINING_FOLDER,
            options.resume,
            options.device,
            cancel,
        )
        # Of a card without a record nobody is known to be held out, now and ever after.
        check_held_out(parent.card, ())

    def run(self) -> Retrained:
        silence_lightning()
        options, parent, tuning = self._options, self._parent, self._tuning
        self._progress(Progress("Reading the reviewed cases", 0.0))
        cases = self._cases()
        split = split_reviewed(cases, parent.id, self._learned_before, options.seed)
        check_held_out(parent.card, split.held_out_patients)
        accepted, corrected, curve = self._slices(split)
        predictions = self._predictions(split, [*accepted, *corrected])
        data = TrainingData([*accepted, *corrected, *predictions], validation=curve, outside=[])
        shown = curve if any(item.has_lesion for item in curve) else []
        network = tuning.train(
            data.training, shown, sub_progress(self._progress, _CHOSEN, _TRAINED)
        )
        note = fine_tuned_note(
            (len(accepted), "slices of accepted cases", 1.0),
            (len(corrected), "slices of corrected cases", options.correction_weight),
            (
                len(predictions),
                f"most confident predictions of {parent.id} itself",
                options.prediction_weight,
            ),
        )
        with atomic_folder(self._out / MODEL_FOLDER) as folder:
            comparing = ParentComparison(
                parent,
                tuning.network,
                split.held_out,
                options.device,
                self._progress_of_comparing,
                self._cancel,
            )
            self._export(network, data, comparing, note, folder)
            self._progress(Progress("Writing the comparison", _COMPARED))
            pictures = self._pictures(comparing, folder)
            retrained = self._retrained(split, len(predictions), comparing, pictures)
            if comparing.evaluation is not None and retrained.comparison is not None:
                write_comparison_csv(retrained.comparison, folder / COMPARISON_CSV)
                write_evaluation_html(comparing.evaluation, folder / COMPARISON_HTML)
            write_comparison_json(retrained, folder / RETRAINING_JSON)
            self._cancel.raise_if_cancelled()
        # Copies of what people reviewed are needed no more.
        shutil.rmtree(tuning.folder / _CASES_FOLDER, ignore_errors=True)
        self._progress(Progress("Done", 1.0))
        return retrained

    def _recipe(self) -> Recipe:
        """The recipe; the seed is the option's, which deals the patients, too."""
        options = self._options
        if any(name == "seed" for name, _ in settings_of(options)):
            raise ParameterError(
                "The seed of a retraining is an option of its own: give it there.", option="seed"
            )
        return fine_tuning_recipe(
            self._parent.card,
            options,
            seed=options.seed,
            checkpoint_steps=_CHECKPOINT_STEPS,
            validation_steps=_CURVE_STEPS,
        )

    @cached_property
    def _learned_before(self) -> set[str]:
        """Patients of the parent, as its card names them and as reviewed cases do."""
        names = learned_patients(self._parent.card.learned_from or ())
        return self._keys_of(names) if self._reviews.is_dir() else names

    def _cases(self) -> list[FrozenCase]:
        """The cases as they are now, or as they were when the training began."""
        folder = self._tuning.folder / _CASES_FOLDER
        if self._options.resume and (frozen := frozen_cases(folder, self._reviews)) is not None:
            return frozen
        reviewed = read_cases(self._reviews)
        if reviewed.problems and not reviewed.cases:
            raise InputError(reviewed.problems[0])
        # What cannot be learned from is said before anything is written.
        split_reviewed(reviewed.cases, self._parent.id, self._learned_before, self._options.seed)
        make_model_folder(self._out, self._options.resume)
        freeze_cases(reviewed.cases, folder)
        return frozen_cases(folder, self._reviews) or []

    def _slices(self, split: ReviewedSplit[FrozenCase]) -> Iterator[list[LabelledImage]]:
        """Slices of accepted, corrected and held-out cases; of these a few, for the curve."""
        options = self._options
        kinds = (
            (split.accepted, options.slices_per_case, 1.0),
            (split.corrected, options.slices_per_case, options.correction_weight),
            (split.held_out, _CURVE_SLICES, 1.0),
        )
        total = sum(len(cases) for cases, *_ in kinds)
        done = 0
        for cases, most, weight in kinds:
            slices: list[LabelledImage] = []
            for case in cases:
                self._cancel.raise_if_cancelled()
                self._progress(
                    Progress("Reading the reviewed cases", _READ * done / total, case.name)
                )
                slices += chosen_slices(labelled_case(case), most, weight)
                done += 1
            yield slices

    def _predictions(
        self, split: ReviewedSplit[FrozenCase], reviewed: Sequence[LabelledImage]
    ) -> list[LabelledImage]:
        """Confident predictions on CTs without a verdict."""
        options = self._options
        if options.unlabelled is None:
            return []
        verdicts = {case.id for case in read_cases(self._reviews).cases if case.verdict is not None}
        verdicts |= {case.id for case in (*split.learned, *split.held_out, *split.left_out)}

        def is_held_out(patient: str) -> bool:
            return not self._keys_of([patient]).isdisjoint(split.held_out_patients)

        def skip(ct: Path, volume: Volume) -> bool:
            if case_id(volume) in verdicts:
                return True
            return volume.source["format"] == "DICOM" and is_held_out(patient_id(ct))

        measure, minimum = self._measure, options.min_confidence
        if minimum is None:
            minimum = _MIN_CERTAINTY if measure is THE_PAPERS else measure.minimum
        chosen = self._tuning.confident_predictions(
            read_unlabelled(options.unlabelled, is_held_out, skip),
            reviewed,
            options.top_fraction,
            minimum,
            measure,
            sub_progress(self._progress, _READ, _CHOSEN),
        ).slices
        return [replace(item, weight=options.prediction_weight) for item in chosen]

    def _keys_of(self, patients: Collection[str]) -> set[str]:
        """By which these patients, PatientIDs or keys, are known among the reviewed cases."""
        keys = {short_id(patient_key(patient, self._reviews)) for patient in patients if patient}
        return keys | set(patients)

    def _export(
        self,
        network: nn.Module,
        data: TrainingData,
        comparing: ParentComparison,
        note: str,
        folder: Path,
    ) -> None:
        options, parent = self._options, self._parent
        self._progress(Progress(_COMPARING, _TRAINED))
        new = new_model(
            "retrain",
            options,
            parent,
            fine_tuned=True,
            title=f"{parent.title}, retrained",
            notes=[note],
        )
        weights = parent.card.trained_weights
        new = replace(
            new,
            licence=new.licence or weights.licence,
            licence_note=new.licence_note or weights.licence_note,
            date=date.today().isoformat(),
        )
        export_model(network, self._tuning.recipe, data, folder, new, comparing.evaluate)

    def _progress_of_comparing(self, progress: Progress) -> None:
        """One stage of its own, whatever its steps are called."""
        within = sub_progress(self._progress, _TRAINED, _COMPARED)
        within(Progress(_COMPARING, progress.fraction, progress.message))

    def _pictures(self, comparing: ParentComparison, folder: Path) -> tuple[DifferencePicture, ...]:
        pictures = []
        for number, difference in enumerate(comparing.differences, start=1):
            file = f"difference-{number:03d}.png"
            write_difference_figure(
                difference, self._parent.id, self._options.model_id, folder / file
            )
            pictures.append(
                DifferencePicture(file, difference.patient, difference.index, difference.pixels)
            )
        return tuple(pictures)

    def _retrained(
        self,
        split: ReviewedSplit[FrozenCase],
        predictions: int,
        comparing: ParentComparison,
        pictures: tuple[DifferencePicture, ...],
    ) -> Retrained:
        comparison, evaluation = comparing.comparison, comparing.evaluation
        return Retrained(
            self._options.model_id,
            self._parent.id,
            Learned(
                accepted=len(split.accepted),
                corrected=len(split.corrected),
                predictions=predictions,
                held_out=len(split.held_out),
                left_out=len(split.left_out),
                steps=trained_length(self._tuning.folder).steps,
                seed=self._options.seed,
            ),
            comparison,
            PromotionDecision(False, split.not_evaluated)
            if comparison is None
            else decide_promotion(comparison),
            "" if evaluation is None else evaluation.protocol,
            pictures,
        )
