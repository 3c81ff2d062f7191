"""What a network computes on the way: feature and attention maps of one slice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .errors import InputError, ModelError, ParameterError
from .flags import Flag, untrained_flag
from .inference.field_of_view import FieldOfView
from .inference.predictor import Predictor
from .inference.volume_prediction import predict_volume
from .lungs import get_extractor
from .models.catalogue import Model, load_catalogue
from .models.weights import load_network
from .networks.eamc import AttentionGate
from .parameters import Parameters
from .progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from .severity.measure import superior_positions
from .volume import Volume
from .volume.checks import check_chest_ct

MAPS_PER_BLOCK = 3


@dataclass(frozen=True)
class BlockMaps:
    """What one block of a network made of a slice.

    Attributes:
        name: Place in the network: ``"encoder 1"``.
        shape: (channels, rows, columns) inside the network.
        mean: float32 (rows, columns): mean over all channels of the activation's magnitude.
        maps: float32 (n, rows, columns): the channels that vary most over the slice.
        channels: Their numbers in the block.
    """

    name: str
    shape: tuple[int, int, int]
    mean: np.ndarray
    maps: np.ndarray
    channels: tuple[int, ...]


@dataclass(frozen=True)
class SliceExplanation:
    """One slice through one network; all arrays (rows, columns) in axial order.

    Attributes:
        model: The model.
        index: Slice index along the inferior-to-superior axis, 0 at the inferior end.
        slice_count: Number of axial slices of the CT.
        position_mm: Position along the patient's superior axis (RAS S), in mm, of the slice centre.
        pixel_mm: Pixel size along (rows, columns).
        hu: The slice.
        lungs: uint8; 1 right lung, 2 left lung.
        probability: float32, lesion of any class, as the network says, also outside the lungs.
        blocks: In the order of computation.
        attention: Name and float32 map in 0..1 of each attention gate, from the deepest up; empty
            for a network without them.
        flags: What a reader must know.
    """

    model: Model
    index: int
    slice_count: int
    position_mm: float
    pixel_mm: tuple[float, float]
    hu: np.ndarray
    lungs: np.ndarray
    probability: np.ndarray
    blocks: tuple[BlockMaps, ...]
    attention: tuple[tuple[str, np.ndarray], ...]
    flags: tuple[Flag, ...]


def explain_slice(
    volume: Volume,
    parameters: Parameters | None = None,
    index: int | None = None,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> SliceExplanation:
    """Feature maps block by block (EAMC paper, Fig. 4) and attention maps of one slice.

    Args:
        volume: The CT in HU, in any orientation.
        parameters: As for :func:`~..pipeline.segment`; one model, whole slices.
        index: Axial slice, 0 at the inferior end; where None, the one with the most lesion, or the
            most lung if there is no lesion.
        progress: Called with progress.
        cancel: Looked at between steps.

    Raises:
        ParameterError: An ensemble or a tiling by patches was asked for.
        InputError: There is no such slice, or no lung on it; or not a chest CT.
        CovidLesionSegError: As for ``segment``.
    """
    parameters = parameters or Parameters()
    cancel = cancel or CancelToken()
    model, *others = load_catalogue().members(parameters.members)
    if others or parameters.tiling != "whole-slice":
        raise ParameterError("One model on whole slices can be looked into: name a single model.")
    volume = check_chest_ct(volume)
    axial = volume.axial
    if index is not None and not 0 <= index < len(axial):
        raise InputError(
            f"There is no slice {index}: the CT has the slices 0 to {len(axial) - 1}, counted "
            "from the inferior end."
        )
    progress(Progress("Loading the model", 0.0, model.title))
    network = load_network(model, parameters.allow_untrained)
    pixel_mm = volume.axial_spacing[1:]
    predictor = Predictor.of_model(model.card, network, parameters, pixel_mm)
    found = get_extractor(parameters).extract(
        axial, volume.axial_spacing, progress=sub_progress(progress, 0.05, 0.35), cancel=cancel
    )
    if index is None:
        labels = predict_volume(
            axial,
            found.labels,
            pixel_mm,
            [predictor],
            parameters.threshold,
            progress=sub_progress(progress, 0.35, 0.9),
            cancel=cancel,
        ).labels
        index = int(np.argmax(_areas(labels) if labels.any() else _areas(found.labels)))
    elif not found.labels[index].any():
        raise InputError(f"There is no lung on slice {index}: choose another slice.")
    progress(Progress("Looking into the network", 0.9, f"slice {index}"))
    hu, lungs = np.ascontiguousarray(axial[index]), found.labels[index]
    with recording(predictor.network) as record:
        probability = predictor(hu[None], lungs[None] if predictor.needs_lungs else None)[0]
    if len(record.features) < _FEWEST_BLOCKS:
        raise ModelError(
            f"The network {model.card.network} of model {model.id} is another package's, and does "
            "not show its blocks one by one: choose another model."
        )
    field = predictor.field_of_view(hu.shape)
    untrained = model.card.weights is None
    return SliceExplanation(
        model=model,
        index=index,
        slice_count=len(axial),
        position_mm=superior_positions(volume.order, volume.geometry)[index],
        pixel_mm=pixel_mm,
        hu=hu,
        lungs=lungs,
        probability=probability.sum(axis=0),
        blocks=_blocks(record, field),
        attention=tuple(
            (name, _on_slice(attention[None], field)[0])
            for name, attention in record.attention.items()
        ),
        flags=(
            *([untrained_flag([model.id])] if untrained else []),
            *found.flags,
            *predictor.flags,
        ),
    )


def _areas(labels: np.ndarray) -> np.ndarray:
    return np.array([np.count_nonzero(label) for label in labels])


def _blocks(record: Record, field: FieldOfView) -> tuple[BlockMaps, ...]:
    blocks = []
    for name, features in record.features.items():
        spread = features.flatten(1).std(dim=1)
        channels = spread.topk(min(MAPS_PER_BLOCK, len(features))).indices.sort().values
        shown = _on_slice(torch.cat([features.abs().mean(dim=0)[None], features[channels]]), field)
        blocks.append(
            BlockMaps(
                name,
                (len(features), *features.shape[1:]),
                shown[0],
                shown[1:],
                tuple(map(int, channels)),
            )
        )
    return tuple(blocks)


def _on_slice(maps: Tensor, field: FieldOfView) -> np.ndarray:
    """Maps (n, rows, columns) of any resolution inside the network, on the slice's pixels."""
    return field.restore(functional.interpolate(maps[None], field.network_shape))[0].numpy()


