"""What jobs that make models or training data print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ... import RESEARCH_USE_NOTICE
from ...engine.text import megabytes, score_text, thousands
from ...report.result_files import SYNTHESIS_PICTURE
from ..progress_display import print_json_line
from .printing import print_files, shell_word, summary_console

if TYPE_CHECKING:
    from ...engine.evaluation.compression import Compressed
    from ...engine.models.card import ModelCard
    from ...engine.models.retrained import Retrained
    from ...engine.synthesis.synthesize import Synthesis
    from ...jobs.enhancement import Enhanced
    from ...jobs.self_learning import SelfLearnedModel
    from ...jobs.training_run import Trained

_USES = {
    "lesions": "segment CT --model",
    "lungs": "segment CT --lungs",
    "instances": "detect CT --model",
    "slice-classes": "segment CT --slice-classifier",
}
"""How a model of a task is named to the command that uses it."""


def print_synthesis(synthesis: Synthesis, folder: Path, json_lines: bool) -> None:
    """How many slices were made, and of how many."""
    made = len(synthesis.slices)
    if json_lines:
        print_json_line({"done": str(folder), "slices": made, "wanted": synthesis.wanted})
        return
    console = summary_console()
    console.print(
        f"[bold]{made} synthetic slices[/bold] from {synthesis.infected} infected and "
        f"{synthesis.healthy} healthy ones; {synthesis.too_small} pairs left too little lesion"
    )
    if made < synthesis.wanted:
        console.print(
            f"  [yellow]warning[/yellow]: {synthesis.wanted} were asked for, but no pair is "
            "used twice: give more healthy slices."
        )
    print_files(console, folder, ((SYNTHESIS_PICTURE, "examples"),))


def print_training(trained: Trained, folder: Path, json_lines: bool) -> None:
    """Scores of the new model, or of the members of a cross-validation on their patients."""
    if trained.card:
        card = trained.card
        lines = [*_score_lines(card), *_how_to_use(folder, card.id, card.task)]
    else:
        from ...report.training import cross_validation_lines

        lines = cross_validation_lines(trained.members)
        lines.append(f"Ensemble: {trained.model}")
        lines += _how_to_use(folder, trained.model)
    _print_lines(lines, folder, json_lines)


def print_enhancement(enhanced: Enhanced, folder: Path, json_lines: bool) -> None:
    """What was learned from, and scores before and after."""
    from ...report.training import before_after_lines

    lines = [
        f"Learned from {enhanced.chosen} predictions of its own and {enhanced.corrected} "
        "corrected slices",
        *before_after_lines(enhanced.patients, enhanced.parent),
        *_how_to_use(folder, enhanced.card.id),
    ]
    _print_lines(lines, folder, json_lines)


def print_retraining(retrained: Retrained, folder: Path, json_lines: bool) -> None:
    """What was learned from, both models on held-out patients, and whether to promote."""
    from ...engine.models.retrained import MODEL_FOLDER

    learned = retrained.learned
    lines = [
        f"Learned from {learned.accepted} accepted and {learned.corrected} corrected cases and "
        f"{learned.predictions} confident predictions"
    ]
    if comparison := retrained.comparison:
        rows = [(patient.patient, patient.old, patient.new) for patient in comparison.patients]
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
        f"{thousands(level.frozen_parameters)} parameters frozen"
        + (", kept" if level.number == learned.best else "")
        for level in learned.levels
    ]
    lines += [flag.message for level in learned.levels for flag in level.flags]
    lines += [*model.card.notes[1:], *_score_lines(model.card)]
    _print_lines([*lines, *_how_to_use(folder, model.card.id)], folder, json_lines)


def print_compression(compressed: Compressed, folder: Path, json_lines: bool) -> None:
    """How every patient's Dice moved, and how much space is saved."""
    before, after = megabytes(compressed.bytes_before), megabytes(compressed.bytes_after)
    lines = [f"{name}  Dice {change:+.4f}" for name, change in compressed.changes.items()]
    lines.append(f"{before} MB became {after} MB")
    lines.append(f"To use it: covid-lesion-seg registry add {shell_word(str(folder))} --id NEW")
    _print_lines(lines, folder, json_lines)


def _score_lines(card: ModelCard) -> list[str]:
    return [f"{s.metric} {s.value:.4f} on {s.data}; {s.protocol}" for s in card.scores]


def _how_to_use(folder: Path, model: str, task: str = "lesions") -> list[str]:
    return [
        f"To use it: covid-lesion-seg registry add {shell_word(str(folder))}",
        f"Then: covid-lesion-seg {_USES[task]} {model} --out RESULT",
    ]


def _print_lines(lines: list[str], folder: Path, json_lines: bool) -> None:
    if json_lines:
        print_json_line({"done": str(folder), "lines": lines})
    else:
        print("\n".join([*lines, RESEARCH_USE_NOTICE]))
