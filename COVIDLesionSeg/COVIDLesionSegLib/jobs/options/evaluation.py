"""The options of jobs that score models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...engine.options import Options, nested, option
from ...engine.parameters import Parameters


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
class AgreementOptions(Options):
    """A cohort's severity, and that of a reader."""

    cohort: Path = option(
        "Folder or cohort.csv of a batch; or a CSV file with the columns case and category.",
        positional=True,
        metavar="COHORT",
        shown_as="COHORT",
    )
    truth: Path = option(
        "CSV file with the categories CT-0 to CT-4 that people gave, a row for each case.",
        shown_as="TRUTH",
    )
    case_column: str = option("Its column with the names of the cases, as in the cohort.", "case")
    category_column: str = option("Its column with the categories.", "category")
