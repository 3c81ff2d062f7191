"""Training of one network on labelled slices."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn
from torch.utils.data import DataLoader, Dataset

from ..data.labelled import LabelledImage
from ..data.splits import check_patients_apart
from ..errors import Cancelled, InputError, OutputError, TrainingError
from ..inference.device import make_plan
from ..parameters import Parameters
from ..progress import CancelToken, ProgressCallback, ignore_progress
from .callbacks import AveragedWeights, DropOnPlateau, LearningCurve, Reports, StopEarly
from .checkpoints import BEST, LAST, AtomicCheckpointIO, Checkpoints, weights_in
from .dataset import PatchDataset, SliceDataset, TrainingDataset, ValidationDataset
from .distributed import check_processes, is_first_process
from .imagenet import load_imagenet_encoder
from .module import SegmentationModule, check_stages, frozen
from .recipe import Recipe, RunSteps
from .run_folder import prepare_run_folder
from .sampler import EpochBatches, ResumableLoader, batches_per_epoch
from .targets import check_slices

_DATASETS = {"patches": PatchDataset, "slices": SliceDataset}


@dataclass(frozen=True)
class Method:
    """What a training makes of its slices; by default it learns to segment them.

    Attributes:
        check: Raises InputError where slices of a role lack what the recipe needs.
        dataset: Samples of slices by a recipe.
        validation: The same for validation, one by one and unchanged.
        module: Trains the recipe's network for a number of steps.
    """

    check: Callable[[Sequence[LabelledImage], Recipe, str], None] = check_slices
    dataset: Callable[[list[LabelledImage], Recipe], TrainingDataset] = lambda slices, recipe: (
        _DATASETS[recipe.sampling](slices, recipe)
    )
    validation: Callable[[list[LabelledImage], Recipe], Dataset[Any]] = ValidationDataset
    module: Callable[[Recipe, int], SegmentationModule] = SegmentationModule


SEGMENTATION = Method()


def fit(
    recipe: Recipe,
    slices: Sequence[LabelledImage],
    folder: Path,
    cancel: CancelToken | None = None,
    *,
    validation: Sequence[LabelledImage] = (),
    start: nn.Module | None = None,
    resume: bool = False,
    device: str = "cpu",
    devices: int = 1,
    nodes: int = 1,
    workers: int = 0,
    progress: ProgressCallback = ignore_progress,
    method: Method = SEGMENTATION,
) -> nn.Module:
    """Train a network and return it, on the CPU and in evaluation mode.

    On the CPU the recipe gives the same weights on any machine of a kind, with any number of
    workers, and after any number of interruptions.

    Several processes take equal shares of every batch and step as one would, up to rounding. Batch
    normalisation sees the whole batch on GPUs, but on CPUs a process's share. Lightning starts the
    other processes of this computer by calling this program again with the same arguments, unless
    torchrun or SLURM has started them. Only the first process returns: the others end here.

    ``folder`` gets ``training.json``, which identifies recipe and data, the learning curve
    ``metrics.csv``, and the checkpoints ``last.ckpt`` and, where the recipe keeps the best,
    ``best.ckpt``; each is complete or absent at any moment. With the package tensorboard it gets
    the curve in its format, too.

    Args:
        recipe: All numbers.
        slices: Training slices in HU, with and without lesions.
        folder: Created if absent; without ``resume`` it must not hold a training.
        cancel: Looked at after every step, and after the validation that follows some.
        validation: Slices of other patients; the recipe says whether weights are selected on them.
        start: The same network with weights to start from; random ones by default.
        resume: Continue from the last checkpoint in ``folder``, if there is one.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"`` for the first that is available.
        devices: GPUs, or processes on the CPU, on each node.
        nodes: Computers.
        workers: Processes that prepare samples, for each device.
        progress: Called after every step.
        method: What the network learns of the slices.

    Raises:
        InputError: The slices are not what the recipe needs, a patient is on both sides, or
            ``folder`` holds the training of another recipe or other data.
        OutputError: ``folder`` holds a training already, or cannot be written to; the last
            checkpoint stays.
        ParameterError: The batch cannot be shared evenly, or not as many processes were started.
        DeviceError: The device is not available, or not as often as asked for.
        ModelError: The network has no stage that the recipe freezes, or no encoder to start from
            ImageNet's weights.
        DependencyError: The package with ImageNet's weights is not installed.
        TrainingError: The loss or a weight is no longer a number; the last checkpoint stays.
        Cancelled: The token was set; the last checkpoint is of the step at which training ended.
    """
    slices, validation, folder = list(slices), list(validation), Path(folder)
    _check(recipe, slices, validation, method)
    device = make_plan(Parameters(device=device), bfloat16_allowed=False).device
    check_processes(recipe.batch_size, device, devices, nodes)
    processes = devices * nodes
    dataset = method.dataset(slices, recipe)
    steps = recipe.run_steps(batches_per_epoch(dataset), bool(validation))
    lightning.seed_everything(recipe.seed, verbose=False)
    module = _module(recipe, method, steps.total, start)
    # Nothing is written before all that can be refused was.
    if is_first_process(processes):
        weights = None if start is None else start.state_dict()
        checkpoint = prepare_run_folder(
            folder, recipe, slices, validation, resume, weights, steps.per_epoch
        )
    else:
        checkpoint = folder / LAST if (folder / LAST).is_file() else None
    if processes > 1 and device == "cuda":
        convert: Callable[[nn.Module], nn.Module] = nn.SyncBatchNorm.convert_sync_batchnorm
        module.network = convert(module.network)
    trainer = _trainer(
        recipe, folder, steps, device, devices, nodes, progress, cancel or CancelToken()
    )
    batches = EpochBatches(
        steps.per_epoch, recipe.batch_size, steps.total, trainer.global_rank, processes
    )
    with frozen(module.network, recipe.frozen or ()):
        _run(
            trainer,
            module,
            ResumableLoader(dataset, batches, workers),
            DataLoader(method.validation(validation, recipe), generator=torch.Generator()),
            checkpoint,
            folder,
        )
    module.network.load_state_dict(weights_in(folder / (BEST if recipe.keep == "best" else LAST)))
    return module.network.cpu().eval()


def _module(
    recipe: Recipe, method: Method, total: int, start: nn.Module | None
) -> SegmentationModule:
    """What Lightning trains for ``total`` steps, with the weights that the training starts with."""
    module = method.module(recipe, total)
    if start is not None:
        module.network.load_state_dict(start.state_dict())
    elif recipe.start == "imagenet":
        load_imagenet_encoder(module.network)
    check_stages(module.network, recipe.frozen or ())
    return module


def _trainer(
    recipe: Recipe,
    folder: Path,
    steps: RunSteps,
    device: str,
    devices: int,
    nodes: int,
    progress: ProgressCallback,
    cancel: CancelToken,
) -> lightning.Trainer:
    """Lightning's trainer, which counts in steps alone."""
    processes = devices * nodes
    precision: Any = recipe.precision  # Lightning checks it
    return lightning.Trainer(
        accelerator=device,
        devices=devices,
        num_nodes=nodes,
        strategy="ddp" if processes > 1 else "auto",
        use_distributed_sampler=False,
        max_steps=steps.total,
        precision=precision,
        callbacks=[
            Reports(progress, steps.total),
            LearningCurve(folder, steps),
            Checkpoints(folder, recipe.checkpoint_steps, steps, recipe.keep == "best", cancel),
            *_reactions(recipe),
        ],
        plugins=_plugins(processes),
        logger=_tensorboard(folder),
        log_every_n_steps=min(25, steps.total),
        # All epochs are one row of batches to Lightning, which resumes within one exactly.
        check_val_every_n_epoch=None,
        val_check_interval=steps.per_validation or steps.total,
        limit_val_batches=0 if steps.per_validation is None else None,
        num_sanity_val_steps=0,
        enable_model_summary=False,
        enable_progress_bar=False,
    )


