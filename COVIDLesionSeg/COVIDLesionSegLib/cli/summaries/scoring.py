"""What jobs that score models print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from ...engine.text import counted, percent, score_text
from ...report.result_files import (
    AGREEMENT_CSV,
    AGREEMENT_HTML,
    AGREEMENT_JSON,
    DECISIONS_CSV,
    DETECTOR_JSON,
    DETECTOR_PICTURE,
    EVALUATION_HTML,
    EVALUATION_JSON,
    SCORES_CSV,
    STUDY_CSV,
    STUDY_HTML,
    STUDY_JSON,
)
from ..progress_display import print_json_line
from .printing import MOST_FAILURES, print_files, summary_console

if TYPE_CHECKING:
    from ...engine.detection.evaluation import DetectorEvaluation
    from ...engine.evaluation.reader_agreement import Agreement
    from ...engine.evaluation.run import Evaluation
    from ...engine.studies.results import StudyResult


def print_detector_scores(evaluation: DetectorEvaluation, folder: Path, json_lines: bool) -> None:
    """Average precision by both rules and agreement on classes, of all slices and by patient."""
    from ...report.decisions import decisions_for_page

    values = evaluation.pooled.values
    if json_lines:
        print_json_line({"done": str(folder), "scores": values})
        return
    console = summary_console()
    console.print(
        f"[bold]{escape(evaluation.title)}[/bold]  {evaluation.pooled.slices} slices, "
        f"{evaluation.pooled.instances} lesions"
    )
    for key, value in values.items():
        console.print(escape(f"  {key:<24} {score_text(value)}"))
    for patient, scores in evaluation.patients.items():
        learned = "  (in the training set)" if evaluation.learned_from[patient] else ""
        console.print(
            escape(
                f"  {patient}  mAP {score_text(scores.values['paper_map'])}, by COCO's rule "
                f"{score_text(scores.values['coco_map'])}, "
                f"{counted(scores.slices, 'slice')}{learned}"
            )
        )
    for row in decisions_for_page(evaluation.decisions):
        sensitivity, specificity, *_ = row["told"]
        console.print(
            escape(
                f"  {row['number']} {row['of']}, {row['rule']}: sensitivity {sensitivity}, "
                f"specificity {specificity}"
            )
        )
    if evaluation.scanner_alone is not None:
        console.print(
            escape(
                f"  F1 {score_text(evaluation.scanner_alone.f1)} by the scanner alone: every slice "
                "is called what most slices of its scanner are"
            )
        )
    console.print()
    files = (
        (SCORES_CSV, "scores as a table"),
        (DECISIONS_CSV, "infected slices and cases, by rule"),
        (DETECTOR_JSON, "scores for programs"),
        (DETECTOR_PICTURE, "examples"),
    )
    print_files(console, folder, files)


def print_evaluation(evaluation: Evaluation, folder: Path, json_lines: bool) -> None:
    """Every model's Dice: pooled, over patients, and patient by patient."""
    if json_lines:
        dice = {scores.model: scores.pooled["dice"] for scores in evaluation.models}
        print_json_line({"done": str(folder), "dice": dice})
        return
    console = summary_console()
    console.print(escape(f"Protocol: {evaluation.protocol}"))
    for scores in evaluation.models:
        console.print(
            f"[bold]{escape(scores.model)}[/bold]  Dice {score_text(scores.pooled['dice'])} of "
            f"all {scores.slices} slices pooled; mean {score_text(scores.means['dice'])} and "
            f"sd {score_text(scores.sds['dice'])} of {len(scores.patients)} patients; "
            f"{scores.seconds_per_slice:.2g} s a slice"
        )
        for patient, patient_scores in scores.patients.items():
            learned = "  (in the training set)" if patient_scores.learned_from else ""
            dice_text = score_text(patient_scores.values["dice"])
            console.print(
                escape(
                    f"  {patient}  {dice_text}, {counted(patient_scores.slices, 'slice')}{learned}"
                )
            )
    console.print()
    files = (
        (EVALUATION_HTML, "all scores, with pictures"),
        (SCORES_CSV, "scores as a table"),
        (EVALUATION_JSON, "scores for programs"),
    )
    print_files(console, folder, files)


def print_agreement(agreement: Agreement, folder: Path, json_lines: bool) -> None:
    """Accuracy and quadratic kappa by rule, and the cases that are not compared."""
    kappas = {rule.rule: rule.kappas["kappa_quadratic"].value for rule in agreement.rules}
    if json_lines:
        print_json_line(
            {"done": str(folder), "cases": len(agreement.cases), "kappa_quadratic": kappas}
        )
        return
    console = summary_console()
    absent = sum(one.case in agreement.only_reader and bool(one.reader) for one in agreement.others)
    both = len(agreement.cases)
    compared = sum(one.graded_by_software for one in agreement.cases)
    console.print(
        f"[bold]{counted(both + absent, 'case')}[/bold] graded by the reader, {both} of them in "
        f"the cohort, {compared} compared"
    )
    never = tuple(one.case for one in agreement.cases if not one.graded_by_software)
    for rule in agreement.rules:
        console.print(
            f"  same category {percent(rule.accuracy.value):>7}, weighted kappa (quadratic) "
            f"{score_text(kappas[rule.rule])}, {counted(rule.cases, 'case')}: "
            f"{escape(rule.title)}"
        )
        if others := [case for case in rule.not_graded if case not in never]:
            console.print(f"    not graded by this rule: {escape(_some(others))}")
    for names, why in (
        (never, "not graded by the software"),
        (agreement.only_reader, "not in the cohort"),
        (agreement.only_software, "not in the reader's table"),
        (agreement.reader_not_graded, "without a category of the reader"),
    ):
        if names:
            console.print(f"  [yellow]{len(names)} {why}[/yellow]: {escape(_some(names))}")
    console.print()
    files = (
        (AGREEMENT_HTML, "HTML report"),
        (AGREEMENT_CSV, "case by case"),
        (SCORES_CSV, "scores as a table"),
        (AGREEMENT_JSON, "all for programs"),
    )
    print_files(console, folder, files)


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_FAILURES
    return ", ".join(names[:MOST_FAILURES]) + (f" and {more} more" if more > 0 else "")


def print_study(found: StudyResult, folder: Path, json_lines: bool) -> None:
    """Our scores of each row, and for how long it was trained."""
    from ...report.study import ours_texts, ours_titles

    study = found.study
    if json_lines:
        rows = {name: result.scores for name, result in found.results.items()}
        print_json_line({"done": str(folder), "rows": rows})
        return
    console = summary_console()
    console.print(f"[bold]{escape(study.title)}[/bold], {escape(study.table)}", highlight=False)
    titles = ours_titles(found)
    for row in study.rows:
        if (result := found.results.get(row.id)) is None:
            console.print(escape(f"  {row.id}: not run"))
            continue
        scores = ", ".join(
            f"{titles[name]} {text}" for name, text in ours_texts(row, found).items()
        )
        far = "; far below the paper" if result.far_below else ""
        console.print(escape(f"  {row.id}: {scores}; {result.length}{far}"), highlight=False)
    console.print()
    files = (
        (STUDY_HTML, "the paper's table beside ours"),
        (STUDY_CSV, "the same as a table"),
        (STUDY_JSON, "the same for programs"),
    )
    print_files(console, folder, files)
