"""One slice inside a network: feature maps block by block, and attention maps."""

from __future__ import annotations

from pathlib import Path

from ..engine.explain import SliceExplanation, explain_slice
from ..engine.inference.allocator import tune_allocator
from ..engine.models.catalogue import check_models
from ..engine.progress import (
    CancelToken,
    Progress,
    ProgressCallback,
    ignore_progress,
    sub_progress,
)
from ..engine.volume import read_volume
from ..report.explanation import write_explanation_figure, write_explanation_json
from ..report.result_files import EXPLANATION_JSON, EXPLANATION_RESULT, FEATURES_PICTURE
from .options import ExplainOptions
from .result_folder import result_folder

_EXPLAINING, _DRAWING = 0.05, 0.9
"""Fractions of the whole job at which these stages start."""


def explain(
    options: ExplainOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SliceExplanation:
    """Show a network's feature maps and attention maps for one slice, as a picture.

    Args:
        options: The CT, the slice and the network.
        out: Result folder: absent, empty, or an earlier explanation, which is replaced.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Raises:
        CovidLesionSegError: One of its kinds; ``out`` is as it was.
        Cancelled: ``cancel`` was set; ``out`` is as it was.
    """
    cancel = cancel or CancelToken()
    progress(Progress("Starting", 0.0))
    with result_folder(out, (options.ct,), EXPLANATION_RESULT) as staging:
        check_models(options.parameters.members)
        tune_allocator()
        progress(Progress("Reading the CT", 0.01))
        volume = read_volume(options.ct, options.series)
        explanation = explain_slice(
            volume,
            options.parameters,
            options.slice_index,
            sub_progress(progress, _EXPLAINING, _DRAWING),
            cancel,
        )
        progress(Progress("Drawing", _DRAWING))
        write_explanation_figure(explanation, staging / FEATURES_PICTURE)
        write_explanation_json(explanation, options.parameters, staging / EXPLANATION_JSON)
        cancel.raise_if_cancelled()
    progress(Progress("Done", 1.0))
    return explanation
