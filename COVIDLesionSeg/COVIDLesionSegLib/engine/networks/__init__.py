"""The papers' networks, one file per family, found by the name a model's card gives."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..errors import ModelError
from .amc_net import AMCNet

_NETWORKS: dict[str, type[nn.Module]] = {"AMCNet": AMCNet}


def build_network(name: str, arguments: dict[str, Any]) -> nn.Module:
    """Build the network ``name`` with its constructor ``arguments``, randomly initialised.

    Raises:
        ModelError: There is no such network, or it does not take these arguments.
    """
    if name not in _NETWORKS:
        raise ModelError(f"Unknown network {name!r}; known: {', '.join(sorted(_NETWORKS))}.")
    try:
        return _NETWORKS[name](**arguments)
    except (TypeError, ValueError) as error:
        raise ModelError(f"Network {name} cannot be built: {error}.") from error


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
