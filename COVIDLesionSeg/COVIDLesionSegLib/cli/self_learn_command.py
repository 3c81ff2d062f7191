"""``covid-lesion-seg self-learn``: a model from CTs that no expert annotated."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import options, training_options
from .outcome import clear_outcome
from .progress_display import run_and_tell


def self_learn(
    model_id: training_options.IdArgument,
    cts: Annotated[
        list[Path],
        typer.Argument(
            metavar="CT...",
            help="CTs to learn from, files or DICOM folders; patients are called by their names.",
        ),
    ],
    out: training_options.OutOption,
    licence: training_options.LicenceOption,
    licence_note: training_options.LicenceNoteOption,
    validate: Annotated[
        list[str],
        typer.Option(
            "--validate",
            help="Patient of --slices or --volumes whose lesions an expert marked, to decide which "
            "level is kept; repeatable.",
        ),
    ],
    slices: training_options.SlicesOption = None,
    volumes: training_options.VolumesOption = None,
    network: Annotated[
        str,
        typer.Option("--network", help="Model of the catalogue whose network is trained."),
    ] = "drsegunet",
    depth: Annotated[
        int, typer.Option("--depth", min=1, help="Levels of learning; the thesis has 2.")
    ] = 2,
    title: Annotated[
        str | None,
        typer.Option("--title", help="The new model's name; by default it says how it learned."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=1, help="Optimiser steps of a level; by default 20 epochs."),
    ] = None,
    resume: training_options.ResumeOption = False,
    device: options.DeviceOption = "cpu",
    json_progress: options.JsonProgressOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Learn from pseudo-labels of CTs, and then from what was learned (DRSegUNet)."""
    if not slices and volumes is None:
        raise typer.BadParameter("Give --slices or --volumes with the patients to validate.")
    with clear_outcome(debug) as cancel:
        from ..engine.inference.allocator import tune_allocator

        tune_allocator()
        from ..engine.training.export import Provenance
        from ..jobs.self_learning import SelfLearningJob

        arguments = ["CT" if Path(word) in cts else word for word in sys.argv[1:]]
        job = SelfLearningJob(
            model_id=model_id,
            title=title,
            network=network,
            cts=[ct.expanduser().absolute() for ct in cts],
            slices=slices or [],
            volumes=volumes,
            validation=validate,
            depth=depth,
            out=out.expanduser().resolve(),
            steps=steps,
            device=device,
            resume=resume,
            provenance=Provenance(
                licence, licence_note, training_options.command_for_card(arguments)
            ),
        )
        run_and_tell(job, cancel, json_progress, quiet)
