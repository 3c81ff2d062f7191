"""The Lightning module of a recipe: network, loss, optimiser, schedule and validation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from statistics import fmean
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from ..errors import ModelError, TrainingError
from ..inference.ensemble import decide
from ..losses import build_loss
from ..metrics.overlap import Confusion
from ..networks import build_network
from .dataset import field_of
from .recipe import Recipe

_THRESHOLD = 0.5


class SegmentationModule(lightning.LightningModule):
    """What Lightning trains.

    Logs ``loss``, and at every validation ``validation_loss`` and ``validation_dice``: pixels of
    all validation slices pooled, on the slices' own grid, p > 0.5, all classes taken together.

    Args:
        recipe: All numbers.
        steps: Optimiser steps of the whole training.
    """

    def __init__(self, recipe: Recipe, steps: int):
        super().__init__()
        self.recipe = recipe
        self.network: nn.Module = build_network(recipe.network, recipe.network_arguments)
        # Its type stubs do not know this argument.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.loss = build_loss(recipe.loss, recipe.loss_arguments)
        self._steps = steps
        self._class_channels = [recipe.channels.index(name) for name in recipe.classes]
        self._counts = Confusion()
        self._losses: list[float] = []

    def forward(self, image: Tensor) -> Tensor:
        """Logits (batch, channels, rows, columns) of images (batch, inputs, rows, columns)."""
        logits: Tensor = self.network(image.contiguous(memory_format=torch.channels_last))
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        image, target = batch
        logits = self(image)
        if self.trainer.world_size > 1:
            # Sums of a loss run over the whole batch, of which this process has a share.
            logits, target = self._from_all(logits), self._from_all(target)
        loss: Tensor = self.loss(logits, target)
        self.check_finite(loss)
        self.log("loss", loss, batch_size=len(image))
        return loss

    def check_finite(self, loss: Tensor) -> None:
        """Raise TrainingError if the loss is not a number."""
        if not loss.isfinite():
            raise TrainingError(
                f"The loss is not a number at step {self.trainer.global_step + 1}, so training "
                "stopped; the last checkpoint is from before it: lower the recipe's "
                "learning_rate, or set its precision to 32-true.",
                option="settings",
            )

    def _from_all(self, share: Tensor) -> Tensor:
        gathered = self.all_gather(share.float(), sync_grads=True)
        assert isinstance(gathered, Tensor)
        return gathered.flatten(0, 1)

    def on_validation_epoch_start(self) -> None:
        self._counts, self._losses = Confusion(), []

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> None:
        image, target, truth = batch
        logits = self(image).float()
        self._losses.append(self.loss(logits, target).item())
        if logits.shape[1] == 1:
            probability = torch.sigmoid(logits)
        else:
            probability = torch.softmax(logits, dim=1)[:, self._class_channels]
        _, rows, columns = truth.shape
        field = field_of((rows, columns), self.recipe.preprocessing)
        predicted = field.restore(probability).cpu().numpy()
        found = decide([predicted], _THRESHOLD, "mean").labels > 0
        self._counts += Confusion.of(found, truth.cpu().numpy() > 0)

    def on_validation_epoch_end(self) -> None:
        # Every process validates all slices; all must see the same number, to the last bit.
        dice = self._counts.dice
        assert dice is not None  # validation slices show lesions
        self.log("validation_loss", fmean(self._losses), sync_dist=True)
        self.log("validation_dice", dice, sync_dist=True)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        groups = self.parameter_groups(self.network.named_parameters())
        optimizer = torch.optim.Adam(groups, lr=self.recipe.learning_rate)
        return {"optimizer": optimizer, **self.schedule_of(optimizer)}

    def schedule_of(self, optimizer: torch.optim.Optimizer) -> Any:
        """Lightning's ``lr_scheduler`` of the recipe, or nothing for a constant learning rate."""
        if self.recipe.schedule == "constant":
            return {}
        steps = self.recipe.schedule_steps or self._steps
        warm_up = self.recipe.warm_up_steps(steps)

        def factor(step: int) -> float:
            if step < warm_up:
                return (step + 1) / (warm_up + 1)
            share = (min(step, steps) - warm_up) / max(1, steps - warm_up)
            return 0.5 * (1 + math.cos(math.pi * share))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def parameter_groups(self, named: Iterable[tuple[str, nn.Parameter]]) -> list[dict[str, Any]]:
        """Parameters by the weight decay that the recipe gives their names."""
        groups: dict[float, list[nn.Parameter]] = {}
        for name, parameter in named:
            decays = self.recipe.weight_decay.items()
            decay = next((d for pattern, d in decays if fnmatchcase(name, pattern)), 0.0)
            groups.setdefault(decay, []).append(parameter)
        return [{"params": group, "weight_decay": decay} for decay, group in groups.items()]


@contextmanager
def frozen(network: nn.Module, stages: Sequence[str]) -> Iterator[int]:
    """Freeze stages of a network within the block.

    Their parameters get no gradients, and their batch normalisation keeps its moving statistics and
    uses them, as a Keras layer that is not trainable does, whatever mode a trainer sets.

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


def check_stages(network: nn.Module, stages: Sequence[str]) -> None:
    """Make sure that :func:`frozen` can freeze these; raises ModelError as it does."""
    for name in stages:
        _stage(network, name)


def first_layers(network: nn.Module) -> tuple[str, ...]:
    """Names of the modules that see the image first, for :func:`frozen`.

    The stage called ``stem``, or the first stage of an encoder made of stages: two layers of
    convolution in most networks. Of other encoders, the first two convolutions with the
    normalisations behind them.
    """
    if hasattr(network, "stem"):
        return ("stem",)
    if isinstance(getattr(network, "encoder", None), (nn.ModuleList, nn.Sequential)):
        return ("encoder.0",)
    names: list[str] = []
    convolutions = 0
    for name, module in network.named_modules():
        if next(module.children(), None) is not None or next(module.parameters(), None) is None:
            continue
        convolutions += isinstance(module, nn.Conv2d)
        if convolutions > 2:
            break
        names.append(name)
    return tuple(names)


def _in_evaluation_mode(module: nn.Module, _: object) -> None:
    module.eval()


def _stage(network: nn.Module, name: str) -> nn.Module:
    stages: dict[str, nn.Module] = dict(network.named_modules())
    if not name or name not in stages:
        first = ", ".join(child for child, _ in network.named_children())
        raise ModelError(f"The network has no stage {name!r} to freeze; its stages are: {first}.")
    return stages[name]
