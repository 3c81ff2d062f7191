"""What jobs on one CT print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from ...engine.text import confidence_text, millilitres, percent
from ...report.result_files import (
    DICOM_REPORT,
    DICOM_SEGMENTATION,
    DICOM_SLICES,
    DISAGREEMENT,
    FEATURES_PICTURE,
    INFECTION_PICTURE,
    LESIONS_CSV,
    LESIONS_LABELS,
    LESIONS_PICTURE,
    REPORT_HTML,
    REPORT_JSON,
    REPORT_PDF,
    SCENE,
    SLICES_CSV,
    SLICES_PICTURE,
)
from ..progress_display import print_json_line
from .printing import print_files, print_flags, summary_console

if TYPE_CHECKING:
    from ...engine.detection.result import LesionDetection
    from ...engine.explain import SliceExplanation
    from ...engine.result import SegmentationResult
    from ...engine.severity import RegionSeverity
    from ...jobs.pseudo_labels import PseudoLabelled

_LISTED_LESIONS = 20


def print_segmentation(result: SegmentationResult, folder: Path, json_lines: bool) -> None:
    """The severity, the quality flags and where the files are."""
    from ...engine.flags import POOR_MODEL, UNTRAINED_MARK, is_untrained
    from ...engine.metrics.infection import SLICE_RULES
    from ...engine.severity.lobe_score import HIGHEST_SCORE, SCORE_TITLE

    severity = result.severity
    untrained = is_untrained(result.flags)
    if json_lines:
        done = {"done": str(folder), "category": severity.category, "ratio": severity.ratio}
        print_json_line({**done, "untrained": True} if untrained else done)
        return
    console = summary_console()
    if untrained:
        console.print(f"[bold red]{UNTRAINED_MARK}[/bold red]  random weights: not a result")
    headline = severity.rules[0]
    poor = any(flag.code == POOR_MODEL for flag in result.flags)
    # Nobody is called normal by a model that finds next to nothing.
    category = headline.category if poor else headline.named_category
    console.print(
        f"[bold]Severity {category or 'n/a'}[/bold]  {percent(headline.ratio)} · "
        f"{escape(headline.title)}"
    )
    for region in severity.regions:
        console.print(
            f"  {region.region:<11} {percent(region.ratio):>8} infected, "
            f"{millilitres(region.lesion_ml)} of {millilitres(region.lung_ml)} ml{_parts(region)}"
        )
    for lobe in severity.lobes:
        score = severity.lobe_scores[lobe.region]
        told = "n/a" if score is None else score
        console.print(f"  {lobe.region:<16} {percent(lobe.ratio):>8} infected, score {told}")
    if severity.lobes:
        total = severity.ct_severity_score
        told = "n/a" if total is None else f"{total} of {HIGHEST_SCORE}"
        console.print(f"  {SCORE_TITLE}: {told}")
    for rule in SLICE_RULES:
        positive = severity.positive_slices(rule.rule)
        if positive is not None:
            count = f"{len(positive)} of {len(severity.slices)} slices positive"
            console.print(f"  {count}: {escape(rule.title)}")
    if severity.confidence is not None:
        console.print(
            f"  confidence {confidence_text(severity.confidence)}: the share of it that experts "
            "would be expected to mark, too"
        )
    print_flags(console, result.flags)
    console.print()
    disagreement = [(DISAGREEMENT, "ensemble disagreement")]
    files = (
        (SLICES_PICTURE, "slices with overlay"),
        (INFECTION_PICTURE, "3D infection model"),
        (REPORT_HTML, "HTML report"),
        *([(REPORT_PDF, "report on paper")] if (folder / REPORT_PDF).is_file() else []),
        (REPORT_JSON, "report for programs"),
        (SLICES_CSV, "slice by slice"),
        (SCENE, "scene for 3D Slicer"),
        *(disagreement if result.disagreement is not None else []),
        *_dicom_files(folder),
    )
    print_files(console, folder, files)


def print_dicom_export(result: SegmentationResult, folder: Path, json_lines: bool) -> None:
    """The severity that the files state, the quality flags and where the files are."""
    if json_lines:
        print_json_line({"done": str(folder), "category": result.severity.category})
        return
    console = summary_console()
    headline = result.severity.rules[0]
    console.print(f"[bold]Severity {headline.named_category or 'n/a'}[/bold], as DICOM")
    print_flags(console, result.flags)
    console.print()
    print_files(console, folder, _dicom_files(folder))


def print_detection(found: LesionDetection, folder: Path, json_lines: bool) -> None:
    """The table of lesions, and where the files are."""
    if json_lines:
        print_json_line({"done": str(folder), "lesions": len(found.lesions)})
        return
    console = summary_console()
    total = millilitres(sum(lesion.lesion_ml for lesion in found.lesions))
    console.print(f"[bold]{len(found.lesions)} lesions[/bold], {total} ml. {found.rule}")
    for lesion in found.lesions[:_LISTED_LESIONS]:
        box = " x ".join(f"{mm:.0f}" for mm in lesion.box_mm)
        first, last = lesion.slices
        console.print(
            f"  {lesion.number:>3}  {lesion.lobe or lesion.region:<10}  {_slices(first, last)}, "
            f"{box} mm, {millilitres(lesion.lesion_ml)} ml, {lesion.mean_hu:.0f} HU, "
            f"score {lesion.score:.2f}"
        )
    if len(found.lesions) > _LISTED_LESIONS:
        console.print(f"  and {len(found.lesions) - _LISTED_LESIONS} smaller ones")
    print_flags(console, found.flags)
    console.print()
    files = (
        (REPORT_HTML, "HTML report"),
        (LESIONS_CSV, "lesions as a table"),
        (LESIONS_LABELS, "number of the lesion, by voxel"),
        (LESIONS_PICTURE, "the largest lesions"),
        (REPORT_JSON, "report for programs"),
    )
    print_files(console, folder, files)


def print_explanation(explanation: SliceExplanation, folder: Path, json_lines: bool) -> None:
    """Which slice and network, the quality flags, and where the picture is."""
    if json_lines:
        print_json_line({"done": str(folder), "slice": explanation.index})
        return
    console = summary_console()
    console.print(
        f"[bold]Slice {explanation.index}[/bold] through {escape(explanation.model.title)}: "
        f"{len(explanation.blocks)} blocks, {len(explanation.attention)} attention gates"
    )
    print_flags(console, explanation.flags)
    print_files(console, folder, ((FEATURES_PICTURE, "feature maps"),))


def print_pseudo_labels(labelled: PseudoLabelled, file: Path, json_lines: bool) -> None:
    """The fraction of the lungs, or of outlined lesions, that each class fills."""
    if json_lines:
        done = {"done": str(file), f"share_of_{labelled.region}": labelled.fractions}
        print_json_line({**done, "left_out": labelled.left_out} if labelled.left_out else done)
        return
    console = summary_console()
    console.print("[bold]Pseudo-labels[/bold]: by density and shape, not by an expert")
    for name, fraction in labelled.fractions.items():
        console.print(f"  {name:<22} {percent(fraction)} of the {labelled.region}")
    if labelled.left_out:
        console.print(
            f"  [yellow]warning[/yellow]: {labelled.left_out} slices were windowed before they "
            "were stored, so their HU are not known: they are left out."
        )
    print_files(console, file.parent, ((file.name, "labels"),))


def _dicom_files(folder: Path) -> list[tuple[str, str]]:
    """Those that are there."""
    files = (
        (DICOM_SEGMENTATION, "DICOM segmentation"),
        (DICOM_REPORT, "DICOM structured report"),
        (DICOM_SLICES, "DICOM pictures of slices"),
    )
    return [(name, title) for name, title in files if (folder / name).exists()]


def _parts(region: RegionSeverity) -> str:
    """The volume of each lesion class, where there are several."""
    if len(region.lesion_class_ml) < 2:
        return ""
    parts = (f"{escape(name)} {millilitres(ml)}" for name, ml in region.lesion_class_ml.items())
    return f" ({', '.join(parts)})"


def _slices(first: int, last: int) -> str:
    return f"slice {first}" if first == last else f"slices {first} to {last}"
