"""``covid-lesion-seg models``: the models that can be selected, and their measured scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..engine.text import printable
from .commands import Debug
from .exit_codes import exit_codes

if TYPE_CHECKING:
    from ..engine.models.catalogue import Model


def models(
    model_id: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="Show everything about this model.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on standard output.")] = False,
    debug: Debug = False,
) -> None:
    """List the models, or show one with its paper, preprocessing, licence, training and scores."""
    with exit_codes(debug):
        from ..engine.models.catalogue import load_catalogue
        from ..engine.models.user_models import default_model

        catalogue = load_catalogue()
        facts: list[dict[str, Any]]
        ensembles = [asdict(one) for one in catalogue.ensembles]
        if model_id is None:
            facts = [model_facts(model) for model in catalogue.models]
        elif ensemble := catalogue.ensemble(model_id):
            facts = [asdict(ensemble)]
        else:
            facts = [model_facts(catalogue.get(model_id))]
        if as_json:
            print(json.dumps([*ensembles, *facts] if model_id is None else facts, indent=2))
        elif model_id is None:
            _print_list(facts, ensembles, default_model())
        else:
            _print_details(facts[0])


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


def _print_list(
    listed: list[dict[str, Any]], ensembles: list[dict[str, Any]], default: str
) -> None:
    """One line for each ensemble, then for each model, trained ones first, by task."""
    console = Console(highlight=False)
    console.print("[bold]Ensembles[/bold]")
    for ensemble in ensembles:
        parts = [ensemble["title"], ", ".join(ensemble["members"]), *_dice(ensemble["scores"])]
        console.print(_plain(f"  {ensemble['id']}  {'; '.join(parts)}"))
    console.print()
    for (untrained, task), group in groupby(sorted(listed, key=_group), key=_group):
        state = "not trained, needs --allow-untrained" if untrained else "trained"
        console.print(f"[bold]{task.capitalize()}, {state}[/bold]")
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right")
        for facts in group:
            number = f"{facts['parameters']:,}"
            line = ("default; " if facts["id"] == default else "") + _line(facts)
            table.add_row(_plain(f"  {facts['id']}"), number, _plain(line))
        console.print(table)
        console.print()
    console.print(
        "Numbers count parameters. Dice is the mean over patients, weighted by their slices.\n"
        "Everything about a model: covid-lesion-seg models ID"
    )


def _group(facts: dict[str, Any]) -> tuple[bool, str]:
    return facts["weights_licence"] is None, facts["task"]


def _line(facts: dict[str, Any]) -> str:
    """Title, classes if they are several, licence and measured Dice."""
    parts = [facts["title"]]
    if len(facts["classes"]) > 1:
        parts.append(" and ".join(facts["classes"]))
    if facts["weights_licence"]:
        parts.append(facts["weights_licence"])
        if not facts["weights_present"]:
            parts.append("weights absent")
    return "; ".join([*parts, *_dice(facts["scores"])])


def _dice(scores: list[dict[str, Any]]) -> Iterator[str]:
    """Mean Dice with the number of patients and slices, for each protocol of measuring."""
    from ..engine.models.card import Score
    from ..engine.models.scores import summarise_scores

    for summary in summarise_scores(Score(**score) for score in scores):
        patients = "1 patient" if summary.patients == 1 else f"{summary.patients} patients"
        slices = "1 slice" if summary.slices == 1 else f"{summary.slices} slices"
        data = f" of {summary.data}" if summary.data else ""
        yield f"Dice {summary.value:.2f} in {patients}{data}, {slices}"


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
    for score in facts["scores"]:
        yield (
            "score",
            f"{score['metric']} {score['value']:.3f} on {score['data']}; {score['protocol']}",
        )
    if not facts["scores"]:
        yield "score", "not measured"
    for note in facts["notes"]:
        yield "note", note


def _model_details(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "paper", facts["paper"]
    yield "finds", f"{facts['task']}; classes: {', '.join(facts['classes'])}"
    channels = ", ".join(facts["channels"])
    yield "network", f"{facts['network']}, {facts['parameters']:,} parameters; channels: {channels}"
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
