"""The papers' networks, one file per family, found by the name a model's card gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from reprlib import repr as shown
from typing import Any

from torch import nn

from ..errors import ModelError
from ..text import printable
from . import nnunet
from .affinity import AffinityMaskRCNN
from .capsule import CapsuleClassifier
from .covid_rate import COVIDRate
from .drsegunet import DRSegUNet, ThesisUNet
from .eamc import AMCNet, R2UNet, XceptionUNet, densenet_unet, inception_unet
from .light import Lite0UNet


def _of_monai(module: str, name: str) -> Callable[..., nn.Module]:
    """What builds a network whose blocks are MONAI's, which takes seconds to load."""
    build: Callable[..., nn.Module] = getattr(import_module(f".{module}", __package__), name)
    return build


def _of_cascade(name: str) -> Callable[..., nn.Module]:
    return lambda **arguments: _of_monai("cascade", name)(**arguments)


def _compared(name: str) -> Callable[[], nn.Module]:
    """A network of COVID-Rate's Table 4, which takes no arguments."""
    return lambda: _of_monai("covid_rate_compared", name)()


_NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "AMCNet": AMCNet,
    "AffinityMaskRCNN": AffinityMaskRCNN,
    "COVIDRate": COVIDRate,
    "CapsuleClassifier": CapsuleClassifier,
    "ComparedAttentionUNet": _compared("attention_unet"),
    "ComparedUNet": _compared("standard_unet"),
    "ComparedUNetPlusPlus": _compared("UNetPlusPlus"),
    "DRSegUNet": DRSegUNet,
    "DenseNetUNet": densenet_unet,
    "EncoderFPN": _of_cascade("encoder_fpn"),
    "EncoderUNet": _of_cascade("encoder_unet"),
    "InceptionUNet": inception_unet,
    "Lite0UNet": Lite0UNet,
    "PlainUNet": _of_cascade("PlainUNet"),
    "R2UNet": R2UNet,
    "ThesisUNet": ThesisUNet,
    nnunet.NAME: nnunet.NnUNet,
    "XceptionUNet": XceptionUNet,
}


def build_network(name: str, arguments: dict[str, Any]) -> nn.Module:
    """Build the network ``name`` with its constructor ``arguments``, randomly initialised.

    Raises:
        ModelError: There is no such network, or it does not accept these arguments.
        DependencyError: A package that it is built from is missing.
    """
    if name not in _NETWORKS:
        raise ModelError(f"Unknown network {shown(name)}; known: {', '.join(sorted(_NETWORKS))}.")
    try:
        return _NETWORKS[name](**arguments)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        reason = printable(str(error))[:200]
        raise ModelError(f"Network {name} cannot be built: {reason}.") from error


def network_arguments(name: str) -> list[str] | None:
    """Names of the constructor arguments of the network ``name``; None where they are not known."""
    parameters = inspect.signature(_NETWORKS[name]).parameters if name in _NETWORKS else None
    if parameters is None or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return None
    return [*parameters]


def has_dropout(name: str) -> bool:
    """Whether the network ``name`` takes a dropout among its arguments."""
    return "dropout" in (network_arguments(name) or ())


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
