"""``covid-lesion-seg enhance``: a model learns from its own most certain answers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..engine.parameters import Parameters
from ..engine.self_training.confidence import CUT_OFF, MIN_CONFIDENCE, TOP_FRACTION
from . import options, training_options
from .outcome import clear_outcome
from .progress_display import run_and_tell


def enhance(
    model_id: training_options.IdArgument,
    out: training_options.OutOption,
    licence: training_options.LicenceOption,
    licence_note: training_options.LicenceNoteOption,
    validate: Annotated[
        list[str],
        typer.Option(
            "--validate",
            help="Patient of the labelled data who judges the model before and after; repeatable.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            help="Model with weights whose training goes on; by default the promoted one, or "
            "amc-net.",
        ),
    ] = None,
    unlabelled: Annotated[
        Path | None,
        typer.Option(
            "--unlabelled",
            help="CTs that the model answers: CSV file with the columns ct and maybe patient, or a "
            "slice folder, whose masks are not looked at.",
        ),
    ] = None,
    corrections: Annotated[
        Path | None,
        typer.Option(
            "--corrections",
            help="CSV file with the columns ct, mask, patient: masks corrected and saved in 3D "
            "Slicer, which win over the model's answers.",
        ),
    ] = None,
    top_share: Annotated[
        float,
        typer.Option(
            "--top-share", min=0.0, max=1.0, help="Share of the unlabelled slices chosen at most."
        ),
    ] = TOP_FRACTION,
    least_certainty: Annotated[
        float,
        typer.Option(
            "--least-certainty",
            min=CUT_OFF,
            max=1.0,
            help="Certainty index of a chosen answer: its mean probability above 0.3.",
        ),
    ] = MIN_CONFIDENCE,
    slices: training_options.SlicesOption = None,
    volumes: training_options.VolumesOption = None,
    prediction_weight: Annotated[
        float,
        typer.Option(
            "--prediction-weight",
            min=0.01,
            max=100.0,
            help="How many times a chosen answer counts beside a labelled slice.",
        ),
    ] = 1.0,
    correction_weight: Annotated[
        float,
        typer.Option(
            "--correction-weight",
            min=0.01,
            max=100.0,
            help="How many times a corrected slice counts beside a labelled one.",
        ),
    ] = 1.0,
    title: Annotated[
        str | None, typer.Option("--title", help="The new model's name; its parent's by default.")
    ] = None,
    steps: training_options.StepsOption = None,
    resume: training_options.ResumeOption = False,
    device: options.DeviceOption = "cpu",
    json_progress: options.JsonProgressOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Train a model further on its most certain answers and on corrections (COVID-Rate).

    Of the unlabelled slices the most certain are chosen: the top quarter, with a certainty index of
    at least 0.9. Labelled ones, --slices and --volumes, keep what was learned, and judge.
    """
    if unlabelled is None and corrections is None:
        raise typer.BadParameter("Give --unlabelled or --corrections, or both.")
    if not slices and volumes is None:
        raise typer.BadParameter("Give --slices or --volumes, whose labels judge the model.")
    with clear_outcome(debug) as cancel:
        from ..engine.inference.cpu import tune_allocator

        tune_allocator()
        from ..engine.training.export import Provenance
        from .enhancement_job import EnhancementJob

        job = EnhancementJob(
            model_id=model_id,
            title=title,
            model=model or Parameters().model,
            unlabelled=unlabelled,
            corrections=corrections,
            share=top_share,
            least=least_certainty,
            slices=slices or [],
            volumes=volumes,
            validation=validate,
            prediction_weight=prediction_weight,
            correction_weight=correction_weight,
            out=out.expanduser().resolve(),
            steps=steps,
            device=device,
            resume=resume,
            provenance=Provenance(
                licence, licence_note, training_options.command_for_card(sys.argv[1:])
            ),
        )
        run_and_tell(job, cancel, json_progress, quiet)
