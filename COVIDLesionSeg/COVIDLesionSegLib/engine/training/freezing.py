"""Stages of a network that keep their weights while the others learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from torch import nn

from ..errors import ModelError


@contextmanager
def frozen(network: nn.Module, stages: Sequence[str]) -> Iterator[int]:
    """Keep stages of a network from learning within the block.

    Their parameters get no gradients, and their batch normalisation keeps its moving statistics and
    uses them, as that of a Keras layer that is not trainable does, whatever mode a trainer sets.

    Args:
        network: It may be trained within the block, in place.
        stages: Names of its modules, dotted where nested: ``"stem"``, ``"encoder.0"``.

    Yields:
        The number of parameters that do not learn.

    Raises:
        ModelError: The network has no stage of a name.
    """
    chosen = [_stage(network, name) for name in stages]
    parameters = {p for stage in chosen for p in stage.parameters() if p.requires_grad}
    with ExitStack() as undo:
        for module in {m for stage in chosen for m in stage.modules()}:
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                undo.callback(module.register_forward_pre_hook(_in_evaluation_mode).remove)
        for parameter in parameters:
            parameter.requires_grad_(False)
            parameter.grad = None  # an optimiser would still take a step with it
            undo.callback(parameter.requires_grad_, True)
        yield sum(parameter.numel() for parameter in parameters)


def _in_evaluation_mode(module: nn.Module, _: object) -> None:
    module.eval()


def _stage(network: nn.Module, name: str) -> nn.Module:
    stages = dict(network.named_modules())
    if not name or name not in stages:
        first = ", ".join(child for child, _ in network.named_children())
        raise ModelError(f"The network has no stage {name!r} to freeze; its stages are: {first}.")
    return stages[name]
