"""``covid-lesion-seg train``: from annotated slices to a model of the catalogue."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .outcome import clear_outcome
from .progress_display import print_json_line, progress_display

_PATH_OPTIONS = {
    "--slices": "SLICES",
    "--volumes": "VOLUMES",
    "--clean-ct": "CT",
    "--clean-labels": "LABELS",
    "--out": "OUT",
    "-o": "OUT",
}


def train(
    model_id: Annotated[str, typer.Argument(metavar="ID", help="The new model's id.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="New folder for the model and its loss curve.")
    ],
    licence: Annotated[
        str, typer.Option("--licence", help="SPDX licence of the weights, from their data's.")
    ],
    licence_note: Annotated[
        str, typer.Option("--licence-note", help="What it means for the user, one sentence.")
    ],
    slices: Annotated[
        list[Path] | None,
        typer.Option("--slices", help="Folder of index.csv, img/ and lesion/; repeatable."),
    ] = None,
    volumes: Annotated[
        Path | None,
        typer.Option(
            "--volumes",
            help="CSV file with the columns ct, mask, patient: CTs and their lesion masks, or "
            "segmentations corrected and saved in 3D Slicer (.seg.nrrd).",
        ),
    ] = None,
    validate: Annotated[
        list[str] | None,
        typer.Option("--validate", help="Patient kept for validation; repeatable."),
    ] = None,
    clean_ct: Annotated[
        Path | None, typer.Option("--clean-ct", help="A CT with lesion-free slices to learn from.")
    ] = None,
    clean_labels: Annotated[
        Path | None, typer.Option("--clean-labels", help="JSON list of its infected slices.")
    ] = None,
    clean_name: Annotated[
        str, typer.Option("--clean-name", help="What the model's card calls that CT.")
    ] = "clean-ct",
    network: Annotated[
        str, typer.Option("--network", help="Model of the catalogue whose network is trained.")
    ] = "amc-net",
    onward: Annotated[
        bool,
        typer.Option(
            "--continue",
            help="Begin with the weights of --network, as on corrections, not with random ones.",
        ),
    ] = False,
    title: Annotated[
        str | None, typer.Option("--title", help="The new model's name; the network's by default.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Optimiser steps; the recipe's by default.")
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option(
            "--folds",
            help="Cross-validate by patient instead: lopo (leave one patient out), a number of "
            "folds, or shares for training, validation and test such as 60/10/30.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on in OUT where an earlier run was stopped.")
    ] = False,
    device: options.DeviceOption = "cpu",
    json_progress: options.JsonProgressOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Train a network on annotated slices and write its card and weights."""
    if bool(validate) == bool(folds):
        raise typer.BadParameter("Give either patients to --validate, or --folds.")
    if onward and folds:
        raise typer.BadParameter(
            "--continue and --folds exclude each other: the parent learned from those held out."
        )
    if not slices and volumes is None:
        raise typer.BadParameter("Give --slices or --volumes, or both.")
    with clear_outcome(debug) as cancel:
        from ..engine.inference.cpu import tune_allocator

        tune_allocator()
        from ..engine.training.export import Provenance
        from .training_job import TrainingJob

        job = TrainingJob(
            model_id=model_id,
            title=title,
            network=network,
            onward=onward,
            slices=slices or [],
            volumes=volumes,
            clean_ct=clean_ct,
            clean_labels=clean_labels,
            clean_name=clean_name,
            validation=validate or [],
            folds=folds,
            out=out,
            steps=steps,
            device=device,
            resume=resume,
            provenance=Provenance(licence, licence_note, _command(sys.argv[1:])),
        )
        with progress_display(json_progress, quiet) as report:
            lines = job.run(report, cancel)
        if json_progress:
            print_json_line({"done": str(out.expanduser().resolve()), "lines": lines})
        elif not quiet:
            print("\n".join(lines))


def _command(arguments: list[str]) -> str:
    """The command for the card, as if never interrupted, with the user's paths left out."""
    shown = [
        _PATH_OPTIONS.get(before, argument)
        for before, argument in zip([None, *arguments], arguments, strict=False)
        if argument != "--resume"
    ]
    return shlex.join(["covid-lesion-seg", *shown])
