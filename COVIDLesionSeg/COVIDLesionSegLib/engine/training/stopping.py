"""What ends a training before its last step, or slows it down."""

from __future__ import annotations

from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback, EarlyStopping
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ..errors import Cancelled
from ..progress import CancelToken, Progress, ProgressCallback
from .recipe import WATCHED


class StopWhenCancelled(Callback):
    """Raises Cancelled after the step in which the token was set, and tells the progress.

    Of several processes the first tells, and all stop where one was cancelled.
    """

    def __init__(self, cancel: CancelToken, report: ProgressCallback, total: int):
        self._cancel = cancel
        self._report = report
        self._total = total

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        step = trainer.global_step
        if trainer.is_global_zero:
            self._report(Progress("Training", step / self._total, f"step {step} of {self._total}"))
        self._look(trainer)

    def on_validation_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        self._look(trainer)

    def _look(self, trainer: lightning.Trainer) -> None:
        if trainer.strategy.reduce_boolean_decision(self._cancel.cancelled, all=False):
            raise Cancelled("Cancelled: training can resume from its last checkpoint.")


class StopEarly(EarlyStopping):
    """Lightning's, which also stops at once where a resumed training had stopped already."""

    def __init__(self, watched: str, patience: int):
        super().__init__(
            watched, patience=patience, mode=WATCHED[watched], check_on_train_epoch_end=False
        )

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:
        trainer.should_stop = self.wait_count >= self.patience


class DropOnPlateau(Callback):
    """Multiplies the learning rate by ``factor`` after ``patience`` validations without progress.

    Lightning drives this schedule after its checkpoints are written, so that they would lack it.
    """

    def __init__(self, watched: str, patience: int, factor: float):
        self._watched = watched
        # PyTorch's patience counts the validations that are forgiven.
        self._arguments = {"patience": patience - 1, "factor": factor, "mode": WATCHED[watched]}
        self._schedule: ReduceLROnPlateau | None = None
        self._loaded: dict[str, Any] | None = None

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:
        self._schedule = ReduceLROnPlateau(trainer.optimizers[0], **self._arguments)
        if self._loaded is not None:
            self._schedule.load_state_dict(self._loaded)

    def on_validation_end(self, trainer: lightning.Trainer, module: Any) -> None:
        self._schedule.step(trainer.callback_metrics[self._watched].item())

    def state_dict(self) -> dict[str, Any]:
        return self._schedule.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._loaded = state
