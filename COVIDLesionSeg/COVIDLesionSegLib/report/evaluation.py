"""``scores.csv``, ``evaluation.json`` and ``evaluation.html``: every score of an evaluation."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.image import imsave

from ..engine.evaluation import examples as picture
from ..engine.evaluation.classes import CLASS_MEASURES
from ..engine.evaluation.examples import MOST_PATIENTS, Example
from ..engine.evaluation.groups import GROUP_MEASURES
from ..engine.evaluation.measures import MEASURES
from ..engine.evaluation.run import Evaluation
from ..engine.evaluation.scores import ModelScores
from ..engine.labels import LUNG_WINDOW_HU
from ..engine.metrics.decisions import CASE_RULE
from ..engine.text import score_text, yes_or_no
from .decisions import model_decisions_for_page
from .evaluation_charts import agreement_svg, compared, slices_svg, thresholds_svg
from .evaluation_slices import groups_for_page, rates_for_page
from .figures import window_text
from .html_page import data_uri, groups, write_page
from .json_file import head, write_json
from .result_files import EVALUATION_FORMAT, EVALUATION_VERSION
from .tables import UNDEFINED, write_table

_HD95_COUNT = "hd95_count"


def write_scores_csv(evaluation: Evaluation, path: Path) -> None:
    """Write one row for each model and patient, then five over all patients.

    Columns: ``model``; ``row``: ``patient``, or over all ``pooled``, ``interval_low`` and
    ``interval_high`` of Wilson's 95 % confidence interval, ``mean`` and ``sd``; ``patient``;
    ``slices``; ``learned_from``; each measure by its key; and ``hd95_count``, the number of slices
    or CTs that ``hd95`` is a mean of. What is undefined is ``n/a``.

    Raises:
        OutputError: The file cannot be written.
    """
    keys = [*(measure.key for measure in MEASURES), _HD95_COUNT]
    write_table(
        ["model", "row", "patient", "slices", "learned_from", *keys],
        [
            [scores.model, *named, *(values.get(key) for key in keys)]
            for scores in evaluation.models
            for *named, values in _rows(scores)
        ],
        path,
    )


def _rows(scores: ModelScores) -> Iterator[tuple[str, str, int, str, dict[str, float | None]]]:
    for patient, patient_scores in scores.patients.items():
        yield (
            "patient",
            patient,
            patient_scores.slices,
            yes_or_no(patient_scores.learned_from),
            patient_scores.values | {_HD95_COUNT: patient_scores.hd95_on.count},
        )
    for row, values in (
        ("pooled", scores.pooled | {_HD95_COUNT: scores.hd95_on.count}),
        ("interval_low", {key: one and one[0] for key, one in scores.intervals.items()}),
        ("interval_high", {key: one and one[1] for key, one in scores.intervals.items()}),
        ("mean", scores.means),
        ("sd", scores.sds),
    ):
        yield row, "all", scores.slices, UNDEFINED, values


def write_classes_csv(evaluation: Evaluation, path: Path) -> None:
    """Write one row for each model, patient and class, and for all patients pooled.

    Columns: ``model``, ``patient`` (or ``all``), ``class`` and each measure. There is no file where
    no model, or no mask, tells classes apart.

    Raises:
        OutputError: The file cannot be written.
    """
    rows = [
        [scores.model, patient, name, *(values[key] for key in CLASS_MEASURES)]
        for scores in evaluation.models
        for patient, classes in (
            *(
                (patient, patient_scores.classes)
                for patient, patient_scores in scores.patients.items()
            ),
            ("all", scores.classes),
        )
        for name, values in classes.items()
    ]
    if rows:
        write_table(["model", "patient", "class", *CLASS_MEASURES], rows, path)


def write_evaluation_json(evaluation: Evaluation, path: Path) -> None:
    """Write the same scores with their protocol and provenance; what is undefined is null.

    Raises:
        OutputError: The file cannot be written.
    """
    content = {
        **head(EVALUATION_FORMAT, EVALUATION_VERSION),
        "protocol": evaluation.protocol,
        "distances_in": evaluation.unit,
        "slices": evaluation.slices,
        "measures": measure_titles(evaluation),
        "models": [_model_facts(scores) for scores in evaluation.models],
        "provenance": evaluation.provenance,
    }
    write_json(content, path)


def _model_facts(scores: ModelScores) -> dict[str, Any]:
    """The scores of a model; in the file its quality flags are called remarks."""
    return {"remarks" if key == "flags" else key: fact for key, fact in asdict(scores).items()}


def measure_titles(evaluation: Evaluation) -> dict[str, str]:
    """Every measure's title, by its key."""
    return {measure.key: measure.title.format(unit=evaluation.unit) for measure in MEASURES}


_BY_PATIENT = ("dice", "precision", "sensitivity", "specificity", "auc", "surface_dice", "hd95")
_CASES = {
    "true positive": picture.TRUE_POSITIVE,
    "false negative": picture.FALSE_NEGATIVE,
    "false positive": picture.FALSE_POSITIVE,
}

