"""Checkpoints from which a killed training resumes as if it had never stopped."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from ..errors import Cancelled, InputError, OutputError, TrainingError
from ..files import write_bytes
from ..progress import CancelToken
from .distributed import from_all_processes
from .recipe import RunSteps

LAST, BEST = "last.ckpt", "best.ckpt"


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside the earlier one, and then in its place.

    Raises:
        OutputError: It cannot be written; the earlier one is untouched.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, *_: Any, **__: Any) -> None:
        data = io.BytesIO()
        torch.save(checkpoint, data)
        write_bytes(data.getvalue(), Path(path))


class Checkpoints(Checkpoint):
    """Keeps the last state of a training, and perhaps that of its best validation Dice.

    Lightning saves network, averaged weights, optimiser, schedule and every callback's state; the
    state of the random numbers of every process is added here.

    Args:
        folder: Where to write.
        every: Steps between checkpoints.
        steps: Of the training: each epoch and each validation ends with a checkpoint, too.
        keep_best: Whether to keep the state of the best validation Dice, too.
        cancel: Once it is set, the step under way is the last, and gets a checkpoint after its
            validation, if there is one. Of several processes all stop where one was cancelled.

    Raises:
        Cancelled: The token was set; nothing of the training is lost.
        TrainingError: A weight is not a number; earlier checkpoints are untouched.
        InputError: The training was started by another number of processes.
    """

    def __init__(
        self, folder: Path, every: int, steps: RunSteps, keep_best: bool, cancel: CancelToken
    ):
        self._folder = folder
        self._due = (every, steps.per_epoch, steps.total)
        self._steps = steps
        self._keep_best = keep_best
        self._cancel = cancel
        self._best = -1.0
        self._random_states: list[dict[str, Any]] | None = None

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        step = trainer.global_step
        if not self._steps.is_validated(step):  # or the checkpoint would lack the validation
            due = any(step % every == 0 for every in self._due)
            self._save_or_stop(trainer, due)

    def on_validation_end(self, trainer: lightning.Trainer, module: Any) -> None:
        dice = trainer.callback_metrics["validation_dice"].item()
        if self._keep_best and dice > self._best:
            self._best = dice
            self._save(trainer, BEST)
        self._save_or_stop(trainer, due=True)

    def _save_or_stop(self, trainer: lightning.Trainer, due: bool) -> None:
        stops = trainer.strategy.reduce_boolean_decision(self._cancel.cancelled, all=False)
        if due or stops:
            self._save(trainer, LAST)
        if stops:
            raise Cancelled(
                f"Cancelled after step {trainer.global_step}: training can resume from there."
            )

    def _save(self, trainer: lightning.Trainer, name: str) -> None:
        weights = trainer.lightning_module.state_dict().values()
        finite = all(bool(tensor.isfinite().all()) for tensor in weights)
        if not trainer.strategy.reduce_boolean_decision(finite):
            raise TrainingError(
                f"Weights are no longer numbers at step {trainer.global_step}, so training "
                "stopped; the last checkpoint is from before it: lower the recipe's "
                "learning_rate, or set its precision to 32-true.",
                option="settings",
            )
        trainer.save_checkpoint(self._folder / name, weights_only=False)

    def state_dict(self) -> dict[str, Any]:
        own = {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all()}
        first, *others = from_all_processes(own)
        return {"best": self._best, "random_states": first, "others_random_states": others}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._best = state["best"]
        self._random_states = [state["random_states"], *state.get("others_random_states", ())]

    def on_train_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        if self._random_states is None:
            if trainer.global_rank:
                # No two processes drop the same features out.
                torch.manual_seed(torch.initial_seed() + trainer.global_rank)
            return
        if len(self._random_states) != trainer.world_size:
            raise InputError(
                f"The training in the folder was started by {len(self._random_states)} processes: "
                "resume with as many devices and nodes."
            )
        own = self._random_states[trainer.global_rank]
        torch.set_rng_state(own["cpu"])
        torch.cuda.set_rng_state_all(own["cuda"])


def weights_in(path: Path) -> dict[str, Tensor]:
    """Weights of the network in a checkpoint; the averaged ones, if there are any.

    Raises:
        OutputError: The checkpoint cannot be read.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    except (OSError, RuntimeError) as error:
        raise OutputError(f"The checkpoint {path.name} is missing or damaged.") from error
    prefix = "network."
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
