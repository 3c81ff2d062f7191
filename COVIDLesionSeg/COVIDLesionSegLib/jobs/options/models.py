"""The options of jobs on stored models, and of the check of the installation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...engine.options import Options, option


@dataclass(frozen=True, kw_only=True)
class CheckInstallationOptions(Options):
    """None: the check needs nothing to be told."""


@dataclass(frozen=True, kw_only=True)
class ImportModelOptions(Options):
    """A model that someone else, or another computer, wrote."""

    file: Path = option(
        "Archive that an export wrote, card with its weights beside it, or folder of a training, "
        "of nnU-Net v2 too."
    )
    model_id: str | None = option("Another id for the model.", None)
    trust: bool = option(
        "Read an nnU-Net's checkpoint even if it holds more than data, which can run code.", False
    )
    lesion_labels: tuple[str, ...] = option(
        "An nnU-Net's labels that are lesions, where their names do not say it; the others are "
        "left out.",
        (),
    )


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