def _run(
    trainer: lightning.Trainer,
    module: SegmentationModule,
    batches: ResumableLoader,
    validation: DataLoader[Any],
    checkpoint: Path | None,
    folder: Path,
) -> None:
    """Train until the end; of several processes, only the first returns or raises."""
    try:
        trainer.fit(module, batches, validation, ckpt_path=checkpoint, weights_only=True)
    except OSError as error:
        raise OutputError(
            f"A file of the training could not be written ({error.strerror}): check permissions "
            f"and free disk space of {folder.name} and of the temporary folder, and resume."
        ) from error
    except (Cancelled, InputError, TrainingError):
        # All processes stop together, and the first one reports.
        if trainer.is_global_zero:
            raise
    if not trainer.is_global_zero:
        sys.exit()


def silence_lightning() -> None:
    """Leave out Lightning's tips, and its notices to its own developers."""
    for name in ("lightning.fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=FutureWarning, module="lightning")


def _plugins(processes: int) -> list[Any]:
    if processes > 1:
        return [AtomicCheckpointIO()]
    # One process is alone, whatever started it, as a Dask worker that SLURM started.
    return [AtomicCheckpointIO(), LightningEnvironment()]


def _reactions(recipe: Recipe) -> list[Callback]:
    """Callbacks that change weights, learning rate and length as the recipe says."""
    callbacks: list[Callback] = []
    if recipe.average_decay:
        callbacks.append(AveragedWeights(recipe.average_decay, recipe.average_warm_up))
    if recipe.plateau is not None:
        callbacks.append(DropOnPlateau(recipe.watched, recipe.plateau, recipe.plateau_factor))
    if recipe.early_stop is not None:
        callbacks.append(StopEarly(recipe.watched, recipe.early_stop))
    return callbacks


def _check(
    recipe: Recipe,
    slices: list[LabelledImage],
    validation: list[LabelledImage],
    method: Method,
) -> None:
    method.check(slices, recipe, "training")
    if validation:
        method.check(validation, recipe, "validation")
    elif recipe.needs_validation:
        raise InputError(
            "There are no validation slices, but this recipe selects on them which weights are "
            "kept or when training ends: name patients for validation."
        )
    check_patients_apart(slices, validation)


def _tensorboard(folder: Path) -> TensorBoardLogger | bool:
    if find_spec("tensorboard") is None:
        return False
    return TensorBoardLogger(folder, name="", version="tensorboard")
