"""``recipe``: every value that a model's network is trained by, as JSON that ``train`` takes."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ..engine.errors import ModelError
from .commands import Debug
from .exit_codes import exit_codes


def recipe(
    model: Annotated[str, typer.Argument(help="Model of the catalogue.", metavar="ID")],
    name: Annotated[
        str | None,
        typer.Option(
            "--recipe", metavar="TEXT", help="Another recipe: a name, or a JSON file, as for train."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TEXT", help="NAME=VALUE, as for train; repeatable."),
    ] = None,
    fine_tune: Annotated[
        bool,
        typer.Option(
            "--fine-tune", metavar="", help="The recipe that starts from the model's weights."
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Show the recipe that trains a model's network, as JSON for train --recipe."""
    with exit_codes(debug, {"recipe": "recipe", "settings": "set"}):
        from ..engine.models.catalogue import load_catalogue
        from ..engine.training.recipe_settings import choose_recipe, parse_setting

        try:
            card = load_catalogue().get(model).card
        except ModelError as error:
            raise ModelError(
                f"{error} covid-lesion-seg models --all lists those that can be trained, too."
            ) from error
        chosen = choose_recipe(
            card,
            fine_tune=fine_tune,
            recipe=name,
            settings=[parse_setting(text) for text in settings or ()],
        )
        typer.echo(json.dumps(chosen.to_dict(), indent=2, ensure_ascii=False))
