"""Steps that all trainings share: what they start from, their folder, and the new model's card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from ..engine.errors import OutputError, ParameterError
from ..engine.models.card import ModelCard
from ..engine.models.catalogue import Model, load_catalogue
from ..engine.options import recorded_command
from ..engine.training.encoder_weights import network_on_encoder, read_encoder_weights
from ..engine.training.new_model import NewModel, check_new_id
from ..engine.training.recipe import Recipe
from ..engine.training.recipe_settings import parse_setting
from .options import (
    EnhanceOptions,
    RetrainOptions,
    SelfLearnOptions,
    TrainDetectorOptions,
    TrainOptions,
)

if TYPE_CHECKING:  # it needs Lightning, and what compresses weights does not
    from ..engine.training.cross_validation import Member


@dataclass(frozen=True)
class Trained:
    """What a training gave.

    Attributes:
        card: Of the new model, with its scores; None where folds were trained.
        members: One for each fold, with the scores of its held-out patients; else empty.
    """

    card: ModelCard | None
    members: tuple[Member, ...] = ()

    @property
    def model(self) -> str:
        """The new model's id, or those of all members, joined by ``+``."""
        return self.card.id if self.card else "+".join(member.model for member in self.members)


def parent_for(model_id: str, network: str) -> Model:
    """The model whose network becomes the new model ``model_id``.

    Raises as :func:`~..engine.training.new_model.check_new_id` and ``Catalogue.get`` do.
    """
    catalogue = load_catalogue()
    parent = catalogue.get(network)
    check_new_id(model_id, parent, catalogue)
    return parent


def make_model_folder(out: Path, resume: bool) -> None:
    """Make the folder of a training; raises OutputError if it cannot be that."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        occupied = any(out.iterdir())
    except OSError as error:
        raise OutputError(f"The folder for the model cannot be made: {error.strerror}.") from error
    if occupied and not resume:
        raise OutputError(
            "The folder for the model is not empty: choose a new one, or resume the training.",
            option="resume",
        )


def new_model(
    job: str,
    options: TrainOptions
    | TrainDetectorOptions
    | EnhanceOptions
    | SelfLearnOptions
    | RetrainOptions,
    parent: Model,
    *,
    fine_tuned: bool,
    title: str = "",
    notes: Sequence[str] = (),
) -> NewModel:
    """What the card of a job's model says beside recipe, data and scores.

    Args:
        job: Its command.
        options: Options of the job.
        parent: The model whose network is trained.
        fine_tuned: The training starts with the weights of ``parent``.
        title: Where the options give none; by default the parent's.
        notes: For the card.
    """
    return NewModel(
        id=options.model_id,
        title=options.title or title or parent.title,
        paper=parent.card.paper,
        licence=options.licence or "",
        licence_note=options.licence_note or "",
        command=f"{recorded_command(f'covid-lesion-seg {job}', options)} --out OUT",
        parent=parent.card if fine_tuned else None,
        notes=tuple(notes),
    )


def settings_of(
    options: TrainOptions | EnhanceOptions | RetrainOptions | SelfLearnOptions,
) -> list[tuple[str, Any]]:
    """Names and values of the recipe that options set, their steps among them.

    Raises:
        ParameterError: One of them is no NAME=VALUE, or sets members without folds.
    """
    settings = [parse_setting(text) for text in options.settings]
    if options.steps is not None:
        settings.append(("steps", options.steps))
    folds = isinstance(options, TrainOptions) and options.folds
    if not folds and any(name.partition(".")[0] == "members" for name, _ in settings):
        raise ParameterError(
            "The recipe's members are those of a cross-validation: train with folds, or set no "
            "members.",
            option="settings",
        )
    return settings


def encoder_of(
    file: Path | None,
) -> tuple[Callable[[Recipe], nn.Module] | None, list[str]]:
    """What makes the network on the encoder of the user's file, and what the card says of it."""
    if file is None:
        return None, []
    weights, sha256 = read_encoder_weights(file)
    note = f"Its encoder started from the weights in a file with the SHA-256 {sha256}."
    return partial(network_on_encoder, weights=weights), [note]
