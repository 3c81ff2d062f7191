"""Several CTs of one patient: what changed from each to the next."""

from __future__ import annotations

from pathlib import Path

from ..engine.followup.compare import Comparison, compare_studies
from ..engine.followup.matching_rule import MatchingRule
from ..engine.models.choice import check_choice
from ..engine.progress import (
    CancelToken,
    Progress,
    ProgressCallback,
    ignore_progress,
    sub_progress,
)
from ..report.result_files import COMPARISON_RESULT
from .compared_studies import study_sources
from .options import CompareOptions
from .result_folder import result_folder

_WRITING = 0.95
"""Fraction of the whole job at which this stage starts."""


def compare(
    options: CompareOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Comparison:
    """Compare two or more studies of one patient, each with the one before.

    Writes volumes and lesions (new, resolved, persistent) as JSON, CSV and HTML, and the lesions as
    segments on the grid of each later CT. Dates are never written; where lesions cannot be matched,
    volumes are still compared, and a flag says why.

    Args:
        options: The studies, and when two lesions are the same.
        out: Folder of the comparison: absent, empty, or an earlier comparison, which is replaced.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Returns:
        The comparison.

    Raises:
        InputError: A study cannot be read, its CT is not the one it was made from, or the studies
            are not in the order of their days.
        CovidLesionSegError: As for :func:`~.segmentation.segment`, where a CT is segmented first;
            ``out`` is as it was.
        Cancelled: ``cancel`` was set; ``out`` is as it was.

    Example:
        >>> from COVIDLesionSegLib import jobs
        >>> options = jobs.CompareOptions(studies=("first", "second"), cts=("a.nii", "b.nii"))
        >>> jobs.compare(options, "comparison").pairs[0].matching  # doctest: +SKIP
    """
    cancel = cancel or CancelToken()
    out = Path(out)
    progress(Progress("Starting", 0.0))
    with result_folder(out, (*options.studies, *options.cts), COMPARISON_RESULT) as staging:
        check_choice(options.parameters)
        sources = study_sources(options, cancel)
        rule = MatchingRule(options.tolerance_mm, options.least_overlap, options.smallest_ml)
        comparison = compare_studies(sources, rule, sub_progress(progress, 0.0, _WRITING), cancel)
        progress(Progress("Writing the comparison", _WRITING))
        from ..report.comparison import write_comparison

        write_comparison(comparison, options, staging, options.page)
        cancel.raise_if_cancelled()
    progress(Progress("Done", 1.0))
    return comparison
