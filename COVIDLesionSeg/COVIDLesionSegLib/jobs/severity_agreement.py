"""Severity by people beside that of a cohort: two tables in, a folder of agreement out."""

from __future__ import annotations

from pathlib import Path

from ..engine.evaluation.category_tables import CATEGORY, read_places, read_reader, read_software
from ..engine.evaluation.reader_agreement import Agreement, compare_with_reader
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..engine.severity.categories import RULE_TITLES
from ..report.agreement import write_agreement
from ..report.result_files import AGREEMENT_RESULT, COHORT_CSV
from .options import AgreementOptions
from .result_folder import result_folder


def agreement(
    options: AgreementOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Agreement:
    """Compare the categories CT-0 to CT-4 of a reader with those of the software.

    Args:
        options: The cohort and the reader's table.
        out: Result folder: absent, empty, or an earlier result of this job, which is replaced.
        progress: Called with progress.
        cancel: Set it to stop the job before it writes.

    Raises:
        CovidLesionSegError: One of its kinds; ``out`` is as it was.
        Cancelled: ``cancel`` was set; ``out`` is as it was.
    """
    cancel = cancel or CancelToken()
    progress(Progress("Starting", 0.0))
    cohort = options.cohort / COHORT_CSV if options.cohort.is_dir() else options.cohort
    with result_folder(Path(out), (options.cohort, options.truth), AGREEMENT_RESULT) as staging:
        reader = read_reader(
            options.truth, options.case_column, options.category_column, read_places(cohort)
        )
        titles = {**RULE_TITLES, CATEGORY: "Severity by the software"}
        progress(Progress("Comparing", 0.2))
        found = compare_with_reader(reader, read_software(cohort), titles)
        cancel.raise_if_cancelled()
        progress(Progress("Writing the agreement", 0.5))
        write_agreement(found, staging)
        cancel.raise_if_cancelled()
    progress(Progress("Done", 1.0))
    return found