_NO_METADATA: dict[str, Any] = {"Software": None}


def write_evaluation_html(evaluation: Evaluation, path: Path) -> None:
    """Write scores over all patients, by patient, and confusion pictures.

    Raises:
        OutputError: The file cannot be written.
    """
    titles = measure_titles(evaluation)
    write_page(
        "evaluation_template.html",
        path,
        evaluation=evaluation,
        slice_count=sum(evaluation.slices.values()),
        notes=list(_notes(evaluation)),
        measures=[(measure.key, titles[measure.key]) for measure in MEASURES],
        by_patient=[(key, titles[key]) for key in _BY_PATIENT],
        class_measures=CLASS_MEASURES,
        groups=groups_for_page(evaluation),
        rates=rates_for_page(evaluation),
        group_measures=list(GROUP_MEASURES.values()),
        charts=_charts(evaluation),
        decisions=model_decisions_for_page(evaluation),
        case_rule=CASE_RULE,
        score=score_text,
        images="slices" if evaluation.unit == "px" else "CTs",
        cases={name: "#{:02x}{:02x}{:02x}".format(*color) for name, color in _CASES.items()},
        examples=[_pictures(example, evaluation) for example in evaluation.examples],
        most_patients=MOST_PATIENTS,
        window=window_text(LUNG_WINDOW_HU),
        provenance=groups(evaluation.provenance),
    )


def _charts(evaluation: Evaluation) -> dict[str, list[Markup]]:
    """Charts of the page, as SVG elements, by their kind; those without data are left out."""
    names = [scores.model for scores in evaluation.models]
    charts = {
        "agreement": [agreement_svg(*one) for one in compared(evaluation)],
        "slices": [
            slices_svg(name, counted)
            for name, counted in zip(names, evaluation.counted, strict=False)
        ],
        "thresholds": [],
    }
    drawn = [
        (scores, curve)
        for scores, curve in zip(evaluation.models, evaluation.threshold_dice, strict=False)
        if any(dice is not None for dice in curve.values())
    ]
    if drawn:
        used = evaluation.provenance["parameters"]["threshold"]
        shown = [scores.model for scores, _ in drawn]
        reported = [scores.pooled["dice"] for scores, _ in drawn]
        charts["thresholds"] = [thresholds_svg(shown, [of for _, of in drawn], used, reported)]
    return {kind: list(map(Markup, found)) for kind, found in charts.items()}


def _notes(evaluation: Evaluation) -> Iterator[str]:
    """What to know before trusting the scores; what several models share is said once."""
    said: dict[str, list[str]] = {}
    for scores in evaluation.models:
        for note in _notes_on(scores, evaluation.protocol):
            said.setdefault(note, []).append(scores.model)
    for note, models in said.items():
        yield f"{', '.join(models)}: {note}"
    if evaluation.models[0].pooled["detection_specificity"] is None:
        yield "All slices show lesions: false positives in lesion-free slices are not measured."
    if evaluation.unit == "px":
        yield "The pixel size is not known: distances are in pixels."
    if windowed := sorted(
        patient for patient, scores in evaluation.models[0].patients.items() if scores.windowed
    ):
        yield (
            f"Images windowed by their publisher, HU unknown: {', '.join(windowed)}. The models "
            "were trained on another window."
        )


def _notes_on(scores: ModelScores, protocol: str) -> Iterator[str]:
    if learned := scores.learned_from:
        yield (
            f"Optimistic: {', '.join(learned)} {'was' if len(learned) == 1 else 'were'} in the "
            "training set, so these scores and those over all patients are too high."
        )
    if any(patient.learned_from is None for patient in scores.patients.values()):
        yield "The card does not record which patients were in the training set."
    if scores.protocol != protocol:
        yield f"Protocol: {scores.protocol}."
    yield from scores.flags


def _pictures(example: Example, evaluation: Evaluation) -> dict[str, Any]:
    grey = grey_slice(example.image, example.windowed)
    pictures = [("CT", np.repeat(grey[..., None], 3, axis=-1))]
    for scores, predicted in zip(evaluation.models, example.predicted, strict=True):
        pictures.append((scores.model, picture.confusion_picture(grey, predicted, example.truth)))
    return {
        "title": f"{example.patient}: {example.name}",
        "reason": example.reason,
        "width": grey.shape[1],
        "height": grey.shape[0] * example.pixel_aspect,
        "pictures": [(name, data_uri(_png(pixels))) for name, pixels in pictures],
    }


def grey_slice(image: npt.NDArray[Any], windowed: bool = False) -> npt.NDArray[np.uint8]:
    """A slice as uint8: in the lung window, or as its publisher windowed it."""
    low, high = (0.0, 1.0) if windowed else LUNG_WINDOW_HU
    unit = (image.astype(np.float32) - low) / (high - low)
    grey: npt.NDArray[np.uint8] = np.rint(np.clip(unit, 0.0, 1.0) * 255).astype(np.uint8)
    return grey


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png", metadata=_NO_METADATA)
    return buffer.getvalue()
