"""``covid-lesion-seg models``: the models that can be selected, and their measured scores."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..engine.text import printable, thousands
from .commands import Debug
from .exit_codes import exit_codes

if TYPE_CHECKING:
    from ..engine.models.catalogue import Model
    from ..engine.models.listing import ListedModel


_TASKS = {"instances": "Detectors", "slice-classes": "Slice classifiers"}


def models(
    model_id: Annotated[
        str | None, typer.Argument(metavar="MODEL", help="Show everything about this model.")
    ] = None,
    show_all: Annotated[
        bool,
        typer.Option(
            "--all", metavar="", help="List models without weights, too: they can be trained."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", metavar="", help="As JSON on standard output.")
    ] = False,
    debug: Debug = False,
) -> None:
    """List the models, or show one with its paper, preprocessing, licence, training and scores."""
    with exit_codes(debug):
        from ..engine.models.card import TASKS
        from ..engine.models.catalogue import load_catalogue
        from ..engine.models.listing import list_models
        from ..engine.models.user_models import default_model

        catalogue = load_catalogue()
        listed = {task: list_models(catalogue, task) for task in TASKS}
        if model_id is None:
            shown = {
                task: [one for one in found if one.trained or show_all]
                for task, found in listed.items()
            }
            hidden = sum(map(len, listed.values())) - sum(map(len, shown.values()))
            if as_json:
                print(
                    json.dumps([_facts(one) for found in shown.values() for one in found], indent=2)
                )
            else:
                _print_list(shown, hidden, default_model())
            return
        every = {one.id: one for found in listed.values() for one in found}
        if model_id not in every:
            catalogue.get(model_id)  # refuses with similar names
        facts = _facts(every[model_id])
        if as_json:
            print(json.dumps([facts], indent=2))
        else:
            _print_details(facts)


def _facts(one: ListedModel) -> dict[str, Any]:
    """What is known about a model, or an ensemble that ships, ready for JSON."""
    if one.is_ensemble:
        facts = {
            "id": one.id,
            "title": one.title,
            "members": [model.id for model in one.models],
            "scores": [asdict(score) for score in one.scores],
            "notes": list(one.notes),
        }
    else:
        facts = model_facts(one.models[0])
    return facts | {
        "dice": None if one.dice is None else asdict(one.dice),
        "development": [asdict(row) for row in one.development],
    }


def model_facts(model: Model) -> dict[str, Any]:
    """What the catalogue knows about one model, ready for JSON."""
    card = model.card
    weights = card.weights
    return {
        "id": card.id,
        "title": card.title,
        "paper": card.paper,
        "task": card.task,
        "network": card.network,
        "parameters": card.parameters,
        "classes": list(card.classes),
        "channels": list(card.channels),
        "preprocessing": card.preprocessing.to_dict(),
        "bfloat16": card.bfloat16,
        "weights_present": model.weights_present,
        "weights_sha256": weights.sha256 if weights else None,
        "weights_bits": weights.bits if weights else None,
        "weights_licence": weights.licence if weights else None,
        "weights_licence_note": weights.licence_note if weights else None,
        "training": card.training,
        "scores": [asdict(score) for score in card.scores],
        "notes": list(card.notes),
    }


def _print_list(shown: dict[str, list[ListedModel]], hidden: int, default: str) -> None:
    """One line for each model and ensemble of a task, the best measured first."""
    console = Console(highlight=False)
    for task, listed in shown.items():
        for trained, group in groupby(listed, key=lambda one: one.trained):
            state = "trained" if trained else "without weights: train one, or --allow-untrained"
            console.print(f"[bold]{_TASKS.get(task, task.capitalize())}, {state}[/bold]")
            table = Table.grid(padding=(0, 2))
            table.add_column(no_wrap=True)
            table.add_column(no_wrap=True, justify="right")
            for one in group:
                line = ("default; " if one.id == default else "") + _line(one)
                number = sum(model.card.parameters for model in one.models)
                table.add_row(_plain(f"  {one.id}"), thousands(number), _plain(line))
            console.print(table)
            console.print()
    if hidden:
        count = f"{hidden} more have" if hidden > 1 else "1 more has"
        console.print(f"{count} no weights: covid-lesion-seg models --all")
    console.print(
        "Numbers count parameters. Dice compares on the same data only, and pooled\n"
        "Dice (all slices together) not with mean Dice (over the patients).\n"
        "Everything about a model: covid-lesion-seg models ID"
    )


def _line(one: ListedModel) -> str:
    """Measured Dice, title, classes if they are several, and licence."""
    parts = [*([_dice(asdict(one.dice))] if one.dice else []), one.title]
    if one.is_ensemble:
        parts.append(", ".join(model.id for model in one.models))
    if len(one.classes) > 1:
        parts.append(" and ".join(one.classes))
    parts += one.licences
    if one.trained and not one.weights_present:
        parts.append("weights absent")
    return "; ".join(parts)


def _dice(summary: Mapping[str, Any]) -> str:
    """Dice with the data, the number of patients and slices, and how it was put together.

    Args:
        summary: Fields of a :class:`~..engine.models.scores.ScoreSummary`.
    """
    patients = "1 patient" if summary["patients"] == 1 else f"{summary['patients']} patients"
    slices = "1 slice" if summary["slices"] == 1 else f"{summary['slices']} slices"
    how = "pooled Dice" if summary["pooled"] else "mean Dice"
    data = f" on {summary['data']}" if summary["data"] else ""
    return f"{how} {summary['value']:.2f}{data} ({patients}, {slices})"


def _print_details(facts: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(_plain(facts["id"], "bold"), _plain(facts["title"]), sep="  ")
    table = Table.grid(padding=(0, 2))
    for name, text in _details(facts):
        table.add_row(_plain(f"  {name}"), _plain(text))
    console.print(table)


def _plain(text: str, style: str = "") -> Text:
    """A card's text as it is: no markup, and no control characters for the terminal."""
    return Text(printable(text), style=style)


