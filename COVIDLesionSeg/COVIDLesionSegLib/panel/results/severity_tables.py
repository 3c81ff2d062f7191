"""Severity as texts in the panel's tables."""

from __future__ import annotations

import textwrap

from slicer.i18n import tr as _

from ...engine.lobes import LOBES
from ...engine.severity.lobe_score import SCORE_TITLE
from ...engine.severity.report import RegionSeverity, SeverityReport
from ...engine.text import confidence_text, millilitres, percent
from ..region_names import region_text

_NAME_WIDTH = 16  # characters: three columns of figures fit beside it
_TITLE_WIDTH = 10  # characters of a column of figures


def column_title(name: str) -> str:
    """A name above a column of figures; on two lines where one is too narrow."""
    return textwrap.fill(name, _TITLE_WIDTH, break_long_words=False)


def region_rows(
    severity: SeverityReport, graded: bool = True, calibrated: bool = False
) -> list[list[str]]:
    """Volumes and infected fraction of each region; not ``graded``, nothing is said of lesions.

    The confidence of each is told where the model is ``calibrated``.
    """
    regions = severity.regions

    def millilitres_of(region: RegionSeverity, ml: float | None) -> str:
        return millilitres(None if region.ratio is None else ml)

    # A single class is all lesions.
    classes = severity.classes if len(severity.classes) > 1 else ()
    return [
        [_("Lung (ml)"), *(millilitres_of(region, region.lung_ml) for region in regions)],
        *(
            [
                textwrap.fill(_("{name} (ml)").format(name=region_text(name)), _NAME_WIDTH),
                *(
                    millilitres_of(region, region.lesion_class_ml.get(name) if graded else None)
                    for region in regions
                ),
            ]
            for name in classes
        ),
        [
            _("Lesions (ml)"),
            *(millilitres_of(region, region.lesion_ml if graded else None) for region in regions),
        ],
        [_("Infected"), *(percent(region.ratio if graded else None) for region in regions)],
        *(
            [
                [
                    _("Confidence"),
                    *(confidence_text(severity.confidence_in(region.region)) for region in regions),
                ]
            ]
            if calibrated and graded
            else []
        ),
    ]


def lobe_rows(severity: SeverityReport, graded: bool) -> list[list[str]]:
    """One row for each lobe, and the CT severity score; what was not measured is not available."""
    measured = {lobe.region: lobe for lobe in severity.lobes if lobe.ratio is not None}
    rows = []
    for name in LOBES:
        one = measured.get(name)
        lesion_ml, ratio = (one.lesion_ml, one.ratio) if one and graded else (None, None)
        lobe_ml = one.lung_ml if one else None
        score = severity.lobe_scores.get(name) if graded else None
        figures = (millilitres(lobe_ml), millilitres(lesion_ml), percent(ratio))
        rows.append([region_text(name), *figures, _number(score)])
    total = severity.ct_severity_score if graded else None
    return [*rows, [SCORE_TITLE, "", "", "", _number(total)]]


def _number(value: int | None) -> str:
    return _("n/a") if value is None else str(value)


def rule_rows(severity: SeverityReport) -> list[list[str]]:
    """Infected fraction and category by every rule."""
    return [
        [rule.title, percent(rule.ratio), rule.named_category or _("n/a")]
        for rule in severity.rules
    ]


def with_earlier(rows: list[list[str]], earlier: list[list[str]]) -> list[list[str]]:
    """Each text, and below it the earlier one where that differs."""
    if [len(row) for row in rows] != [len(row) for row in earlier]:
        return rows
    return [
        [
            now if now == was else _("{now}\nwas {was}").format(now=now, was=was)
            for now, was in zip(row, earlier_row, strict=True)
        ]
        for row, earlier_row in zip(rows, earlier, strict=True)
    ]
