"""``covid-lesion-seg train``: from annotated slices to a model of the catalogue."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..engine.errors import OutputError
from . import options
from .outcome import clear_outcome

_PATH_OPTIONS = {
    "--slices": "SLICES",
    "--clean-ct": "CT",
    "--clean-labels": "LABELS",
    "--out": "OUT",
    "-o": "OUT",
}


def train(
    model_id: Annotated[str, typer.Argument(metavar="ID", help="The new model's id.")],
    slices: Annotated[
        Path, typer.Option("--slices", help="Folder of index.csv, img/ and lesion/.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="New folder for the model and its loss curve.")
    ],
    validate: Annotated[
        list[str], typer.Option("--validate", help="Patient kept for validation; repeatable.")
    ],
    licence: Annotated[
        str, typer.Option("--licence", help="SPDX licence of the weights, from their data's.")
    ],
    licence_note: Annotated[
        str, typer.Option("--licence-note", help="What it means for the user, one sentence.")
    ],
    clean_ct: Annotated[
        Path | None, typer.Option("--clean-ct", help="A CT with lesion-free slices to learn from.")
    ] = None,
    clean_labels: Annotated[
        Path | None, typer.Option("--clean-labels", help="JSON list of its infected slices.")
    ] = None,
    clean_name: Annotated[
        str, typer.Option("--clean-name", help="What the model's card calls that CT.")
    ] = "clean-ct",
    network: Annotated[
        str, typer.Option("--network", help="Model of the catalogue whose network is trained.")
    ] = "amc-net",
    title: Annotated[
        str | None, typer.Option("--title", help="The new model's name; the network's by default.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Optimiser steps; the recipe's by default.")
    ] = None,
    debug: options.DebugOption = False,
) -> None:
    """Train a network on annotated slices and write its card and weights."""
    with clear_outcome(debug) as cancel:
        from ..engine.inference.cpu import tune_allocator

        tune_allocator()
        from ..engine.models.catalogue import load_catalogue
        from ..engine.training.data import read_training_data
        from ..engine.training.export import Provenance, export_model
        from ..engine.training.trainer import make_recipe
        from ..engine.training.trainer import train as fit

        (parent,) = load_catalogue().members((network,))
        recipe = make_recipe(parent.card, steps)
        data = read_training_data(slices, validate, clean_ct, clean_labels, clean_name)
        _make_new_folder(out)
        card = export_model(
            fit(recipe, data.training, out, cancel),
            recipe,
            data,
            out,
            model_id=model_id,
            title=title or parent.title,
            paper=parent.card.paper,
            provenance=Provenance(licence, licence_note, _command(sys.argv[1:])),
        )
        for score in card.scores:
            print(f"{score.metric} {score.value:.4f} on {score.data}; {score.protocol}")


def _make_new_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        occupied = any(out.iterdir())
    except OSError as error:
        raise OutputError(f"The folder for the model cannot be made: {error.strerror}.") from error
    if occupied:
        raise OutputError("The folder for the model is not empty: choose a new one.")


def _command(arguments: list[str]) -> str:
    """The command for the card, with the user's paths left out."""
    shown = [
        _PATH_OPTIONS.get(before, argument)
        for before, argument in zip([None, *arguments], arguments, strict=False)
    ]
    return shlex.join(["covid-lesion-seg", *shown])
