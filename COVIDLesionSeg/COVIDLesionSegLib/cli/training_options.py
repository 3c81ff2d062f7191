"""Options of the commands that train."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

_PATH_OPTIONS = {
    "--slices": "SLICES",
    "--volumes": "VOLUMES",
    "--unlabelled": "UNLABELLED",
    "--corrections": "CORRECTIONS",
    "--clean-ct": "CT",
    "--clean-labels": "LABELS",
    "--out": "OUT",
    "-o": "OUT",
    "--scheduler": "SCHEDULER",
}
_OMITTED = {"--resume", "--json-progress", "--quiet", "--debug"}

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The new model's id.")]
OutOption = Annotated[
    Path, typer.Option("--out", "-o", help="New folder for the model and its loss curve.")
]
LicenceOption = Annotated[
    str, typer.Option("--licence", help="SPDX licence of the weights, from their data's.")
]
LicenceNoteOption = Annotated[
    str, typer.Option("--licence-note", help="What it means for the user, one sentence.")
]
SlicesOption = Annotated[
    list[Path] | None,
    typer.Option("--slices", help="Folder of index.csv, img/ and lesion/; repeatable."),
]
VolumesOption = Annotated[
    Path | None,
    typer.Option(
        "--volumes",
        help="CSV file with the columns ct, mask, patient: CTs and their lesion masks, with one "
        "label or one for each class; or segmentations corrected and saved in 3D Slicer "
        "(.seg.nrrd); or pseudo-labels.",
    ),
]
StepsOption = Annotated[
    int | None, typer.Option("--steps", min=1, help="Optimiser steps; the recipe's by default.")
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on in OUT where an earlier run was stopped.")
]


def command_for_card(arguments: Sequence[str]) -> str:
    """The command for the card: what decides the weights, with the user's paths left out."""
    shown = [
        _PATH_OPTIONS.get(before, argument)
        for before, argument in zip([None, *arguments], arguments, strict=False)
        if argument not in _OMITTED
    ]
    return shlex.join(["covid-lesion-seg", *shown])
