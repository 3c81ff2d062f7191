"""The table of accuracy: complete, of the weights that ship, and the same in the documentation."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from benchmarks import accuracy
from benchmarks.accuracy import SETS, keep, measure, sets_of, shipped_models
from benchmarks.accuracy_table import BEGIN, DOCUMENT, END, table, write_into_docs

from COVIDLesionSegLib.engine.models import development_scores
from COVIDLesionSegLib.engine.models.development_scores import (
    OUTSIDE_SET,
    read_development_scores,
    weights_key,
)

MAKE_IT = "run python -m benchmarks.accuracy DATA --model ID for it"


def test_the_documentation_shows_the_table_that_ships():
    text = DOCUMENT.read_text(encoding="utf-8")
    shown = text.partition(BEGIN)[2].partition(END)[0]
    assert shown == table(read_development_scores()), "run python -m benchmarks.accuracy"


def test_every_trained_model_that_ships_has_a_row_of_its_present_weights_on_every_set():
    rows = {(row.model, row.data): row for row in read_development_scores()}
    expected = {(model.id, one.name) for model in shipped_models() for one in sets_of(model)}
    assert set(rows) == expected, MAKE_IT
    for model in shipped_models():
        for one in sets_of(model):
            key = weights_key([member.card for member in model.models])
            assert rows[model.id, one.name].weights == key, f"{model.id} changed: {MAKE_IT}"


def test_no_model_that_ships_learned_from_the_outside_set():
    outside = [row for row in read_development_scores() if row.data == OUTSIDE_SET]
    assert {row.learned for row in outside} == {"outside"}
    assert {(row.patients, row.slices) for row in outside} == {(5, 135)}


@pytest.fixture
def data(tmp_path):
    """Tiny development sets: two outside patients, one of several slices; one that was seen."""
    random = np.random.default_rng(0)
    for folder, names in (
        ("covid_slices", ["coronacases_org_001", "radiopaedia_a_1", "radiopaedia_b_1"]),
        ("medseg_train50", ["medseg_000"]),
    ):
        rows = []
        for case in names:
            for number in range(1 if case in ("radiopaedia_b_1", "medseg_000") else 8):
                image = random.integers(0, 90, (48, 64)).astype(np.uint8)
                lesion = np.zeros((48, 64), np.uint8)
                lesion[10:30, 10:40] = 1
                image[lesion > 0] += 100
                if folder == "covid_slices":
                    lesion *= 255
                name = f"{case}_{number:03d}"
                for kind, array in (("img", image), ("lesion", lesion)):
                    (tmp_path / folder / kind).mkdir(parents=True, exist_ok=True)
                    file = tmp_path / folder / kind / f"{name}.png"
                    sitk.WriteImage(sitk.GetImageFromArray(array), str(file))
                row = {"name": name, "grey_soft_peak": "200"}
                column = "case" if folder == "covid_slices" else "patient"
                rows.append(row | {column: case})
                if folder == "medseg_train50":
                    del rows[-1]["grey_soft_peak"]
        with (tmp_path / folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return tmp_path


def test_a_row_says_what_was_measured_and_whether_it_was_learned_from(data):
    (model,) = (model for model in shipped_models() if model.id == "unet-lite0")
    rows = {set_.name: measure(model, set_, data, 3) for set_ in SETS}
    outside, seen, windowed = rows[OUTSIDE_SET], rows["coronacases"], rows["MedSeg"]
    assert (outside.patients, outside.slices, outside.learned) == (2, 9, "outside")
    assert (seen.patients, seen.slices, seen.learned) == (1, 3, "seen")
    assert seen.protocol.endswith("; 3 slices of each patient that was learned from")
    assert (windowed.slices, windowed.lowest_dice) == (1, None)
    assert outside.lowest_dice is not None and outside.seconds_per_slice > 0
    assert outside.weights == weights_key([model.models[0].card])


def test_a_new_row_replaces_its_own_and_keeps_the_others(data, tmp_path, monkeypatch):
    (model,) = (model for model in shipped_models() if model.id == "unet-lite0")
    row = measure(model, SETS[1], data, 3)
    file = tmp_path / "scores.csv"
    for name in ("read_development_scores", "write_development_scores"):
        real = getattr(development_scores, name)
        monkeypatch.setattr(accuracy, name, lambda *rows, real=real: real(*rows, file))
    keep(replace(row, data="coronacases"))
    keep(replace(row, pooled_dice=0.1))
    keep(replace(row, pooled_dice=0.2))
    kept = development_scores.read_development_scores(file)
    assert [(one.data, one.pooled_dice) for one in kept][0] == ("MedSeg", 0.2)
    assert {one.data for one in kept} == {"MedSeg", "coronacases"} and len(kept) == 2


def test_a_document_without_marks_is_refused(tmp_path):
    (tmp_path / "accuracy.md").write_text("No marks.")
    with pytest.raises(ValueError, match=r"accuracy\.md has no marks"):
        write_into_docs([], tmp_path / "accuracy.md")
