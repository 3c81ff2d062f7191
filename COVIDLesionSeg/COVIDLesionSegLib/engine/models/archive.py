"""A model as one file, to hand on: a zip archive in the layout of a MONAI bundle."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..errors import InputError, ModelError
from ..files import write_bytes
from .archive_metadata import metadata_of, readme_of
from .card import ModelCard
from .card_file import write_card
from .catalogue import Model, load_catalogue
from .user_folder import make_user_folder, user_folder
from .weights import load_network, read_weights

CARD = "configs/card.json"
METADATA = "configs/metadata.json"
README = "docs/README.md"
LICENSE = "LICENSE"
_LARGEST = 2**30  # bytes; an archive that unpacks to more is none of ours
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same model gives the same file


def export_archive(model: Model, path: Path) -> None:
    """Write card, weights, preprocessing, licence and a readme into one zip file.

    The folders are those of a MONAI bundle. Weights are safetensors, ``models/<id>.safetensors``:
    no code runs when they are read.

    Raises:
        ModelError: The model has no trained weights, or they are absent or damaged.
        OutputError: The file cannot be written.
    """
    card = model.card
    weights = read_weights(model)
    files = {
        CARD: _json(asdict(card)),
        METADATA: _json(metadata_of(card)),
        README: readme_of(card).encode(),
        LICENSE: f"{card.weights.licence}\n\n{card.weights.licence_note}\n".encode(),
        f"models/{card.weights.file}": weights,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(f"{card.id}/{name}", _EPOCH), data)
    write_bytes(buffer.getvalue(), path)


def import_archive(path: Path) -> Model:
    """Put the model of an archive among the user's own, after it was tried.

    Only card and weights are taken out, under names made from the card's id. The weights must have
    the card's checksum, fit its network and be numbers.

    Raises:
        InputError: The file is no such archive.
        ModelError: Card or weights are damaged, or the id is taken.
        DependencyError: A package that the network is built from is missing.
        OutputError: The folder of the user's models cannot be written to.
    """
    card, weights = _read(path)
    _check_name(card)
    card = replace(card, weights=replace(card.weights, file=f"{card.id}.safetensors"))
    folder = user_folder()
    model = Model(card, folder)
    taken = any(card.id == other.id for other in load_catalogue().models)
    if taken or model.weights_path.exists():
        raise ModelError(
            f"There is a model {card.id} already: remove it, or change the id in the archive's "
            "card."
        )
    load_network(model, weights=weights)
    make_user_folder()
    # The card last: a model without its weights must not be listed.
    write_bytes(weights, model.weights_path)
    write_card(card, folder)
    return model


def _read(path: Path) -> tuple[ModelCard, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > _LARGEST:
                raise InputError(f"{path.name} unpacks to more than 1 GiB: it is no model archive.")
            cards = [name for name in archive.namelist() if name.endswith(f"/{CARD}")]
            if len(cards) != 1:
                raise InputError(
                    f"{path.name} is no model archive of this software: it has no {CARD}, or "
                    "several."
                )
            values = json.loads(archive.read(cards[0]))
            if not isinstance(values, dict):
                raise ValueError(f"{CARD} is no JSON object")
            card = ModelCard.from_dict(values)
            if card.weights is None:
                raise ModelError(
                    f"The card in {path.name} names no weights: export the model again."
                )
            root = cards[0][: -len(CARD)]
            return card, archive.read(f"{root}models/{card.weights.file}")
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.") from error
    except (zipfile.BadZipFile, KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{path.name} is no model archive, or it is damaged: {error}.") from error


def _check_name(card: ModelCard) -> None:
    """An archive comes from a stranger: its names must not lead out of the folder."""
    if Path(card.id).name != card.id or "\\" in card.id or card.id.startswith("."):
        raise ModelError(f"The archive's card has the unsafe id {card.id!r}: it was not imported.")


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()
