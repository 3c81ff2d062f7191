"""``self-learn``, and ``train`` on pseudo-labels: CTs in, a model out that says what it is."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.data.slice_folder import read_slice_folder
from COVIDLesionSegLib.engine.models.catalogue import read_models
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import write_volume
from engine.labelled_data import write_slice_folder

pytestmark = pytest.mark.slow

LICENCE = ("--licence", "CC0-1.0", "--licence-note", "A test.", "--steps", 4)


def run(*words):
    """The command as typed: a card shows it."""
    words = [str(word) for word in words]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["covid-lesion-seg", *words])
        return CliRunner().invoke(app, words)


@pytest.fixture(scope="module")
def place(tmp_path_factory, small_chest, small_drsegunet):
    folder = tmp_path_factory.mktemp("private-place")
    write_volume(small_chest.array, small_chest.geometry, folder / "ct-7.nrrd")
    write_slice_folder(folder / "slices")
    return folder


@pytest.fixture(scope="module")
def self_learn(place):
    def learn(out, *words, ct="ct-7.nrrd", validate="coronacases_org_002", network="small"):
        judges = ("--slices", place / "slices", "--validate", validate)
        basic = ("self-learn", "mine", place / ct, "--out", out, "--network", network)
        return run(*basic, *judges, *LICENCE, *words)

    return learn


@pytest.fixture(scope="module")
def learned(self_learn, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "model"
    done = self_learn(out)
    assert done.exit_code == 0, done.output
    return out, done.output


def test_a_model_that_loads_and_tells_that_nobody_checked_its_labels(learned, place):
    out, said = learned
    (model,) = read_models(out / "mine.json")
    load_network(model)
    card = model.card
    assert card.title == "Small, self-learned from pseudo-labels"
    unchecked = "the lesions of ct-7 were computed, and no expert checked them"
    assert any(unchecked in note for note in card.notes) and unchecked in said
    assert any("selected on the validation patients" in note for note in card.notes)
    assert set(card.training["data"]["training"]) == {"ct-7"}
    assert card.training["data"]["pseudo_labels"] == card.training["data"]["training"]
    assert card.training["data"]["validation"] == {"coronacases_org_002": 2}
    assert "self-learn mine CT --licence" in card.training["command"]
    assert str(place) not in json.dumps(card.training)


def test_every_level_is_in_the_table_and_told_and_one_of_them_is_kept(learned):
    out, said = learned
    with (out / "levels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["level"] for row in rows] == ["1", "2"]
    assert sorted(row["kept"] for row in rows) == ["no", "yes"]
    assert [row["frozen_parameters"] for row in rows] == ["0", "2"]
    for row in rows:
        kept = ", kept" if row["kept"] == "yes" else ""
        dice = float(row["validation_dice"])
        told = f"Level {row['level']}: validation Dice {dice:.4f}, {row['frozen_parameters']} "
        assert f"{told}parameters frozen{kept}\n" in said
        assert (out / f"level-{row['level']}" / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_resuming_reads_the_pseudo_labels_again_and_gives_the_same_weights(learned, self_learn):
    out, _ = learned
    index = out / "pseudo-labels" / "ct-7" / "index.csv"
    made, weights = index.stat().st_mtime_ns, (out / "mine.safetensors").read_bytes()
    again = self_learn(out)
    assert again.exit_code == 1 and "resume the training. Option: --resume." in again.output
    resumed = self_learn(out, "--resume", "--json-progress")
    assert resumed.exit_code == 0, resumed.output
    assert json.loads(resumed.stdout.splitlines()[-1])["done"] == str(out)
    assert index.stat().st_mtime_ns == made
    assert (out / "mine.safetensors").read_bytes() == weights


def test_pseudo_labels_are_a_slice_folder_that_no_model_is_judged_on(learned, tmp_path):
    out, _ = learned
    folder = out / "pseudo-labels" / "ct-7"
    assert all(item.pseudo for item in read_slice_folder(folder))
    judged = run("evaluate", folder, "--out", tmp_path / "scores", "--model", "amc-net")
    assert judged.exit_code == 1
    assert "has pseudo-labels, which nobody checked" in " ".join(judged.output.split())


def test_what_cannot_be_learned_is_one_clear_line(learned, self_learn, place, tmp_path):
    out, _ = learned
    write_volume(*_chest(), place / "coronacases_org_002.nrrd")
    for words, message in (
        ({"ct": "coronacases_org_002.nrrd"}, "coronacases_org_002 is among the CTs to learn from"),
        ({"validate": "nobody"}, "no patient nobody"),
        ({"network": "lungs-unet-resnet18"}, "which the network of lungs-unet-resnet18 does not"),
        ({"rule": "thesis"}, "The thesis' rule labels ground glass alone"),
    ):
        rule = words.pop("rule", "density")
        refused = self_learn(tmp_path / "out", "--rule", rule, **words)
        assert refused.exit_code == 1 and message in " ".join(refused.output.split())
        assert not (tmp_path / "out" / "level-1").exists()
    twice = self_learn(tmp_path / "twice", place / "ct-7.nrrd")
    assert twice.exit_code == 1 and "Two of the CTs are called ct-7" in twice.output
    judged = run(
        "self-learn", "mine", place / "ct-7.nrrd", "--out", out, "--validate", "a", *LICENCE
    )
    assert judged.exit_code == 2


def test_more_cts_are_learned_from_at_level_2_and_are_on_the_card(self_learn, place, tmp_path):
    write_volume(*_chest(), place / "ct-8.nrrd")
    out = tmp_path / "out"
    done = self_learn(out, "--more-ct", place / "ct-8.nrrd")
    assert done.exit_code == 0, done.output
    assert not (out / "pseudo-labels" / "ct-8").exists()
    levels = [json.loads((out / f"level-{n}" / "training.json").read_text()) for n in (1, 2)]
    assert levels[0]["training"] != levels[1]["training"]
    alone = self_learn(tmp_path / "b", "--more-ct", place / "ct-8.nrrd", "--depth", 1)
    assert alone.exit_code == 2


def test_another_ct_of_the_same_name_is_not_taken_for_the_first(learned, self_learn, place):
    out, _ = learned
    (place / "other").mkdir()
    write_volume(*_chest(), place / "other" / "ct-7.nrrd")
    refused = self_learn(out, "--resume", ct="other/ct-7.nrrd")
    assert refused.exit_code == 1 and "ct-7 are those of another CT" in refused.output


def _chest():
    volume = generate_chest_ct(seed=9, size=(64, 52, 12), spacing=(5.0, 5.0, 22.0)).volume
    return volume.array, volume.geometry


@pytest.fixture(scope="module")
def train_by_class(place, small_drsegunet):
    """Trains on pseudo-labels of one CT; another one, with an expert's classes, judges."""
    chest = generate_chest_ct(seed=9, size=(64, 52, 12), spacing=(5.0, 5.0, 22.0))
    write_volume(chest.volume.array, chest.volume.geometry, place / "judge.nrrd")
    write_volume(chest.lesions, chest.volume.geometry, place / "expert.nrrd")
    labels = place / "labels.seg.nrrd"
    assert run("pseudo-label", place / "ct-7.nrrd", "--out", labels).exit_code == 0
    (place / "cts.csv").write_text(
        "ct,mask,patient\nct-7.nrrd,labels.seg.nrrd,p7\njudge.nrrd,expert.nrrd,p9\n"
    )

    def train(out, validate, *words):
        basic = ("train", "by-class", "--out", out, "--network", "small")
        return run(*basic, "--volumes", place / "cts.csv", "--validate", validate, *LICENCE, *words)

    return train


