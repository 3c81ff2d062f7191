"""``covid-lesion-seg registry``: what is done with models as files, the default, the lineage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import RESEARCH_USE_NOTICE
from ..engine.errors import InputError, OutputError
from ..engine.text import printable
from . import summaries
from .commands import Debug, add_job
from .exit_codes import exit_codes
from .plain_usage import Commands, PlainGroup

if TYPE_CHECKING:
    from ..engine.models.catalogue import Model

_ID = {"model_id": "id"}
"""Flag of the commands that take another id."""

registry = Commands(
    cls=PlainGroup, help="Export, import and remove models; set the default.", no_args_is_help=True
)

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Id of the model.")]
IdOption = Annotated[
    str | None, typer.Option("--id", metavar="TEXT", help="Another id for the model.")
]


@registry.command("export")
def export_model(
    model_id: ModelArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The zip file to write.")],
    debug: Debug = False,
) -> None:
    """Write a model with card, preprocessing and licence into one file (MONAI bundle layout)."""
    with exit_codes(debug):
        if file.suffix.lower() != ".zip":
            raise OutputError(f"{file.name} is no name of a zip file: let it end in .zip.")
        if file.exists():
            raise OutputError(f"{file.name} exists already: name a new file, or remove it first.")
        from ..engine.models.catalogue import load_catalogue
        from ..engine.models.monai_bundle import export_bundle

        model = load_catalogue().get(model_id)
        export_bundle(model, file)
        licence = printable(model.card.trained_weights.licence)
        print(f"{model_id} written to {file}. Licence of its weights: {licence}")


@registry.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that export wrote.")],
    new_id: IdOption = None,
    debug: Debug = False,
) -> None:
    """Verify an exported model and add it to your models."""
    with exit_codes(debug, _ID):
        if file.is_dir():
            raise InputError(
                f"{file.name} is a folder: add the model in it by covid-lesion-seg registry add."
            )
        from ..engine.models.monai_bundle import import_bundle

        _print_added(import_bundle(file, new_id), "imported")


@registry.command("add")
def add_model(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="A folder that train, enhance or self-learn wrote; or nnU-Net v2's result folder.",
        ),
    ],
    new_id: IdOption = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            metavar="",
            help="Read an nnU-Net's checkpoint even if it holds more than data: code in it may "
            "run. Only if you know who made it.",
        ),
    ] = False,
    lesion_labels: Annotated[
        list[str] | None,
        typer.Option(
            "--lesion-label",
            metavar="NAME",
            help="A label of an nnU-Net that is a lesion, where the names do not say it; the "
            "others are left out; repeatable.",
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Verify a model that was trained here or by nnU-Net, all folds of it, and add it to yours."""
    with exit_codes(debug, {"trust": "trust", "lesion_labels": "lesion-label", **_ID}):
        from ..engine.models.registry import add_folder

        for model in add_folder(folder, new_id, trust, lesion_labels or ()):
            _print_added(model, "added")


add_job(
    registry,
    "compress",
    "Store a model's weights in 8 bits, in half the space, if that moves no patient's Dice by more "
    "than 0.002.",
    summaries.print_compression,
    out_help="New folder for the card, with its scores measured again, and the weights.",
)


@registry.command("remove")
def remove_model(model_id: ModelArgument, debug: Debug = False) -> None:
    """Remove one of your models, card and weights, for good."""
    with exit_codes(debug):
        from ..engine.models.removal import remove_model as remove
        from ..worker.retraining import check_not_needed

        check_not_needed(model_id)
        children = remove(model_id)
        print(f"{model_id} removed.")
        if children:
            print(
                f"Fine-tuned from it, and usable as before: {', '.join(children)}. Their lineage "
                "cannot show it any more."
            )


@registry.command()
def promote(model_id: ModelArgument, debug: Debug = False) -> None:
    """Make a model the default of panel, console and command line."""
    with exit_codes(debug):
        from ..engine.models.catalogue import load_catalogue
        from ..engine.models.registry import make_default
        from ..engine.models.scores import poor_sentence

        make_default(model_id)
        print(f"{model_id} is the default model now.")
        if sentence := poor_sentence(model_id, load_catalogue().get(model_id).card.scores):
            print(f"Warning: {printable(sentence)}")
        print(RESEARCH_USE_NOTICE)


@registry.command("roll-back")
def roll_back(debug: Debug = False) -> None:
    """Undo the last promotion."""
    with exit_codes(debug):
        from ..engine.models.user_models import roll_back as forget

        print(f"{forget()} is the default model again.")


@registry.command()
def lineage(model_id: ModelArgument, debug: Debug = False) -> None:
    """Show the training lineage: a model and its parents, with data and scores."""
    with exit_codes(debug):
        from ..engine.models.catalogue import load_catalogue
        from ..engine.models.lineage import lineage_of

        for ancestor in lineage_of(load_catalogue(), model_id):
            weights = (ancestor.weights_sha256 or "never trained")[:16]
            print(printable(f"{ancestor.id}, weights {weights}"))
            for line in ancestor.facts():
                print(printable(f"  {line}"))


def _print_added(model: Model, verb: str) -> None:
    weights = model.card.trained_weights
    print(f"{model.id} {verb}. Licence of its weights: {printable(weights.licence)}")
    print(printable(weights.licence_note))
    print(RESEARCH_USE_NOTICE)
