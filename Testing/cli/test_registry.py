"""``covid-lesion-seg registry``: a trained model goes from one user to another and is used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER, load_catalogue
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE, default_model
from COVIDLesionSegLib.engine.models.weights import load_network, save_weights
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL
from engine.labelled_data import write_slice_folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a registry command; tells its exit code and all it printed."""
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "models"))

    def run(*arguments):
        finished = CliRunner().invoke(app, ["registry", *map(str, arguments)])
        return finished.exit_code, finished.output

    return run


def renamed(archive, model_id):
    """The same model under another id, as another user would have trained it."""
    import zipfile

    with zipfile.ZipFile(archive) as old:
        files = {name: old.read(name) for name in old.namelist()}
    card = json.loads(files["amc-net/configs/card.json"]) | {"id": model_id}
    files["amc-net/configs/card.json"] = json.dumps(card).encode()
    with zipfile.ZipFile(archive, "w") as new:
        for name, data in files.items():
            new.writestr(name, data)


def test_export_import_promote_lineage_and_roll_back(run, tmp_path):
    archive = tmp_path / "model.zip"
    code, text = run("export", "amc-net", archive)
    assert code == 0 and "CC-BY-NC-SA-4.0" in text
    renamed(archive, "theirs")
    code, text = run("import", archive)
    assert code == 0 and "theirs imported" in text and "CC-BY-NC-SA-4.0" in text
    assert run("promote", "theirs")[0] == 0
    assert default_model() == "theirs"
    code, text = run("lineage", "theirs")
    assert code == 0 and "1010 slices of 11 patients" in text and "Dice 0.8335" in text
    code, text = run("import", archive)
    assert code == 1 and "delete theirs.json and theirs.safetensors in" in text
    assert text.endswith("Option: --id.\n")
    assert run("roll-back") == (0, f"{DEFAULT_MODEL} is the default model again.\n")
    assert default_model() == DEFAULT_MODEL


def test_export_overwrites_nothing_and_import_takes_no_folder(run, tmp_path):
    (tmp_path / "mine.zip").write_text("mine")
    code, text = run("export", "amc-net", tmp_path / "mine.zip")
    assert code == 1 and "mine.zip exists already" in text
    assert (tmp_path / "mine.zip").read_text() == "mine"
    code, text = run("export", "amc-net", tmp_path / "mine")
    assert code == 1 and "end in .zip" in text and not (tmp_path / "mine").exists()
    code, text = run("import", tmp_path)
    assert code == 1 and "covid-lesion-seg registry add" in text


def test_a_trained_model_is_added_from_its_folder_and_made_the_default(run, tmp_path):
    trained = tmp_path / "trained"
    trained.mkdir()
    for name in ("amc-net.json", "amc-net.safetensors"):
        shutil.copy(PACKAGED_FOLDER / name, trained)
    (trained / "training.json").write_text("{}")
    code, text = run("add", trained)
    assert code == 1 and "already among the models: amc-net" in text and "Option: --id." in text
    code, text = run("add", trained, "--id", "mine")
    assert code == 0 and "mine added" in text and "CC-BY-NC-SA-4.0" in text
    assert run("promote", "mine")[0] == 0
    assert default_model() == "mine"


def test_a_model_whose_card_states_a_low_dice_is_promoted_with_a_warning(run, tmp_path):
    trained = tmp_path / "trained"
    trained.mkdir()
    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
    for score in card["scores"]:
        score["value"] = 0.05
    (trained / "amc-net.json").write_text(json.dumps(card), encoding="utf-8")
    shutil.copy(PACKAGED_FOLDER / "amc-net.safetensors", trained)
    assert run("add", trained, "--id", "poor")[0] == 0
    code, text = run("promote", "poor")
    assert code == 0 and "Warning: Model poor has a Dice of 0.05 on" in text
    assert "Warning" not in run("promote", "amc-net")[1]


