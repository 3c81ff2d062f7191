"""A result folder of nnU-Net v2 as a model: card and weights, read without running code.

``nnUNetv2_train`` writes ``dataset.json``, ``plans.json`` and ``fold_N/checkpoint_final.pth``. A
checkpoint is a pickle, which can run code when it is read. So it is read once, when the model is
added, as data alone; what is kept are safetensors and what the plans say.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as save_safetensors

from ..errors import InputError, ModelError
from ..networks import build_network, count_parameters
from ..networks.nnunet import NAME, NnUNet
from ..text import printable
from .card import ModelCard, Weights
from .card_json import card_from_json
from .json_file import read_json
from .nnunet_labels import DATASET, lesion_classes, read_labels
from .preprocessing import Preprocessing

PLANS, CHECKPOINT = "plans.json", "checkpoint_final.pth"
CHECKPOINTS = "checkpoint_sha256"
"""In what the card says of the training: of the file of each fold."""
PAPER = "Isensee et al., nnU-Net, Nature Methods 18:203-211, 2021"
_ALL = "all"
_OF_DATASET = ("channel_names", "modality", "labels", "regions_class_order", "file_ending")
"""Fields that nnunetv2 predicts with; others may name cases."""
_UNKNOWN_LICENCE = "LicenseRef-unknown"


@dataclass(frozen=True)
class _Checkpoint:
    """What is needed of a checkpoint."""

    weights: dict[str, Any]
    trainer: str
    configuration: str
    mirror_axes: list[int] | None
    sha256: str


def is_nnunet_folder(folder: Path) -> bool:
    """Whether a folder looks like what ``nnUNetv2_train`` writes."""
    return (folder / DATASET).is_file() and (folder / PLANS).is_file()


def read_nnunet_folder(
    folder: Path, trust: bool = False, lesion_labels: Sequence[str] = ()
) -> tuple[ModelCard, bytes]:
    """Card and content of the weights file of a result folder.

    All folds are read, whose mean nnU-Net predicts with; ``fold_all`` where there is no other.

    Args:
        folder: Holds ``dataset.json``, ``plans.json`` and ``fold_N/checkpoint_final.pth``.
        trust: Read a checkpoint that holds more than data, too, which can run code.
        lesion_labels: Labels that are lesions, see :func:`~.nnunet_labels.lesion_classes`.

    Raises:
        InputError: A file is missing or damaged, a checkpoint holds more than data, or there is no
            label of a name in ``lesion_labels``.
        ModelError: The model takes several images, tells overlapping regions apart, needs another
            stage, or does not fit its plans; or it is not known which of its labels are lesions.
        DependencyError: nnunetv2 is missing.
    """
    dataset, plans = (_read(folder / name) for name in (DATASET, PLANS))
    labels = read_labels(dataset)
    classes = lesion_classes(labels, lesion_labels)
    checkpoints = _read_checkpoints(folder, trust)
    first = next(iter(checkpoints.values()))
    trainer, configuration = first.trainer, first.configuration
    arguments = {
        "plans": _only_configuration(plans, configuration),
        "dataset": {name: dataset[name] for name in _OF_DATASET if name in dataset},
        "configuration": configuration,
        "trainer": trainer,
        "mirror_axes": first.mirror_axes,
        "folds": list(checkpoints),
    }
    network = _trained_network(arguments, checkpoints, len(labels))
    data = save_safetensors(network.stored_weights())
    name = str(plans.get("dataset_name", "nnU-Net"))
    card = ModelCard(
        id=_id(name, configuration),
        title=printable(f"nnU-Net, {name}, {configuration}")[:200],
        paper=PAPER,
        network=NAME,
        arguments=arguments,
        parameters=count_parameters(network),
        classes=classes,
        channels=labels,
        # A card has one; nnU-Net prepares a CT as its plans say.
        preprocessing=Preprocessing((-1024.0, 3071.0)),
        weights=_weights(data, dataset),
        training={
            "trainer": trainer,
            "configuration": configuration,
            CHECKPOINTS: {fold: checkpoint.sha256 for fold, checkpoint in checkpoints.items()},
        },
        notes=tuple(_notes(labels[1:], classes, bool(lesion_labels))),
    )
    return card_from_json(_as_json(card)), data


def _read_checkpoints(folder: Path, trust: bool) -> dict[str, _Checkpoint]:
    """By the name of the fold; raises InputError, also where they do not belong together."""
    paths = _checkpoint_paths(folder)
    checkpoints = {fold: _checkpoint(path, trust) for fold, path in paths.items()}
    if len({(item.trainer, item.configuration) for item in checkpoints.values()}) > 1:
        raise InputError(
            "The folds of this nnU-Net were trained in different ways: use one folder."
        )
    return checkpoints


def _trained_network(
    arguments: dict[str, Any], checkpoints: Mapping[str, _Checkpoint], outputs: int
) -> NnUNet:
    """The network of the plans with the weights of all folds.

    Raises:
        ModelError: It has not as many outputs as there are labels, or other weights.
    """
    network = build_network(NAME, arguments)
    assert isinstance(network, NnUNet)
    if network.outputs != outputs:
        raise ModelError(
            f"The plans of this nnU-Net are for {network.outputs} labels, but its {DATASET} names "
            f"{outputs}: the files do not belong together."
        )
    for built, (fold, checkpoint) in zip(network.folds, checkpoints.items(), strict=True):
        try:
            built.load_state_dict(checkpoint.weights)
        except (RuntimeError, TypeError, AttributeError) as error:
            raise ModelError(
                f"The weights of fold {fold} are not those of the network in {PLANS}: the files do "
                "not belong together."
            ) from error
    return network


def _weights(data: bytes, dataset: Mapping[str, Any]) -> Weights:
    licence = str(dataset.get("licence") or dataset.get("license") or _UNKNOWN_LICENCE)
    return Weights(
        file="nnunet.safetensors",
        sha256=hashlib.sha256(data).hexdigest(),
        licence=printable(licence)[:100],
        licence_note=f"The {DATASET} states none: ask who trained it."
        if licence == _UNKNOWN_LICENCE
        else f"As {DATASET} states.",
        size=len(data),
    )


def _notes(found: Iterable[str], classes: Sequence[str], chosen: bool) -> Iterable[str]:
    yield "nnU-Net's own preprocessing, sliding window and resampling, on the whole CT."
    yield "Who it learned from is not recorded in the folder."
    if chosen:
        yield f"Who added the model said which labels are lesions: {', '.join(classes)}."
    left_out = [name for name in found if name not in classes]
    if left_out:
        yield f"These labels are no lesions, and are left out: {', '.join(left_out)}."


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path.name} cannot be read: {reason}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path.name} is not a JSON object, as nnU-Net writes it.")
    return content


def _checkpoint_paths(folder: Path) -> dict[str, Path]:
    """By the name of the fold."""
    found = {
        path.parent.name.removeprefix("fold_"): path for path in folder.glob(f"fold_*/{CHECKPOINT}")
    }
    numbered = {name: found[name] for name in sorted(found, key=_number) if name != _ALL}
    if not found:
        raise InputError(
            f"The folder holds no fold_N/{CHECKPOINT}: choose the folder that a finished "
            "nnUNetv2_train wrote."
        )
    return numbered or found


def _number(fold: str) -> tuple[int, str]:
    return (int(fold), fold) if fold.isascii() and fold.isdigit() else (10**9, fold)


def _checkpoint(path: Path, trust: bool) -> _Checkpoint:
    name = f"{path.parent.name}/{path.name}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.") from error
    try:
        with torch.serialization.safe_globals(_numbers()):
            content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=not trust)
    except (
        Exception
    ) as error:  # whatever a damaged file, or one with code in it, makes of the reader
        raise InputError(
            f"The checkpoint {name} is damaged, or holds more than data, which could run code when "
            "it is read: leave it alone, or say that you trust the file if you know who made it.",
            option="trust",
        ) from error
    try:
        axes = content.get("inference_allowed_mirroring_axes")
        return _Checkpoint(
            weights=dict(content["network_weights"]),
            trainer=str(content["trainer_name"]),
            configuration=str(content["init_args"]["configuration"]),
            mirror_axes=None if axes is None else [int(axis) for axis in axes],
            sha256=hashlib.sha256(data).hexdigest(),
        )
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise InputError(f"The file {name} is no checkpoint of nnU-Net v2.") from error


def _numbers() -> list[Any]:
    """NumPy's scalars, which nnU-Net's log holds: they are data, and PyTorch does not know them."""
    scalar = np.float64(0.0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in ("float64", "float32", "int64", "int32", "bool")]
    old = (scalar, "numpy.core.multiarray.scalar")
    return [scalar, old, np.dtype, np.ndarray, *kinds]


def _only_configuration(plans: dict[str, Any], name: str) -> dict[str, Any]:
    """The plans with this configuration and those that it inherits from."""
    configurations = plans.get("configurations")
    kept: dict[str, Any] = {}
    while isinstance(configurations, dict) and name in configurations and name not in kept:
        kept[name] = configurations[name]
        name = kept[name].get("inherits_from", "") if isinstance(kept[name], dict) else ""
    return {**plans, "configurations": kept}


def _id(name: str, configuration: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{name}-{configuration}")
    return plain.lstrip("._-")[:64] or "nnunet"


def _as_json(card: ModelCard) -> dict[str, Any]:
    import json
    from dataclasses import asdict

    values: dict[str, Any] = json.loads(json.dumps(asdict(card)))
    return values
