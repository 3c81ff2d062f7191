"""Every model that ships on every development set, by one protocol, in one table.

``python -m benchmarks.accuracy DATA`` measures the models, writes their rows into the table that
ships, and a table of each set into docs/accuracy.md; ``--model ID`` measures one and keeps the
others' rows. DATA holds the folders ``covid_slices`` and ``medseg_train50``.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.data.slice_folder import SliceData, slices_per_patient
from COVIDLesionSegLib.engine.evaluation.evaluated_model import EvaluatedModel
from COVIDLesionSegLib.engine.evaluation.run import evaluate_models
from COVIDLesionSegLib.engine.evaluation.scores import ModelScores
from COVIDLesionSegLib.engine.inference.ensemble import LabelledSlices
from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER, load_catalogue
from COVIDLesionSegLib.engine.models.development_scores import (
    OUTSIDE_SET,
    DevelopmentScore,
    read_development_scores,
    weights_key,
    write_development_scores,
)
from COVIDLesionSegLib.engine.models.listing import ListedModel, list_models
from COVIDLesionSegLib.engine.models.scores import PUBLIC_SETS
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.progress import CancelToken

from .accuracy_table import write_into_docs

SEEN_SLICES = 5
"""Of each patient that a model learned from: its scores there say little."""


@dataclass(frozen=True)
class DevelopmentSet:
    """A set of slices.

    Attributes:
        name: Of :data:`PUBLIC_SETS`.
        folder: In the folder of the data.
        has_lungs: Whether there are lung masks, for networks that see the lungs only.
    """

    name: str
    folder: str
    has_lungs: bool = True


SETS = (
    DevelopmentSet(OUTSIDE_SET, "covid_slices"),
    DevelopmentSet("MedSeg", "medseg_train50", has_lungs=False),
    DevelopmentSet("coronacases", "covid_slices"),
)


class SetData(SliceData):
    """The patients of a set; of those that a model learned from a few slices, evenly spread."""

    def __init__(self, folder: Path, one: DevelopmentSet, model: EvaluatedModel, seen_slices: int):
        self.full = {
            patient: count
            for patient, count in slices_per_patient(folder).items()
            if patient.startswith(PUBLIC_SETS[one.name])
        }
        super().__init__(folder, list(self.full))
        self.seen = [patient for patient in self.full if model.learned_from(patient)]
        self._at_most = seen_slices
        for patient in self.seen:
            self.samples_of[patient] = len(self._chosen(patient))

    def read(self, patient: str, cancel: CancelToken) -> Iterator[LabelledImage]:
        """The slices of one patient that are evaluated."""
        slices = list(super().read(patient, cancel))
        yield from (slices[n] for n in self._chosen(patient))

    def _chosen(self, patient: str) -> list[int]:
        count = self.full[patient]
        if patient not in self.seen or count <= self._at_most:
            return list(range(count))
        return [int(n) for n in np.linspace(0, count - 1, self._at_most).round()]


class TimedModel(EvaluatedModel):
    """Adds up the processor time of its predictions, to which other work adds little."""

    seconds = 0.0

    def predict(self, *arguments: object, **more: object) -> LabelledSlices:
        """As :meth:`EvaluatedModel.predict`."""
        began = time.process_time()
        decision = super().predict(*arguments, **more)  # type: ignore[arg-type]
        self.seconds += time.process_time() - began
        return decision


def shipped_models() -> list[ListedModel]:
    """Trained lesion models and ensembles that ship; members of ensembles are no rows."""
    catalogue = load_catalogue()
    members = {member for ensemble in catalogue.ensembles for member in ensemble.members}
    return [
        one
        for one in list_models(catalogue)
        if one.trained
        and one.id not in members
        and all(model.folder == PACKAGED_FOLDER for model in one.models)
    ]


def sets_of(model: ListedModel) -> list[DevelopmentSet]:
    """The sets that a model is measured on: of an ensemble, which takes longer, the outside set."""
    if model.is_ensemble:
        return [set_ for set_ in SETS if set_.name == OUTSIDE_SET]
    sees_lungs_only = any(one.card.preprocessing.lung_mask for one in model.models)
    return [set_ for set_ in SETS if set_.has_lungs or not sees_lungs_only]


def measure(listed: ListedModel, one: DevelopmentSet, data: Path, seen: int) -> DevelopmentScore:
    """The row of a model on a set."""
    loaded = TimedModel(
        [(model.card, load_network(model)) for model in listed.models],
        Parameters(device="cpu", precision="float32"),
        ensemble=load_catalogue().ensemble(listed.id),
    )
    with tempfile.TemporaryDirectory() as temporary:
        slices = SetData(slice_folder(data / one.folder, Path(temporary)), one, loaded, seen)
        (scores,) = evaluate_models(slices, [loaded], lung_mask=False).models
    seconds = loaded.seconds / scores.slices
    return row_of(listed, one, scores, slices, seen, seconds)


def row_of(
    listed: ListedModel,
    one: DevelopmentSet,
    scores: ModelScores,
    slices: SetData,
    seen_slices: int,
    seconds: float | None,
) -> DevelopmentScore:
    """What an evaluation says, as a row of the table."""
    dice = {name: own.values["dice"] for name, own in scores.patients.items()}
    defined = {name: value for name, value in dice.items() if value is not None}
    several = [value for name, value in defined.items() if slices.full[name] > 1]
    pooled = scores.pooled["dice"]
    if pooled is None:
        raise ValueError(f"{one.name} has no lesions.")
    seen = len(slices.seen)
    unknown = any(own.learned_from is None for own in scores.patients.values())
    protocol = scores.protocol
    if any(slices.samples_of[name] < slices.full[name] for name in slices.seen):
        protocol += f"; {seen_slices} slices of each patient that was learned from"
    return DevelopmentScore(
        model=listed.id,
        data=one.name,
        patients=len(dice),
        slices=scores.slices,
        pooled_dice=pooled,
        median_dice=median(defined.values()),
        lowest_dice=min(several, default=None),
        sensitivity=scores.pooled["sensitivity"],
        precision=scores.pooled["precision"],
        seconds_per_slice=seconds,
        learned=_learned(seen, len(dice), unknown),
        protocol=protocol,
        weights=weights_key([model.card for model in listed.models]),
    )


def _learned(seen: int, patients: int, unknown: bool) -> str:
    if unknown:
        return "not recorded"
    if seen == patients:
        return "seen"
    return f"{seen} of {patients} seen" if seen else "outside"


def slice_folder(folder: Path, temporary: Path) -> Path:
    """The folder itself, or one beside it whose index says that its images are windowed."""
    index = folder / "index.csv"
    with index.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if {"windowed", "grey_soft_peak"} & set(rows[0]):
        return folder
    for kind in ("img", "lesion"):
        (temporary / kind).symlink_to((folder / kind).resolve())
    with (temporary / index.name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "patient", "windowed"])
        writer.writerows([row["name"], row["patient"], "yes"] for row in rows)
    return temporary


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write table and documentation after every row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="folder with the development sets")
    parser.add_argument("--model", action="append", help="only this one; repeatable")
    parser.add_argument("--set", action="append", help="only this set; repeatable")
    parser.add_argument("--seen-slices", type=int, default=SEEN_SLICES)
    options = parser.parse_args(arguments)
    shipped = {model.id: model for model in shipped_models()}
    if unknown := set(options.model or ()) - set(shipped):
        parser.error(f"no trained model that ships: {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    # Without data the documentation is written anew.
    for name in (options.model or list(shipped)) if options.data else ():
        for set_ in sets_of(shipped[name]):
            if options.set and set_.name not in options.set:
                continue
            began = time.monotonic()
            keep(measure(shipped[name], set_, options.data, options.seen_slices))
            print(f"{name} on {set_.name}: {(time.monotonic() - began) / 60:.1f} min", flush=True)
    write_into_docs(read_development_scores())


def keep(row: DevelopmentScore) -> None:
    """Put a row into the table, in place of that of the same model and set."""
    shipped = {model.id for model in shipped_models()}
    others = [
        score
        for score in read_development_scores()
        if (score.model, score.data) != (row.model, row.data) and score.model in shipped
    ]
    write_development_scores([*others, row])


if __name__ == "__main__":
    main()
