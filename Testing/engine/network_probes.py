"""What tests of networks look at: every module's tensors, and the pixels that an output sees."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def record(network: nn.Module, image: Tensor) -> tuple[dict[str, tuple], dict[str, Tensor]]:
    """What went into every module of the network, and what came out, by the module's name.

    Tensors are copies: activations may work in place.
    """
    inputs: dict[str, tuple] = {}
    outputs: dict[str, Tensor] = {}

    def hook(name: str):
        def keep(_: nn.Module, arguments: tuple, output: Tensor) -> None:
            outputs[name] = output.clone()

        def keep_inputs(_: nn.Module, arguments: tuple) -> None:
            inputs[name] = tuple(argument.clone() for argument in arguments)

        return keep_inputs, keep

    handles = []
    for name, module in network.named_modules():
        before, after = hook(name)
        handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    with torch.no_grad():
        network.eval()(image)
    for handle in handles:
        handle.remove()
    return inputs, outputs


def shapes(outputs: dict[str, Tensor], *names: str) -> list[tuple[int, ...]]:
    """(channels, rows, columns) of these modules' outputs."""
    return [tuple(outputs[name].shape[1:]) for name in names]


def numbered(name: str, count: int) -> list[str]:
    """``name.0``, ``name.1`` and so on."""
    return [f"{name}.{index}" for index in range(count)]


def footprint(module: nn.Module, channels: int, size: int, output: int) -> tuple[int, int]:
    """The first and the last row that row ``output`` of the module's middle column sees.

    All kernels are made small and positive, so that no path is switched off or cancelled.
    """
    for parameter in module.parameters():
        nn.init.constant_(parameter, 0.01)
    image = torch.ones(1, channels, size, size, requires_grad=True)
    result = module.eval()(image)
    result[0, 0, output, result.shape[-1] // 2].backward()
    rows = image.grad[0].abs().sum(dim=(0, 2)).nonzero()
    return rows.min().item(), rows.max().item()


def set_identity(module: nn.Module) -> None:
    """Make every square convolution of the module copy its input."""
    for convolution in module.modules():
        if isinstance(convolution, nn.Conv2d):
            nn.init.dirac_(convolution.weight)
            nn.init.zeros_(convolution.bias)


def keras_total(network: nn.Module) -> int:
    """Parameters as Keras counts them: batch normalisation's moving statistics included."""
    statistics = [b for n, b in network.named_buffers() if n.endswith(("_mean", "_var"))]
    return sum(tensor.numel() for tensor in [*network.parameters(), *statistics])


def batch_norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def normalises_as_keras(network: nn.Module) -> bool:
    """Whether every batch normalisation has Keras' epsilon 1e-3 and momentum 0.99."""
    return all((norm.eps, norm.momentum) == (1e-3, 0.01) for norm in batch_norms(network))


def starts_glorot_uniform(kernel: Tensor) -> bool:
    """Whether a kernel fills Glorot's interval evenly, and only that.

    The spread of n even values is known to a few in the square root of n.
    """
    area = kernel[0, 0].numel()
    limit = (6.0 / (area * (kernel.shape[0] + kernel.shape[1]))) ** 0.5
    spread = kernel.square().mean().sqrt().item() / (limit / 3.0**0.5)
    return kernel.abs().max().item() <= limit and abs(spread - 1.0) < 3.0 / kernel.numel() ** 0.5
