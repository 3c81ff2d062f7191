"""More slices to learn from: a slice folder in, one of synthetic slices out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..engine.data.labelled import LabelledImage
from ..engine.data.slice_folder import read_slice_folder, slices_per_patient, write_slice_folder
from ..engine.data.splits import patients_in
from ..engine.errors import InputError
from ..engine.lungs import get_extractor
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from ..engine.synthesis.synthesize import Synthesis, healthy_slices
from ..engine.synthesis.synthesize import make_synthetic as make_synthetic
from ..engine.volume import read_volume
from ..report.result_files import (
    SYNTHESIS_JSON,
    SYNTHESIS_PICTURE,
    SYNTHESIS_RESULT,
)
from ..report.synthesis import write_synthesis_figure, write_synthesis_json
from .options import SynthesizeOptions
from .result_folder import result_folder

_READ, _MADE = 0.3, 0.9
"""Fractions of the whole job at which these stages end."""


def synthesize(
    options: SynthesizeOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Synthesis:
    """Paste lesions of infected slices into healthy lungs, for training (COVID-Rate).

    Args:
        options: Slices with lesions, and where healthy lungs come from.
        out: A new slice folder: absent or empty; even an earlier result is not replaced, as slices
            may have been added.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Raises:
        CovidLesionSegError: One of its kinds; ``out`` is as it was.
        Cancelled: ``cancel`` was set; ``out`` is as it was.
    """
    cancel = cancel or CancelToken()
    progress(Progress("Starting", 0.0))
    healthy_cts = options.healthy_cts
    with result_folder(out, (options.slices, *healthy_cts), SYNTHESIS_RESULT) as staging:
        progress(Progress("Reading slices", 0.01))
        slices = _read(options.slices, options.leave_out)
        for number, path in enumerate(healthy_cts, start=1):
            done = (number - 1) / len(healthy_cts)
            progress(Progress("Finding the lungs", 0.05 + (_READ - 0.05) * done))
            name = f"healthy-ct-{number}"
            if name in patients_in(slices):
                raise InputError(f"The slice folder has a patient {name}: give it another name.")
            volume = read_volume(path)
            slices += healthy_slices(volume, name, get_extractor(options.parameters), cancel)
        synthesis = make_synthetic(
            slices, options.ratio, options.seed, sub_progress(progress, _READ, _MADE), cancel
        )
        progress(Progress("Writing slices", _MADE))
        write_slice_folder(
            [slice_.item for slice_ in synthesis.slices],
            staging,
            [
                {
                    "synthetic": "yes",
                    "lesion_from": slice_.infected.name,
                    "lungs_from": slice_.healthy.name,
                    "infection_rate": f"{slice_.infection_rate:.6f}",
                }
                for slice_ in synthesis.slices
            ],
        )
        write_synthesis_figure(synthesis, staging / SYNTHESIS_PICTURE)
        write_synthesis_json(
            synthesis,
            staging / SYNTHESIS_JSON,
            amount=options.ratio,
            seed=options.seed,
            lungs=options.parameters.lungs if healthy_cts else None,
            left_out=options.leave_out,
        )
        cancel.raise_if_cancelled()
    progress(Progress("Done", 1.0))
    return synthesis


def _read(folder: Path, leave_out: Iterable[str]) -> list[LabelledImage]:
    patients = slices_per_patient(folder)
    if unknown := sorted(set(leave_out) - set(patients)):
        raise InputError(f"The slice folder has no patient {unknown[0]} to leave out.")
    return read_slice_folder(folder, set(patients) - set(leave_out), with_lungs=True)
