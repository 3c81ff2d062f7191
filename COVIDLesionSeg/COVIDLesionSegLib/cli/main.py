"""The command line application ``covid-lesion-seg``."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from .. import RESEARCH_USE_NOTICE, __version__
from ..engine.progress import CancelToken
from ..jobs.options import TrainOptions
from . import summaries
from .commands import add_job
from .exit_codes import CANCELLED
from .info_command import info
from .models_command import models
from .monai_label_command import monai_label
from .plain_usage import Commands, PlainGroup
from .recipe_command import recipe
from .registry_command import registry

_TRAINING_FOLDER = "New folder for the model and its learning curve."

app = Commands(
    cls=PlainGroup,
    help=f"Lungs, COVID-19 lesions and severity from a chest CT.\n\n{RESEARCH_USE_NOTICE}",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _first_process_prints(options: TrainOptions, cancel: CancelToken) -> tuple[CancelToken, bool]:
    """Of several processes that train together, the first is cancelled and prints for all."""
    if options.devices * options.nodes == 1:
        return cancel, True
    from ..engine.training.distributed import is_first_process
    from ..worker.parent_watch import when_gone

    if is_first_process(options.devices * options.nodes):
        return cancel, True
    if os.environ.get("LOCAL_RANK", "0") != "0":
        when_gone(os.getppid(), lambda: os._exit(CANCELLED))
    return CancelToken(), False


add_job(
    app,
    "demo",
    "Segment a generated chest CT; nothing else is needed.",
    summaries.print_segmentation,
    out_default=Path("covid-lesion-seg-demo"),
)
add_job(
    app,
    "segment",
    "Segment lungs and COVID-19 lesions in a chest CT, and measure the severity.",
    summaries.print_segmentation,
)
add_job(
    app,
    "batch",
    "Segment every CT of files, folders, DICOM trees and tables; run it again to go on.",
    summaries.print_cohort,
    out_help="Folder of the cohort: a result folder for each case, a table and a page.",
)
add_job(
    app,
    "detect",
    "List the lesions of a chest CT one by one, with place, size, density and score.",
    summaries.print_detection,
)
add_job(
    app,
    "export_dicom",
    "Write an earlier result as DICOM SEG and structured report of the series that its CT was.",
    summaries.print_dicom_export,
    out_help="New folder for the DICOM files, which identify the patient.",
)
add_job(
    app,
    "compare",
    "Compare CTs of one patient, the earliest first: change of volumes; lesions that are new, "
    "resolved or persistent.",
    summaries.print_comparison,
    out_help="Folder of the comparison; an earlier comparison is replaced.",
)
app.command()(models)
add_job(
    app,
    "train",
    "Train a network on annotated slices and CTs, and write its card and weights.",
    summaries.print_training,
    out_help=_TRAINING_FOLDER,
    prepare=_first_process_prints,
)
app.command()(recipe)
add_job(
    app,
    "train_detector",
    "Train a detector, which finds lesions one by one and the class of every slice "
    "(COVID-Affinity).",
    summaries.print_training,
    out_help=_TRAINING_FOLDER,
)
add_job(
    app,
    "enhance",
    "Fine-tune a model on its most confident predictions and on corrections (COVID-Rate).\n\n"
    "Labelled data, --slices and --volumes, are learned from too, so that nothing is forgotten; "
    "their held-out patients compare the model before and after.",
    summaries.print_enhancement,
    out_help=_TRAINING_FOLDER,
)
add_job(
    app,
    "retrain",
    "Fine-tune a model on the cases reviewed in 3D Slicer, and compare it with its parent.\n\n"
    "Accepted and corrected cases are learned from; some patients with corrections are held out "
    "for the comparison.",
    summaries.print_retraining,
    out_help="New folder for the model, its learning curve and the comparison.",
)
add_job(
    app,
    "evaluate",
    "Score models on slices or CTs that an expert annotated, side by side.",
    summaries.print_evaluation,
)
add_job(
    app,
    "agreement",
    "Compare the severity of a cohort with categories that people gave: confusion, F1, kappa.",
    summaries.print_agreement,
)
add_job(
    app,
    "evaluate_detector",
    "Score a detector on slices that an expert annotated: average precision, classes of slices.",
    summaries.print_detector_scores,
)
add_job(
    app,
    "explain",
    "Show a network's feature maps and attention maps for one slice, as a picture.",
    summaries.print_explanation,
)
add_job(
    app,
    "synthesize",
    "Paste lesions of infected slices into healthy lungs, for training (COVID-Rate).",
    summaries.print_synthesis,
    out_help="New slice folder for the synthetic slices.",
)
add_job(
    app,
    "pseudo_label",
    "Label ground glass and consolidation by density and shape, to learn from (DRSegUNet).",
    summaries.print_pseudo_labels,
    out_help="New file on the CT's grid; 3D Slicer opens .seg.nrrd as segments. Of a slice folder "
    "a new one.",
)
add_job(
    app,
    "self_learn",
    "Learn from pseudo-labels of CTs, and then from what was learned (DRSegUNet).",
    summaries.print_self_learning,
    out_help=_TRAINING_FOLDER,
)
add_job(
    app,
    "study",
    "Train and score each row of a paper's table, and write the table beside ours.\n\n"
    "Run it again to go on: rows that are done are left alone.",
    summaries.print_study,
    out_help="Folder of the study: table, page, and a folder for each row.",
)
app.add_typer(registry, name="registry")
app.command("monai-label")(monai_label)
app.command()(info)


def _print_version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar="",
            callback=_print_version,
            is_eager=True,
            help="Show the version.",
        ),
    ] = False,
) -> None:
    """Options that need no command."""


def main() -> None:
    """Run the application and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # as Windows redirects it, it lacks many characters
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="covid-lesion-seg")
    except KeyboardInterrupt:
        sys.exit(CANCELLED)


if __name__ == "__main__":
    main()
