"""A model as one file: a zip archive in the layout of a MONAI bundle."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import RESEARCH_USE_NOTICE, __version__
from ..errors import InputError, ModelError
from ..files import write_bytes
from ..networks.nnunet import NAME as NNUNET
from ..text import printable
from .card import SLICE_CLASSES, ModelCard
from .card_json import card_from_json
from .catalogue import Model
from .json_file import LARGEST as LARGEST_CARD
from .json_file import parse_json, read_json
from .registry import add_models
from .weights_file import read_weights

if TYPE_CHECKING:
    from torch import nn

CARD = "configs/card.json"
METADATA = "configs/metadata.json"
INFERENCE = "configs/inference.json"
README = "docs/README.md"
LICENSE = "LICENSE"
_LARGEST = 2**30  # bytes that are unpacked into memory; the largest network here has 270 MB
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same model gives the same file
_SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
    "meta_schema_20240725.json"
)
_FINDS = {
    "instances": "COVID-19 lesions one by one, and the class of axial slices of chest CT",
    "lesions": "COVID-19 lesions on axial slices of chest CT",
    "lungs": "lungs on chest CT",
    SLICE_CLASSES: "the class of axial slices of chest CT, infected or clean",
}
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,  # encrypted, or compressed in an unknown way
    OverflowError,
)


def export_bundle(model: Model, path: Path) -> None:
    """Write card, weights, preprocessing, licence and a readme into one zip file.

    The folders are those of a MONAI bundle. Weights are safetensors, ``models/<id>.safetensors``:
    no code runs when they are read. Where this software is installed, MONAI builds ``network`` of
    ``configs/inference.json`` with its weights; images and channels are as the metadata say.

    Raises:
        ModelError: The model has no trained weights, or they are absent or damaged.
        OutputError: The file cannot be written.
    """
    card = model.card
    if card.network == NNUNET:
        raise ModelError(
            f"Model {card.id} is an nnU-Net, which is no network of a MONAI bundle: pass on its "
            "result folder, and add that."
        )
    data = read_weights(model)
    weights = card.trained_weights
    files = {
        CARD: _json(asdict(card)),
        METADATA: _json(_metadata(card, weights.licence)),
        INFERENCE: _json(_inference()),
        README: _readme(card, weights.licence, weights.licence_note).encode(),
        LICENSE: f"{weights.licence}\n\n{weights.licence_note}\n".encode(),
        f"models/{weights.file}": data,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"{card.id}/{name}", _EPOCH), content)
    write_bytes(buffer.getvalue(), path)


def import_bundle(path: Path, model_id: str | None = None) -> Model:
    """Add the model of a file that :func:`export_bundle` wrote to the user's own, verified.

    Only card and weights are read, into memory: no name in the archive becomes a path. The weights
    must be safetensors, have the card's checksum, fit its network and be finite.

    Args:
        path: The zip file.
        model_id: Another id for the model.

    Raises:
        InputError: The file is no such archive, or too large.
        ModelError: Card or weights are damaged, or the id is taken or unsafe.
        DependencyError: A package that the network is built from is missing.
        OutputError: The folder of the user's models cannot be written to.
    """
    (model,) = add_models([_read(path)], model_id)
    return model


def bundle_network(folder: str) -> nn.Module:
    """The network of an unpacked bundle, for MONAI, with its verified weights.

    Args:
        folder: The bundle's.

    Raises:
        ModelError: Card or weights are damaged, absent, or do not fit together.
        DependencyError: A package that the network is built from is missing.
    """
    from .weights import load_network

    try:
        card = card_from_json(read_json(Path(folder) / CARD))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The folder holds no readable {CARD}: unpack the bundle, and name its folder."
        ) from error
    return load_network(Model(card, Path(folder) / "models"))


def _read(path: Path) -> tuple[ModelCard, bytes]:
    name = printable(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            cards = [item for item in archive.namelist() if item.endswith(f"/{CARD}")]
            if len(cards) != 1:
                raise InputError(
                    f"{name} is no model archive of this software: it has no {CARD}, or several."
                )
            values = parse_json(_member(archive, cards[0], LARGEST_CARD))
            card = card_from_json(values)
            root = cards[0][: -len(CARD)]
            return card, _member(archive, f"{root}models/{card.trained_weights.file}", _LARGEST)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or 'it is damaged'}.") from error
    except _DAMAGED as error:
        raise InputError(
            f"{name} is no model archive, or it is damaged: {printable(str(error))}."
        ) from error


def _member(archive: zipfile.ZipFile, name: str, largest: int) -> bytes:
    # The size that an archive states is also the most that is unpacked of these two kinds.
    item = archive.getinfo(name)
    if item.file_size > largest:
        raise ValueError(f"{Path(name).name} unpacks to more than {largest // 2**20} MiB")
    if item.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{Path(name).name} is compressed in another way than this software does")
    return archive.read(name)


def _inference() -> dict[str, Any]:
    """``configs/inference.json`` of a MONAI bundle."""
    target = f"{bundle_network.__module__}.{bundle_network.__name__}"
    return {"bundle_root": ".", "network": {"_target_": target, "folder": "@bundle_root"}}


def _metadata(card: ModelCard, licence: str) -> dict[str, Any]:
    """``configs/metadata.json`` of a MONAI bundle."""
    prepared = card.preprocessing
    any_size = (f"{prepared.multiple} * n",) * 2
    size = list(prepared.input_size or prepared.patch_size or any_size)
    image = {
        "type": "image",
        "format": "hounsfield",
        "modality": "CT",
        "num_channels": 1,
        "spatial_shape": size,
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": prepared.patch_size is not None,
        "channel_def": {"0": "image"},
    }
    prediction = {
        **image,
        "format": "segmentation",
        "num_channels": len(card.channels),
        "channel_def": {str(n): name for n, name in enumerate(card.channels)},
    }
    if card.task == SLICE_CLASSES:
        prediction |= {
            "type": "probabilities",
            "format": "classes",
            "num_channels": len(card.outputs),
            "spatial_shape": [1, len(card.outputs)],
            "channel_def": {str(n): name for n, name in enumerate(card.outputs)},
        }
    return {
        "schema": _SCHEMA,
        "version": "1.0.0",
        "changelog": {"1.0.0": "exported"},
        "monai_version": version("monai"),
        "pytorch_version": version("torch"),
        "numpy_version": version("numpy"),
        "required_packages_version": {"COVIDLesionSeg": __version__},
        "name": card.title,
        "task": _FINDS[card.task],
        "description": f"{card.title}; {card.paper}. {RESEARCH_USE_NOTICE}",
        "authors": card.paper,
        "copyright": f"Weights: {licence}",
        "intended_use": RESEARCH_USE_NOTICE,
        "references": [card.paper],
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": prediction}},
    }


def _readme(card: ModelCard, licence: str, licence_note: str) -> str:
    """``docs/README.md`` of a MONAI bundle."""
    scores = [
        f"| {score.metric} | {score.value:.4f} | {score.data} | {score.protocol} |"
        for score in card.scores
    ]
    table = ["| Measure | Value | Data | Protocol |", "|---|---|---|---|", *scores]
    return "\n".join(
        [
            f"# {card.title} (`{card.id}`)",
            "",
            f"{RESEARCH_USE_NOTICE}",
            "",
            f"Finds {_FINDS[card.task]}: {', '.join(card.classes)}. {card.paper}.",
            "",
            "Weights, preprocessing and training are described in `configs/card.json`. To use it: "
            "`covid-lesion-seg registry import FILE`.",
            "",
            f"Licence of the weights: {licence}. {licence_note}",
            "",
            *(table if scores else ["Its scores were not measured."]),
            "",
        ]
    )


def _json(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()
