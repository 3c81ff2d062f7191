"""The options of every job; the command line is made from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine.errors import ParameterError
from ..engine.options import Options, nested, option
from ..engine.parameters import DEVICES, Parameters

REFINEMENTS = ("three blocks", "shared")
BOTTLENECKS = ("half", "full")
SCHEDULES = ("constant", "cosine")
PRECISIONS = ("32-true", "bf16-mixed")
PSEUDO_LABEL_RULES = ("density", "thesis")
_CT_HELP = "NIfTI, NRRD or MHA file, or DICOM folder."


def _ct() -> Any:
    return option(_CT_HELP, positional=True, metavar="CT", shown_as="CT")


def _surfaces_on() -> Any:
    return option(
        "Also make the 3D surfaces of lungs and lesions: the 16 numbers of the matrix from the "
        "CT's voxels (i, j, k) to the surfaces' mm, row by row.",
        (),
    )


def _check_matrix(numbers: tuple[float, ...]) -> None:
    if len(numbers) not in (0, 16):
        raise ParameterError("surfaces_on must be the 16 numbers of a matrix.")


def _series() -> Any:
    return option("SeriesInstanceUID, where a folder has several.", None)


@dataclass(frozen=True, kw_only=True)
class SegmentOptions(Options):
    """One CT and everything that decides its result."""

    ct: Path = _ct()
    series: str | None = _series()
    lungs_file: Path | None = option(
        "Right and left lung of this CT, which are then not looked for: a segmentation saved in 3D "
        "Slicer (.seg.nrrd), whose lungs or lobes are known by their codes; or a label map on the "
        "CT's grid: 1 right, 2 left, 3 lesions that were painted over them.",
        None,
        shown_as="LUNGS",
    )
    parameters: Parameters = nested(Parameters())


@dataclass(frozen=True, kw_only=True)
class BatchOptions(Options):
    """The CTs of a cohort, and everything that decides their results."""

    sources: tuple[Path, ...] = option(
        "CT files, folders that hold CT files or DICOM series, or CSV files with the columns ct "
        "and perhaps case and series.",
        positional=True,
        metavar="SOURCE...",
        shown_as="SOURCE",
    )
    with_scene: bool = option(
        "Also write the scene and the picture of the 3D model of each case, which takes longer.",
        False,
        flag="scene",
    )
    retry_failed: bool = option("Try cases again that failed.", False, recorded=False)
    parameters: Parameters = nested(Parameters())

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sources:
            raise ParameterError("Name at least one CT, folder or table.")


@dataclass(frozen=True, kw_only=True)
class DetectOptions(Options):
    """A CT, and the model whose lesions are told apart."""

    ct: Path = _ct()
    series: str | None = _series()
    least_score: float = option(
        "Of a detector: lesions of a slice below this score are left out.",
        0.5,
        minimum=0.05,
        maximum=1.0,
    )
    parameters: Parameters = nested(
        Parameters(),
        "model",
        "lungs",
        "device",
        "precision",
        "threshold",
        "smallest_lesion_ml",
        "allow_untrained",
    )


@dataclass(frozen=True, kw_only=True)
class SegmentVolumeOptions(Options):
    """A CT that another process of this software wrote, and everything that decides its result."""

    volume: Path = option("Folder that holds the CT, exact to the last bit.", shown_as="CT")
    surfaces_on: tuple[float, ...] = _surfaces_on()
    lungs_file: Path | None = option(
        "Label map of the lungs, 1 right and 2 left, which are then not looked for.", None
    )
    only_lungs: bool = option("Look for the lungs only.", False)
    note: str = option("What becomes a note among the flags of the result.", "")
    parameters: Parameters = nested(Parameters())

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_matrix(self.surfaces_on)
        if self.only_lungs and self.lungs_file is not None:
            raise ParameterError("The lungs are given already: look for lesions, too.")


@dataclass(frozen=True, kw_only=True)
class RestoreCaseOptions(Options):
    """A reviewed case, for another process of this software that has its CT."""

    case: Path = option("Folder of the reviewed case.")
    grid: Path = option("JSON file with the CT's grid as that process has it.")
    surfaces_on: tuple[float, ...] = _surfaces_on()

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_matrix(self.surfaces_on)


@dataclass(frozen=True, kw_only=True)
class CheckInstallationOptions(Options):
    """None: the check needs nothing to be told."""


@dataclass(frozen=True, kw_only=True)
class ImportModelOptions(Options):
    """A model that someone else, or another computer, wrote."""

    file: Path = option(
        "Archive that an export wrote, card with its weights beside it, or folder of a training."
    )
    model_id: str | None = option("Another id for the model.", None)


@dataclass(frozen=True, kw_only=True)
class StoredModelOptions(Options):
    """A model of the catalogue."""

    model_id: str = option("Id of the model.")


@dataclass(frozen=True, kw_only=True)
class CompressOptions(Options):
    """A trained model, and the patients on whom its weights are tried in 8 bits."""

    model_id: str = option("Id of the model.", positional=True, metavar="MODEL")
    slices: tuple[Path, ...] = option(
        "Slice folder with the patients to try it on: index.csv, img/ and lesion/; repeatable.",
        shown_as="SLICES",
    )


@dataclass(frozen=True, kw_only=True)
class DemoOptions(Options):
    """The model that is tried on a generated chest CT."""

    parameters: Parameters = nested(Parameters(), "model", "allow_untrained")


@dataclass(frozen=True, kw_only=True)
class BundleSceneOptions(Options):
    """A scene that another process of this software wrote."""

    scene: Path = option("Folder that holds the scene and its data.", shown_as="SCENE")


@dataclass(frozen=True, kw_only=True)
class SampleCtOptions(Options):
    """Which generated chest CT."""

    seed: int = option("Decides the invented patient and the lesions.", 0, minimum=0)


@dataclass(frozen=True, kw_only=True)
class ExplainOptions(Options):
    """A slice, and the network to look into."""

    ct: Path = _ct()
    slice_index: int | None = option(
        "From 0 at the inferior end; by default the one with the most lesion.", None, flag="slice"
    )
    series: str | None = _series()
    parameters: Parameters = nested(
        Parameters(), "model", "lungs", "device", "precision", "allow_untrained"
    )


def _thesis_lungs() -> Any:
    return option(
        "Lungs as in the thesis, instead of those of the lung extractor: below -170 HU, the two "
        "largest parts of each slice, holes filled. Consolidation at the chest wall is lost.",
        False,
    )


def _pseudo_rule() -> Any:
    return option(
        "density: ground glass and consolidation by bounds of HU that k-means refines; thesis: "
        "k-means alone, slice by slice, whose densest cluster is ground glass.",
        "density",
        choices=PSEUDO_LABEL_RULES,
    )


@dataclass(frozen=True, kw_only=True)
class PseudoLabelOptions(Options):
    """A CT, and how its lungs are found."""

    ct: Path = _ct()
    series: str | None = _series()
    thesis_lungs: bool = _thesis_lungs()
    rule: str = _pseudo_rule()
    parameters: Parameters = nested(Parameters(), "lungs")


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(Options):
    """Labelled data, and the models to score on them."""

    data: Path = option(
        "Slice folder (index.csv, img/, lesion/ and maybe lung/), or CSV file of CTs with the "
        "columns ct, mask (of lesion, on the CT's grid; empty where there is none) and maybe "
        "patient.",
        positional=True,
        metavar="DATA",
        shown_as="DATA",
    )
    models: tuple[str, ...] = option(
        "Model id, or several joined by + for an ensemble; repeatable.",
        (),
        flag="model",
        names_model=True,
    )
    patients: tuple[str, ...] = option("Only this patient; repeatable.", (), flag="patient")
    lung_mask: bool | None = option(
        "Drop what a model finds outside the lungs; by default for CTs, not for slices.", None
    )
    held_out: bool = option(
        "Score every patient with those ensemble members only that never learned from them: the "
        "members of a cross-validation, together.",
        False,
    )
    write_card: bool = option("Write the scores onto the card of your own model.", False)
    parameters: Parameters = nested(
        Parameters(precision="float32"),
        "combination",
        "lungs",
        "device",
        "precision",
        "tiling",
        "threshold",
        "batch_size",
    )


@dataclass(frozen=True, kw_only=True)
class EvaluateDetectorOptions(Options):
    """Labelled slices, and the detector to score on them."""

    data: Path = option(
        "Slice folder: index.csv, img/, lesion/ and maybe lung/; the column class holds the class "
        "of a slice where lesions do not tell it.",
        positional=True,
        metavar="DATA",
        shown_as="DATA",
    )
    model: str = option("Id of the detector.")
    patients: tuple[str, ...] = option("Only this patient; repeatable.", (), flag="patient")


@dataclass(frozen=True, kw_only=True)
class SynthesizeOptions(Options):
    """Where lesions and healthy lungs come from, and how many slices are made of them."""

    slices: Path = option("Slice folder: index.csv, img/, lesion/ and lung/.", shown_as="SLICES")
    ratio: float = option("Synthetic slices per infected slice; best in the paper: 1.", 1.0)
    seed: int = option("The same seed gives the same slices.", 0, minimum=0)
    leave_out: tuple[str, ...] = option(
        "Patient who gives neither lesions nor lungs, as for validation; repeatable.", ()
    )
    healthy_cts: tuple[Path, ...] = option(
        "CT of a person without lesions, who is not in the slice folder; repeatable. Slices "
        "without lesions of the slice folder are used, too.",
        (),
        flag="healthy-ct",
        shown_as="CT",
    )
    parameters: Parameters = nested(Parameters(), "lungs")


def _model_id() -> Any:
    return option("The new model's id.", positional=True, metavar="ID")


def _licence() -> Any:
    return option("SPDX licence of the weights, from their data's.")


def _licence_note() -> Any:
    return option("What it means for the user, one sentence.")


def _slices() -> Any:
    return option("Slice folder: index.csv, img/ and lesion/; repeatable.", (), shown_as="SLICES")


def _volumes() -> Any:
    return option(
        "CSV file with the columns ct, mask, patient: CTs and their lesion masks, with one label "
        "or one for each class; or segmentations corrected and saved in 3D Slicer (.seg.nrrd); or "
        "pseudo-labels.",
        None,
        shown_as="VOLUMES",
    )


def _selection() -> Any:
    return option(
        "How confidence is measured: expected-precision, the default for calibrated models; or the "
        "paper's certainty-index, the mean probability above 0.3.",
        None,
        choices=("expected-precision", "certainty-index"),
    )


def _steps(default: str) -> Any:
    return option(f"Optimiser steps; by default {default}.", None, minimum=1)


def _resume() -> Any:
    return option(
        "Go on where an earlier run in the same folder was stopped.", False, recorded=False
    )


def _check_learning_rate(rate: float | None) -> None:
    if rate is not None and not 0 < rate < 1:
        raise ParameterError(f"The learning rate is {rate}, but must be a number between 0 and 1.")


def _clean_labels() -> Any:
    return option("JSON list of its infected slices.", None, shown_as="LABELS")


def _clean_name() -> Any:
    return option("What the model's card calls that CT.", "clean-ct")


def _workers() -> Any:
    return option("Processes beside the training to prepare samples.", 0, minimum=0)


def _validate() -> Any:
    return option("Patient kept for validation; repeatable.", ())


def _device() -> Any:
    return option("Device to train on.", "cpu", choices=DEVICES)


@dataclass(frozen=True, kw_only=True)
class TrainOptions(Options):
    """What a network learns from, for how long, and on what."""

    model_id: str = _model_id()
    licence: str = _licence()
    licence_note: str = _licence_note()
    slices: tuple[Path, ...] = _slices()
    volumes: Path | None = _volumes()
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
    encoder_weights: Path | None = option(
        "State dict of the network's encoder, such as ImageNet's from torchvision (.safetensors, "
        ".pth, .pt), to start from instead of random weights.",
        None,
        shown_as="ENCODER",
    )
    title: str | None = option("The new model's name; the network's by default.", None)
    steps: int | None = _steps("the recipe's")
    learning_rate: float | None = option("Adam's; the recipe's by default.", None)
    recipe: str | None = option(
        "Another recipe: the name of one of this software, such as amc-net-published, or a JSON "
        "file of values, such as the card of a trained model.",
        None,
        shown_as="RECIPE",
        may_be_name=True,
    )
    settings: tuple[str, ...] = option(
        "NAME=VALUE: a value of the recipe, dotted where nested, such as batch_size=8, "
        "loss=EamcDiceLoss, loss_arguments.gamma=3 or augmentation.scale=[0.6,1.4]; repeatable. "
        "The command recipe lists all.",
        (),
        flag="set",
    )
    folds: str | None = option(
        "Cross-validate by patient instead: lopo (leave one patient out), a number of folds, or "
        "percentages for training, validation and test such as 60/10/30.",
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
    resume: bool = _resume()
    device: str = _device()
    devices: int = option("GPUs, or processes on the CPU, that share every batch.", 1, minimum=1)
    nodes: int = option(
        "Computers of as many devices each; start this on all of them, by SLURM or torchrun.",
        1,
        minimum=1,
    )
    workers: int = _workers()

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
        if self.fine_tune and self.encoder_weights is not None:
            raise ParameterError(
                "Fine-tuning starts from the weights of a whole model: give no encoder weights."
            )
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
        _check_labelled(self.slices, self.volumes)


@dataclass(frozen=True, kw_only=True)
class TrainDetectorOptions(Options):
    """What a detector learns from, for how long, and what of its network the paper leaves open."""

    model_id: str = _model_id()
    licence: str = _licence()
    licence_note: str = _licence_note()
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
    augment: bool = option(
        "Mirror, turn, shift and blur slices at random, which the paper does not.", False
    )
    fine_tune: bool = option(
        "Start from the weights of that model; other classes get a new last layer.", False
    )
    title: str | None = option("The new model's name; the network's by default.", None)
    steps: int | None = _steps("the recipe's 100 epochs")
    learning_rate: float | None = option("Adam's; the recipe's by default.", None)
    schedule: str | None = option(
        "How the learning rate goes; the recipe's is constant.", None, choices=SCHEDULES
    )
    precision: str | None = option(
        "Of the training; bf16-mixed is faster on recent CPUs.", None, choices=PRECISIONS
    )
    resume: bool = _resume()
    device: str = _device()
    workers: int = _workers()

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.validate) == self.no_validation:
            raise ParameterError("Name patients to validate on, or ask for no validation.")
        _check_learning_rate(self.learning_rate)
        if len(self.classes) == 1 or len(set(self.classes)) < len(self.classes):
            raise ParameterError("Name at least two classes of slices, each once.")
        if self.input_size is not None and self.input_size % 16:
            raise ParameterError("The input size must be a multiple of 16.")
        if any(scale < 1 for scale in self.scales):
            raise ParameterError("Anchors need edges of at least one pixel.")


@dataclass(frozen=True, kw_only=True)
class EnhanceOptions(Options):
    """Which predictions and corrections a model learns from (COVID-Rate)."""

    model_id: str = _model_id()
    licence: str = _licence()
    licence_note: str = _licence_note()
    validate: tuple[str, ...] = option(
        "Held-out patient of the labelled data, to compare the model before and after; repeatable."
    )
    model: str = option("Model with weights that is fine-tuned.", Parameters.model)
    unlabelled: Path | None = option(
        "CTs that the model segments: CSV file with the columns ct and maybe patient, or a slice "
        "folder, whose masks are not read.",
        None,
        shown_as="UNLABELLED",
    )
    corrections: Path | None = option(
        "CSV file with the columns ct, mask, patient: masks corrected and saved in 3D Slicer, "
        "which replace the model's predictions.",
        None,
        shown_as="CORRECTIONS",
    )
    top_fraction: float = option(
        "Fraction of the unlabelled slices that is chosen at most.", 0.25, minimum=0.0, maximum=1.0
    )
    selection: str | None = _selection()
    min_confidence: float | None = option(
        "Smallest confidence of a chosen prediction; by default 0.8 by expected-precision, and the "
        "paper's 0.9 by certainty-index.",
        None,
        minimum=0.3,
        maximum=1.0,
    )
    slices: tuple[Path, ...] = _slices()
    volumes: Path | None = _volumes()
    prediction_weight: float = option(
        "How many times a chosen prediction counts beside a labelled slice.",
        1.0,
        minimum=0.01,
        maximum=100.0,
    )
    correction_weight: float = option(
        "How many times a corrected slice counts beside a labelled one.",
        1.0,
        minimum=0.01,
        maximum=100.0,
    )
    title: str | None = option("The new model's name; its parent's by default.", None)
    steps: int | None = _steps("the recipe's")
    resume: bool = _resume()
    device: str = _device()

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_held_out(self.validate)
        if self.unlabelled is None and self.corrections is None:
            raise ParameterError("Name unlabelled CTs or corrections, or both.")
        _check_labelled(self.slices, self.volumes)


@dataclass(frozen=True, kw_only=True)
class RetrainOptions(Options):
    """What a model learns from reviewed cases, and how much each kind of them counts."""

    model_id: str = _model_id()
    model: str = option("Model with weights that is fine-tuned.", Parameters.model)
    reviews: Path | None = option(
        "Folder of reviewed cases; by default that of the panel.", None, shown_as="REVIEWS"
    )
    unlabelled: Path | None = option(
        "CTs whose confident predictions are learned from, too: CSV file with the columns ct and "
        "maybe patient, or a slice folder, whose masks are not read. CTs with a verdict and "
        "held-out patients are left out.",
        None,
        shown_as="UNLABELLED",
    )
    top_fraction: float = option(
        "Fraction of the unlabelled slices that is chosen at most.", 0.25, minimum=0.0, maximum=1.0
    )
    selection: str | None = _selection()
    min_confidence: float | None = option(
        "Smallest confidence of a chosen prediction; by default 0.8 by expected-precision, and 0.6 "
        "by certainty-index, as models trained with a focal loss are rarely above 0.7.",
        None,
        minimum=0.3,
        maximum=1.0,
    )
    prediction_weight: float = option(
        "How many times a chosen prediction counts beside a slice of an accepted case.",
        0.5,
        minimum=0.01,
        maximum=100.0,
    )
    correction_weight: float = option(
        "How many times a slice of a corrected case counts beside one of an accepted case.",
        2.0,
        minimum=0.01,
        maximum=100.0,
    )
    slices_per_case: int = option(
        "Slices of each CT that are learned from at most, spread over its lungs; half of them with "
        "lesion, where there are as many.",
        32,
        minimum=1,
    )
    steps: int | None = _steps("the recipe's")
    seed: int = option(
        "Of the training, and of the choice of held-out patients.", 0, minimum=0, maximum=2**31
    )
    licence: str | None = option("SPDX licence of the weights; by default the parent's.", None)
    licence_note: str | None = option(
        "What it means for the user, one sentence; by default the parent's.", None
    )
    title: str | None = option("The new model's name; by default it names its parent.", None)
    resume: bool = _resume()
    device: str = _device()


@dataclass(frozen=True, kw_only=True)
class KeepRetrainedOptions(Options):
    """A retrained model that its user decided on."""

    folder: Path = option("Folder of the model, as a retraining wrote it.", shown_as="FOLDER")
    promote: bool = option("Make it the default, if it may be.", False)


@dataclass(frozen=True, kw_only=True)
class SelfLearnOptions(Options):
    """CTs without masks, and the patients that select the best level (DRSegUNet)."""

    model_id: str = _model_id()
    cts: tuple[Path, ...] = option(
        "CTs to learn from, files or DICOM folders; patients are called by their names.",
        positional=True,
        metavar="CT...",
        shown_as="CT",
    )
    licence: str = _licence()
    licence_note: str = _licence_note()
    validate: tuple[str, ...] = option(
        "Patient of the labelled data whose lesions an expert marked, to select the level that is "
        "kept; repeatable."
    )
    slices: tuple[Path, ...] = _slices()
    volumes: Path | None = _volumes()
    network: str = option("Model of the catalogue whose network is trained.", "drsegunet")
    depth: int = option("Levels of learning; the thesis has 2.", 2, minimum=1)
    rule: str = _pseudo_rule()
    thesis_lungs: bool = _thesis_lungs()
    thesis_slices: bool = option(
        "Learn from the two slices of each CT that the thesis takes, the second and third below "
        "its middle, instead of all.",
        False,
    )
    more_cts: tuple[Path, ...] = option(
        "CT without pseudo-labels, which level 1 labels for level 2; repeatable.",
        (),
        flag="more-ct",
        shown_as="CT",
    )
    title: str | None = option("The new model's name; by default it says how it learned.", None)
    steps: int | None = _steps("the recipe's, or 20 epochs a level where it counts epochs")
    resume: bool = _resume()
    device: str = _device()

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_held_out(self.validate)
        _check_labelled(self.slices, self.volumes)
        if self.more_cts and self.depth < 2:
            raise ParameterError(
                "More CTs are labelled by level 1 for level 2: learn two levels at least."
            )


def _check_held_out(validate: tuple[str, ...]) -> None:
    if not validate:
        raise ParameterError("Name at least one held-out patient (validate).")


def _check_labelled(slices: tuple[Path, ...], volumes: Path | None) -> None:
    if not slices and volumes is None:
        raise ParameterError("Name labelled data: slice folders, or a table of CTs (volumes).")
