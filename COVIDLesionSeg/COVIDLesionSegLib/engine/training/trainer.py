"""Training of one network on annotated slices."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader

from ..errors import ModelError
from ..losses.focal import EamcFocalLoss
from ..models.card import ModelCard
from ..networks import build_network
from ..progress import CancelToken
from .augmentation import Augmentation
from .dataset import PatchDataset
from .slices import LabelledSlice


@dataclass(frozen=True)
class Recipe:
    """Every number that decides a training, besides the data.

    Defaults are those of the EAMC paper (section 2.2) except where a comment says otherwise.

    Attributes:
        network, network_arguments: As in a model's card.
        window_hu: HU that become 0 and 1 when the trained network is used.
        steps: Optimiser steps done.
        schedule_steps: Steps over which the learning rate falls to zero along a half cosine.
        batch_size: Patches per step.
        learning_rate: Adam's; warmed up over the first 100 steps.
        loss: Arguments of :class:`EamcFocalLoss`.
        clean_patches: Patches per lesion-free slice and epoch.
        precision: Lightning's; ``"bf16-mixed"`` is twice as fast on recent CPUs.
        average_decay: Decay of the exponential average of weights that is exported; 0 for none.
    """

    network: str = "AMCNet"
    # Dropout 0.2 in the paper; its random numbers alone would take half of the time on a CPU.
    network_arguments: dict[str, Any] = field(default_factory=lambda: {"dropout": 0.0})
    # [-1024, 3071] in the paper; lesions lie between air and soft tissue.
    window_hu: tuple[float, float] = (-1024.0, 200.0)
    # 70 epochs in the paper, on a GPU.
    steps: int = 2500
    schedule_steps: int = 2500
    batch_size: int = 16
    learning_rate: float = 1e-3
    loss: dict[str, Any] = field(
        default_factory=lambda: {"alpha": 0.8, "gamma": 2.0, "balance": "printed"}
    )
    # 1 in the paper, whose clean slices are as many as the infected ones.
    clean_patches: int = 32
    augmentation: Augmentation = field(default_factory=Augmentation)
    precision: str = "bf16-mixed"
    average_decay: float = 0.998
    seed: int = 20221221

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def make_recipe(card: ModelCard, steps: int | None = None) -> Recipe:
    """The recipe that trains the network of ``card``, for ``steps`` steps where given.

    Only network and arguments are the card's: window and normalisation are the recipe's own.

    Raises:
        ModelError: The network tells several classes apart, or needs whole slices or the lungs,
            none of which a recipe trains yet.
    """
    if len(card.channels) > 1:
        raise ModelError(
            f"Training knows one lesion class so far, but the network of model {card.id} tells "
            f"{', '.join(card.channels)} apart: choose another network."
        )
    if card.preprocessing.needs_whole_slices or card.preprocessing.lung_mask:
        raise ModelError(
            f"Training cuts slices into patches so far, but model {card.id} takes whole slices or "
            "lungs alone: choose another network."
        )
    default = Recipe()
    own = default.network_arguments if card.network == default.network else {}
    recipe = replace(default, network=card.network, network_arguments=own | card.arguments)
    return recipe if steps is None else replace(recipe, steps=steps, schedule_steps=steps)


class LesionTask(lightning.LightningModule):
    """Loss, optimiser and schedule of a recipe around its network."""

    def __init__(self, recipe: Recipe):
        super().__init__()
        self.recipe = recipe
        self.network: nn.Module = build_network(recipe.network, recipe.network_arguments).to(
            memory_format=torch.channels_last
        )
        self.loss = EamcFocalLoss(**recipe.loss)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        image, lesion = batch
        logits = self.network(image.contiguous(memory_format=torch.channels_last))
        loss = self.loss(logits, lesion)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> dict[str, Any]:
        optimizer = torch.optim.Adam(self.network.parameters(), lr=self.recipe.learning_rate)
        steps = self.recipe.schedule_steps
        warm_up = min(100, steps // 10)

        def factor(step: int) -> float:
            if step < warm_up:
                return (step + 1) / (warm_up + 1)
            return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


class _NewPlacesEveryEpoch(Callback):
    def __init__(self, dataset: PatchDataset):
        self._dataset = dataset

    def on_train_epoch_start(self, trainer: lightning.Trainer, module: LesionTask) -> None:
        self._dataset.start_epoch(trainer.current_epoch)


class _StopWhenCancelled(Callback):
    def __init__(self, cancel: CancelToken):
        self._cancel = cancel

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        self._cancel.raise_if_cancelled()


def train(
    recipe: Recipe,
    slices: list[LabelledSlice],
    folder: Path,
    cancel: CancelToken | None = None,
) -> nn.Module:
    """Train a network and return it with its averaged weights.

    Trains on the CPU, so that the recipe gives the same weights on any machine of a kind. Writes
    the loss curve (``metrics.csv``) and a checkpoint every 250 steps into ``folder``.

    Args:
        recipe: All numbers.
        slices: Training slices in HU, infected and clean.
        folder: Created if absent.
        cancel: Looked at after every step.

    Raises:
        Cancelled: The token was set; the last checkpoint stays.
    """
    lightning.seed_everything(recipe.seed, verbose=False)
    dataset = PatchDataset(slices, recipe.augmentation, recipe.clean_patches, recipe.seed)
    callbacks: list[Callback] = [
        _NewPlacesEveryEpoch(dataset),
        _StopWhenCancelled(cancel or CancelToken()),
        ModelCheckpoint(folder, every_n_train_steps=250, save_top_k=1, save_last=True),
    ]
    if recipe.average_decay:
        callbacks.append(EMAWeightAveraging(decay=recipe.average_decay))
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=recipe.steps,
        precision=recipe.precision,
        callbacks=callbacks,
        logger=CSVLogger(folder, name="", version=""),
        enable_model_summary=False,
        log_every_n_steps=25,
    )
    task = LesionTask(recipe)
    # No shuffling and no workers here: the data set draws its own order, reproducibly.
    loader = DataLoader(dataset, batch_size=recipe.batch_size, drop_last=True)
    trainer.fit(task, loader)
    return task.network.eval()