def _details(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "members" in facts:
        yield "ensemble of", ", ".join(facts["members"])
    else:
        yield from _model_details(facts)
    if facts.get("dice"):
        yield "in the list", _dice(facts["dice"])
    for row in facts.get("development", ()):
        yield "development set", _development_text(row)
    for score in facts["scores"]:
        yield (
            "score",
            f"{score['metric']} {score['value']:.3f} on {score['data']}; {score['protocol']}",
        )
    if not facts["scores"]:
        yield "score", "not measured"
    for note in facts["notes"]:
        yield "note", note


def _development_text(row: dict[str, Any]) -> str:
    return (
        f"{row['data']}: pooled Dice {row['pooled_dice']:.3f}, median patient "
        f"{row['median_dice']:.3f}; {row['patients']} patients, {row['slices']} slices, "
        f"{row['learned']}; {row['protocol']}"
    )


def _model_details(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "paper", facts["paper"]
    yield "finds", f"{facts['task']}; classes: {', '.join(facts['classes'])}"
    channels = ", ".join(facts["channels"])
    yield (
        "network",
        f"{facts['network']}, {thousands(facts['parameters'])} parameters; channels: {channels}",
    )
    yield "input", _text({k: v for k, v in facts["preprocessing"].items() if v})
    yield "bfloat16", "scores do not change" if facts["bfloat16"] else "not measured, not used"
    yield "weights", _weights_text(facts)
    for name, value in facts["training"].items():
        yield f"training {name}", _text(value)


def _text(value: Any) -> str:
    """Nested facts in one line, deeper levels in parentheses."""
    if isinstance(value, dict):
        value = [f"{name} {_nested(one)}" for name, one in value.items()]
    return ", ".join(map(_nested, value)) if isinstance(value, (list, tuple)) else str(value)


def _nested(value: Any) -> str:
    if value in (None, {}, [], ()):
        return "none"
    return f"({_text(value)})" if isinstance(value, (dict, list, tuple)) else str(value)


def _weights_text(facts: dict[str, Any]) -> str:
    if facts["weights_licence"] is None:
        return "none: train it first, or run it untrained with --allow-untrained"
    presence = "present" if facts["weights_present"] else "absent"
    if facts["weights_bits"]:
        presence += f"; {facts['weights_bits']} bits per channel"
    return f"{presence}; {facts['weights_licence']}: {facts['weights_licence_note']}"
