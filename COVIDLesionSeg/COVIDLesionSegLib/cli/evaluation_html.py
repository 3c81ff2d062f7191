"""``evaluation.html``: models against experts on one page, for people."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.image import imsave

from ..engine.evaluation import examples as picture
from ..engine.evaluation.examples import MOST_PATIENTS, Example
from ..engine.evaluation.measures import MEASURES
from ..engine.evaluation.run import Evaluation
from ..engine.evaluation.scores import ModelScores
from ..engine.wording import score_text
from .evaluation_tables import measure_titles
from .html_page import data_uri, render_page
from .report_html import groups
from .slices_figure import LUNG_WINDOW_HU

_BY_PATIENT = ("dice", "precision", "sensitivity", "specificity", "auc", "surface_dice", "hd95")
_CASES = {
    "found": picture.TRUE_POSITIVE,
    "missed": picture.FALSE_NEGATIVE,
    "made up": picture.FALSE_POSITIVE,
}


def write_evaluation_html(evaluation: Evaluation, path: Path) -> None:
    """Write scores over all patients, by patient, and confusion pictures."""
    titles = measure_titles(evaluation)
    html = render_page(
        "evaluation_template.html",
        evaluation=evaluation,
        slice_count=sum(evaluation.slices.values()),
        remarks=list(_remarks(evaluation)),
        measures=[(measure.key, titles[measure.key]) for measure in MEASURES],
        by_patient=[(key, titles[key]) for key in _BY_PATIENT],
        score=score_text,
        cases={name: "#{:02x}{:02x}{:02x}".format(*color) for name, color in _CASES.items()},
        examples=[_pictures(example, evaluation) for example in evaluation.examples],
        most_patients=MOST_PATIENTS,
        provenance=groups(evaluation.provenance),
    )
    path.write_text(html, encoding="utf-8")


def _remarks(evaluation: Evaluation) -> Iterator[str]:
    """What to know before trusting the scores; what several models share is said once."""
    said: dict[str, list[str]] = {}
    for scores in evaluation.models:
        for remark in _remarks_on(scores, evaluation.protocol):
            said.setdefault(remark, []).append(scores.model)
    for remark, models in said.items():
        yield f"{', '.join(models)}: {remark}"
    if evaluation.models[0].pooled["detection_specificity"] is None:
        yield "Every slice shows a lesion, so these scores say nothing of false alarms elsewhere."
    if evaluation.unit == "px":
        yield "The size of pixels is not known: they are taken as they are, and so are distances."
    if windowed := sorted(
        patient for patient, one in evaluation.models[0].patients.items() if one.windowed
    ):
        yield (
            f"Images windowed by their publisher, HU unknown: {', '.join(windowed)}. Models see "
            "them in another window than the one they learned from."
        )


def _remarks_on(scores: ModelScores, protocol: str) -> Iterator[str]:
    if learned := scores.learned_from:
        yield (
            f"Learned from {', '.join(learned)}, so scores there flatter, and so do those over all "
            "patients."
        )
    if any(one.learned_from is None for one in scores.patients.values()):
        yield "The card does not record which patients were learned from."
    if scores.protocol != protocol:
        yield f"Protocol: {scores.protocol}."
    yield from scores.remarks


def _pictures(example: Example, evaluation: Evaluation) -> dict[str, Any]:
    grey = _grey(example)
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


def _grey(example: Example) -> np.ndarray:
    """The slice as uint8: in the lung window, or as its publisher windowed it."""
    low, high = (0.0, 1.0) if example.windowed else LUNG_WINDOW_HU
    unit = (example.image.astype(np.float32) - low) / (high - low)
    return np.rint(np.clip(unit, 0.0, 1.0) * 255).astype(np.uint8)


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png", metadata={"Software": None})
    return buffer.getvalue()
