"""Weights: verified before they are used, written so that they can be verified."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from safetensors.torch import save as save_safetensors
from torch import nn

from ..errors import ModelError
from ..files import write_bytes
from ..networks import build_network, count_parameters
from .catalogue import Model


def load_network(model: Model) -> nn.Module:
    """Build the model's network with its verified weights, float32, in evaluation mode.

    Raises:
        ModelError: The model has no weights, they are absent, their checksum is not the card's, or
            they belong to another network, or that network is not the card's.
    """
    if len(model.card.classes) != 1:
        raise ModelError(
            f"The card of model {model.id} names {len(model.card.classes)} lesion classes, but its "
            "network tells one: name one class on the card, or choose another model."
        )
    path = model.weights_path
    if path is None:
        raise ModelError(
            f"Model {model.id} has no trained weights yet: choose another model or train this one."
        )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The weights of model {model.id} cannot be read ({path.name}): {error.strerror}."
        ) from error
    if hashlib.sha256(data).hexdigest() != model.card.weights.sha256:
        raise ModelError(
            f"The weights of model {model.id} ({path.name}) do not have the checksum on its card: "
            "the file is damaged or was replaced; install it again."
        )
    network = build_network(model.card.network, model.card.arguments)
    try:
        network.load_state_dict({k: v.float() for k, v in load_safetensors(data).items()})
    except (SafetensorError, RuntimeError) as error:
        raise ModelError(
            f"The weights in {path.name} are not those of network {model.card.network}: "
            "use the file that belongs to this model's card."
        ) from error
    if count_parameters(network) != model.card.parameters:
        raise ModelError(
            f"The card of model {model.id} states {model.card.parameters:,} parameters, but its "
            f"network has {count_parameters(network):,}: correct the card or its network arguments."
        )
    return network.eval()


def save_weights(network: nn.Module, path: Path, dtype: torch.dtype = torch.float16) -> str:
    """Write the network's weights as safetensors, atomically; returns the file's SHA-256."""
    tensors = {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in network.state_dict().items()
    }
    data = save_safetensors(tensors)
    write_bytes(data, path)
    return hashlib.sha256(data).hexdigest()
