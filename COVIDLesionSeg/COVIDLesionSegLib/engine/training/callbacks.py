"""Callbacks of a training: progress, learning curve, early stopping, lower learning rates."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any, Literal, cast

import lightning
from lightning.pytorch.callbacks import Callback, EarlyStopping, WeightAveraging
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..data.tables import table_bytes
from ..files import write_bytes
from ..models.retrained import CURVE_CSV
from ..progress import Progress, ProgressCallback
from .recipe import WATCHED, RunSteps

COLUMNS = ("step", "epoch", "loss", "learning_rate", "validation_loss", "validation_dice")
_EVERY = 25


class LearningCurve(Callback):
    """Writes ``metrics.csv``: a row every 25 steps, at every validation and at the end.

    ``loss`` is the mean since the row before; validation is empty where there was none. The rows
    are part of every checkpoint, so that a resumed training continues them.

    Args:
        folder: Where to write.
        steps: Of the training.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, folder: Path, steps: RunSteps):
        self._path = folder / CURVE_CSV
        self._steps = steps
        self._rows: list[dict[str, Any]] = []
        self._losses: list[float] = []
        self._rate = 0.0

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        self._rate = trainer.optimizers[0].param_groups[0]["lr"]

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, outputs: Any, *_: Any
    ) -> None:
        step = trainer.global_step
        self._losses.append(outputs["loss"].item())
        if self._steps.is_validated(step) or step % _EVERY == 0 or step == self._steps.total:
            row = {
                "step": step,
                "epoch": (step - 1) // self._steps.per_epoch,
                "loss": fmean(self._losses),
                "learning_rate": self._rate,
            }
            self._rows.append(row)
            self._losses = []
            self._write(trainer)

    def on_validation_end(self, trainer: lightning.Trainer, module: Any) -> None:
        for name in ("validation_loss", "validation_dice"):
            self._rows[-1][name] = trainer.callback_metrics[name].item()
        self._write(trainer)

    def _write(self, trainer: lightning.Trainer) -> None:
        if not trainer.is_global_zero:
            return
        rows = [[row.get(name) for name in COLUMNS] for row in self._rows]
        write_bytes(table_bytes(COLUMNS, rows), self._path)

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self._rows, "losses": self._losses}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._rows, self._losses = state["rows"], state["losses"]


class Reports(Callback):
    """Reports progress after every step, of several processes in the first."""

    def __init__(self, progress: ProgressCallback, total: int):
        self._progress = progress
        self._total = total

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        step = trainer.global_step
        if trainer.is_global_zero:
            self._progress(
                Progress("Training", step / self._total, f"step {step} of {self._total}")
            )


class StopEarly(EarlyStopping):
    """Lightning's, which also stops at once where a resumed training had stopped already."""

    def __init__(self, watched: str, patience: int):
        super().__init__(
            watched, patience=patience, mode=WATCHED[watched], check_on_train_epoch_end=False
        )

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:
        trainer.should_stop = self.wait_count >= self.patience


class AveragedWeights(WeightAveraging):
    """Exponential average of weights and buffers, which is validated and kept.

    Args:
        decay: Share of the average that stays at every step.
        warm_up: The share grows with the steps: at step n it is (1 + n) / (10 + n), until that
            exceeds ``decay``, as TensorFlow's moving average has it. Otherwise the average of a
            short training consists mostly of its first weights: with 0.998, 61 % of them are left
            after 250 steps.
    """

    def __init__(self, decay: float, warm_up: bool):
        def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
            steps = int(count)  # averaged so far, the first of which is a copy
            share = min(decay, (1 + steps) / (10 + steps)) if warm_up else decay
            return share * averaged + (1 - share) * current

        super().__init__(avg_fn=average)


class DropOnPlateau(Callback):
    """Multiplies the learning rate by ``factor`` after ``patience`` validations without progress.

    Lightning drives this schedule after its checkpoints are written, so that they would lack it.
    """

    def __init__(self, watched: str, patience: int, factor: float):
        self._watched = watched
        self._patience = patience
        self._factor = factor
        self._schedule: ReduceLROnPlateau | None = None
        self._loaded: dict[str, Any] | None = None

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:
        mode = cast(Literal["min", "max"], WATCHED[self._watched])
        # PyTorch's patience counts the validations without progress that change nothing.
        self._schedule = ReduceLROnPlateau(
            trainer.optimizers[0], mode, factor=self._factor, patience=self._patience - 1
        )
        if self._loaded is not None:
            self._schedule.load_state_dict(self._loaded)

    def on_validation_end(self, trainer: lightning.Trainer, module: Any) -> None:
        assert self._schedule is not None  # made when training started
        self._schedule.step(trainer.callback_metrics[self._watched].item())

    def state_dict(self) -> dict[str, Any]:
        assert self._schedule is not None
        return self._schedule.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._loaded = state
