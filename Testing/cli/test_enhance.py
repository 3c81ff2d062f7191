"""``enhance`` as a script uses it: chosen answers, corrections, judgement before and after."""

from __future__ import annotations

import csv
import json
from collections import Counter

import pytest
import torch
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.data.slice_folder import write_slice_folder
from COVIDLesionSegLib.engine.models.calibration import Calibration, ReliabilityBin
from COVIDLesionSegLib.engine.models.catalogue import read_models
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.networks.eamc import AMCNet
from COVIDLesionSegLib.engine.volume import write_volume
from COVIDLesionSegLib.report.training import BeforeAfter, before_after_lines
from engine.crafted import make_card, write_model
from engine.labelled_data import write_slice_folder as write_labelled
from engine.training_slices import labelled

pytestmark = pytest.mark.slow

LICENCE = ("--licence", "CC0-1.0", "--licence-note", "A test.")
HELD_OUT = "coronacases_org_002"
PLAIN = {"multi_scale": False, "attention": False}
TRAINING = {"data": {"training": {"p0": 3}, "validation": {}, "outside": {}}}


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory):
    """Models of the user's: certain of lesion everywhere, also with a calibration; or not."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    bins = (ReliabilityBin(0.5, 0.5, 9), ReliabilityBin(1.0, 0.87, 9))
    fitted = Calibration(1.0, 0.0, 0.1, 0.01, bins, "p0")
    for name, bias in (("sure", 8.0), ("unsure", 0.5), ("calibrated", 8.0)):
        network = AMCNet(**PLAIN).eval()
        with torch.no_grad():
            *_, (_, last) = network.named_parameters()
            last.fill_(bias)
        calibration = fitted if name == "calibrated" else None
        card = make_card(
            Preprocessing((-1000.0, 0.0), patch_size=(32, 32), pixel_mm=(0.5, 1.0)),
            id=name,
            network="AMCNet",
            arguments=PLAIN,
            training=TRAINING,
            calibration=calibration,
        )
        write_model(network, card, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(USER_FOLDER_VARIABLE, str(folder))
        yield folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with labelled and unlabelled slices."""
    folder = tmp_path_factory.mktemp("private-place")
    write_labelled(folder / "labelled")
    unlabelled = [labelled(f"u{n // 4}", seed=n, shape=(48, 48)) for n in range(8)]
    write_slice_folder(unlabelled, folder / "unlabelled")
    return folder


