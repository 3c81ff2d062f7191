"""``covid-lesion-seg registry``: hand models on, choose the one that is used, look at descent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .commands import Debug
from .exit_codes import exit_codes

if TYPE_CHECKING:
    from ..engine.models.lineage import Ancestor

registry = typer.Typer(
    help="Hand models on, and choose the one that is used.", no_args_is_help=True
)

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Id of the model.")]


@registry.command("export")
def export_model(
    model_id: ModelArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The zip file to write.")],
    debug: Debug = False,
) -> None:
    """Write a model with card, preprocessing and licence into one file (MONAI bundle layout)."""
    with exit_codes(debug):
        from ..engine.models.archive import export_archive
        from ..engine.models.catalogue import load_catalogue

        model = load_catalogue().get(model_id)
        export_archive(model, file)
        print(f"{model_id} written to {file}. Licence of its weights: {model.card.weights.licence}")


@registry.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that export wrote.")],
    debug: Debug = False,
) -> None:
    """Check a model's file and put the model among your own."""
    with exit_codes(debug):
        from ..engine.models.archive import import_archive

        card = import_archive(file).card
        print(f"{card.id} imported. Licence of its weights: {card.weights.licence}")
        print(card.weights.licence_note)


@registry.command()
def promote(model_id: ModelArgument, debug: Debug = False) -> None:
    """Use this model from now on where none is named: panel, console and command line."""
    with exit_codes(debug):
        from ..engine.models.catalogue import load_catalogue
        from ..engine.models.promotion import promote as remember
        from ..engine.models.weights import load_network

        catalogue = load_catalogue()
        catalogue.get(model_id)  # no ensemble
        (model,) = catalogue.members((model_id,))
        load_network(model)
        remember(model_id, model.card.weights.sha256)
        print(f"{model_id} is used from now on where no model is named.")


@registry.command("roll-back")
def roll_back(debug: Debug = False) -> None:
    """Take the last promotion back."""
    with exit_codes(debug):
        from ..engine.models.promotion import roll_back as forget

        print(f"{forget()} is used again where no model is named.")


@registry.command()
def lineage(model_id: ModelArgument, debug: Debug = False) -> None:
    """Show what a model descends from: parents, data and scores, the model itself first."""
    with exit_codes(debug):
        from ..engine.models.catalogue import load_catalogue
        from ..engine.models.lineage import lineage_of

        for ancestor in lineage_of(load_catalogue(), model_id):
            print(f"{ancestor.id}, weights {(ancestor.weights_sha256 or 'never trained')[:16]}")
            for line in _facts(ancestor):
                print(f"  {line}")


def _facts(ancestor: Ancestor) -> Iterator[str]:
    if ancestor.card is None:
        yield "no longer in the catalogue"
        return
    training = ancestor.card.training
    if "data_fingerprint" in training:
        yield f"data {training['data_fingerprint'][:16]}"
    if learned := ancestor.card.learned_from:
        yield f"learned from {sum(learned.values())} slices of {len(learned)} patients"
    for score in ancestor.card.scores:
        if score.metric == "Dice":
            yield f"Dice {score.value:.4f} on {score.data}"
