"""Networks of an nnU-Net v2 result folder, run by nnunetv2's own predictor.

Source: F. Isensee et al., "nnU-Net: a self-configuring method for deep learning-based biomedical
image segmentation", Nature Methods 18:203-211, 2021; package nnunetv2. Nothing of its planning,
preprocessing, sliding window or resampling is done again here.
"""

from __future__ import annotations

import copy
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pydoc import locate
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import DependencyError, ModelError
from ..requirements import NNUNET
from ..text import printable

NAME = "NnUNet"
"""On a model's card."""
_REORIENTS = {
    "SimpleITKIO": False,
    "NibabelIO": False,
    "SimpleITKIOWithReorient": True,
    "NibabelIOWithReorient": True,
}
"""nnunetv2's readers of volumes: whether they bring arrays into the order of RAS."""
_ARCHITECTURES = "dynamic_network_architectures.architectures."
_PARTS = re.compile(r"torch\.nn\.[\w.]+")


class NnUNet(nn.Module):
    """One network for each fold, whose mean counts, and how they were planned.

    Attributes:
        outputs: Number of labels that it tells apart, background too.
        reorients: Whether it was trained on arrays in the order of RAS.
    """

    def __init__(
        self,
        plans: dict[str, Any],
        dataset: dict[str, Any],
        configuration: str,
        trainer: str,
        mirror_axes: Sequence[int] | None,
        folds: Sequence[str],
    ) -> None:
        """Build the networks, randomly initialised.

        Args:
            plans, dataset: ``plans.json`` and ``dataset.json`` of the folder.
            configuration: Of the plans, such as ``"3d_fullres"``.
            trainer: Name of nnunetv2's trainer, which builds the architecture.
            mirror_axes: Along which nnU-Net mirrors a CT to predict it several times.
            folds: Names of the folds.

        Raises:
            DependencyError: nnunetv2 is missing.
            ModelError: nnunetv2 cannot build this, it needs the result of another stage, or the
                plans name what is no layer of a network, or a reader that is not known.
        """
        super().__init__()
        find_trainer, plans_manager = nnunet_library()
        try:
            self._plans = plans_manager(copy.deepcopy(plans))
            self._configuration = self._plans.get_configuration(configuration)
            if self._configuration.previous_stage_name is not None:
                raise ModelError(
                    "This nnU-Net is the second stage of a cascade, which needs the first stage's "
                    "result: use the folder of another configuration."
                )
            _check_architecture(self._configuration)
            self.reorients = reader_reorients(plans["image_reader_writer"])
            self._dataset = copy.deepcopy(dataset)
            self._trainer, self._mirror_axes = trainer, mirror_axes
            self.outputs = int(self._plans.get_label_manager(dataset).num_segmentation_heads)
            with _quiet():
                build = find_trainer(trainer).build_network_architecture
                self.folds = nn.ModuleList(
                    build(
                        self._plans,
                        self._configuration,
                        1,
                        self.outputs,
                        enable_deep_supervision=False,
                    )
                    for _ in folds
                )
        except (ModelError, DependencyError):
            raise
        except Exception as error:  # plans may hold anything, and nnunetv2 checks little of it
            raise ModelError(
                "nnunetv2 cannot build the network of these plans: use the version of nnunetv2 "
                "that trained it."
            ) from error

    def probabilities(
        self, hu: np.ndarray, spacing: tuple[float, float, float], device: str
    ) -> np.ndarray:
        """Probabilities of all labels, background first, of a whole CT.

        Args:
            hu: Shape (k, j, i), as nnU-Net's reader would give it.
            spacing: mm along (k, j, i).
            device: Device in PyTorch's terms.

        Returns:
            float32 (labels, k, j, i).
        """
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        on = torch.device(device)
        benchmark = torch.backends.cudnn.benchmark
        try:
            with _quiet():
                predictor = nnUNetPredictor(
                    perform_everything_on_device=on.type == "cuda", device=on, allow_tqdm=False
                )
                predictor.manual_initialization(
                    # It loads the weights of one fold after the other into this one.
                    copy.deepcopy(self.folds[0]),
                    self._plans,
                    self._configuration,
                    [fold.state_dict() for fold in self.folds],
                    self._dataset,
                    self._trainer,
                    None if self._mirror_axes is None else tuple(self._mirror_axes),
                )
                _, found = predictor.predict_single_npy_array(
                    hu[None].astype(np.float32),
                    {"spacing": [abs(float(mm)) for mm in spacing]},
                    save_or_return_probabilities=True,
                )
        finally:
            torch.backends.cudnn.benchmark = benchmark
        return np.asarray(found, dtype=np.float32)

    def stored_weights(self) -> dict[str, Tensor]:
        """The weights by name, each once, where the network holds it under several names."""
        weights = self.state_dict()
        return {name: weights[name].contiguous() for name in set(self._stored_names().values())}

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """As of any network; weights that it holds under several names may be there once."""
        stored = self._stored_names()
        whole = {
            name: state_dict[once]
            for name, once in stored.items()
            if name not in state_dict and once in state_dict
        }
        return super().load_state_dict({**whole, **state_dict}, strict, assign)

    def _stored_names(self) -> dict[str, str]:
        first: dict[int, str] = {}
        tensors = (
            *self.named_parameters(remove_duplicate=False),
            *self.named_buffers(remove_duplicate=False),
        )
        return {name: first.setdefault(id(tensor), name) for name, tensor in tensors}


def nnunet_library() -> tuple[Any, Any]:
    """How nnunetv2 finds a trainer by its name, and its class of plans.

    Raises:
        DependencyError: It cannot be imported.
    """
    try:
        with _quiet():
            from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name
            from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
    except (ImportError, OSError, RuntimeError) as error:
        raise DependencyError(
            f"An nnU-Net needs the Python package {NNUNET[0].split('>')[0]}, made for the PyTorch "
            "that is installed: install or repair it (group 'nnunet' of this software)."
        ) from error
    return recursive_find_trainer_class_by_name, PlansManager


def reader_reorients(name: str) -> bool:
    """Whether nnunetv2's reader of that name brings arrays into the order of RAS.

    Raises:
        ModelError: It is none of its readers of volumes with a grid, so nobody knows how a CT has
            to lie for the network.
    """
    if name not in _REORIENTS:
        raise ModelError(
            f"The plans of this nnU-Net name the reader {printable(name)!r}, so it is not known "
            f"which way round it takes a CT: only those with one of {', '.join(_REORIENTS)} can be "
            "used."
        )
    return _REORIENTS[name]


def _check_architecture(configuration: Any) -> None:
    """Make sure that plans name networks and layers: nnunetv2 calls whatever they name."""
    architecture = configuration.network_arch_class_name
    parts = [
        configuration.network_arch_init_kwargs.get(name)
        for name in configuration.network_arch_init_kwargs_req_import
    ]
    known = isinstance(architecture, str) and architecture.startswith(_ARCHITECTURES)
    known = known and all(
        part is None or (isinstance(part, str) and _PARTS.fullmatch(part)) for part in parts
    )
    if not known or not all(map(_is_layer, filter(None, (architecture, *parts)))):
        raise ModelError(
            "The plans of this nnU-Net name a network that is not one of nnU-Net's own: it is not "
            "built, because its code is not known."
        )


def _is_layer(name: str) -> bool:
    found = locate(name)
    return isinstance(found, type) and issubclass(found, nn.Module)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what nnunetv2 prints."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        yield
