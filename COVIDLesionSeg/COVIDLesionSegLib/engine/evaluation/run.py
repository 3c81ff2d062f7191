"""Judge models on labelled data, sample by sample, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

from ..errors import InputError, ParameterError
from ..inference.provenance import describe_software
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress, share_of
from .contender import Contender
from .examples import Example, ExampleChooser
from .samples import LabelledData
from .scores import ModelScores, PatientScores, protocol_of, summarise
from .tally import Tally


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        protocol: How the scores of all models were measured; each model's own says more.
        unit: Unit of distances, ``"mm"`` or ``"px"``.
        slices: Number of slices by patient.
        models: Scores of each model, in the order given.
        examples: Slices worth a picture.
        provenance: What it was computed with; no paths.
    """

    protocol: str
    unit: str
    slices: dict[str, int]
    models: tuple[ModelScores, ...]
    examples: tuple[Example, ...]
    provenance: dict[str, Any]


def evaluate(
    data: LabelledData,
    contenders: list[Contender],
    lung_mask: bool | None = None,
    report: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Evaluation:
    """Let every model answer every sample, and score the answers.

    Args:
        data: Samples with expert masks.
        contenders: The models, all with the same threshold.
        lung_mask: Whether what a model finds outside the lungs is dropped; an expert's lesion
            there still counts as missed. None leaves it to the data.
        report: Called with progress.
        cancel: Looked at between samples, models and batches.

    Raises:
        InputError: A sample cannot be read, its mask does not belong to it, or nobody checked it.
        ParameterError: The lungs are needed, but not known.
        DeviceError: Out of memory, with no smaller step left.
        Cancelled: The token was set.
    """
    cancel = cancel or CancelToken()
    lung_mask = data.mask_by_default if lung_mask is None else lung_mask
    if lung_mask and data.lungs is None:
        raise ParameterError(
            "A lung mask was asked for, but the data have no lungs: add a folder lung/ with them, "
            "or leave the lung mask out."
        )
    pooled = [Tally() for _ in contenders]
    seconds = [0.0 for _ in contenders]
    patients: list[dict[str, PatientScores]] = [{} for _ in contenders]
    chooser = ExampleChooser()
    total, done = sum(data.samples_of.values()), 0
    for patient in data.samples_of:
        tallies = [Tally() for _ in contenders]
        for sample in data.read(patient, cancel):
            if sample.pseudo:
                raise InputError(
                    f"{sample.name} has pseudo-labels, which nobody checked and so nobody is "
                    "judged by: correct them in 3D Slicer, and rename the segments."
                )
            predicted = []
            for number, contender in enumerate(contenders):
                start = (done + number / len(contenders)) / total
                end = (done + (number + 1) / len(contenders)) / total
                report(Progress("Finding lesions", start, f"{sample.name}: {contender.name}"))
                began = perf_counter()
                decision = contender.predict(
                    sample, lung_mask, share_of(report, start, end), cancel
                )
                seconds[number] += perf_counter() - began
                cancel.raise_if_cancelled()
                tallies[number].add(sample, decision)
                predicted.append(decision.labels > 0)
            chooser.consider(sample, predicted)
            done += 1
        for number, (contender, tally) in enumerate(zip(contenders, tallies, strict=True)):
            patients[number][patient] = PatientScores.of(tally, contender.learned_from(patient))
            pooled[number].merge(tally)
    report(Progress("Finding lesions", 1.0))
    protocol = protocol_of(contenders[0].parameters, data.lungs if lung_mask else None)
    return Evaluation(
        protocol=protocol,
        unit=data.unit,
        slices={name: scores.slices for name, scores in patients[0].items()},
        models=tuple(
            ModelScores(
                model=contender.name,
                title=contender.title,
                protocol=protocol + contender.own_protocol(data.lungs),
                seconds_per_slice=spent / len(tally.slices),
                remarks=tuple(flag.message for flag in contender.flags),
                **summarise(of_patient, tally),
            )
            for contender, of_patient, tally, spent in zip(
                contenders, patients, pooled, seconds, strict=True
            )
        ),
        examples=tuple(chooser.examples),
        provenance={
            "models": {id_: facts for one in contenders for id_, facts in one.describe().items()},
            "parameters": _common_parameters(contenders[0], data),
            "software": describe_software(),
        },
    )


def _common_parameters(contender: Contender, data: LabelledData) -> dict[str, Any]:
    """The parameters of all contenders, with the lungs that the data really had."""
    parameters = contender.parameters.to_dict() | {"lungs": data.lungs}
    del parameters["model"]
    return parameters
