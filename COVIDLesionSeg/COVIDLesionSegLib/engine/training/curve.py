"""The learning curve: loss, learning rate and validation against steps."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from statistics import fmean
from typing import Any

import lightning
from lightning.pytorch.callbacks import Callback

from ..files import write_bytes

CURVE_CSV = "metrics.csv"
COLUMNS = ("step", "epoch", "loss", "learning_rate", "validation_loss", "validation_dice")
_EVERY = 25


class LearningCurve(Callback):
    """Writes ``metrics.csv``: a row every 25 steps, at every validation and at the end.

    ``loss`` is the mean since the row before; validation is empty where there was none. The rows
    are part of every checkpoint, so that a resumed training writes on where it stood.

    Args:
        folder: Where to write.
        per_epoch: Batches of one epoch.
        validation_steps: Steps between validations; None without any.
        total: Steps of the whole training.

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, folder: Path, per_epoch: int, validation_steps: int | None, total: int):
        self._path = folder / CURVE_CSV
        self._per_epoch = per_epoch
        self._validation_steps = validation_steps
        self._total = total
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
        validated = self._validation_steps and step % self._validation_steps == 0
        if validated or step % _EVERY == 0 or step == self._total:
            row = {
                "step": step,
                "epoch": (step - 1) // self._per_epoch,
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
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS)
        writer.writeheader()
        writer.writerows(self._rows)
        write_bytes(text.getvalue().encode(), self._path)

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self._rows, "losses": self._losses}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._rows, self._losses = state["rows"], state["losses"]
