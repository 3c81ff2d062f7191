"""Files of weights, verified by their checksum; needs neither PyTorch nor safetensors."""

from __future__ import annotations

import hashlib

from ..errors import ModelError
from .catalogue import Model


def read_weights(model: Model) -> bytes:
    """The model's weights file, verified.

    Raises:
        ModelError: The model has no weights, they are absent, or their checksum is not the card's.
    """
    weights = model.card.trained_weights
    path = model.weights_path or model.folder / weights.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The weights of model {model.id} cannot be read ({weights.file}): {error.strerror}."
        ) from error
    return verified(data, model)


def verified(data: bytes, model: Model) -> bytes:
    """``data`` if it is the model's weights file; raises ModelError if it is not."""
    weights = model.card.trained_weights
    if hashlib.sha256(data).hexdigest() != weights.sha256:
        raise ModelError(
            f"The weights of model {model.id} ({weights.file}) do not have the checksum on its "
            "card: the file is damaged or was replaced; install it again."
        )
    return data