def test_pseudo_labels_can_be_trained_on_and_the_card_says_so(train_by_class, tmp_path):
    done = train_by_class(tmp_path / "out", "p9")
    assert done.exit_code == 0, done.output
    (model,) = read_models(tmp_path / "out" / "by-class.json")
    data = model.card.training["data"]
    assert data["pseudo_labels"] == data["training"] and set(data["training"]) == {"p7"}
    assert any("the lesions of p7 were computed" in note for note in model.card.notes)
    assert [score for score in model.card.scores if "p9" in score.data]


def test_classes_of_an_expert_leave_no_word_of_pseudo_labels_on_the_card(
    train_by_class, place, tmp_path
):
    text = (place / "cts.csv").read_text().replace("labels.seg.nrrd,p7", "expert.nrrd,p8")
    (place / "experts.csv").write_text(text.replace("ct-7.nrrd", "judge.nrrd"))
    done = train_by_class(tmp_path / "out", "p9", "--volumes", place / "experts.csv")
    assert done.exit_code == 0, done.output
    assert "pseudo" not in (tmp_path / "out" / "by-class.json").read_text(encoding="utf-8")


def test_nobody_judges_by_pseudo_labels(train_by_class, tmp_path):
    refused = train_by_class(tmp_path / "out", "p7")
    assert refused.exit_code == 1
    assert "Patient p7 has pseudo-labels, which nobody checked" in " ".join(refused.output.split())


def test_masks_without_classes_are_refused_by_a_network_that_tells_them_apart(
    place, small_drsegunet, tmp_path
):
    words = ("--slices", place / "slices", "--validate", "coronacases_org_002", *LICENCE)
    refused = run("train", "x", "--out", tmp_path / "out", "--network", "small", *words)
    assert refused.exit_code == 1
    said = " ".join(refused.output.split())
    assert "mask of slice coronacases_org_001_001 holds lesions without their class" in said


def test_a_model_trained_further_with_an_experts_masks_keeps_the_word_of_pseudo_labels(
    learned, train_by_class, place, tmp_path, monkeypatch
):
    out, _ = learned
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(out))
    rows = "ct,mask,patient\njudge.nrrd,expert.nrrd,p8\njudge.nrrd,expert.nrrd,p9\n"
    (place / "further.csv").write_text(rows.replace("judge.nrrd", "judge-copy.nrrd", 1))
    (place / "judge-copy.nrrd").write_bytes((place / "judge.nrrd").read_bytes())
    onward = ("--network", "mine", "--fine-tune", "--volumes", place / "further.csv")
    done = train_by_class(tmp_path / "out", "p9", *onward)
    assert done.exit_code == 0, done.output
    (model,) = read_models(tmp_path / "out" / "by-class.json")
    assert set(model.card.training["data"]["pseudo_labels"]) == {"ct-7"}
    assert set(model.card.training["data"]["training"]) == {"ct-7", "p8"}
    assert any("the lesions of ct-7 were computed" in note for note in model.card.notes)
