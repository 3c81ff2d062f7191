"""``covid-lesion-seg models``: what can be selected, and how well it was measured to work."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from . import options
from .outcome import clear_outcome

if TYPE_CHECKING:
    from ..engine.models.catalogue import Catalogue, Model


def models(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on standard output.")] = False,
    debug: options.DebugOption = False,
) -> None:
    """List the models: paper, parameters, classes, weights, licence and measured scores."""
    with clear_outcome(debug):
        from ..engine.models.catalogue import load_catalogue

        catalogue = load_catalogue()
        if as_json:
            print(json.dumps([model_facts(model) for model in catalogue.models], indent=2))
        else:
            _print_list(catalogue)
        for problem in catalogue.problems:
            print(f"Left out: {problem}", file=sys.stderr)


def model_facts(model: Model) -> dict[str, Any]:
    """What the catalogue knows about one model, ready for JSON."""
    card = model.card
    weights = card.weights
    return {
        "id": card.id,
        "title": card.title,
        "paper": card.paper,
        "network": card.network,
        "parameters": card.parameters,
        "classes": list(card.classes),
        "weights_present": model.weights_present,
        "weights_sha256": weights.sha256 if weights else None,
        "weights_licence": weights.licence if weights else None,
        "weights_licence_note": weights.licence_note if weights else None,
        "scores": [asdict(score) for score in card.scores],
        "notes": list(card.notes),
    }


def _print_list(catalogue: Catalogue) -> None:
    console = Console(highlight=False)
    for model in catalogue.models:
        facts = model_facts(model)
        console.print(f"[bold]{escape(facts['id'])}[/bold]  {escape(facts['title'])}")
        table = Table.grid(padding=(0, 2))
        table.add_row("  paper", escape(facts["paper"]))
        classes = escape(", ".join(facts["classes"]))
        table.add_row("  network", f"{facts['parameters']:,} parameters; classes: {classes}")
        table.add_row("  weights", escape(_weights_text(facts)))
        for score in facts["scores"] or (None,):
            table.add_row("  score", escape(_score_text(score)))
        for note in facts["notes"]:
            table.add_row("  note", escape(note))
        console.print(table)
        console.print()


def _weights_text(facts: dict[str, Any]) -> str:
    if facts["weights_licence"] is None:
        return "none: the network can be trained, not run"
    presence = "present" if facts["weights_present"] else "absent"
    return f"{presence}; {facts['weights_licence']}: {facts['weights_licence_note']}"


def _score_text(score: dict[str, Any] | None) -> str:
    if score is None:
        return "not measured"
    return f"{score['metric']} {score['value']:.3f} on {score['data']}; {score['protocol']}"