Hook = Callable[..., None]
_NOT_BLOCKS = {"pool", "upsample", "gates", "head", "segmentation_head"}
_FEWEST_BLOCKS = 5
"""A network that shows fewer is wrapped as a whole."""
# Where a decoder keeps its blocks, in networks of segmentation-models-pytorch.
_DECODER_BLOCKS = ("blocks", "seg_blocks")


@dataclass
class Record:
    """What was heard; tensors are float32 copies on the CPU.

    Attributes:
        features: (channels, rows, columns) by the block's name, in the order of computation.
        attention: (rows, columns), 0 to 1, by the gate's name likewise.
    """

    features: dict[str, Tensor] = field(default_factory=dict)
    attention: dict[str, Tensor] = field(default_factory=dict)


@contextmanager
def recording(network: nn.Module) -> Iterator[Record]:
    """Record the first image of the last forward pass within the block."""
    record = Record()
    hooks = [
        module.register_forward_hook(_hear_features(name, record))
        for name, module in feature_blocks(network)
    ]
    for name, module in network.named_modules():
        if isinstance(module, AttentionGate):
            hooks.append(module.register_forward_hook(_hear_attention(name, record)))
    try:
        yield record
    finally:
        for hook in hooks:
            hook.remove()


def feature_blocks(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The blocks of a network, from its own structure, in order: ``("encoder 1", module)``.

    The parts of the network's encoder and decoder, and whatever stands beside these two, without
    pooling, up-sampling, gates and the last convolution. An encoder that gives all its features
    at once is one block; :func:`recording` tells them apart.
    """
    blocks = []
    for name, child in network.named_children():
        if name in _NOT_BLOCKS:
            continue
        parts = next(
            (getattr(child, part) for part in _DECODER_BLOCKS if hasattr(child, part)), child
        )
        if isinstance(parts, (nn.ModuleList, nn.Sequential)) and name in ("encoder", "decoder"):
            blocks += [(f"{name} {n}", module) for n, module in enumerate(parts, start=1)]
        else:
            blocks.append((name, child))
    return blocks


def _hear_features(name: str, record: Record) -> Hook:
    def hear(module: nn.Module, inputs: tuple, output: Tensor | list[Tensor]) -> None:
        if isinstance(output, Tensor):
            record.features[name] = _copy(output)
        else:  # an encoder's features, the image itself first
            for n, one in enumerate(output[1:], start=1):
                record.features[f"{name} {n}"] = _copy(one)

    return hear


def _hear_attention(name: str, record: Record) -> Hook:
    def hear(gate: AttentionGate, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        level = int(name.rsplit(".", 1)[-1]) + 1
        record.attention[f"gate {level}"] = _copy(gate.attention(*inputs))[0]

    return hear


def _copy(tensor: Tensor) -> Tensor:
    return tensor[0].detach().to("cpu", torch.float32, copy=True)
