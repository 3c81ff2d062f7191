"""Loss, optimiser, schedule and validation of a recipe around its network."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from statistics import fmean
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from ..errors import TrainingError
from ..inference.ensemble import decide
from ..losses import build_loss
from ..metrics.confusion import Confusion
from ..networks import build_network
from .dataset import field_of
from .recipe import Recipe

_THRESHOLD = 0.5


class SegmentationTask(lightning.LightningModule):
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
        self.network: nn.Module = build_network(recipe.network, recipe.network_arguments).to(
            memory_format=torch.channels_last
        )
        self.loss = build_loss(recipe.loss, recipe.loss_arguments)
        self._steps = steps
        self._class_channels = [recipe.channels.index(name) for name in recipe.classes]
        self._counts = Confusion()
        self._losses: list[float] = []

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image.contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        image, target = batch
        logits = self(image)
        if self.trainer.world_size > 1:
            # Sums of a loss run over the whole batch, of which this process has a share.
            logits, target = (
                self.all_gather(one.float(), sync_grads=True).flatten(0, 1)
                for one in (logits, target)
            )
        loss = self.loss(logits, target)
        if not loss.isfinite():
            raise TrainingError(
                f"The loss is not a number at step {self.trainer.global_step + 1}, so training "
                "stopped; the last checkpoint is from before it: lower the learning rate, or use "
                "precision 32-true."
            )
        self.log("loss", loss, batch_size=len(image))
        return loss

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
        field = field_of(truth.shape[1:], self.recipe.preprocessing)
        answer = field.restore(probability).cpu().numpy()
        found = decide([answer], _THRESHOLD, "mean").labels > 0
        self._counts += Confusion.of(found, truth.cpu().numpy() > 0)

    def on_validation_epoch_end(self) -> None:
        # Every process validates all slices; they decide by the same number, to the last bit.
        self.log("validation_loss", fmean(self._losses), sync_dist=True)
        self.log("validation_dice", self._counts.dice, sync_dist=True)

    def configure_optimizers(self) -> dict[str, Any]:
        optimizer = torch.optim.Adam(self._parameter_groups(), lr=self.recipe.learning_rate)
        if self.recipe.schedule == "constant":
            return {"optimizer": optimizer}
        steps = self.recipe.schedule_steps or self._steps
        warm_up = self.recipe.warm_up_steps(steps)

        def factor(step: int) -> float:
            if step < warm_up:
                return (step + 1) / (warm_up + 1)
            return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def _parameter_groups(self) -> list[dict[str, Any]]:
        groups: dict[float, list[nn.Parameter]] = {}
        for name, parameter in self.network.named_parameters():
            decays = self.recipe.weight_decay.items()
            decay = next((d for pattern, d in decays if fnmatchcase(name, pattern)), 0.0)
            groups.setdefault(decay, []).append(parameter)
        return [{"params": group, "weight_decay": decay} for decay, group in groups.items()]
