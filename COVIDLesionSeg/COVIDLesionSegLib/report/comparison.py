"""A comparison of several studies of one patient: JSON, CSV, HTML and segments."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from .. import RESEARCH_USE_NOTICE
from ..engine.flags import UNTRAINED_MARK, is_untrained
from ..engine.followup import COMPARISON_HTML, COMPARISON_JSON, TREND_PICTURE, changes_file
from ..engine.followup.changes import Change, RegionChange
from ..engine.followup.compare import Comparison, Pair
from ..engine.followup.matching import KINDS, LesionChange
from ..engine.labels import BOTH_LUNGS, CHANGE_STYLES
from ..engine.options import Options
from ..engine.software import describe_software
from .json_file import head, write_json
from .result_files import (
    COMPARISON_FORMAT,
    COMPARISON_VERSION,
    LESION_CHANGES_CSV,
    VOLUMES_CSV,
)
from .segments_file import WrittenSegment, write_segments
from .tables import write_table

_OF_PATIENTS = ("studies", "cts", "series")
"""Options that may name a patient, or the patient's study."""


def write_comparison(
    comparison: Comparison, options: Options, folder: Path, with_page: bool = True
) -> None:
    """Write every file of a comparison.

    Args:
        comparison: What is reported.
        options: Of the run; those that may name a patient are left out.
        folder: An empty folder.
        with_page: Without, there is neither page nor chart, which need more packages.

    Raises:
        OutputError: A file cannot be written.
    """
    for pair in comparison.pairs:
        write_changes(pair, folder / changes_file(pair.earlier, pair.later))
    write_json(comparison_content(comparison, options), folder / COMPARISON_JSON)
    _write_volumes(comparison, folder / VOLUMES_CSV)
    _write_lesions(comparison, folder / LESION_CHANGES_CSV)
    if with_page:
        _write_page(comparison, folder)


def _write_page(comparison: Comparison, folder: Path) -> None:
    from .html_page import write_page
    from .result_reading import CORRECTED_FLAG
    from .trend_chart import trend_chart_svg, write_trend_picture

    write_trend_picture(comparison, folder / TREND_PICTURE)
    write_page(
        "comparison_template.html",
        folder / COMPARISON_HTML,
        comparison=comparison,
        both=[study.region(BOTH_LUNGS) for study in comparison.studies],
        counts=[lesion_counts(pair) for pair in comparison.pairs],
        chart=trend_chart_svg(comparison),
        flags=comparison.flags,
        corrected=CORRECTED_FLAG.code,
        untrained=UNTRAINED_MARK if _untrained(comparison) else "",
        files=[changes_file(pair.earlier, pair.later) for pair in comparison.pairs],
        lesions_file=LESION_CHANGES_CSV,
        volumes_file=VOLUMES_CSV,
        json_file=COMPARISON_JSON,
    )


def write_changes(pair: Pair, path: Path) -> None:
    """Write new, persistent and resolved lesions as segments; nothing where none were matched.

    Raises:
        OutputError: The file cannot be written.
    """
    if pair.matching is None:
        return
    segments = [WrittenSegment(style.id, style.name, style) for style in CHANGE_STYLES.values()]
    comment = f"What became of lesions, on the grid of the later CT. {RESEARCH_USE_NOTICE}"
    write_segments(pair.matching.changes, pair.geometry, path, segments, comment)


def comparison_content(comparison: Comparison, options: Options) -> dict[str, Any]:
    """The comparison as plain values; what is undefined is None, never 0.

    Units are part of the names: ``_ml``, ``_mm``; a ratio or share lies between 0 and 1.
    """
    return {
        **head(COMPARISON_FORMAT, COMPARISON_VERSION),
        "untrained": _untrained(comparison),
        "studies": [
            {
                "number": number,
                "day": study.day,
                "regions": [asdict(region) for region in study.regions],
                "flags": [asdict(flag) for flag in study.flags],
                "models": study.models,
            }
            for number, study in enumerate(comparison.studies, start=1)
        ],
        "pairs": [_pair(pair) for pair in comparison.pairs],
        "trend": [_region(region) for region in comparison.trend],
        "rule": asdict(comparison.rule),
        "options": {name: v for name, v in options.to_dict().items() if name not in _OF_PATIENTS},
        "software": describe_software(),
    }


