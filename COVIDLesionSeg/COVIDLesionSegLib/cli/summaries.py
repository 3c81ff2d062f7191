"""What a finished job prints on standard output: a summary for people, or one JSON line."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from .. import RESEARCH_USE_NOTICE
from ..engine.followup import COMPARISON_HTML, COMPARISON_JSON, TREND_PICTURE, changes_file
from ..engine.text import confidence_text, millilitres, percent, score_text
from ..report.result_files import (
    AGREEMENT_CSV,
    AGREEMENT_HTML,
    AGREEMENT_JSON,
    COHORT_CSV,
    COHORT_HTML,
    DECISIONS_CSV,
    DETECTOR_JSON,
    DETECTOR_PICTURE,
    DICOM_REPORT,
    DICOM_SEGMENTATION,
    DICOM_SLICES,
    DISAGREEMENT,
    EVALUATION_HTML,
    EVALUATION_JSON,
    FEATURES_PICTURE,
    INFECTION_PICTURE,
    LESION_CHANGES_CSV,
    LESIONS_CSV,
    LESIONS_LABELS,
    LESIONS_PICTURE,
    REPORT_HTML,
    REPORT_JSON,
    REPORT_PDF,
    SCENE,
    SCORES_CSV,
    SLICES_CSV,
    SLICES_PICTURE,
    STUDY_CSV,
    STUDY_HTML,
    STUDY_JSON,
    SYNTHESIS_PICTURE,
    VOLUMES_CSV,
)
from .progress_display import print_json_line

if TYPE_CHECKING:
    from ..engine.detection.detect import LesionDetection
    from ..engine.detection.evaluation import DetectorEvaluation
    from ..engine.evaluation.agreement import Agreement
    from ..engine.evaluation.compression import Compressed
    from ..engine.evaluation.run import Evaluation
    from ..engine.explain import SliceExplanation
    from ..engine.flags import Flag
    from ..engine.followup.compare import Comparison
    from ..engine.models.card import ModelCard
    from ..engine.models.retrained import Retrained
    from ..engine.result import SegmentationResult
    from ..engine.severity import RegionSeverity
    from ..engine.studies.results import StudyResult
    from ..engine.synthesis.synthesize import Synthesis
    from ..jobs.cohort import Cohort
    from ..jobs.enhancement import Enhanced
    from ..jobs.pseudo_labels import PseudoLabelled
    from ..jobs.self_learning import SelfLearnedModel
    from ..jobs.training import Trained

_MOST_FAILURES = 20
_LISTED_LESIONS = 20


def print_segmentation(result: SegmentationResult, folder: Path, json_lines: bool) -> None:
    """The severity, the quality flags and where the files are."""
    from ..engine.flags import UNTRAINED_MARK, is_untrained
    from ..engine.metrics.infection import SLICE_RULES
    from ..engine.severity.lobe_score import HIGHEST_SCORE, SCORE_TITLE

    severity = result.severity
    untrained = is_untrained(result.flags)
    if json_lines:
        done = {"done": str(folder), "category": severity.category, "ratio": severity.ratio}
        print_json_line({**done, "untrained": True} if untrained else done)
        return
    console = _console()
    if untrained:
        console.print(f"[bold red]{UNTRAINED_MARK}[/bold red]  random weights: not a result")
    headline = severity.rules[0]
    console.print(
        f"[bold]Severity {headline.named_category or 'n/a'}[/bold]  {percent(headline.ratio)} · "
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
    _print_flags(console, result.flags)
    console.print()
    disagreement = [(DISAGREEMENT, "ensemble disagreement")]
    dicom = (
        (DICOM_SEGMENTATION, "DICOM segmentation"),
        (DICOM_REPORT, "DICOM structured report"),
        (DICOM_SLICES, "DICOM pictures of slices"),
    )
    files = (
        (SLICES_PICTURE, "slices with overlay"),
        (INFECTION_PICTURE, "3D infection model"),
        (REPORT_HTML, "HTML report"),
        *([(REPORT_PDF, "report on paper")] if (folder / REPORT_PDF).is_file() else []),
        (REPORT_JSON, "report for programs"),
        (SLICES_CSV, "slice by slice"),
        (SCENE, "scene for 3D Slicer"),
        *(disagreement if result.disagreement is not None else []),
        *(one for one in dicom if (folder / one[0]).exists()),
    )
    _print_files(console, folder, files)


def print_cohort(cohort: Cohort, folder: Path, json_lines: bool) -> None:
    """How many cases were done, why others failed, and where the table is."""
    done = len(cohort.cases) - len(cohort.failed)
    if json_lines:
        print_json_line(
            {
                "done": str(folder),
                "cases": len(cohort.cases),
                "finished": done,
                "failed": [case.case for case in cohort.failed],
                "left_out": len(cohort.left_out),
            }
        )
        return
    console = _console()
    earlier = f" ({cohort.skipped} by an earlier run)" if cohort.skipped else ""
    console.print(f"[bold]{done} of {len(cohort.cases)} cases done[/bold]{earlier}")
    for case in cohort.failed[:_MOST_FAILURES]:
        why = case.error["message"] if case.error else ""
        console.print(
            f"  [red]failed[/red]  {escape(case.case)} ({escape(case.place)}): {escape(why)}"
        )
    if (more := len(cohort.failed) - _MOST_FAILURES) > 0:
        console.print(f"  and {more} more, see {COHORT_CSV}")
    if cohort.left_out:
        console.print(f"  {len(cohort.left_out)} left out, see {COHORT_HTML}")
    console.print()
    console.print(f"Table   {escape(str(folder / COHORT_CSV))}", soft_wrap=True)
    console.print(f"Page    {escape(str(folder / COHORT_HTML))}", soft_wrap=True)
    console.print(RESEARCH_USE_NOTICE, style="dim")


def print_comparison(comparison: Comparison, folder: Path, json_lines: bool) -> None:
    """How the lesions changed from study to study, the quality flags and where the files are."""
    from ..engine.flags import UNTRAINED_MARK, is_untrained
    from ..report.comparison import lesion_counts

    counts = [lesion_counts(pair) for pair in comparison.pairs]
    untrained = any(is_untrained(study.flags) for study in comparison.studies)
    if json_lines:
        done = {"done": str(folder), "studies": len(comparison.studies), "lesions": counts}
        print_json_line({**done, "untrained": True} if untrained else done)
        return
    console = _console()
    if untrained:
        console.print(f"[bold red]{UNTRAINED_MARK}[/bold red]  random weights: not a result")
    for pair, kinds in zip(comparison.pairs, counts, strict=True):
        console.print(f"[bold]Study {pair.earlier} to study {pair.later}[/bold]")
        for region in pair.changes:
            lesion, relative = region.lesion_ml, region.lesion_ml.relative
            change = "n/a" if relative is None else f"{relative:+.0%}"
            console.print(
                f"  {region.region:<11} {millilitres(lesion.earlier)} to "
                f"{millilitres(lesion.later)} ml of lesion ({change}), "
                f"{percent(region.ratio.earlier)} to {percent(region.ratio.later)} infected"
            )
        lesions = "n/a" if kinds is None else ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        console.print(f"  lesions: {lesions}")
    _print_flags(console, comparison.flags)
    console.print()
    segments = [
        (changes_file(pair.earlier, pair.later), f"lesions of {pair.earlier} and {pair.later}")
        for pair in comparison.pairs
    ]
    files = (
        (COMPARISON_HTML, "HTML report"),
        (TREND_PICTURE, "chart"),
        (COMPARISON_JSON, "report for programs"),
        (VOLUMES_CSV, "table of volumes"),
        (LESION_CHANGES_CSV, "table of lesions"),
    )
    written = [file for file in (*files, *segments) if (folder / file[0]).is_file()]
    _print_files(console, folder, written)


def print_detection(found: LesionDetection, folder: Path, json_lines: bool) -> None:
    """The table of lesions, and where the files are."""
    if json_lines:
        print_json_line({"done": str(folder), "lesions": len(found.lesions)})
        return
    console = _console()
    total = millilitres(sum(one.lesion_ml for one in found.lesions))
    console.print(f"[bold]{len(found.lesions)} lesions[/bold], {total} ml. {found.rule}")
    for one in found.lesions[:_LISTED_LESIONS]:
        box = " x ".join(f"{mm:.0f}" for mm in one.box_mm)
        console.print(
            f"  {one.number:>3}  {one.lobe or one.region:<10}  slices {one.slices[0]} to "
            f"{one.slices[1]}, {box} mm, {millilitres(one.lesion_ml)} ml, {one.mean_hu:.0f} HU, "
            f"score {one.score:.2f}"
        )
    if len(found.lesions) > _LISTED_LESIONS:
        console.print(f"  and {len(found.lesions) - _LISTED_LESIONS} smaller ones")
    _print_flags(console, found.flags)
    console.print()
    files = (
        (REPORT_HTML, "HTML report"),
        (LESIONS_CSV, "lesions as a table"),
        (LESIONS_LABELS, "number of the lesion, by voxel"),
        (LESIONS_PICTURE, "the largest lesions"),
        (REPORT_JSON, "report for programs"),
    )
    _print_files(console, folder, files)


def print_detector_scores(evaluation: DetectorEvaluation, folder: Path, json_lines: bool) -> None:
    """Average precision by both rules and agreement on classes, of all slices and by patient."""
    from ..report.decisions import decisions_for_page

    values = evaluation.pooled.values
    if json_lines:
        print_json_line({"done": str(folder), "scores": values})
        return
    console = _console()
    console.print(
        f"[bold]{escape(evaluation.title)}[/bold]  {evaluation.pooled.slices} slices, "
        f"{evaluation.pooled.instances} lesions"
    )
    for key, value in values.items():
        console.print(escape(f"  {key:<24} {score_text(value)}"))
    for patient, one in evaluation.patients.items():
        learned = "  (in the training set)" if evaluation.learned_from[patient] else ""
        console.print(
            escape(
                f"  {patient}  mAP {score_text(one.values['paper_map'])}, by COCO's rule "
                f"{score_text(one.values['coco_map'])}, {one.slices} slices{learned}"
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
    _print_files(console, folder, files)


def print_evaluation(evaluation: Evaluation, folder: Path, json_lines: bool) -> None:
    """Every model's Dice: pooled, over patients, and patient by patient."""
    if json_lines:
        dice = {scores.model: scores.pooled["dice"] for scores in evaluation.models}
        print_json_line({"done": str(folder), "dice": dice})
        return
    console = _console()
    console.print(escape(f"Protocol: {evaluation.protocol}"))
    for scores in evaluation.models:
        console.print(
            f"[bold]{escape(scores.model)}[/bold]  Dice {score_text(scores.pooled['dice'])} of "
            f"all {scores.slices} slices pooled; mean {score_text(scores.means['dice'])} and "
            f"sd {score_text(scores.sds['dice'])} of {len(scores.patients)} patients; "
            f"{scores.seconds_per_slice:.2g} s a slice"
        )
        for patient, one in scores.patients.items():
            learned = "  (in the training set)" if one.learned_from else ""
            dice_text = score_text(one.values["dice"])
            console.print(escape(f"  {patient}  {dice_text}, {one.slices} slices{learned}"))
    console.print()
    files = (
        (EVALUATION_HTML, "all scores, with pictures"),
        (SCORES_CSV, "scores as a table"),
        (EVALUATION_JSON, "scores for programs"),
    )
    _print_files(console, folder, files)


