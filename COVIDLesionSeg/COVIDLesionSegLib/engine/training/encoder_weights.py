"""Weights of an encoder, such as ImageNet's, from a file: checked, never downloaded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as load_safetensors
from torch import Tensor, nn

from ..errors import InputError, ModelError
from ..models.eight_bit import from_eight_bit
from ..networks import build_network
from .imagenet import grey_kernel
from .recipe import Recipe

_MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
_SD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
"""Colours of ImageNet's images, which published encoders were trained on after (x - mean) / sd."""
_PREFIXES = ("", "encoder.", "module.", "model.", "backbone.", "module.encoder.")
_OF_OLD_DENSENETS = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d)")
_LARGEST = 2**31


def read_encoder_weights(path: Path) -> tuple[dict[str, Tensor], str]:
    """Tensors by name, and the SHA-256 of the file: safetensors, or a PyTorch state dict.

    A PyTorch file is read as data alone: nothing in it is run. Weights that this software stored in
    8 bits are floats again.

    Raises:
        InputError: The file cannot be read, or holds anything but tensors of numbers.
    """
    wanted = "give a state dict as .safetensors, .pth or .pt."
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"The encoder's weights {path.name} are larger than 2 GiB: {wanted}")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The encoder's weights {path.name} cannot be read ({error.strerror}): {wanted}"
        ) from error
    try:
        if path.suffix == ".safetensors":
            content: Any = load_safetensors(data)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (
        Exception
    ) as error:  # whatever a damaged file, or one with code in it, makes of the reader
        raise InputError(
            f"The encoder's weights {path.name} are damaged, or hold more than weights: {wanted}"
        ) from error
    for name in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(value, Tensor) for value in content.values())
    ):
        raise InputError(f"The encoder's weights {path.name} hold no tensors by name: {wanted}")
    if any(not bool(value.isfinite().all()) for value in content.values()):
        raise InputError(
            f"The encoder's weights {path.name} hold values that are no numbers: {wanted}"
        )
    named = {str(name): value for name, value in content.items()}
    if any(value.dtype == torch.int8 for value in named.values()):
        try:
            named = from_eight_bit(named, True, path.name)
        except ModelError as error:  # without scales, so not this software's
            raise InputError(
                f"The encoder's weights {path.name} are whole numbers of 8 bits: {wanted}"
            ) from error
    return named, hashlib.sha256(data).hexdigest()


def network_on_encoder(recipe: Recipe, weights: Mapping[str, Tensor]) -> nn.Module:
    """The recipe's network, at random by its seed, with the encoder's weights of a file.

    Where the file's encoder takes colours and the network grey images, the three kernels are added
    up; the other way round each colour gets a third of the kernel. Where the network takes grey
    images of 0 to 1, what ImageNet's images were shifted and scaled by goes into kernel and running
    mean, so that a grey image gives the features of the same image in colour, but for the outermost
    pixels.

    Raises:
        ModelError: The network has no such encoder, or the file's weights are of another one.
    """
    torch.manual_seed(recipe.seed)
    network = build_network(recipe.network, recipe.network_arguments)
    encoder = getattr(network, "encoder", None)
    if not isinstance(encoder, nn.Module) or isinstance(encoder, (nn.ModuleList, nn.Sequential)):
        raise ModelError(
            f"The network {recipe.network} has no encoder of its own that weights could be given "
            "for: choose a network on an encoder, or random weights."
        )
    own = encoder.state_dict()
    found = _named_as(own, weights)
    first = next(name for name, tensor in own.items() if tensor.ndim == 4)
    if first in found and found[first].shape[1] == 3 and own[first].shape[1] == 1:
        unit = recipe.preprocessing.normalisation in ("unit", "grey-levels")
        _make_grey(found, first, [*own], unit)
    elif first in found and found[first].shape[1] == 1 and own[first].shape[1] == 3:
        found[first] = found[first].expand(-1, 3, -1, -1) / 3
    for name, tensor in own.items():
        if name.endswith("num_batches_tracked"):
            found.setdefault(name, tensor)
        elif name not in found:
            raise ModelError(
                f"The encoder's weights have no {name}, which the encoder of {recipe.network} "
                f"{recipe.network_arguments.get('encoder', '')} needs: give the weights of that "
                "encoder."
            )
        elif found[name].shape != tensor.shape:
            raise ModelError(
                f"The encoder's weights {name} have the shape {list(found[name].shape)}, but the "
                f"encoder has {list(tensor.shape)}: give the weights of that encoder."
            )
    encoder.load_state_dict({name: found[name] for name in own})
    return network


def _named_as(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights by the encoder's own names; others, as of a classifier, are left out."""

    def named(prefix: str) -> dict[str, Tensor]:
        renamed = {
            _OF_OLD_DENSENETS.sub(r"\1\2", name.removeprefix(prefix)): tensor
            for name, tensor in weights.items()
            if name.startswith(prefix)
        }
        return {name: tensor for name, tensor in renamed.items() if name in own}

    return max((named(prefix) for prefix in _PREFIXES), key=len)


def _make_grey(found: dict[str, Tensor], kernel: str, order: list[str], unit: bool) -> None:
    """One kernel in place of three, in ``found``."""
    colours = found[kernel].float()
    if not unit:
        found[kernel] = colours.sum(dim=1, keepdim=True)
        return
    found[kernel], added = grey_kernel(colours, 1 / _SD, -_MEAN / _SD)
    behind = order[order.index(kernel) :]
    mean = next((name for name in behind if name.endswith("running_mean")), None)
    if mean in found and found[mean].shape == added.shape:
        found[mean] = found[mean] - added
