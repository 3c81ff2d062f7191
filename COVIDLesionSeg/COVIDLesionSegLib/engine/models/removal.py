"""Removes models of the user's: card, weights and promotions, and nothing that others need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

from ..errors import ModelError, OutputError
from ..text import printable
from .catalogue import PACKAGED_FOLDER, Catalogue, Model, load_catalogue, read_models
from .downloads_folder import download_lock, downloaded_weights, partial_download
from .user_models import default_model, read_promotions, roll_back, user_folder


def remove_model(model_id: str) -> tuple[str, ...]:
    """Remove one of the user's own models for good.

    Weights that another model uses stay, and so do all where a card cannot be read. Models that
    were fine-tuned from it stay, too, and work as before: weights are whole in each. Whether a
    retraining that can be resumed goes on from the model is for the caller to ask.

    Returns:
        Ids of these models, whose lineage cannot show it any more.

    Raises:
        ModelError: There is no such model, it ships with this software, it is the default, or its
            card is in a file with others.
        DownloadError: Its weights are being downloaded.
        OutputError: A file could not be removed.
    """
    catalogue = load_catalogue()
    if catalogue.ensemble(model_id):
        raise ModelError(f"The ensemble {model_id} ships with this software: it cannot be removed.")
    model = catalogue.get(model_id)
    if model.folder == PACKAGED_FOLDER:
        raise ModelError(f"Model {model_id} ships with this software: it cannot be removed.")
    if model_id == default_model():
        raise ModelError(
            f"Model {model_id} is the default model: undo its promotion, or promote another one, "
            "before you remove it."
        )
    card = _card_file(model_id)
    weights = model.card.weights
    with download_lock(weights.sha256) if weights and weights.url else nullcontext():
        while any(promotion["model"] == model_id for promotion in read_promotions()):
            roll_back(model_id)  # or a later roll-back would make it the default
        # The card first: without it there is no model.
        for path in (card, *_weights_files(model, catalogue)):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(
                    f"The file {path.name} of model {model_id} could not be removed "
                    f"({error.strerror}): close what uses it, and remove it from {path.parent}."
                ) from error
    return tuple(_fine_tuned_from(model, catalogue))


def _card_file(model_id: str) -> Path:
    """The file of the card, which holds no other."""
    for path in sorted(user_folder().glob("*.json")):
        ids = []
        with suppress(ModelError):
            ids = [model.id for model in read_models(path)]
        if ids == [model_id]:
            return path
        if model_id in ids:
            raise ModelError(
                f"The card of model {model_id} is in {printable(path.name)} with those of other "
                "models: remove it from that file."
            )
    raise ModelError(f"The card of model {model_id} was removed meanwhile.")


def _weights_files(model: Model, catalogue: Catalogue) -> Iterator[Path]:
    """The weights beside the card and those that were downloaded, unless others use them."""
    weights = model.card.weights
    if weights is None or catalogue.problems:  # a card that cannot be read may name them
        return
    others = [
        (other.folder, other.card.weights)
        for other in catalogue.models
        if other.id != model.id and other.card.weights
    ]
    if not any(
        folder == model.folder and used.file.casefold() == weights.file.casefold()
        for folder, used in others
    ):
        yield model.folder / weights.file
    if not any(used.sha256 == weights.sha256 for _, used in others):
        yield downloaded_weights(weights.sha256)
        yield partial_download(weights.sha256)


def _fine_tuned_from(model: Model, catalogue: Catalogue) -> Iterator[str]:
    digest = model.card.weights.sha256 if model.card.weights else None
    for other in catalogue.models:
        parent = other.card.training.get("parent")
        if digest and isinstance(parent, dict) and parent.get("weights_sha256") == digest:
            yield other.id
