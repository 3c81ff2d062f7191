"""The job of ``covid-lesion-seg synthesize``: a slice folder in, a synthetic one out."""

from __future__ import annotations

import json
from pathlib import Path

from .. import RESEARCH_USE_NOTICE, __version__
from ..engine.data.labelled import LabelledImage
from ..engine.data.slice_folder import read_slice_folder, slices_per_patient, write_slice_folder
from ..engine.data.splits import patients_in
from ..engine.errors import InputError
from ..engine.lungs import get_extractor
from ..engine.parameters import Parameters
from ..engine.progress import CancelToken, Progress, ProgressCallback, share_of
from ..engine.synthesis.synthesize import Synthesis, healthy_slices, synthesize
from ..engine.volume import read_volume
from .output_folder import output_folder
from .result_names import (
    SYNTHESIS_FORMAT,
    SYNTHESIS_JSON,
    SYNTHESIS_PICTURE,
    SYNTHESIS_RESULT,
    SYNTHESIS_VERSION,
)
from .synthesis_figure import write_synthesis_figure

_READ, _MADE = 0.3, 0.9
"""Shares of the whole job at which these stages end."""


def run_synthesis(
    folder: Path,
    out: Path,
    parameters: Parameters,
    report: ProgressCallback,
    cancel: CancelToken,
    *,
    amount: float,
    seed: int,
    leave_out: list[str],
    healthy_cts: list[Path],
) -> Synthesis:
    """Make synthetic slices and publish their folder, complete or not at all.

    Args:
        folder: Slices with lesions, and perhaps without.
        out: Absent or empty; even an earlier result is not replaced, as slices may have been added.
        parameters: Name the lung extractor for ``healthy_cts``.
        report: Told at every step.
        cancel: Looked at between steps.
        amount, seed: See :func:`~..engine.synthesis.synthesize.synthesize`.
        leave_out: Patients of ``folder`` that are not used.
        healthy_cts: CTs of people without lesions.

    Raises:
        CovidLesionSegError: In one sentence, what is wrong; ``out`` is as it was.
        Cancelled: ``cancel`` was set; ``out`` is as it was.
    """
    report(Progress("Starting", 0.0))
    folder, *healthy_cts = (path.expanduser() for path in (folder, *healthy_cts))
    with output_folder(out, (folder, *healthy_cts), SYNTHESIS_RESULT) as staging:
        report(Progress("Reading slices", 0.01))
        slices = _read(folder, leave_out)
        for number, path in enumerate(healthy_cts, start=1):
            done = (number - 1) / len(healthy_cts)
            report(Progress("Finding the lungs", 0.05 + (_READ - 0.05) * done))
            name = f"healthy-ct-{number}"
            if name in patients_in(slices):
                raise InputError(f"The slice folder has a patient {name}: give it another name.")
            volume = read_volume(path)
            slices += healthy_slices(volume, name, get_extractor(parameters), cancel)
        synthesis = synthesize(slices, amount, seed, share_of(report, _READ, _MADE), cancel)
        report(Progress("Writing slices", _MADE))
        write_slice_folder(
            [one.item for one in synthesis.slices],
            staging,
            [
                {
                    "synthetic": "yes",
                    "lesion_from": one.infected.name,
                    "lungs_from": one.healthy.name,
                    "infection_rate": f"{one.infection_rate:.6f}",
                }
                for one in synthesis.slices
            ],
        )
        write_synthesis_figure(synthesis, staging / SYNTHESIS_PICTURE)
        facts = {
            "format": SYNTHESIS_FORMAT,
            "version": SYNTHESIS_VERSION,
            "research_use_notice": RESEARCH_USE_NOTICE,
            "software": __version__,
            "amount": amount,
            "seed": seed,
            "lungs": parameters.lungs if healthy_cts else None,
            "left_out": sorted(leave_out),
            "patients": sorted(
                {
                    source.patient
                    for one in synthesis.slices
                    for source in (one.infected, one.healthy)
                }
            ),
            "slices": len(synthesis.slices),
            "wanted": synthesis.wanted,
            "infected": synthesis.infected,
            "healthy": synthesis.healthy,
            "too_small": synthesis.too_small,
        }
        (staging / SYNTHESIS_JSON).write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
        cancel.raise_if_cancelled()
    report(Progress("Done", 1.0))
    return synthesis


def _read(folder: Path, leave_out: list[str]) -> list[LabelledImage]:
    patients = slices_per_patient(folder)
    if unknown := sorted(set(leave_out) - set(patients)):
        raise InputError(f"The slice folder has no patient {unknown[0]} to leave out.")
    return read_slice_folder(folder, set(patients) - set(leave_out), with_lungs=True)
