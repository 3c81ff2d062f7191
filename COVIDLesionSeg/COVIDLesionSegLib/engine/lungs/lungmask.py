"""Lungs by the package lungmask: U-nets R231 and R231CovidWeb.

Source: Hofmanninger et al., Eur Radiol Exp 2020;4:50, doi:10.1186/s41747-020-00173-2. Package and
weights are published under Apache-2.0 at https://github.com/JoHof/lungmask. Its network, its
cropping to the body and its post-processing are used as they are; its labels, 1 right and 2 left
lung, are ours. Weights are never fetched: the user puts them where PyTorch keeps downloaded ones.
"""

from __future__ import annotations

import hashlib
import io
import logging
import pickle
import re
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..errors import DependencyError, LungsNotFoundError, ModelError
from ..inference.device import make_plan
from ..inference.predictor import Predictor
from ..inference.provenance import describe_network
from ..models.card import Weights
from ..models.preprocessing import Preprocessing
from ..networks import count_parameters
from ..parameters import Parameters
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .body import NOT_FOUND, SMALLEST_LUNG
from .extractor import LungLabels
from .plausibility import check_lungs
from .sides import remove_remnant
from .slice_batches import ANSWERED, slice_batches

MODELS = {"lungmask-r231": "R231", "lungmask-r231covidweb": "R231CovidWeb"}
"""Name of the method to the package's name of the model."""

_SIZE = 256  # pixels along each side of the network's input
_WINDOW_HU = (-1024.0, 600.0)
_PAPER = "Hofmanninger et al., Eur Radiol Exp 2020;4:50, doi:10.1186/s41747-020-00173-2"


class LungmaskExtractor:
    """Lungs by one of lungmask's models.

    Args:
        method: One of :data:`MODELS`.
        parameters: Device, precision and batch size.

    Raises:
        DependencyError: The package is not installed.
        ModelError: Its weights are absent, damaged, or not those of this model.
        DeviceError: The device asked for is not there.
    """

    def __init__(self, method: str, parameters: Parameters):
        try:
            # On import the package hides all user warnings of the process.
            with warnings.catch_warnings():
                from lungmask import mask, resunet, utils
        except (ImportError, OSError) as error:
            raise DependencyError(
                "These lungs need the Python package lungmask: install it (group 'lungmask' of "
                "this software), or choose another way to find the lungs."
            ) from error
        # It logs to standard output, which belongs to the command line's JSON.
        logging.getLogger("lungmask").setLevel(logging.WARNING)
        self._utils = utils
        url, channels = mask.MODEL_URLS[MODELS[method]]
        data, weights = _verified_weights(url)
        self._network = resunet.UNet(
            n_classes=channels, padding=True, depth=5, up_mode="upsample", batch_norm=True
        )
        _load(self._network, data, weights.file)
        self._method = method
        self._weights = weights
        self._plan = make_plan(parameters, bfloat16_allowed=False)
        self._batch_size = parameters.batch_size

    def extract(
        self,
        axial_hu: np.ndarray,
        spacing: tuple[float, float, float],
        progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> LungLabels:
        """See :class:`~.extractor.LungExtractor`."""
        slices = Predictor(
            self._network,
            Preprocessing(window_hu=_WINDOW_HU),
            self._plan,
            model_id=self._method,
            class_channels=(1, 2),  # after the background: right lung, left lung
            pixel_mm=spacing[1:],
            batch_size=self._batch_size,
        )
        small = np.zeros((len(axial_hu), _SIZE, _SIZE), np.uint8)
        boxes = []
        for batch in slice_batches(
            slices, len(small), small.shape[1:], progress, cancel or CancelToken()
        ):
            bodies, body_boxes = self._utils.preprocess(axial_hu[batch], [_SIZE, _SIZE])
            lung = slices(bodies)
            background = 1.0 - lung.sum(axis=1, keepdims=True)
            small[batch] = np.concatenate([background, lung], axis=1).argmax(axis=1)
            boxes += body_boxes
        progress(Progress("Finding the lungs", ANSWERED, "largest pieces"))
        small = self._utils.postprocessing(small, disable_tqdm=True)
        labels = np.zeros(axial_hu.shape, np.uint8)
        for z, box in enumerate(boxes):
            labels[z] = self._utils.reshape_mask(small[z], box, axial_hu.shape[1:])
        remove_remnant(labels)
        if np.bincount(labels.ravel(), minlength=3)[1:].max() < _voxels(SMALLEST_LUNG, spacing):
            raise LungsNotFoundError(NOT_FOUND)
        flags = (*slices.flags, *check_lungs(labels, axial_hu, spacing, sides_stated=True))
        progress(Progress("Finding the lungs", 1.0))
        facts = {
            "method": self._method,
            "package": f"lungmask {version('lungmask')}",
            **describe_network(
                f"lungmask {MODELS[self._method]}",
                _PAPER,
                count_parameters(self._network),
                self._weights,
                slices.plan,
            ),
        }
        return LungLabels(labels, flags, facts)


def _verified_weights(url: str) -> tuple[bytes, Weights]:
    """The weights file that torch hub would have downloaded from ``url``, checked.

    By torch hub's convention the file's name holds the first digits of its SHA-256.
    """
    name = url.rpartition("/")[2]
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            f"lungmask's weights are not there and are never fetched unasked: download {url} and "
            f"put the file into {path.parent}."
        ) from error
    except OSError as error:
        raise ModelError(f"lungmask's weights {name} cannot be read: {error.strerror}.") from error
    sha256 = hashlib.sha256(data).hexdigest()
    expected = re.search(r"-([0-9a-f]{8,})\.", name)
    if expected is None or not sha256.startswith(expected.group(1)):
        raise ModelError(
            f"lungmask's weights {name} do not have the checksum in their name: the file is "
            f"damaged or was replaced; remove it and download {url} again."
        )
    note = "Published with the package lungmask."
    return data, Weights(name, sha256, "Apache-2.0", note)


def _load(network: nn.Module, data: bytes, name: str) -> None:
    try:
        # weights_only: a file that could run code is refused.
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        raise ModelError(
            f"The file {name} does not hold the weights of lungmask's network: download it again."
        ) from error


def _voxels(ml: float, spacing: tuple[float, float, float]) -> float:
    return ml * 1000 / float(np.prod(spacing))
