"""``covid-lesion-seg pseudo-label``: ground glass and consolidation without expert or network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape

from .. import RESEARCH_USE_NOTICE
from ..engine.errors import InputError, OutputError
from ..engine.lesion_classes import CLASSES
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, share_of
from ..engine.wording import percent
from . import options
from .outcome import clear_outcome
from .progress_display import print_json_line, progress_display


def pseudo_label(
    ct: Annotated[
        Path, typer.Argument(metavar="CT", help="NIfTI, NRRD or MHA file, or DICOM folder.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="New file on the CT's grid; 3D Slicer opens .seg.nrrd as segments."
        ),
    ],
    series: Annotated[
        str | None, typer.Option("--series", help="SeriesInstanceUID, where a folder has several.")
    ] = None,
    lungs: options.LungsOption = Parameters.lungs,
    thesis_lungs: Annotated[
        bool,
        typer.Option(
            "--thesis-lungs",
            help="Lungs as in the thesis, instead of --lungs: below -170 HU, the two largest parts "
            "of each slice, holes filled. Consolidation at the chest wall is lost.",
        ),
    ] = False,
    json_progress: options.JsonProgressOption = False,
    quiet: options.QuietOption = False,
    debug: options.DebugOption = False,
) -> None:
    """Label ground glass and consolidation by density and shape, to learn from (DRSegUNet)."""
    parameters = options.parameters_from(lungs=lungs)
    out = out.expanduser().absolute()
    with clear_outcome(debug) as cancel:
        _check_new(out)
        with progress_display(json_progress, quiet) as report:
            shares = _label(ct, series, out, parameters, thesis_lungs, report, cancel)
        if json_progress:
            print_json_line({"done": str(out), "share_of_lungs": shares})
        elif not quiet:
            console = Console(highlight=False, soft_wrap=True)
            console.print("[bold]Pseudo-labels[/bold]: by density and shape, not by an expert")
            for name, share in shares.items():
                console.print(f"  {name:<22} {percent(share)} of the lungs")
            console.print(escape(f"  {out}"))
            console.print(f"\n[dim]{RESEARCH_USE_NOTICE}[/dim]")


def _check_new(out: Path) -> None:
    if out.suffix.lower() != ".nrrd":
        raise OutputError(f"{out.name} must end in .seg.nrrd or .nrrd.")
    if out.exists():
        raise OutputError(
            f"{out.name} is there already: pseudo-labels replace nothing, so choose a new name."
        )
    if not out.parent.is_dir():
        raise OutputError(f"There is no folder for {out.name}: make it, or choose another.")


def _label(
    ct: Path,
    series: str | None,
    out: Path,
    parameters: Parameters,
    thesis_lungs: bool,
    report: ProgressCallback,
    cancel: CancelToken,
) -> dict[str, float]:
    """Write the labels, and give each class' share of the lungs."""
    from ..engine.lungs import get_extractor
    from ..engine.self_training.pseudo_labels import lung_field, pseudo_labels
    from ..engine.volume import read_volume
    from .pseudo_label_file import write_pseudo_labels

    report(Progress("Reading the CT", 0.0))
    volume = read_volume(ct, series)
    report(Progress("Finding the lungs", 0.1))
    if thesis_lungs:
        lungs = lung_field(volume.axial)
    else:
        extractor = get_extractor(parameters)
        lungs = extractor.extract(
            volume.axial, volume.axial_spacing, share_of(report, 0.1, 0.6), cancel
        ).labels
    inside = np.count_nonzero(lungs)
    if not inside:
        raise InputError("No lungs were found: check that the CT is whole slices, in HU.")
    cancel.raise_if_cancelled()
    report(Progress("Labelling", 0.6))
    labels = pseudo_labels(volume.axial, lungs, volume.axial_spacing, cancel)
    cancel.raise_if_cancelled()
    report(Progress("Writing the labels", 0.95))
    write_pseudo_labels(volume.on_grid(labels), volume.geometry, out)
    report(Progress("Done", 1.0))
    return {name: np.count_nonzero(labels == n) / inside for n, name in enumerate(CLASSES, start=1)}
