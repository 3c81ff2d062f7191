"""The two stages of a training step: instances, weights copied, then the class of a slice."""

from __future__ import annotations

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn

from ..metrics.overlap import Confusion
from ..networks.affinity import AffinityMaskRCNN
from ..training.module import SegmentationModule
from ..training.recipe import Recipe
from .detector import MASK_THRESHOLD, SHOWN_SCORE
from .instances import targets_of
from .masks import pasted


class DetectionModule(SegmentationModule):
    """What Lightning trains, as the paper's section 4.1.

    Stage 1: the five losses of Mask R-CNN reach body, FPN, RPN and RoI(S), on slices with lesions.
    Their weights are copied into the classification branch. Stage 2: the loss of the slice's class
    reaches body, FPN, affinity layer and classifier. Each stage has an Adam of its own.

    Logs as :class:`~..training.module.SegmentationModule`: ``loss`` is Eq. 8, ``validation_loss``
    the sum of the five losses, ``validation_dice`` that of all instances of a score above 0.5
    together, on the network's grid.

    Args:
        recipe: Recipe of a detector.
        steps: Training steps, of two optimiser steps each.
    """

    network: AffinityMaskRCNN

    def __init__(self, recipe: Recipe, steps: int):
        super().__init__(recipe, steps)
        self.automatic_optimization = False

    def on_train_start(self) -> None:
        # Lightning trains a network in the mode that it is in: fixed statistics need its own.
        self.network.train()

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.network(image)
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, targets = batch
        detector, classifier = self._both_optimizers()
        self.network.zero_grad(set_to_none=True)
        instances = [targets_of(target) for target in targets[:, 1]]
        losses = self.network.losses(images[:, 1], instances)
        segmentation = torch.stack([loss.float() for loss in losses.values()]).sum()
        self.check_finite(segmentation)
        self.manual_backward(segmentation)
        # Not through Lightning, which would count this as a step of its own.
        detector.optimizer.step()
        self.network.copy_to_branch()

        self.network.zero_grad(set_to_none=True)
        of_class: Tensor = self.loss(self.network(images[:, 0]), targets[:, 0, 0, 0].long())
        self.check_finite(of_class)
        self.manual_backward(of_class)
        classifier.step()
        self._step_schedules()
        loss = (segmentation + of_class).detach()
        self.log("loss", loss, batch_size=len(images))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:  # type: ignore[override]
        image, labels = batch
        # The losses draw regions at random; a training must not depend on how often it validates.
        # Seeding is of all devices, so that what the GPU draws with must come back as well.
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(index)
            if labels.any():
                losses = self.network.losses(image, [targets_of(labels[0])])
                self._losses.append(sum(loss.item() for loss in losses.values()))
        found = self.network.detect(image)[0]
        shown = found.scores > SHOWN_SCORE
        masks = pasted(found.boxes[shown].float(), found.masks[shown].float(), labels.shape[-2:])
        union = (masks > MASK_THRESHOLD).any(dim=0)
        self._counts += Confusion.of(union.cpu().numpy(), labels[0].cpu().numpy() > 0)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        network = self.network
        shared = (network.body, network.fpn)
        return [
            {"optimizer": optimizer, **self.schedule_of(optimizer)}
            for optimizer in (
                self._adam((*shared, network.rpn, network.roi)),
                self._adam((*shared, network.affinity, network.classifier)),
            )
        ]  # type: ignore[return-value]

    def _adam(self, parts: tuple[nn.Module, ...]) -> torch.optim.Adam:
        own = {id(parameter) for part in parts for parameter in part.parameters()}
        named = [(n, p) for n, p in self.network.named_parameters() if id(p) in own]
        return torch.optim.Adam(self.parameter_groups(named), lr=self.recipe.learning_rate)

    def _both_optimizers(self) -> tuple[LightningOptimizer, LightningOptimizer]:
        found = self.optimizers()
        assert isinstance(found, list)
        detector, classifier = found
        assert isinstance(detector, LightningOptimizer)
        assert isinstance(classifier, LightningOptimizer)
        return detector, classifier

    def _step_schedules(self) -> None:
        schedules = self.lr_schedulers()
        for schedule in schedules if isinstance(schedules, list) else []:
            schedule.step()  # type: ignore[call-arg]
