"""Adds trained models to the user's own, each completely or not at all, after verifying it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import torch

from ..errors import InputError, ModelError
from ..files import sha256_of, write_bytes
from ..networks import build_network, count_parameters
from ..text import printable, thousands
from .card import WEIGHTS_ENDING, ModelCard, is_model_id
from .card_json import write_card
from .catalogue import Catalogue, Model, load_catalogue, read_models
from .json_file import read_json
from .nnunet_folder import is_nnunet_folder, read_nnunet_folder
from .user_models import make_user_folder, promote, user_folder
from .weights import load_network
from .weights_file import read_weights

_FIELDS_OF_A_CARD = {"id", "network", "weights"}


def add_folder(
    folder: Path,
    model_id: str | None = None,
    trust: bool = False,
    lesion_labels: Sequence[str] = (),
) -> tuple[Model, ...]:
    """Add the model that training wrote into ``folder``, or the models of all folds.

    An nnU-Net's result folder is one model, see :func:`~.nnunet_folder.read_nnunet_folder`.

    Models of the folder that were added before are left as they are.

    Args:
        folder: Holds ``<id>.json`` and ``<id>.safetensors``; or what nnU-Net v2 wrote.
        model_id: Another id for the model, if the folder holds a single one.
        trust: Read an nnU-Net's checkpoint even if it holds more than data, which can run code.
        lesion_labels: An nnU-Net's labels that are lesions, where their names do not say it.

    Returns:
        The models that were added.

    Raises:
        InputError: The folder holds no trained model, or several where one is to be renamed; or
            there is no such label.
        ModelError: Card or weights are damaged, the id is taken or unsafe, or it is not known which
            of an nnU-Net's labels are lesions.
        DependencyError: A package that the network is built from is missing.
        OutputError: The folder of the user's models cannot be written to.
    """
    if is_nnunet_folder(folder):
        return add_models([read_nnunet_folder(folder, trust, lesion_labels)], model_id)
    if lesion_labels:
        raise InputError(
            f"{printable(folder.name)} is no result folder of nnU-Net v2, and only of its labels "
            "can be said which are lesions: leave that out.",
            option="lesion_labels",
        )
    trained = _trained_models(folder)
    if model_id is not None and len(trained) > 1:
        raise InputError(
            f"{printable(folder.name)} holds {len(trained)} models: one id cannot name them all."
        )
    catalogue = load_catalogue()
    new = [model for model in trained if model_id is not None or not _is_present(model, catalogue)]
    if not new:
        names = ", ".join(model.id for model in trained)
        raise ModelError(
            f"Nothing was added: already among the models: {names}.",
            option="model_id" if len(trained) == 1 else None,
        )
    return add_models([(model.card, read_weights(model)) for model in new], model_id)


def add_card_file(path: Path, model_id: str | None = None) -> tuple[Model, ...]:
    """Add the models of a card's file, with the weights beside it.

    Where a card's weights are not beside it, but can be downloaded, the card alone is added.

    Args:
        path: A ``.json`` file of one card, or of a family of cards.
        model_id: Another id for the model, if the file holds a single one.

    Raises:
        InputError: The file holds no trained model, or several where one is to be renamed.
        ModelError: Card or weights are damaged, or the id is taken or unsafe.
        DependencyError: A package that the network is built from is missing.
        OutputError: The folder of the user's models cannot be written to.
    """
    models = [model for model in read_models(path) if model.card.weights is not None]
    if not models:
        raise InputError(f"{printable(path.name)} holds no trained model: choose another file.")
    if model_id is not None and len(models) > 1:
        raise InputError(
            f"{printable(path.name)} holds {len(models)} models: one id cannot name them all."
        )
    return add_models(
        [
            (model.card, None if _to_be_downloaded(model) else read_weights(model))
            for model in models
        ],
        model_id,
    )


def make_default(model_id: str) -> None:
    """Make a model the default, if its weights can be used.

    Raises:
        ModelError: There is no such single model, it finds lungs, or its weights are absent or
            damaged.
        OutputError: The list of promotions cannot be written.
    """
    catalogue = load_catalogue()
    catalogue.get(model_id)  # no ensemble
    (model,) = catalogue.members((model_id,))
    load_network(model)
    promote(model_id, model.card.trained_weights.sha256)


def _to_be_downloaded(model: Model) -> bool:
    return bool(model.card.trained_weights.url) and not model.weights_present


def add_models(
    models: Sequence[tuple[ModelCard, bytes | None]], model_id: str | None = None
) -> tuple[Model, ...]:
    """Verify cards and weights and write them into the folder of the user's models.

    All models are verified before any is written, and the card of each is written last: a model
    whose writing was interrupted does not exist, and it can be added again.

    Args:
        models: Card and content of the weights file; None where that is to be downloaded.
        model_id: Another id, for a single model.

    Raises:
        ModelError: Card or weights are damaged, or the id is taken or unsafe.
        DependencyError: A package that the network is built from is missing.
        OutputError: The folder of the user's models cannot be written to.
    """
    folder = user_folder()
    catalogue = load_catalogue()
    verified = []
    for card, data in models:
        own = _filed(card, card.id if model_id is None else model_id, data, folder)
        _check_id_is_free(own.id, catalogue, folder)
        _verify(own, data)
        verified.append((own, data))
    make_user_folder()
    for model, data in verified:
        _write(model, data)
    return tuple(model for model, _ in verified)


def _filed(card: ModelCard, model_id: str, data: bytes | None, folder: Path) -> Model:
    """The model as it will be in the folder, under names made from its id and checksum alone."""
    if not is_model_id(model_id):
        raise ModelError(
            f"A model cannot be called {printable(repr(model_id[:80]))}: use 1 to 64 letters, "
            "digits, dots, hyphens and underscores, a letter or digit first.",
            option="model_id",
        )
    file = f"{model_id}{WEIGHTS_ENDING}"
    digest = card.trained_weights.sha256 if data is None else sha256(data).hexdigest()
    # A file of this name may be left from an interrupted import, or belong to another card.
    if (folder / file).exists() and _sha256_of(folder / file) != digest:
        file = f"{model_id}-{digest[:16]}{WEIGHTS_ENDING}"
    weights = replace(card.trained_weights, file=file)
    return Model(replace(card, id=model_id, weights=weights), folder)


def _check_id_is_free(model_id: str, catalogue: Catalogue, folder: Path) -> None:
    if catalogue.ensemble(model_id.casefold()):
        raise ModelError(
            f"{model_id} is the id of an ensemble that ships: choose another id.",
            option="model_id",
        )
    if catalogue.is_taken(model_id):
        raise ModelError(
            f"There is a model {model_id} already: choose another id"
            f"{_or_remove(model_id, folder)}.",
            option="model_id",
        )
    # A card that was left out of the catalogue has its file all the same.
    if (folder / f"{model_id}.json").exists():
        raise ModelError(
            f"There is a file {model_id}.json in the folder of your models already: choose another "
            f"id, or remove that file first, from {folder}.",
            option="model_id",
        )


def _or_remove(model_id: str, folder: Path) -> str:
    """How to get rid of a model; that is for the user's own only."""
    if not (folder / f"{model_id}.json").exists():
        return ""
    files = f"{model_id}.json and {model_id}{WEIGHTS_ENDING}"
    return f", or delete {files} in {folder}"