def lesion_counts(pair: Pair) -> dict[str, int] | None:
    """Lesions of each kind, persistent ones by groups; None where they were not matched."""
    if pair.matching is None:
        return None
    kinds = [lesion.kind for lesion in pair.matching.lesions]
    return {kind: kinds.count(kind) for kind in KINDS}


def comparison_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) that every ``comparison.json`` fulfils."""
    text = files(__package__).joinpath("comparison.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _untrained(comparison: Comparison) -> bool:
    return any(is_untrained(study.flags) for study in comparison.studies)


def _pair(pair: Pair) -> dict[str, Any]:
    matching = pair.matching
    return {
        "earlier": pair.earlier,
        "later": pair.later,
        "changes": [_region(region) for region in pair.changes],
        "registration": asdict(pair.quality),
        "counts": lesion_counts(pair),
        "lesions": None if matching is None else [_lesion(lesion) for lesion in matching.lesions],
        "left_out": None
        if matching is None
        else {
            name: {"lesions": count, "lesion_ml": ml}
            for name, (count, ml) in zip(("earlier", "later"), matching.left_out, strict=True)
        },
        "flags": [asdict(flag) for flag in pair.flags],
    }


def _region(region: RegionChange) -> dict[str, Any]:
    return {
        "region": region.region,
        "lung_ml": region.lung_ml.to_dict(),
        "lesion_ml": region.lesion_ml.to_dict(),
        "ratio": region.ratio.to_dict(),
        "lesion_class_ml": {
            name: change.to_dict() for name, change in region.lesion_class_ml.items()
        },
    }


def _lesion(lesion: LesionChange) -> dict[str, Any]:
    return {
        **asdict(lesion),
        "change_ml": lesion.change_ml,
        "change_ratio": lesion.change_ratio,
    }


def _write_volumes(comparison: Comparison, path: Path) -> None:
    """One row for each pair, region and quantity."""

    def rows() -> Iterator[list[object]]:
        for pair in comparison.pairs:
            for region in pair.changes:
                quantities: dict[str, Change] = {
                    "lung_ml": region.lung_ml,
                    "lesion_ml": region.lesion_ml,
                    "ratio": region.ratio,
                    **{f"{name}_ml": one for name, one in region.lesion_class_ml.items()},
                }
                for name, change in quantities.items():
                    row = (pair.earlier, pair.later, region.region, name)
                    yield [*row, *change.to_dict().values()]

    header = ["earlier_study", "later_study", "region", "quantity"]
    write_table([*header, "earlier", "later", "difference", "relative"], rows(), path)


def _write_lesions(comparison: Comparison, path: Path) -> None:
    """One row for each lesion without a partner and each persistent group."""
    rows = [
        [
            pair.earlier,
            pair.later,
            lesion.kind,
            lesion.pattern,
            lesion.region,
            " ".join(map(str, lesion.earlier)) or None,
            " ".join(map(str, lesion.later)) or None,
            lesion.earlier_ml,
            lesion.later_ml,
            lesion.change_ml,
            lesion.change_ratio,
            *(lesion.slices or (None, None)),
            *lesion.centre_lps_mm,
        ]
        for pair in comparison.pairs
        if pair.matching is not None
        for lesion in pair.matching.lesions
    ]
    header = "earlier_study later_study kind pattern region earlier_lesions later_lesions "
    header += "earlier_ml later_ml change_ml change_ratio first_slice last_slice "
    header += "centre_l_mm centre_p_mm centre_s_mm"
    write_table(header.split(), rows, path)
