"""A training recipe: every number that determines a training, besides the data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..choices import SCHEDULES, TRAINING_PRECISIONS
from ..errors import ParameterError
from ..models.preprocessing import Preprocessing
from .augmentation import Augmentation
from .members import Members

SAMPLINGS = ("patches", "slices")
KEEP = ("best", "last")
STARTS = ("imagenet", "random")
WATCHED = {"validation_dice": "max", "validation_loss": "min"}
"""Criteria for early stopping and lower learning rates, and which way is better."""

_WARM_UP_STEPS = 100
_AT_LEAST_1 = (
    "steps",
    "epochs",
    "batch_size",
    "schedule_steps",
    "clean_patches",
    "validation_steps",
    "early_stop",
    "plateau",
    "checkpoint_steps",
)


@dataclass(frozen=True)
class RunSteps:
    """How many optimiser steps there are.

    Attributes:
        total: In the whole training.
        per_epoch: In an epoch, one for each of its batches.
        per_validation: From one validation to the next; None without validation.
    """

    total: int
    per_epoch: int
    per_validation: int | None

    def is_validated(self, step: int) -> bool:
        """Whether a validation follows this step."""
        return self.per_validation is not None and step % self.per_validation == 0


@dataclass(frozen=True)
class Recipe:
    """Every number that determines a training, besides the data.

    The recipes of the papers are data: see :mod:`.recipes`.

    Attributes:
        network, network_arguments, task, classes, channels: As on a model's card.
        preprocessing: From CT to network input, of the trained model too.
        sampling: ``"patches"`` as in the EAMC paper, or whole ``"slices"``.
        steps: Optimiser steps; None where ``epochs`` gives the length.
        epochs: Times that all samples are seen; None where ``steps`` gives the length.
        batch_size: Patches or slices per step.
        learning_rate: Adam's.
        weight_decay: Adam's, for parameters whose name fits a key such as ``"head.*"``; 0 for all
            others.
        schedule: ``"cosine"``: warmed up over the first 100 steps, then falling to zero along a
            half cosine over ``schedule_steps``, or all steps where that is None; zero from there
            on. ``"constant"``.
        loss, loss_arguments: As for :func:`~..losses.build_loss`.
        clean_patches: Patches per lesion-free slice and epoch.
        augmentation: How far samples are changed at random.
        precision: Lightning's; ``"bf16-mixed"`` is twice as fast on recent CPUs.
        average_decay: Decay of the exponential average of weights, which is validated and kept in
            place of the weights; 0 for none.
        average_warm_up: Whether that decay grows from 0.18 to its value over the first steps, see
            :class:`~.callbacks.AveragedWeights`, so that the weights of the first steps are soon
            forgotten.
        validation_steps: Steps between validations; None for once an epoch.
        watched: ``"validation_dice"`` or ``"validation_loss"``.
        early_stop: Validations without progress after which training stops; None for never.
        plateau: Validations without progress after which the learning rate is multiplied by
            ``plateau_factor``; None for never. Of a constant schedule.
        keep: The weights that are returned: ``"best"`` validation Dice, or ``"last"``.
        checkpoint_steps: Steps between checkpoints; there is one at the end of every epoch and
            after every validation anyway.
        seed: Seed of everything random.
        start: ``"imagenet"`` where the network's encoder starts from ImageNet's weights, see
            :mod:`.imagenet`; ``"random"``.
        frozen: Names of the network's stages that are not trained, see :func:`~.module.frozen`;
            None where all are.
        members: How the members of a cross-validation differ.

    Raises:
        ParameterError: The values contradict each other.
    """

    network: str = "AMCNet"
    network_arguments: dict[str, Any] = field(default_factory=dict)
    task: str = "lesions"
    classes: tuple[str, ...] = ("lesion",)
    channels: tuple[str, ...] = ("lesion",)
    preprocessing: Preprocessing = Preprocessing(
        (-1024.0, 200.0), patch_size=(128, 128), pixel_mm=(0.5, 1.0)
    )
    sampling: str = "patches"
    steps: int | None = 2500
    epochs: int | None = None
    batch_size: int = 16
    learning_rate: float = 1e-3
    weight_decay: dict[str, float] = field(default_factory=dict)
    schedule: str = "cosine"
    schedule_steps: int | None = None
    loss: str = "EamcFocalLoss"
    loss_arguments: dict[str, Any] = field(default_factory=dict)
    clean_patches: int = 1
    augmentation: Augmentation = Augmentation()
    precision: str = "32-true"
    average_decay: float = 0.0
    average_warm_up: bool = False
    validation_steps: int | None = None
    watched: str = "validation_dice"
    early_stop: int | None = None
    plateau: int | None = None
    plateau_factor: float = 0.1
    keep: str = "last"
    checkpoint_steps: int = 250
    seed: int = 20221221
    start: str = "random"
    frozen: tuple[str, ...] | None = None
    members: Members = Members()

    def __post_init__(self) -> None:
        for name, allowed in (
            ("sampling", SAMPLINGS),
            ("schedule", SCHEDULES),
            ("keep", KEEP),
            ("start", STARTS),
            ("watched", tuple(WATCHED)),
            ("precision", TRAINING_PRECISIONS),
        ):
            if getattr(self, name) not in allowed:
                raise ParameterError(
                    f"The recipe's {name} is {getattr(self, name)!r}, but must be one of: "
                    f"{', '.join(allowed)}."
                )
        if (self.steps is None) == (self.epochs is None):
            raise ParameterError("A recipe gives its length in steps or in epochs, one of the two.")
        if self.plateau is not None and self.schedule != "constant":
            raise ParameterError(
                f"The recipe's plateau lowers a constant learning rate, but its schedule is "
                f"{self.schedule}: set schedule=constant, or plateau=null."
            )
        self._check_numbers()
        if len(self.channels) > 1 and "background" not in self.channels:
            raise ParameterError("A network of several channels needs one called background.")
        self._check_sampling()

    def _check_numbers(self) -> None:
        for name in _AT_LEAST_1:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ParameterError(f"The recipe's {name} is {value}, but must be 1 or more.")
        if not 0 <= self.average_decay < 1:
            raise ParameterError(
                f"The recipe's average_decay is {self.average_decay}, but must be at least 0 and "
                "below 1."
            )
        if not 0 <= self.seed < 2**32:
            raise ParameterError(f"The recipe's seed is {self.seed}, but must be 0 to {2**32 - 1}.")
        for pattern, decay in self.weight_decay.items():
            if not 0 <= decay < math.inf:
                raise ParameterError(
                    f"The recipe's weight_decay of {pattern} is {decay}, but must be at least 0."
                )

    def _check_sampling(self) -> None:
        prepared = self.preprocessing
        rows, columns = prepared.patch_size or (0, 1)
        if self.sampling == "patches" and (rows != columns or prepared.needs_whole_slices):
            raise ParameterError(
                "A recipe that samples patches needs a preprocessing with a square patch size, "
                "and without a normalisation of whole slices."
            )
        if self.sampling == "slices" and prepared.input_size is None:
            raise ParameterError(
                "A recipe that samples slices needs a preprocessing with an input size."
            )

    @property
    def needs_lungs(self) -> bool:
        """Whether slices must come with a mask of the lungs."""
        return self.preprocessing.lung_mask or self.task == "lungs" or "lung" in self.channels

    @property
    def background(self) -> int:
        """Target value of background: 0, or the number of its channel."""
        return self.channels.index("background") if len(self.channels) > 1 else 0

    @property
    def needs_validation(self) -> bool:
        """Whether the weights are selected on validation."""
        return self.keep == "best" or self.early_stop is not None or self.plateau is not None

    def total_steps(self, batches_per_epoch: int) -> int:
        """Optimiser steps of the whole training."""
        return self.steps or (self.epochs or 0) * batches_per_epoch

    def run_steps(self, batches_per_epoch: int, validated: bool) -> RunSteps:
        """The steps of a training, which has slices for validation or not."""
        total = self.total_steps(batches_per_epoch)
        between = min(self.validation_steps or batches_per_epoch, total)
        return RunSteps(total, batches_per_epoch, between if validated else None)

    def warm_up_steps(self, steps: int) -> int:
        """Steps, of a schedule over ``steps``, in which the learning rate rises."""
        return min(_WARM_UP_STEPS, steps // 10)

    def of_member(self, number: int) -> Recipe:
        """The recipe of member ``number``, from 1, of a cross-validation; the same every time."""
        rate = self.members.learning_rate_of(self.seed, number)
        dropout = self.members.dropout_of(self.seed, number)
        arguments = self.network_arguments | ({} if dropout is None else {"dropout": dropout})
        return replace(
            self,
            seed=self.members.seed(self.seed, number),
            learning_rate=self.learning_rate if rate is None else rate,
            network_arguments=arguments,
            members=Members(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)