def print_agreement(agreement: Agreement, folder: Path, json_lines: bool) -> None:
    """Accuracy and quadratic kappa by rule, and the cases that are not compared."""
    kappas = {rule.rule: rule.kappas["kappa_quadratic"].value for rule in agreement.rules}
    if json_lines:
        print_json_line(
            {"done": str(folder), "cases": len(agreement.cases), "kappa_quadratic": kappas}
        )
        return
    console = _console()
    console.print(f"[bold]{len(agreement.cases)} cases[/bold] graded by the reader")
    for rule in agreement.rules:
        console.print(
            f"  same category {percent(rule.accuracy.value):>7}, weighted kappa (quadratic) "
            f"{score_text(kappas[rule.rule])}, {rule.cases} cases: {escape(rule.title)}"
        )
        if rule.not_graded:
            console.print(f"    not graded by the software: {escape(_some(rule.not_graded))}")
    for names, why in (
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
    _print_files(console, folder, files)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_FAILURES
    return ", ".join(names[:_MOST_FAILURES]) + (f" and {more} more" if more > 0 else "")


def print_explanation(explanation: SliceExplanation, folder: Path, json_lines: bool) -> None:
    """Which slice and network, the quality flags, and where the picture is."""
    if json_lines:
        print_json_line({"done": str(folder), "slice": explanation.index})
        return
    console = _console()
    console.print(
        f"[bold]Slice {explanation.index}[/bold] through {escape(explanation.model.title)}: "
        f"{len(explanation.blocks)} blocks, {len(explanation.attention)} attention gates"
    )
    _print_flags(console, explanation.flags)
    _print_files(console, folder, ((FEATURES_PICTURE, "feature maps"),))


def print_pseudo_labels(labelled: PseudoLabelled, file: Path, json_lines: bool) -> None:
    """The fraction of the lungs, or of outlined lesions, that each class fills."""
    if json_lines:
        print_json_line({"done": str(file), f"share_of_{labelled.region}": labelled.fractions})
        return
    console = _console()
    console.print("[bold]Pseudo-labels[/bold]: by density and shape, not by an expert")
    for name, fraction in labelled.fractions.items():
        console.print(f"  {name:<22} {percent(fraction)} of the {labelled.region}")
    _print_files(console, file.parent, ((file.name, "labels"),))


def print_synthesis(synthesis: Synthesis, folder: Path, json_lines: bool) -> None:
    """How many slices were made, and of how many."""
    made = len(synthesis.slices)
    if json_lines:
        print_json_line({"done": str(folder), "slices": made, "wanted": synthesis.wanted})
        return
    console = _console()
    console.print(
        f"[bold]{made} synthetic slices[/bold] from {synthesis.infected} infected and "
        f"{synthesis.healthy} healthy ones; {synthesis.too_small} pairs left too little lesion"
    )
    if made < synthesis.wanted:
        console.print(
            f"  [yellow]warning[/yellow]: {synthesis.wanted} were asked for, but no pair is "
            "used twice: give more healthy slices."
        )
    _print_files(console, folder, ((SYNTHESIS_PICTURE, "examples"),))


def print_training(trained: Trained, folder: Path, json_lines: bool) -> None:
    """Scores of the new model, or of the members of a cross-validation on their patients."""
    if trained.card:
        lines = [*_score_lines(trained.card), *_how_to_use(folder, trained.card.id)]
    else:
        from ..report.training import cross_validation_lines

        lines = cross_validation_lines(trained.members)
        lines.append(f"Ensemble: {trained.model}")
        lines += _how_to_use(folder, trained.model)
    _print_lines(lines, folder, json_lines)


def print_enhancement(enhanced: Enhanced, folder: Path, json_lines: bool) -> None:
    """What was learned from, and scores before and after."""
    from ..report.training import before_after_lines

    lines = [
        f"Learned from {enhanced.chosen} predictions of its own and {enhanced.corrected} "
        "corrected slices",
        *before_after_lines(enhanced.patients, enhanced.parent),
        *_how_to_use(folder, enhanced.card.id),
    ]
    _print_lines(lines, folder, json_lines)


def print_retraining(retrained: Retrained, folder: Path, json_lines: bool) -> None:
    """What was learned from, both models on held-out patients, and whether to promote."""
    from ..engine.models.retrained import MODEL_FOLDER

    learned = retrained.learned
    lines = [
        f"Learned from {learned.accepted} accepted and {learned.corrected} corrected cases and "
        f"{learned.predictions} confident predictions"
    ]
    if comparison := retrained.comparison:
        rows = [(one.patient, one.old, one.new) for one in comparison.patients]
        lines += [
            f"{name}  Dice {score_text(old.dice)} to {score_text(new.dice)}, sensitivity "
            f"{score_text(old.sensitivity)} to {score_text(new.sensitivity)}, precision "
            f"{score_text(old.precision)} to {score_text(new.precision)}"
            for name, old, new in (*rows, ("pooled", comparison.old, comparison.new))
        ]
    promotion = retrained.promotion
    lines += [promotion.reason, *_how_to_use(folder / MODEL_FOLDER, retrained.model)]
    if promotion.allowed:
        lines.append(f"To make it the default: covid-lesion-seg registry promote {retrained.model}")
    _print_lines(lines, folder, json_lines)


def print_self_learning(model: SelfLearnedModel, folder: Path, json_lines: bool) -> None:
    """Every level's validation Dice, and the scores of the model that was kept."""
    learned = model.learned
    lines = [
        f"Level {level.number}: validation Dice {level.dice:.4f}, "
        f"{level.frozen_parameters:,} parameters frozen"
        + (", kept" if level.number == learned.best else "")
        for level in learned.levels
    ]
    lines += [flag.message for level in learned.levels for flag in level.flags]
    lines += [*model.card.notes[1:], *_score_lines(model.card)]
    _print_lines([*lines, *_how_to_use(folder, model.card.id)], folder, json_lines)


def print_study(found: StudyResult, folder: Path, json_lines: bool) -> None:
    """Our scores of each row, and for how long it was trained."""
    from ..report.study import ours_texts, ours_titles

    study = found.study
    if json_lines:
        rows = {name: result.scores for name, result in found.results.items()}
        print_json_line({"done": str(folder), "rows": rows})
        return
    console = _console()
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
    _print_files(console, folder, files)


def print_compression(compressed: Compressed, folder: Path, json_lines: bool) -> None:
    """How every patient's Dice moved, and how much space is saved."""
    before, after = compressed.bytes_before / 1e6, compressed.bytes_after / 1e6
    lines = [f"{name}  Dice {change:+.4f}" for name, change in compressed.changes.items()]
    lines.append(f"{before:.1f} MB became {after:.1f} MB")
    lines.append(f"To use it: covid-lesion-seg registry add {shlex.quote(str(folder))} --id NEW")
    _print_lines(lines, folder, json_lines)


def _score_lines(card: ModelCard) -> list[str]:
    return [f"{s.metric} {s.value:.4f} on {s.data}; {s.protocol}" for s in card.scores]


def _how_to_use(folder: Path, model: str) -> list[str]:
    return [
        f"To use it: covid-lesion-seg registry add {shlex.quote(str(folder))}",
        f"Then: covid-lesion-seg segment CT --model {model}",
    ]


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


def _print_lines(lines: list[str], folder: Path, json_lines: bool) -> None:
    if json_lines:
        print_json_line({"done": str(folder), "lines": lines})
    else:
        print("\n".join(lines))


def _print_flags(console: Console, flags: Iterable[Flag]) -> None:
    for flag in flags:
        console.print(f"  [yellow]{flag.level}[/yellow]: {escape(flag.message)}")


def _print_files(console: Console, folder: Path, files: Iterable[tuple[str, str]]) -> None:
    for name, content in files:
        console.print(f"  {content:<25} {folder / name}", markup=False)
    console.print(f"\n[dim]{RESEARCH_USE_NOTICE}[/dim]")


def _parts(region: RegionSeverity) -> str:
    """The volume of each lesion class, where there are several."""
    if len(region.lesion_class_ml) < 2:
        return ""
    parts = (f"{escape(name)} {millilitres(ml)}" for name, ml in region.lesion_class_ml.items())
    return f" ({', '.join(parts)})"