@pytest.fixture(scope="module")
def enhance(data):
    def run(model_id, out, *arguments, model="sure", judge=HELD_OUT):
        basic = ("enhance", model_id, "--model", model, "--out", out, "--steps", 2, *LICENCE)
        given = ("--slices", data / "labelled", "--validate", judge, *arguments)
        return CliRunner().invoke(app, [str(word) for word in (*basic, *given)])

    return run


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def enhanced(enhance, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "model"
    done = enhance("better", out, "--unlabelled", data / "unlabelled", "--prediction-weight", 2)
    assert done.exit_code == 0, done.output
    return out, done.output


def test_the_most_certain_answers_are_learned_from_and_the_card_says_so(enhanced):
    out, _ = enhanced
    rows = rows_of(out / "candidates.csv")
    assert Counter(row["verdict"] for row in rows) == {
        "selected": 2,
        "not among the most confident": 6,
    }
    chosen = Counter(row["patient"] for row in rows if row["verdict"] == "selected")
    (model,) = read_models(out / "better.json")
    load_network(model)
    training = model.card.training
    assert training["parent"]["id"] == "sure"
    assert training["data"]["training"] == {"p0": 3, "coronacases_org_001": 2, **chosen}
    assert training["data"]["pseudo_labels"] == chosen
    assert training["recipe"]["learning_rate"] == 1e-4
    assert (
        "2 most confident predictions of sure itself, each counted 2 times." in model.card.notes[-1]
    )


def test_the_command_on_the_card_names_no_path_and_only_what_decides_the_weights(enhanced):
    (model,) = read_models(enhanced[0] / "better.json")
    assert model.card.training["command"] == (
        "covid-lesion-seg enhance better --licence CC0-1.0 --licence-note 'A test.' "
        "--validate coronacases_org_002 --model sure --unlabelled UNLABELLED --slices SLICES "
        "--prediction-weight 2.0 --steps 2 --out OUT"
    )


def test_validation_patients_judge_the_model_before_and_after(enhanced):
    out, told = enhanced
    patient, mean = rows_of(out / "before-after.csv")
    assert (patient["patient"], patient["slices"]) == ("coronacases_org_002", "2")
    (model,) = read_models(out / "better.json")
    (after,) = (
        s.value
        for s in model.card.scores
        if s.metric == "Dice" and s.data.startswith("coronacases_org_002")
    )
    assert float(patient["dice_after"]) == pytest.approx(after, abs=1e-4)
    # Lesion everywhere: 2 x 140 of 2560 + 140 pixels.
    assert float(patient["dice_before"]) == pytest.approx(280 / 2700, abs=1e-4)
    assert mean["patient"] == "mean" and mean["dice_before"] == patient["dice_before"]
    assert "Learned from 2 predictions of its own and 0 corrected slices" in told
    assert "coronacases_org_002  Dice 0.104 before" in told


def test_a_model_that_got_worse_is_called_worse_plainly():
    one, two = BeforeAfter("a", 9, 0.8, 0.7), BeforeAfter("b", 3, 0.5, 0.55)
    assert before_after_lines([one, two], "parent") == [
        "a  Dice 0.800 before, 0.700 after, 9 slices",
        "b  Dice 0.500 before, 0.550 after, 3 slices",
        "The new model is WORSE: mean Dice 0.650 before, 0.625 after. Stay with parent.",
    ]
    good = BeforeAfter("b", 3, 0.5, 0.9)
    assert before_after_lines([one, good], "parent")[-1].endswith("; but it is for a.")
    new_false_positives = BeforeAfter("healthy", 9, None, 0.0)
    assert before_after_lines([good, new_false_positives], "parent")[-1].endswith("for healthy.")
    false_positives_gone = BeforeAfter("healthy", 9, 0.0, None)
    assert "but it is" not in before_after_lines([good, false_positives_gone], "parent")[-1]
    assert before_after_lines([good], "parent")[-1].startswith("The new model is not worse: mean")


def test_a_resumed_run_asks_nobody_again_and_ends_with_the_same_weights(enhanced, enhance, data):
    out, _ = enhanced
    before = (out / "better.safetensors").read_bytes()
    (out / "candidates.csv").rename(out / "kept.csv")
    given = ("--unlabelled", data / "unlabelled", "--prediction-weight", 2)
    resumed = enhance("better", out, *given, "--resume", "--json-progress")
    assert resumed.exit_code == 0, resumed.output
    assert (out / "better.safetensors").read_bytes() == before
    assert json.loads(resumed.stdout.splitlines()[-1])["done"] == str(out)
    assert not (out / "candidates.csv").exists()
    (out / "kept.csv").rename(out / "candidates.csv")
    other = enhance("better", out, *given, "--top-fraction", 0.5, "--resume")
    assert other.exit_code == 1 and "chosen from other data, or by another model" in other.output
    other = enhance("better", out, "--unlabelled", data / "unlabelled", "--resume")
    assert other.exit_code == 1 and "training on other training slices" in other.output


def test_a_corrected_ct_is_learned_from_and_is_no_candidate(enhance, small_chest, tmp_path):
    lesion = (small_chest.array > -600) & (small_chest.array < -300)
    write_volume(small_chest.array, small_chest.geometry, tmp_path / "ct.nrrd")
    write_volume(lesion, small_chest.geometry, tmp_path / "mask.nrrd")
    (tmp_path / "cts.csv").write_text("ct,patient\nct.nrrd,p9\n", encoding="utf-8")
    corrected = tmp_path / "corrected.csv"
    corrected.write_text("ct,mask,patient\nct.nrrd,mask.nrrd,p9\n", encoding="utf-8")
    out = tmp_path / "out"
    given = ("--unlabelled", tmp_path / "cts.csv", "--corrections", corrected)
    done = enhance("more", out, *given, "--correction-weight", 0.5)
    assert done.exit_code == 0, done.output
    assert rows_of(out / "candidates.csv") == []
    (model,) = read_models(out / "more.json")
    learned = model.card.training["data"]
    assert learned["training"]["p9"] > 5 and "pseudo_labels" not in learned
    assert "slices that people corrected, each counted 0.5 times." in model.card.notes[-1]
    assert str(tmp_path) not in json.dumps(model.card.training)


def test_nothing_certain_and_nothing_corrected_ends_before_training(enhance, data, tmp_path):
    done = enhance("x", tmp_path / "out", "--unlabelled", data / "unlabelled", model="unsure")
    said = " ".join(done.output.split())
    assert done.exit_code == 1 and "No prediction was confident enough to learn from" in said
    assert "lower the minimum confidence (certainty-index) from 0.9 to 0.6" in said
    verdicts = {row["verdict"] for row in rows_of(tmp_path / "out" / "candidates.csv")}
    assert verdicts == {"not confident enough"}
    assert not (tmp_path / "out" / "training.json").exists()


def test_a_calibrated_model_selects_by_expected_precision_and_says_with_which_it_would(
    enhance, data, tmp_path
):
    given = ("--unlabelled", data / "unlabelled")
    done = enhance("x", tmp_path / "a", *given, "--min-confidence", 0.9, model="calibrated")
    said = " ".join(done.output.split())
    assert done.exit_code == 1
    assert "(expected-precision) from 0.9 to 0.86 to learn from the most confident 2 slices" in said
    rows = rows_of(tmp_path / "a" / "candidates.csv")
    assert {row["measure"] for row in rows} == {"expected-precision"}
    assert [float(row["confidence"]) for row in rows] == [pytest.approx(0.87, abs=1e-3)] * 8

    given = (*given, "--selection", "certainty-index", "--top-fraction", 0.0)
    done = enhance("x", tmp_path / "b", *given, model="calibrated")
    assert "raise the fraction" in " ".join(done.output.split())
    rows = rows_of(tmp_path / "b" / "candidates.csv")
    assert {row["measure"] for row in rows} == {"certainty-index"}
    assert {row["verdict"] for row in rows} == {"not among the most confident"}


@pytest.mark.parametrize(
    ("arguments", "model", "judge", "code", "message"),
    [
        ((), "sure", HELD_OUT, 2, "Name unlabelled CTs or corrections"),
        (("--unlabelled", "nowhere.csv"), "sure", HELD_OUT, 1, "nowhere.csv does not exist"),
        (("--unlabelled", "DATA/labelled"), "sure", HELD_OUT, 1, "are held out, so"),
        (
            ("--unlabelled", "DATA/unlabelled", "--selection", "expected-precision"),
            "sure",
            HELD_OUT,
            1,
            "Model sure is not calibrated",
        ),
        (("--unlabelled", "DATA/unlabelled"), "sure", "nobody", 1, "no patient nobody"),
        (("--unlabelled", "DATA/unlabelled"), "unet", HELD_OUT, 1, "no trained weights"),
        (
            ("--unlabelled", "DATA/unlabelled"),
            "lungs-unet-resnet18",
            "x",
            1,
            "finds lung, but confidence",
        ),
    ],
)
def test_what_cannot_be_enhanced_is_refused_before_anything_is_written(
    arguments, model, judge, code, message, enhance, data, tmp_path
):
    words = [word.replace("DATA", str(data)) for word in arguments]
    done = enhance("x", tmp_path / "out", *words, model=model, judge=judge)
    assert done.exit_code == code
    assert message in " ".join(done.output.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_patients_of_the_parent_do_not_judge(enhanced, enhance, data, tmp_path, monkeypatch):
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(enhanced[0]))
    given = ("--unlabelled", data / "unlabelled")
    done = enhance("x", tmp_path / "out", *given, model="better", judge="coronacases_org_001")
    assert done.exit_code == 1
    assert "Model better learned from coronacases_org_001, so they are not held out" in done.output