def _verify(model: Model, data: bytes | None) -> None:
    card = model.card
    # On this device nothing is allocated: an unknown card could ask for any amount of memory.
    with torch.device("meta"):
        parameters = count_parameters(build_network(card.network, card.arguments))
    if data is None:
        if parameters != card.parameters:
            raise ModelError(
                f"The card of model {card.id} states {thousands(card.parameters)} parameters, "
                "but its "
                f"network has {thousands(parameters)}: correct the card or its network arguments."
            )
        return
    if parameters != card.parameters or parameters > len(data):
        raise ModelError(
            f"The weights of model {card.id} are not those of network {card.network} as its card "
            f"describes it: the network has {thousands(parameters)} parameters, the card states "
            f"{thousands(card.parameters)}, and the weights file has {thousands(len(data))} bytes."
        )
    load_network(model, weights=data)


def _write(model: Model, data: bytes | None) -> None:
    if data is None:
        write_card(model.card, model.folder)
        return
    path = model.folder / model.card.trained_weights.file
    was_there = path.exists()
    try:
        write_bytes(data, path)
        write_card(model.card, model.folder)
    except BaseException:
        if not was_there:
            with suppress(OSError):
                path.unlink()
        raise


def _trained_models(folder: Path) -> list[Model]:
    """The models whose cards are in a folder of training, beside the files of the training."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except OSError as error:
        raise InputError(
            f"The folder {printable(folder.name)} cannot be read: {error.strerror}."
        ) from error
    trained = []
    for path in files:
        try:
            content = read_json(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise InputError(f"{printable(path.name)} cannot be read: {reason}.") from error
        if isinstance(content, dict) and set(content) >= _FIELDS_OF_A_CARD:
            trained += [model for model in read_models(path) if model.card.weights is not None]
    if not trained:
        raise InputError(
            f"The folder {printable(folder.name)} holds no trained model: choose the folder that a "
            "finished training wrote."
        )
    return trained


def _is_present(model: Model, catalogue: Catalogue) -> bool:
    weights = model.card.weights
    return any(
        other.id == model.id
        and other.card.weights
        and weights
        and other.card.weights.sha256 == weights.sha256
        for other in catalogue.models
    )


def _sha256_of(path: Path) -> str | None:
    try:
        return sha256_of(path)
    except OSError:
        return None
