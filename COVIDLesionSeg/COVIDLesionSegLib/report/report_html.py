"""``report.html``: the result on one page, for people; needs no other file and no network.

``report.pdf`` is made from the same page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..engine.flags import UNTRAINED_MARK, is_untrained
from ..engine.labels import class_style
from ..engine.metrics.infection import SLICE_RULES
from ..engine.result import OVERLAY_FROM, SegmentationResult
from ..engine.severity.lobe_score import HIGHEST_SCORE, SCORE_TITLE
from .html_page import data_uri, groups, render_page
from .result_files import DISAGREEMENT, SLICES_CSV
from .slice_chart import slice_chart_svg

CATEGORY_RANGES = {
    "CT-0": "no lesion found",
    "CT-1": "≤ 25 %",
    "CT-2": "25–50 %",
    "CT-3": "50–75 %",
    "CT-4": "> 75 %",
}
"""Infected share of a lung; source: EAMC paper, section 2.6."""

MOST_LESIONS = 12
"""Rows of the table of lesions; report.json lists all."""


def report_page(
    result: SegmentationResult,
    slices_picture: Path,
    infection_picture: Path | None,
    title: str = "",
) -> str:
    """The report as HTML, with its pictures (PNG files) inside it.

    Args:
        result: What is reported.
        slices_picture: Axial slices.
        infection_picture: The 3D model; None where there is none.
        title: Below the heading, as the user chose: nothing else in it names a patient.
    """
    networks, others = _networks(result.provenance)
    free_ml = result.severity.lesion_free_ml
    return render_page(
        "report_template.html",
        title=title,
        severity=result.severity,
        score_title=SCORE_TITLE,
        highest_score=HIGHEST_SCORE,
        most_lesions=MOST_LESIONS,
        least_confident=min(
            (slice_ for slice_ in result.severity.slices if slice_.confidence is not None),
            key=lambda one: one.confidence or 0.0,
            default=None,
        ),
        category_ranges=CATEGORY_RANGES | ({"CT-0": f"≤ {free_ml:g} ml"} if free_ml else {}),
        classes={name: _css(class_style(name).color) for name in result.classes},
        untrained=UNTRAINED_MARK if is_untrained(result.flags) else "",
        is_ensemble=result.disagreement is not None,
        disagreement_file=DISAGREEMENT,
        networks=networks,
        overlay_from=OVERLAY_FROM,
        slice_rules=[
            (rule.title, result.severity.positive_slices(rule.rule)) for rule in SLICE_RULES
        ],
        flags=sorted(result.flags, key=lambda flag: flag.level != "warning"),
        slice_chart=slice_chart_svg(result.severity),
        slices_table=SLICES_CSV,
        slices_picture=data_uri(slices_picture.read_bytes()),
        infection_picture=infection_picture and data_uri(infection_picture.read_bytes()),
        provenance=groups(others),
    )


def _networks(provenance: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The networks that ran, by name, those of the lungs last; and all other provenance."""
    others = {name: value for name, value in provenance.items() if name != "models"}
    networks = dict(provenance["models"])
    if classifier := others.pop("slice_classifier", None):
        networks[f"{classifier['model']} (clean slices, not segmented)"] = classifier
    lungs = dict(provenance["lungs"])
    opinion = lungs.pop("second_opinion", {})
    if "weights" in lungs:
        networks[lungs["method"]] = lungs
        lungs = {}
    if "weights" in opinion:
        networks[f"{opinion['model']} (second opinion on the lungs)"] = opinion
        opinion = {"slices": opinion["slices"]}
    others["lungs"] = {**lungs, **({"second_opinion": opinion} if opinion else {})}
    if not others["lungs"]:
        del others["lungs"]
    return networks, others


def _css(color: tuple[float, float, float]) -> str:
    """RGB, 0 to 1, as ``#rrggbb``."""
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in color)
