"""Listens to the blocks and attention gates of a network during one forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..networks.eamc import AttentionGate

Hook = Callable[..., None]
_NOT_BLOCKS = {"pool", "upsample", "gates", "head", "segmentation_head"}
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