@pytest.fixture
def mine(run, tmp_path):
    """Adds a copy of AMC-Net to the user's models, under an id, fine-tuned from another one."""
    models = tmp_path / "models"

    def add(model_id: str, parent: str | None = None, **weights):
        trained = tmp_path / f"trained-{model_id}"
        trained.mkdir()
        card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
        # Other weights, so that each model has its own.
        network = load_network(load_catalogue().get("amc-net"))
        with torch.no_grad():
            next(network.parameters()).mul_(1 + len(model_id) / 100)
        file = trained / card["weights"]["file"]
        card["weights"] |= {"sha256": save_weights(network, file), "bits": None, **weights}
        if parent is not None:
            digest = load_catalogue().get(parent).card.weights.sha256
            card["training"]["parent"] = {"id": parent, "weights_sha256": digest}
        (trained / "amc-net.json").write_text(json.dumps(card), encoding="utf-8")
        code, text = run("add", trained, "--id", model_id)
        assert code == 0, text
        return models / f"{model_id}.json", models / f"{model_id}.safetensors"

    return add


def test_a_removed_model_leaves_nothing_and_its_id_is_free_again(run, mine, tmp_path):
    before = mine("other")
    for path in mine("mine"):
        assert path.is_file()
    assert run("remove", "mine") == (0, "mine removed.\n")
    left = {path.name for path in (tmp_path / "models").iterdir()}
    assert left == {path.name for path in before}
    assert "mine" not in {model.id for model in load_catalogue().models}
    assert load_network(load_catalogue().get("other"))
    assert run("add", tmp_path / "trained-mine", "--id", "mine")[0] == 0


def test_models_that_ship_and_the_default_are_not_removed(run, mine):
    files = mine("mine")
    for shipped in ("amc-net", "eamc", "unet"):
        code, text = run("remove", shipped)
        assert code == 1 and "ships with this software" in text and text.count("\n") == 1
    assert (PACKAGED_FOLDER / "amc-net.json").is_file()
    run("promote", "mine")
    code, text = run("remove", "mine")
    assert code == 1 and "is the default model" in text and all(map(Path.is_file, files))
    assert run("remove", "mime")[1].startswith("Error: There is no model 'mime'")


def test_a_removed_model_does_not_become_the_default_by_a_roll_back(run, mine):
    mine("first")
    mine("second")
    for model_id in ("first", "second", "first", "second"):
        assert run("promote", model_id)[0] == 0
    assert run("remove", "first")[0] == 0
    assert default_model() == "second"
    assert run("roll-back") == (0, "second is the default model again.\n")
    assert run("roll-back") == (0, f"{DEFAULT_MODEL} is the default model again.\n")
    assert not load_catalogue().problems


def test_models_that_were_fine_tuned_from_a_removed_one_stay(run, mine):
    mine("parent")
    mine("offspring", parent="parent")
    code, text = run("remove", "parent")
    assert code == 0 and "usable as before: offspring" in text
    assert load_network(load_catalogue().get("offspring"))
    code, text = run("lineage", "offspring")
    assert code == 0 and "no longer in the catalogue" in text


def test_weights_that_two_cards_name_go_with_the_last(run, mine, tmp_path):
    card, weights = mine("mine")
    twin = json.loads(card.read_text("utf-8")) | {"id": "twin"}
    (tmp_path / "models" / "twin.json").write_text(json.dumps(twin), encoding="utf-8")
    assert run("remove", "mine")[0] == 0
    assert weights.is_file() and load_network(load_catalogue().get("twin"))
    assert run("remove", "twin")[0] == 0
    assert not weights.exists()


def test_weights_that_a_card_may_name_that_cannot_be_read_stay(run, mine, tmp_path):
    card, weights = mine("mine")
    newer = json.loads(card.read_text("utf-8")) | {"id": "newer", "of_a_later_version": 1}
    (tmp_path / "models" / "newer.json").write_text(json.dumps(newer), encoding="utf-8")
    assert run("remove", "mine")[0] == 0
    assert not card.exists() and weights.is_file()


