"""The options of jobs that train on labelled data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine.choices import BOTTLENECKS, REFINEMENTS, SCHEDULES, TRAINING_PRECISIONS
from ...engine.errors import ParameterError
from ...engine.options import Options, option
from . import shared


def _check_learning_rate(rate: float | None) -> None:
    if rate is not None and not 0 < rate < 1:
        raise ParameterError(f"The learning rate is {rate}, but must be a number between 0 and 1.")


def _clean_labels() -> Any:
    return option("JSON list of its infected slices.", None, shown_as="LABELS")


def _clean_name() -> Any:
    return option("What the model's card calls that CT.", "clean-ct")


def _encoder_weights() -> Any:
    return option(
        "State dict of the network's encoder, such as ImageNet's from torchvision (.safetensors, "
        ".pth, .pt), to start from instead of random weights.",
        None,
        shown_as="ENCODER",
    )


def _check_encoder_weights(weights: Path | None, fine_tune: bool) -> None:
    if fine_tune and weights is not None:
        raise ParameterError(
            "Fine-tuning starts from the weights of a whole model: give no encoder weights."
        )


def _validate() -> Any:
    return option("Patient kept for validation; repeatable.", ())


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Options):
    """What a network learns from, for how long, and on what."""

    model_id: str = shared.model_id()
    licence: str = shared.licence()
    licence_note: str = shared.licence_note()
    slices: tuple[Path, ...] = shared.slices()
    volumes: Path | None = shared.volumes()
    windowed_slices: tuple[Path, ...] = option(
        "Slice folder whose images were windowed before they were stored, to learn from as well; "
        "repeatable. Others are for evaluation only.",
        (),
        shown_as="WINDOWED",
    )
    validate: tuple[str, ...] = _validate()
    no_validation: bool = option(
        "Learn from all patients, as at last after a cross-validation; no patient is held out, so "
        "performance stays unknown.",
        False,
    )
    clean_ct: Path | None = option(
        "A CT with lesion-free slices to learn from.", None, shown_as="CT"
    )
    clean_labels: Path | None = _clean_labels()
    clean_name: str = _clean_name()
    network: str = option("Model of the catalogue whose network is trained.", "amc-net")
    fine_tune: bool = option(
        "Start from the weights of that model, as for corrections, instead of random ones, with "
        "a gentler recipe.",
        False,
    )
    encoder_weights: Path | None = _encoder_weights()
    title: str | None = option("The new model's name; the network's by default.", None)
    steps: int | None = shared.steps("the recipe's")
    learning_rate: float | None = option("Adam's; the recipe's by default.", None)
    recipe: str | None = option(
        "Another recipe: the name of one of this software, such as amc-net-published, or a JSON "
        "file of values, such as the card of a trained model.",
        None,
        shown_as="RECIPE",
        may_be_name=True,
    )
    settings: tuple[str, ...] = shared.settings("of the recipe")
    folds: str | None = option(
        "Cross-validate by patient instead: lopo (leave one patient out), a number of folds, "
        "percentages for training, validation and test such as 60/10/30, or 60/10/30x10 for ten "
        "such splits with other seeds.",
        None,
    )
    parallel: int = option(
        "Folds trained at a time, each in a process of its own: a local Dask cluster. They share "
        "the processor's cores, or the GPU.",
        1,
        minimum=1,
        recorded=False,
    )
    scheduler: str | None = option(
        "Address of a running Dask cluster to train the folds on, such as tcp://host:8786; its "
        "workers with one thread each, and with the output folder under the same path.",
        None,
        shown_as="SCHEDULER",
    )
    calibrate: bool = option(
        "Calibrate the probabilities on the validation patients, which also moves what is called "
        "lesion; with a well trained network of one channel.",
        False,
    )
    eight_bit: bool = option(
        "Store the weights in 8 bits per channel, in half the space, where that moves no held-out "
        "patient's Dice by more than 0.002.",
        False,
    )
    resume: bool = shared.resume()
    device: str = shared.device()
    devices: int = option("GPUs, or processes on the CPU, that share every batch.", 1, minimum=1)
    nodes: int = option(
        "Computers of as many devices each; start this on all of them, by SLURM or torchrun.",
        1,
        minimum=1,
    )
    workers: int = shared.workers()

    def __post_init__(self) -> None:
        super().__post_init__()
        if [bool(self.validate), bool(self.folds), self.no_validation].count(True) != 1:
            raise ParameterError(
                "Name patients to validate on, or folds, or ask for no validation: one of them."
            )
        _check_learning_rate(self.learning_rate)
        if self.fine_tune and self.folds:
            raise ParameterError(
                "Fine-tuning and folds exclude each other: the parent learned from those held out."
            )
        _check_encoder_weights(self.encoder_weights, self.fine_tune)
        side_by_side = self.scheduler is not None or self.parallel > 1
        if side_by_side and not self.folds:
            raise ParameterError("A Dask cluster trains folds: name folds, or use no cluster.")
        if self.scheduler is not None and self.parallel > 1:
            raise ParameterError(
                "Use a local cluster (parallel) or a running one (scheduler), not both."
            )
        if side_by_side and self.workers:
            raise ParameterError("Folds side by side prepare their own samples: set workers to 0.")
        if self.folds and self.devices * self.nodes > 1:
            raise ParameterError(
                "Folds take one device each: use parallel or scheduler, not devices or nodes."
            )
        shared.check_labelled(self.slices, self.volumes)


@dataclass(frozen=True, kw_only=True)
class TrainDetectorOptions(Options):
    """What a detector learns from, for how long, and what of its network the paper leaves open."""

    model_id: str = shared.model_id()
    licence: str = shared.licence()
    licence_note: str = shared.licence_note()
    slices: tuple[Path, ...] = option(
        "Slice folder: index.csv, img/, lesion/ and lung/; repeatable. Slices that an expert put "
        "into a class as a whole name it in the column class.",
        shown_as="SLICES",
    )
    validate: tuple[str, ...] = _validate()
    no_validation: bool = option(
        "Learn from all patients; no patient is held out, so performance stays unknown.", False
    )
    clean_ct: Path | None = option(
        "A CT of which every slice is known to be infected or not, to learn classes from.",
        None,
        shown_as="CT",
    )
    clean_labels: Path | None = _clean_labels()
    clean_name: str = _clean_name()
    network: str = option("Detector of the catalogue whose network is trained.", "affinity-8")
    classes: tuple[str, ...] = option(
        "Class of slices, the one without lesions first; repeatable. By default clean and "
        "infected, or those of the model that is fine-tuned.",
        (),
        flag="class",
    )
    refinement: str = option(
        "Refinement of mask features: three blocks as the paper draws it, or one shared block as "
        "in the released code.",
        REFINEMENTS[0],
        choices=REFINEMENTS,
    )
    bottleneck: str = option(
        "Channels within a block: half as in the released code, or full as in the paper's text.",
        BOTTLENECKS[0],
        choices=BOTTLENECKS,
    )
    input_size: int | None = option(
        "Rows and columns of the network's input, a multiple of 16; by default the card's 512.",
        None,
        minimum=64,
        maximum=2048,
    )
    scales: tuple[int, ...] = option(
        "Edge of square anchors in pixels of the input; repeatable. By default the paper's 2, 4, "
        "8, 16 and 32.",
        (),
        flag="scale",
    )
    least_overlap: float | None = option(
        "Overlap with a true lesion (intersection over union) above which a region is taught as "
        "lesion; by default the paper's 0.75. From random weights few regions have as much.",
        None,
        minimum=0.5,
        maximum=1.0,
    )
    fixed_statistics: bool = option(
        "Keep the statistics of the affinity layer's batch normalisation as they are, also when "
        "fine-tuning: those of the regions of one slice hide what tells it from another one.",
        False,
    )
    augment: bool = option(
        "Mirror, turn, shift and blur slices, and change their window, at random, which the paper "
        "does not.",
        False,
    )
    fine_tune: bool = option(
        "Start from the weights of that model; other classes get a new last layer.", False
    )
    encoder_weights: Path | None = _encoder_weights()
    title: str | None = option("The new model's name; the network's by default.", None)
    steps: int | None = shared.steps("the recipe's 100 epochs")
    learning_rate: float | None = option("Adam's; the recipe's by default.", None)
    schedule: str | None = option(
        "How the learning rate goes; the recipe's is constant.", None, choices=SCHEDULES
    )
    precision: str | None = option(
        "Of the training; bf16-mixed is faster on recent CPUs.", None, choices=TRAINING_PRECISIONS
    )
    eight_bit: bool = option(
        "Store the weights in 8 bits per channel, in half the space, where that moves the mean "
        "average precision of all held-out slices by no more than 0.01; not where it is below 0.1 "
        "by COCO's rule, too low to tell.",
        False,
    )
    resume: bool = shared.resume()
    device: str = shared.device()
    workers: int = shared.workers()

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.validate) == self.no_validation:
            raise ParameterError("Name patients to validate on, or ask for no validation.")
        _check_learning_rate(self.learning_rate)
        _check_encoder_weights(self.encoder_weights, self.fine_tune)
        if len(self.classes) == 1 or len(set(self.classes)) < len(self.classes):
            raise ParameterError("Name at least two classes of slices, each once.")
        if self.input_size is not None and self.input_size % 16:
            raise ParameterError("The input size must be a multiple of 16.")
        if any(scale < 1 for scale in self.scales):
            raise ParameterError("Anchors need edges of at least one pixel.")
