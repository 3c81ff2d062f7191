"""The options of jobs that make their own training data, or learn from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine.errors import ParameterError
from ...engine.options import Options, nested, option
from ...engine.parameters import Parameters
from . import shared


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


def _selection() -> Any:
    return option(
        "How confidence is measured: expected-precision, the default for calibrated models; or the "
        "paper's certainty-index, the mean probability above 0.3.",
        None,
        choices=("expected-precision", "certainty-index"),
    )


@dataclass(frozen=True, kw_only=True)
class EnhanceOptions(Options):
    """Which predictions and corrections a model learns from (COVID-Rate)."""

    model_id: str = shared.model_id()
    licence: str = shared.licence()
    licence_note: str = shared.licence_note()
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
    slices: tuple[Path, ...] = shared.slices()
    volumes: Path | None = shared.volumes()
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
    steps: int | None = shared.steps("the recipe's")
    settings: tuple[str, ...] = shared.settings("of the recipe")
    resume: bool = shared.resume()
    device: str = shared.device()

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_held_out(self.validate)
        if self.unlabelled is None and self.corrections is None:
            raise ParameterError("Name unlabelled CTs or corrections, or both.")
        shared.check_labelled(self.slices, self.volumes)


@dataclass(frozen=True, kw_only=True)
class RetrainOptions(Options):
    """What a model learns from reviewed cases, and how much each kind of them counts."""

    model_id: str = shared.model_id()
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
    steps: int | None = shared.steps("the recipe's")
    settings: tuple[str, ...] = shared.settings("of the recipe")
    seed: int = option(
        "Of the training, and of the choice of held-out patients.", 0, minimum=0, maximum=2**31
    )
    licence: str | None = option("SPDX licence of the weights; by default the parent's.", None)
    licence_note: str | None = option(
        "What it means for the user, one sentence; by default the parent's.", None
    )
    title: str | None = option("The new model's name; by default it names its parent.", None)
    resume: bool = shared.resume()
    device: str = shared.device()


@dataclass(frozen=True, kw_only=True)
class KeepRetrainedOptions(Options):
    """A retrained model that its user decided on."""

    folder: Path = option("Folder of the model, as a retraining wrote it.", shown_as="FOLDER")
    promote: bool = option("Make it the default, if it may be.", False)


@dataclass(frozen=True, kw_only=True)
class SelfLearnOptions(Options):
    """CTs without masks, and the patients that select the best level (DRSegUNet)."""

    model_id: str = shared.model_id()
    cts: tuple[Path, ...] = option(
        "CTs to learn from, files or DICOM folders; patients are called by their names.",
        positional=True,
        metavar="CT",
        shown_as="CT",
    )
    licence: str = shared.licence()
    licence_note: str = shared.licence_note()
    validate: tuple[str, ...] = option(
        "Patient of the labelled data whose lesions an expert marked, to select the level that is "
        "kept; repeatable."
    )
    slices: tuple[Path, ...] = shared.slices()
    volumes: Path | None = shared.volumes()
    network: str = option("Model of the catalogue whose network is trained.", "drsegunet")
    depth: int = option("Levels of learning; the thesis has 2.", 2, minimum=1)
    rule: str = shared.pseudo_rule()
    thesis_lungs: bool = shared.thesis_lungs()
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
    steps: int | None = shared.steps("the recipe's, or 20 epochs a level where it counts epochs")
    settings: tuple[str, ...] = shared.settings("of the recipe of all levels")
    resume: bool = shared.resume()
    device: str = shared.device()

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_held_out(self.validate)
        shared.check_labelled(self.slices, self.volumes)
        if self.more_cts and self.depth < 2:
            raise ParameterError(
                "More CTs are labelled by level 1 for level 2: learn two levels at least."
            )


def _check_held_out(validate: tuple[str, ...]) -> None:
    if not validate:
        raise ParameterError("Name at least one held-out patient (validate).")