def test_a_card_among_others_in_a_file_is_left_there(run, mine, tmp_path):
    card, weights = mine("mine")
    one = json.loads(card.read_text("utf-8"))
    family = {"shared": {}, "models": [one, one | {"id": "twin"}]}
    card.write_text(json.dumps(family), encoding="utf-8")
    code, text = run("remove", "mine")
    assert code == 1 and "mine.json with those of other models" in text and weights.is_file()


def test_a_model_is_not_removed_while_its_weights_are_downloaded(run, mine):
    from COVIDLesionSegLib.engine.models.downloads_folder import (
        download_lock,
        downloaded_weights,
    )

    card, weights = mine("mine", url="https://example.org/mine.safetensors")
    digest = load_catalogue().get("mine").card.weights.sha256
    with download_lock(digest):
        code, text = run("remove", "mine")
        assert code == 1 and "being downloaded" in text and card.is_file()
    shutil.copy(weights, downloaded_weights(digest))
    assert run("remove", "mine")[0] == 0
    assert not downloaded_weights(digest).exists() and not card.exists()


def test_a_model_that_an_unfinished_retraining_goes_on_from_is_not_removed(
    run, mine, tmp_path, monkeypatch
):
    from COVIDLesionSegLib.jobs import RetrainOptions
    from COVIDLesionSegLib.worker.retraining import new_retraining, remove_retraining

    monkeypatch.setenv("COVIDLESIONSEG_RETRAININGS", str(tmp_path / "retrainings"))
    files = mine("mine")
    retraining = new_retraining(RetrainOptions(model_id="mine-r1", model="mine"), False)
    code, text = run("remove", "mine")
    assert code == 1 and "mine-r1 goes on from mine" in text and all(map(Path.is_file, files))
    remove_retraining(retraining)
    assert run("remove", "mine")[0] == 0


def test_an_archive_is_imported_under_another_id(run, tmp_path):
    archive = tmp_path / "model.zip"
    run("export", "amc-net", archive)
    code, text = run("import", archive)
    assert code == 1 and "choose another id" in text
    code, text = run("import", archive, "--id", "theirs")
    assert code == 0 and "theirs imported" in text
    code, text = run("import", archive, "--id", "eamc")
    assert code == 1 and "ensemble that ships" in text and text.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "u-net-9000", "a.zip"), "no model 'u-net-9000'"),
        (("export", "unet", "a.zip"), "no trained weights"),
        (("promote", "unet"), "no trained weights"),
        (("promote", "eamc"), "is an ensemble"),
        (("promote", "lungs-unet-resnet18"), "finds lungs"),
        (("import", "absent.zip"), "cannot be read"),
        (("add", "absent"), "cannot be read"),
        (("promote", "amc-nett"), "did you mean amc-net"),
        (("roll-back",), "No model was promoted"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(run, arguments, message):
    code, text = run(*arguments)
    assert code == 1 and message in text and text.count("\n") == 1


def test_a_model_is_compressed_and_added(run, tmp_path):
    slices = write_slice_folder(tmp_path / "slices")
    (tmp_path / "models").mkdir()
    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8")) | {"id": "mine"}
    network = load_network(load_catalogue().get("amc-net"))
    digest = save_weights(network, tmp_path / "models" / "mine.safetensors")
    card["weights"] |= {"file": "mine.safetensors", "sha256": digest, "bits": None}
    own = tmp_path / "models" / "mine.json"
    own.write_text(json.dumps(card), encoding="utf-8")
    code, text = run("compress", "mine", "--slices", slices, "--out", tmp_path / "none")
    assert code == 1 and "The card of model mine has scores of radiopaedia" in text

    own.write_text(json.dumps(card | {"scores": []}), encoding="utf-8")
    out = tmp_path / "small"
    code, text = run("compress", "mine", "--slices", slices, "--out", out, "--quiet")
    assert code == 0, text
    code, text = run("add", out, "--id", "small")
    assert code == 0 and "small added" in text
    assert load_catalogue().get("small").card.weights.bits == 8
