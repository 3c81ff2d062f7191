"""Ground glass and consolidation scored by themselves, where model and expert tell them apart."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.evaluation.classes import BACKGROUND, MEAN, ClassCounts
from COVIDLesionSegLib.engine.evaluation.evaluated_model import EvaluatedModel
from COVIDLesionSegLib.engine.evaluation.run import evaluate_models
from COVIDLesionSegLib.engine.inference.ensemble import LabelledSlices
from COVIDLesionSegLib.engine.labels import CLASSES
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.report.evaluation import (
    write_classes_csv,
    write_evaluation_html,
    write_evaluation_json,
)
from engine.crafted import Pixelwise, make_card

TRUTH = np.array([[1, 1, 1, 1, 2, 2, 0, 0, 0, 0]], np.uint8)
FOUND = np.array([[1, 1, 2, 0, 2, 2, 2, 0, 0, 0]], np.uint8)


def image(lesion, patient="p"):
    return LabelledImage("s", patient, np.zeros(lesion.shape, np.float32), False, lesion)


def scores_of(found, truth):
    counts = ClassCounts(CLASSES, CLASSES)
    counts.add(found, image(truth))
    return counts.scores()


def test_each_class_is_counted_by_hand():
    """DRSegUNet thesis, sections 3.7.1 and 3.7.2."""
    scores = scores_of(FOUND, TRUTH)
    ground_glass, consolidation = (scores[name] for name in CLASSES)
    assert ground_glass["dice"] == pytest.approx(2 * 2 / (2 + 4))
    assert ground_glass["iou"] == pytest.approx(2 / 4)
    assert (ground_glass["precision"], ground_glass["sensitivity"]) == (1.0, 0.5)
    assert consolidation["dice"] == pytest.approx(2 * 2 / (4 + 2))
    assert consolidation["iou"] == pytest.approx(2 / 4)
    assert scores[MEAN]["iou"] == pytest.approx(0.5)
    assert scores[BACKGROUND]["iou"] == pytest.approx(3 / 5)


def test_a_class_that_neither_has_is_undefined_and_not_in_the_mean():
    scores = scores_of(np.minimum(FOUND, 1), np.minimum(TRUTH, 1))
    assert scores[CLASSES[1]]["dice"] is None
    assert scores[MEAN]["dice"] == scores[CLASSES[0]]["dice"]


def test_a_mask_without_classes_is_not_counted_and_one_without_lesion_is():
    assert scores_of(FOUND, TRUTH > 0) == {}
    clean = scores_of(FOUND, np.zeros(TRUTH.shape, bool))
    assert clean[CLASSES[1]]["precision"] == 0.0
    one_class = ClassCounts(["lesion"], ["lesion"])
    one_class.add(FOUND, image(TRUTH))
    assert one_class.scores() == {}


class Known(EvaluatedModel):
    """Finds what it is told to."""

    def predict(self, sample, lung_mask, *_):
        labels = FOUND[None]
        return LabelledSlices((labels > 0).astype(np.float32), labels, None)

    def describe(self):
        return {}


class Data:
    samples_of = {"p": 1, "q": 1}
    classes = CLASSES
    unit, lungs, mask_by_default = "px", None, False

    def read(self, patient, cancel):
        yield image(TRUTH if patient == "p" else TRUTH > 0, patient)


@pytest.fixture
def evaluation():
    card = make_card(channels=(*CLASSES, "background"), classes=CLASSES)
    return evaluate_models(Data(), [Known([(card, Pixelwise())], Parameters(device="cpu"))])


def test_an_evaluation_tells_classes_apart_beside_scores_of_all_together(evaluation):
    (model,) = evaluation.models
    assert model.pooled["dice"] == pytest.approx(2 * 5 / (6 + 6))
    assert model.patients["p"].classes == model.classes == scores_of(FOUND, TRUTH)
    assert model.patients["q"].classes == {}
    (left_out,) = model.flags
    assert left_out.startswith(f"Masks of q do not tell {CLASSES[0]} and {CLASSES[1]} apart")


def test_a_model_that_names_the_classes_in_another_order_is_scored_by_their_names():
    other = tuple(reversed(CLASSES))
    counts = ClassCounts(other, CLASSES)
    counts.add(np.array([0, 2, 1], np.uint8)[FOUND], image(TRUTH))
    assert counts.scores() == scores_of(FOUND, TRUTH)


def test_a_model_of_other_classes_than_the_masks_gets_no_scores_of_classes():
    card = make_card(channels=("lesion", "scar", "background"), classes=("lesion", "scar"))
    (model,) = evaluate_models(
        Data(), [Known([(card, Pixelwise())], Parameters(device="cpu"))]
    ).models
    assert model.flags == () == tuple(model.classes)
    assert model.pooled["dice"] == pytest.approx(2 * 5 / (6 + 6))


def test_the_scores_of_classes_are_in_every_file(evaluation, tmp_path):
    write_classes_csv(evaluation, tmp_path / "classes.csv")
    with (tmp_path / "classes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    named = [(row["patient"], row["class"]) for row in rows]
    assert named == [(who, name) for who in ("p", "all") for name in (*CLASSES, MEAN, BACKGROUND)]
    assert float(rows[0]["iou"]) == pytest.approx(0.5)
    write_evaluation_html(evaluation, tmp_path / "a.html")
    write_evaluation_json(evaluation, tmp_path / "a.json")
    for name in ("a.html", "a.json"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert CLASSES[1] in text and MEAN in text
    written = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["models"][0]
    assert written["remarks"] == list(evaluation.models[0].flags) and "flags" not in written


def test_without_classes_there_is_no_such_file(evaluation, tmp_path):
    none = replace(evaluation.models[0], classes={}, patients={})
    write_classes_csv(replace(evaluation, models=(none,)), tmp_path / "classes.csv")
    assert not (tmp_path / "classes.csv").exists()
