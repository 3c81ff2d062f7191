"""``cohort.csv``, ``cohort.json`` and ``cohort.html``: what became of every case of a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

from ..engine.cohort.record import MANIFEST_FOLDER, CaseRecord
from ..engine.cohort.sources import LeftOut
from ..engine.options import Options
from ..engine.severity.categories import RULE_TITLES, WORSE_LUNG
from .html_page import write_page
from .json_file import head, write_json
from .report_html import CATEGORY_RANGES
from .result_files import (
    CASE_FOLDER,
    COHORT_CSV,
    COHORT_FORMAT,
    COHORT_HTML,
    COHORT_JSON,
    COHORT_VERSION,
    REPORT_HTML,
    SLICES_PICTURE,
)
from .tables import write_table

OUTLIER = 3.5
"""Robust standard deviations from the median, above which a case is an outlier (Iglewicz and
Hoaglin, "How to Detect and Handle Outliers", 1993)."""
_FEWEST_FOR_OUTLIERS = 10
_OUTLIERS_OF = {"both_lungs_ml": "volume of the lungs", "both_lungs_ratio": "infected share"}
_NOT_TOLD = {"sources", "scheduler", "workers"}
"""Options that name the user's folders and computers, and decide no result."""
COHORT_FILES = frozenset({COHORT_CSV, COHORT_HTML, COHORT_JSON, CASE_FOLDER, MANIFEST_FOLDER})
"""All files and folders in that of a cohort."""


def write_cohort(
    cases: Sequence[CaseRecord], left_out: Sequence[LeftOut], options: Options, folder: Path
) -> None:
    """Write table, numbers and page.

    The table does not hold what differs from run to run, such as seconds: an interrupted cohort
    that was gone on with has the table of one that was not.

    Args:
        cases: Sorted by name; those that are neither done nor failed are still to be done.
        left_out: What the sources hold beside them.
        options: Options of the run.
        folder: Folder of the cohort.

    Raises:
        OutputError: A file cannot be written.
    """
    numbers = list(next((case.numbers for case in cases if case.numbers), {}))
    odd = outliers(cases)
    write_table(
        ["case", "place", "status", *numbers, "warnings", "flags", "outlier", "error"],
        [
            [
                case.case,
                case.place,
                _status(case),
                *(case.numbers.get(name) for name in numbers),
                case.warnings if case.status == "done" else None,
                " ".join(dict.fromkeys(flag.code for flag in case.flags)),
                odd.get(case.case, ""),
                case.error["message"] if case.error else "",
            ]
            for case in cases
        ],
        folder / COHORT_CSV,
    )
    facts = {
        **head(COHORT_FORMAT, COHORT_VERSION),
        "options": {
            name: value for name, value in options.to_dict().items() if name not in _NOT_TOLD
        },
        # What a case was made with is the same in all, and in its manifest.
        "cases": [asdict(replace(case, made_with={})) for case in cases],
        "left_out": [asdict(one) for one in left_out],
        "outliers": odd,
    }
    write_json(facts, folder / COHORT_JSON)
    write_page(
        "cohort_template.html",
        folder / COHORT_HTML,
        cases=cases,
        status=_status,
        counts=_counts(cases),
        rule=RULE_TITLES[WORSE_LUNG],
        distribution=_distribution(cases),
        left_out=left_out,
        outliers=odd,
        links={case.case: _links(case, folder) for case in cases},
        parameters=options.to_dict()["parameters"],
        table=COHORT_CSV,
    )


def outliers(cases: Sequence[CaseRecord]) -> dict[str, str]:
    """Cases far from the others, and in what: by the modified z-score, among 10 cases or more."""
    found: dict[str, list[str]] = {}
    for name, title in _OUTLIERS_OF.items():
        values = {c.case: c.numbers[name] for c in cases if c.numbers.get(name) is not None}
        if len(values) < _FEWEST_FOR_OUTLIERS:
            continue
        middle = median(values.values())
        distances = [abs(value - middle) for value in values.values()]
        # Where more than half of the cases are equal, their mean distance (Iglewicz and Hoaglin).
        spread = median(distances) / 0.6745 or fmean(distances) / 0.7979
        for case, value in values.items():
            if spread and abs(value - middle) / spread > OUTLIER:
                found.setdefault(case, []).append(title)
    return {case: ", ".join(titles) for case, titles in sorted(found.items())}


def _status(case: CaseRecord) -> str:
    return "waiting" if case.status == "running" else case.status


def _counts(cases: Sequence[CaseRecord]) -> dict[str, int]:
    states = [_status(case) for case in cases]
    return {state: states.count(state) for state in ("done", "failed", "waiting")}


def _distribution(cases: Sequence[CaseRecord]) -> list[tuple[str, int]]:
    """Number of finished cases of each category, the undefined ones last."""
    found = [case.numbers.get("category") for case in cases if case.status == "done"]
    rows = [(category, found.count(category)) for category in CATEGORY_RANGES]
    return [*rows, ("n/a", found.count(None))] if None in found else rows


def _links(case: CaseRecord, folder: Path) -> dict[str, Any]:
    """Addresses of a case's report and picture, relative to the page; None where absent."""
    names = {"report": REPORT_HTML, "picture": SLICES_PICTURE}
    done = case.status == "done"
    return {
        kind: f"{CASE_FOLDER}/{case.case}/{name}"
        if done and (folder / CASE_FOLDER / case.case / name).is_file()
        else None
        for kind, name in names.items()
    }
