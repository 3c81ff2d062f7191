"""``report.html``: the result on one page, for people; needs no other file and no network."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from .. import RESEARCH_USE_NOTICE, __version__
from ..engine.result import OVERLAY_FROM, SegmentationResult
from ..engine.wording import millilitres, percent
from .slice_chart import slice_chart_svg

CATEGORY_RANGES = {
    "CT-0": "no lesion",
    "CT-1": "≤ 25 %",
    "CT-2": "25–50 %",
    "CT-3": "50–75 %",
    "CT-4": "> 75 %",
}
"""Infected share of a lung; source: EAMC paper, section 2.6."""


def write_report_html(
    result: SegmentationResult, path: Path, slices_picture: Path, infection_picture: Path
) -> None:
    """Write the report, with both pictures (PNG files) inside it."""
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, millilitres=millilitres)
    html = environment.get_template("report_template.html").render(
        notice=RESEARCH_USE_NOTICE,
        version=__version__,
        severity=result.severity,
        category_ranges=CATEGORY_RANGES,
        classes=result.classes,
        overlay_from=OVERLAY_FROM,
        flags=sorted(result.flags, key=lambda flag: flag.level != "warning"),
        slice_chart=slice_chart_svg(result.severity.slices),
        slices_picture=_data_uri(slices_picture),
        infection_picture=_data_uri(infection_picture),
        provenance=groups(result.provenance),
    )
    path.write_text(html, encoding="utf-8")


def groups(facts: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Facts as ``(heading, rows)`` for each group of them; single facts come last, as ``run``."""
    named = [(name, flatten(value)) for name, value in facts.items() if isinstance(value, dict)]
    single = {name: value for name, value in facts.items() if not isinstance(value, dict)}
    return [*named, ("run", flatten(single))] if single else named


def flatten(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested facts as rows ``("torch / version", "2.13")``, in their own order."""
    rows = []
    for key, value in facts.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            rows += flatten(value, f"{name} / ")
        else:
            rows.append((name, _as_text(value)))
    return rows


def _as_text(value: Any) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_as_text, value))
    return str(value)


def _data_uri(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode("ascii")
