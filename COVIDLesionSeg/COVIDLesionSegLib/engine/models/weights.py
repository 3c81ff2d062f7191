"""Networks with their weights: verified before use, written so that they can be verified."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import Tensor, nn

from ..errors import ModelError
from ..files import write_bytes
from ..networks import build_network, count_parameters
from ..text import thousands
from .card import ModelCard
from .catalogue import Model, not_trained
from .eight_bit import from_eight_bit, to_eight_bit
from .weights_file import read_weights, verified

UNTRAINED_SEED = 0
"""Seed of the random weights of a network that is run without training."""


def load_network(
    model: Model, allow_untrained: bool = False, weights: bytes | None = None
) -> nn.Module:
    """Build the model's network with its verified weights, float32, in evaluation mode.

    Args:
        model: What to load.
        allow_untrained: Give a network without trained weights random ones, always the same,
            instead of refusing it: for timing and to test the workflow, never for its results.
        weights: Content of its weights file, where that is not written yet.

    Raises:
        ModelError: The model has no weights, they are absent, their checksum is not the card's,
            they are not safetensors or belong to another network, or the network is not as the
            card describes it.
        DependencyError: A package that the network is built from is missing.
    """
    card = model.card
    if card.weights is None:
        if not allow_untrained:
            raise not_trained(model.id)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(UNTRAINED_SEED)
            network = build_network(card.network, card.arguments)
    else:
        network = build_network(card.network, card.arguments)
        data = read_weights(model) if weights is None else verified(weights, model)
        _load_weights(network, model, data)
    network.eval()
    _check_fits(network, card)
    return network


def save_weights(network: nn.Module, path: Path, dtype: torch.dtype = torch.float16) -> str:
    """Write the network's weights as safetensors, atomically; returns the file's SHA-256.

    Kernels are written as ``dtype``; biases and the statistics of normalisation stay as they are.

    Raises:
        OutputError: The file cannot be written.
    """
    data = weights_data(network, dtype)
    write_bytes(data, path)
    return hashlib.sha256(data).hexdigest()


def weights_data(network: nn.Module, dtype: torch.dtype = torch.float16) -> bytes:
    """The content of the file that :func:`save_weights` writes."""
    data: bytes = save_safetensors(_tensors(network, dtype))
    return data


def weights_data_in_eight_bit(network: nn.Module, smallest_kernel: int) -> bytes:
    """The content of a file with the large kernels in 8 bits, see :mod:`.eight_bit`.

    Args:
        network: The network.
        smallest_kernel: Least number of weights of a kernel in 8 bits; smaller ones stay in half
            precision.
    """
    tensors = to_eight_bit(network, _tensors(network, torch.float16), smallest_kernel)
    data: bytes = save_safetensors(tensors)
    return data


def _tensors(network: nn.Module, dtype: torch.dtype) -> dict[str, Tensor]:
    return {
        name: tensor.detach().to("cpu", dtype if tensor.ndim > 1 else tensor.dtype).contiguous()
        for name, tensor in network.state_dict().items()
    }


def _load_weights(network: nn.Module, model: Model, data: bytes) -> None:
    file = model.card.trained_weights.file
    try:
        tensors = load_safetensors(data)
    except (SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ModelError(
            f"The weights in {file} are not in safetensors format, and other formats, such as "
            "pickles, are not read because they can run code: use the file that belongs to this "
            "model's card."
        ) from error
    tensors = from_eight_bit(tensors, model.card.trained_weights.bits == 8, file)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelError(
            f"The weights in {file} are not those of network {model.card.network}: "
            "use the file that belongs to this model's card."
        ) from error
    if not all(tensor.isfinite().all() for tensor in network.state_dict().values()):
        raise ModelError(
            f"The weights in {file} are not all numbers, as after a training that went wrong: "
            f"train model {model.id} again."
        )


def _check_fits(network: nn.Module, card: ModelCard) -> None:
    if count_parameters(network) != card.parameters:
        raise ModelError(
            f"The card of model {card.id} states {thousands(card.parameters)} parameters, but its "
            f"network has {thousands(count_parameters(network))}: correct the card or its "
            "network arguments."
        )
    size = 2 * card.preprocessing.multiple
    try:
        with torch.inference_mode():
            # An nnU-Net knows it, and takes no slice.
            channels = (
                getattr(network, "outputs", None)
                or (network(torch.zeros(1, 1, size, size)).shape[1])
            )
    except (RuntimeError, TypeError, ValueError) as error:
        raise ModelError(
            f"The network of model {card.id} cannot process an image of {size}x{size} pixels: "
            "correct the network arguments or the multiple on its card."
        ) from error
    if channels != len(card.outputs):
        raise ModelError(
            f"The card of model {card.id} names {len(card.outputs)} channels "
            f"({', '.join(card.outputs)}), but its network gives {channels}: correct the card's "
            "classes and channels, or its network arguments."
        )
