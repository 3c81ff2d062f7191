"""``covid-lesion-seg train``: from annotated slices to a model of the catalogue."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..engine.progress import CancelToken
from . import options, training_options
from .outcome import CANCELLED, clear_outcome
from .parent_watch import when_gone
from .progress_display import run_and_tell
from .training_options import command_for_card


def train(
    model_id: training_options.IdArgument,
    out: training_options.OutOption,
    licence: training_options.LicenceOption,
    licence_note: training_options.LicenceNoteOption,
    slices: training_options.SlicesOption = None,
    volumes: training_options.VolumesOption = None,
    validate: Annotated[
        list[str] | None,
        typer.Option("--validate", help="Patient kept for validation; repeatable."),
    ] = None,
    everyone: Annotated[
        bool,
        typer.Option(
            "--everyone",
            help="Learn from all patients, as at last after --folds: none of them judges.",
        ),
    ] = False,
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
            help="Begin with the weights of --network, as on corrections, not with random ones, "
            "and train gently.",
        ),
    ] = False,
    title: Annotated[
        str | None, typer.Option("--title", help="The new model's name; the network's by default.")
    ] = None,
    steps: training_options.StepsOption = None,
    folds: Annotated[
        str | None,
        typer.Option(
            "--folds",
            help="Cross-validate by patient instead: lopo (leave one patient out), a number of "
            "folds, or shares for training, validation and test such as 60/10/30.",
        ),
    ] = None,
    parallel: Annotated[
        int,
        typer.Option(
            "--parallel",
            min=1,
            help="Folds trained at a time, each in a process of its own: a local Dask cluster. "
            "They share the processor's cores, or the GPU.",
        ),
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            help="Address of a running Dask cluster to train the folds on, such as "
            "tcp://host:8786; its workers with --nthreads 1, and with OUT under the same path.",
        ),
    ] = None,
    resume: training_options.ResumeOption = False,
    device: options.DeviceOption = "cpu",
    devices: Annotated[
        int,
        typer.Option(
            "--devices", min=1, help="GPUs, or processes on the CPU, that share every batch."
        ),
    ] = 1,
    nodes: Annotated[
        int,
        typer.Option(
            "--nodes",
            min=1,
            help="Computers of as many --devices each; start this on all of them, by SLURM or "
            "torchrun.",
        ),
    ] = 1,
    workers: Annotated[
        int,
        typer.Option("--workers", min=0, help="Processes beside the training to prepare samples."),
    ] = 0,
    json_progress: options.JsonProgressOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Train a network on annotated slices and write its card and weights."""
    if [bool(validate), bool(folds), everyone].count(True) != 1:
        raise typer.BadParameter("Give patients to --validate, or --folds, or --everyone.")
    if onward and folds:
        raise typer.BadParameter(
            "--continue and --folds exclude each other: the parent learned from those held out."
        )
    side_by_side = scheduler is not None or parallel > 1
    if side_by_side and not folds:
        raise typer.BadParameter("--parallel and --scheduler are for --folds.")
    if scheduler is not None and parallel > 1:
        raise typer.BadParameter("Give either --parallel or --scheduler.")
    if side_by_side and workers:
        raise typer.BadParameter(
            "Folds side by side prepare their own samples: leave out --workers."
        )
    if folds and devices * nodes > 1:
        raise typer.BadParameter(
            "Folds take one device each: give --parallel or --scheduler, not --devices or --nodes."
        )
    if not slices and volumes is None:
        raise typer.BadParameter("Give --slices or --volumes, or both.")
    with clear_outcome(debug) as cancel:
        from ..engine.inference.cpu import tune_allocator

        tune_allocator()
        from ..engine.training.distributed import is_first_process
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
            parallel=parallel,
            scheduler=scheduler,
            out=out.expanduser().resolve(),
            steps=steps,
            device=device,
            devices=devices,
            nodes=nodes,
            workers=workers,
            resume=resume,
            provenance=Provenance(licence, licence_note, command_for_card(sys.argv[1:])),
        )
        first = is_first_process(devices * nodes)
        if not first:
            # The first process is cancelled for all, tells for all, and never leaves one behind.
            cancel, json_progress, quiet = CancelToken(), False, True
            if os.environ.get("LOCAL_RANK", "0") != "0":
                when_gone(os.getppid(), lambda: os._exit(CANCELLED))
        run_and_tell(job, cancel, json_progress, quiet)
