"""``train-detector`` as a script uses it: a model that loads, its scores, going on, refusals."""

from __future__ import annotations

import json

import pytest
import torch
import torchvision
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.data.slice_folder import write_slice_folder
from COVIDLesionSegLib.engine.models.catalogue import read_models
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.models.weights import load_network
from engine.detector_slices import blobs, some

pytestmark = pytest.mark.slow

LICENCE = ("--licence", "CC0-1.0", "--licence-note", "A test.")


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    folder = tmp_path_factory.mktemp("private-place") / "slices"
    slices = [*some(number=4), blobs("p2", 2, 30), blobs("p2", 0, 31)]
    write_slice_folder(slices, folder)

    def run(model_id, out, *arguments):
        basic = ("train-detector", model_id, "--slices", folder, "--out", out, *LICENCE)
        words = (*basic, "--steps", 1, *arguments)
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


@pytest.fixture(scope="module")
def trained(train, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "model"
    small = ("--input-size", 64, "--scale", 8, "--scale", 16, "--class", "normal", "--class", "ill")
    own = ("--refinement", "shared", "--least-overlap", 0.5, "--augment", "--eight-bit")
    encoder = out.with_name("resnet18.pth")
    torch.save(torchvision.models.resnet18().state_dict(), encoder)
    done = train("mine", out, "--validate", "p2", *small, *own, "--encoder-weights", encoder)
    assert done.exit_code == 0, done.output
    return out


def test_a_detector_that_loads_with_its_card(trained):
    (model,) = read_models(trained / "mine.json")
    card = model.card
    load_network(model)
    assert card.finds_instances and card.outputs == ("normal", "ill")
    assert card.arguments["refinement"] == "shared" and card.arguments["scales"] == [8, 16]
    assert card.arguments["least_overlap"] == 0.5
    assert any("encoder started from the weights in a file" in note for note in card.notes)
    assert card.preprocessing.input_size == (64, 64)
    assert 0 < card.arguments["mean"] < 1 and card.arguments["std"] > 0
    assert card.learned_from == {"p1": 4}
    assert card.training["recipe"]["augmentation"]["flip"] == 0.5
    assert "private-place" not in json.dumps(card.training)
    assert (trained / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_its_scores_name_rule_data_and_interval(trained):
    (model,) = read_models(trained / "mine.json")
    metrics = [score.metric for score in model.card.scores]
    assert metrics.count("mAP@.50:.05:.95") == 2 and metrics.count("AP@0.50") == 2
    assert {"sensitivity, normal", "sensitivity, ill", "F1"} <= set(metrics)
    rules = [score.protocol for score in model.card.scores if score.metric == "AP@0.50"]
    assert "by image, then averaged" in rules[0] and "by COCO's rule" in rules[1]
    assert {score.data for score in model.card.scores} == {"p2, 2 slices"}
    sensitivity = next(score for score in model.card.scores if score.metric == "sensitivity, ill")
    assert "95 % interval" in sensitivity.protocol
    assert not model.card.bfloat16 and not any("bfloat16" in note for note in model.card.notes)


def test_a_detector_that_learned_for_one_step_is_too_weak_for_8_bits(trained):
    (model,) = read_models(trained / "mine.json")
    (note,) = (one for one in model.card.notes if "8 bits" in one)
    assert model.card.trained_weights.bits is None
    assert "half precision: the mean average precision by COCO's rule is 0.0" in note


def test_fine_tuning_to_other_classes_names_the_parent(trained, train, tmp_path, monkeypatch):
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(trained))
    onward = ("--network", "mine", "--fine-tune", "--class", "clean", "--class", "infected")
    done = train("next", tmp_path / "b", "--validate", "p2", *onward, "--fixed-statistics")
    assert done.exit_code == 0, done.output
    (child,) = read_models(tmp_path / "b" / "next.json")
    assert child.card.training["parent"]["id"] == "mine"
    assert child.card.outputs == ("clean", "infected")
    assert child.card.arguments["refinement"] == "shared"
    assert child.card.arguments["fixed_statistics"] is True
    assert child.card.preprocessing.input_size == (64, 64)


def test_a_detector_does_not_segment_and_a_segmenting_model_is_no_detector(
    trained, train, tmp_path, monkeypatch
):
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(trained))
    words = ["segment", "ct.nii.gz", "--model", "mine", "--out", str(tmp_path / "s")]
    refused = CliRunner().invoke(app, words)
    assert refused.exit_code == 1
    assert "mine finds instances, not lesions" in " ".join(refused.output.split())
    refused = train("next", tmp_path / "c", "--no-validation", "--network", "amc-net")
    assert refused.exit_code == 1 and "does not find lesions one by one" in refused.output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "Name patients to validate on"),
        (("--validate", "p2", "--no-validation"), 2, "Name patients to validate on"),
        (("--no-validation", "--class", "ill"), 2, "at least two classes"),
        (("--no-validation", "--input-size", "100"), 2, "multiple of 16"),
        (("--no-validation", "--learning-rate", "2"), 2, "between 0 and 1"),
        (
            ("--no-validation", "--class", "normal", "--class", "other", "--class", "ill"),
            1,
            "No training slice is of the class other",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(arguments, code, message, train, tmp_path):
    small = () if "--input-size" in arguments else ("--input-size", 64)
    done = train("mine", tmp_path / "out", *small, *arguments)
    assert done.exit_code == code
    assert message in " ".join(done.output.replace("│", " ").split())
