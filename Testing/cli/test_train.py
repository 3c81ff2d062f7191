"""``train`` as a script uses it: a model that loads, curves, folds, and going on after a stop."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.models.catalogue import read_models
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.networks import build_network
from COVIDLesionSegLib.engine.volume import write_volume
from engine.labelled_data import write_slice_folder

pytestmark = pytest.mark.slow

LIBRARY = Path(__file__).parents[2] / "COVIDLesionSeg"
LICENCE = ("--licence", "CC0-1.0", "--licence-note", "A test.")
PATCHES = ("--set", "preprocessing.patch_size=[32,32]")
"""About as large as the slices: the recipe's own patches are mostly air around them."""
SMALL = (*PATCHES, "--set", "batch_size=4")


@pytest.fixture(scope="module")
def slice_folder(tmp_path_factory):
    return write_slice_folder(tmp_path_factory.mktemp("private-place") / "slices")


@pytest.fixture(scope="module")
def train(slice_folder):
    def run(model_id, out, *arguments, small=SMALL):
        basic = ("train", model_id, "--slices", slice_folder, "--out", out, *LICENCE)
        words = (*basic, "--network", "unet", "--steps", 2, *arguments, *small)
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


@pytest.fixture(scope="module")
def trained(train, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "model"
    done = train("mine", out, "--validate", "coronacases_org_002", "--quiet")
    assert done.exit_code == 0, done.output
    return out


def test_a_model_that_loads_with_its_curves(trained):
    (model,) = read_models(trained / "mine.json")
    load_network(model)
    assert model.card.training["data"]["validation"] == {"coronacases_org_002": 2}
    with (trained / "metrics.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["step"] == "2" and 0.0 <= float(row["validation_dice"]) <= 1.0
    assert (trained / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_a_finished_training_resumes_to_the_same_weights(trained, train):
    before = (trained / "mine.safetensors").read_bytes()
    validated = ("--validate", "coronacases_org_002")
    again = train("mine", trained, *validated)
    assert (
        again.exit_code == 1
        and "not empty: choose a new one, or resume the training. Option: --resume." in again.output
    )
    resumed = train("mine", trained, *validated, "--resume", "--json-progress")
    assert resumed.exit_code == 0, resumed.output
    assert (trained / "mine.safetensors").read_bytes() == before
    assert json.loads(resumed.stdout.splitlines()[-1])["done"] == str(trained)


def test_two_processes_write_and_tell_once(trained, slice_folder, tmp_path):
    basic = ("train", "mine", "--slices", slice_folder, "--out", tmp_path, *LICENCE)
    how = ("--network", "unet", "--steps", 2, "--devices", 2, "--json-progress")
    words = [*basic, *how, *SMALL, "--validate", "coronacases_org_002"]
    done = subprocess.run(
        [sys.executable, "-m", "COVIDLesionSegLib.cli.main", *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(LIBRARY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    *steps, last = map(json.loads, done.stdout.splitlines())
    assert [told["message"] for told in steps if told["message"]] == ["step 1 of 2", "step 2 of 2"]
    assert last["done"] == str(tmp_path)
    models = [read_models(folder / "mine.json")[0] for folder in (trained, tmp_path)]
    one, two = (load_network(model).state_dict() for model in models)
    for name, weight in one.items():
        # Rounded to bfloat16 on the way, and stored in half precision.
        torch.testing.assert_close(two[name], weight, rtol=0.02, atol=2e-3)


def test_leave_one_patient_out_writes_members_a_table_and_the_ensembles_name(train, tmp_path):
    done = train("member", tmp_path / "out", "--folds", "lopo")
    assert done.exit_code == 0, done.output
    assert "Ensemble: member-1+member-2" in done.output
    with (tmp_path / "out" / "cross-validation.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    patients = ["coronacases_org_001", "coronacases_org_002", "mean", "sd"]
    assert [row["patient"] for row in rows] == patients
    assert [row["model"] for row in rows] == ["member-1", "member-2", "n/a", "n/a"]
    dice = [float(row["dice"]) for row in rows[:2]]
    assert float(rows[2]["dice"]) == pytest.approx(sum(dice) / 2, abs=2e-6)
    (member,) = read_models(tmp_path / "out" / "member-1.json")
    assert set(member.card.training["data"]["training"]) == {"coronacases_org_002"}
    assert (tmp_path / "out" / "fold-2" / "curves.png").is_file()
    members = [read_models(tmp_path / "out" / f"member-{n}.json")[0] for n in (1, 2)]
    recipes = [member.card.training["recipe"] for member in members]
    for name in ("seed", "learning_rate", "network_arguments"):
        assert recipes[0][name] != recipes[1][name]


@pytest.mark.parametrize(
    ("model_id", "arguments", "code", "message"),
    [
        ("a+b", ("--folds", "lopo"), 1, "cannot be called 'a+b'"),
        ("unet", ("--folds", "lopo"), 1, "a model called unet already"),
        ("mine", (), 2, "patients to validate on, or folds"),
        ("mine", ("--folds", "lopo", "--validate", "x"), 2, "patients to validate on, or folds"),
        ("mine", ("--folds", "lopo", "--no-validation"), 2, "or ask for no validation"),
        ("mine", ("--validate", "x", "--parallel", "2"), 2, "A Dask cluster trains folds"),
        ("mine", ("--folds", "lopo", "--devices", "2"), 2, "Folds take one device each"),
        (
            "mine",
            ("--folds", "lopo", "--parallel", "2", "--workers", "1"),
            2,
            "set workers to 0",
        ),
        ("mine", ("--folds", "9"), 1, "2 patients, but 9 are needed"),
        ("mine", ("--validate", "nobody"), 1, "no patient nobody"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    model_id, arguments, code, message, train, tmp_path
):
    done = train(model_id, tmp_path / "out", *arguments)
    assert done.exit_code == code
    assert message in " ".join(done.output.replace("│", " ").split())
    assert not (tmp_path / "out").exists()


def test_a_model_trained_further_names_its_parent_and_all_it_learned_from(
    trained, train, tmp_path, monkeypatch
):
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(trained))
    onward = ("--network", "mine", "--fine-tune")
    refused = train("next", tmp_path / "a", "--validate", "coronacases_org_001", *onward)
    assert refused.exit_code == 1
    assert "Model mine learned from coronacases_org_001, so they are not held out" in refused.output
    done = train("next", tmp_path / "b", "--validate", "coronacases_org_002", *onward)
    assert done.exit_code == 0, done.output
    (child,), (parent,) = (
        read_models(folder / file)
        for folder, file in ((tmp_path / "b", "next.json"), (trained, "mine.json"))
    )
    assert child.card.training["parent"] == {
        "id": "mine",
        "weights_sha256": parent.card.weights.sha256,
    }
    assert child.card.training["data"]["training"] == parent.card.training["data"]["training"]
    assert len(child.card.training["data_fingerprint"]) == 64
    both = train("c", tmp_path / "c", "--folds", "lopo", *onward)
    assert both.exit_code == 2


def test_a_learning_rate_of_ones_own_is_used_and_recorded(train, tmp_path):
    done = train(
        "mine", tmp_path / "out", "--validate", "coronacases_org_002", "--learning-rate", 0.00025
    )
    assert done.exit_code == 0, done.output
    (model,) = read_models(tmp_path / "out" / "mine.json")
    assert model.card.training["recipe"]["learning_rate"] == 0.00025
    assert "--learning-rate 0.00025" in model.card.training["command"]
    refused = train("mine", tmp_path / "other", "--no-validation", "--learning-rate", 2)
    shown = " ".join(refused.output.replace("│", " ").split())
    assert refused.exit_code != 0 and "between 0 and 1" in shown
    assert not (tmp_path / "other").exists()


def test_values_of_the_recipe_that_are_set_are_used_and_recorded(train, tmp_path):
    file = tmp_path / "private-name.json"
    file.write_text('{"loss": "EamcTverskyLoss", "batch_size": 3}', encoding="utf-8")
    sets = ("--set", "loss_arguments.misses=0.8", "--set", "augmentation.scale=[0.6,1.4]")
    done = train(
        "mine", tmp_path / "out", "--no-validation", "--recipe", file, *sets, small=PATCHES
    )
    assert done.exit_code == 0, done.output
    (model,) = read_models(tmp_path / "out" / "mine.json")
    recipe, command = (model.card.training[name] for name in ("recipe", "command"))
    assert recipe["loss"] == "EamcTverskyLoss" and recipe["loss_arguments"] == {"misses": 0.8}
    assert recipe["batch_size"] == 3 and recipe["augmentation"]["scale"] == [0.6, 1.4]
    assert "--recipe RECIPE --set loss_arguments.misses=0.8" in command
    assert "private-name" not in json.dumps(model.card.training)
    # The card is the same recipe again.
    card = ("--recipe", tmp_path / "out" / "mine.json")
    again = train("mine", tmp_path / "b", "--no-validation", *card, small=())
    assert again.exit_code == 0, again.output
    one, two = ((tmp_path / f / "mine.safetensors").read_bytes() for f in ("out", "b"))
    assert one == two


def test_the_published_recipe_is_chosen_by_its_name(train, tmp_path):
    published = ("--recipe", "amc-net-published", "--set", "batch_size=2")
    done = train("mine", tmp_path / "out", "--no-validation", *published, small=PATCHES)
    assert done.exit_code == 0, done.output
    (model,) = read_models(tmp_path / "out" / "mine.json")
    assert model.card.preprocessing.window_hu == (-1024, 3071)
    assert "--recipe amc-net-published" in model.card.training["command"]
    assert model.card.training["recipe"]["network_arguments"]["dropout"] == 0.2
    assert "dropout" not in model.card.arguments


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--set", "batch_sze=3"), 1, "no recipe value 'batch_sze': did you mean batch_size"),
        (("--set", "steps=3"), 1, "The recipe's steps is set twice"),
        (("--set", "batch_size=1000"), 1, "lower the recipe's batch_size. Option: --set."),
        (("--set", "members.seeds=true"), 1, "those of a cross-validation"),
        (("--recipe", "no-such"), 1, "The recipe no-such cannot be read"),
    ],
)
def test_a_wrong_value_of_the_recipe_is_one_clear_line(arguments, code, message, train, tmp_path):
    done = train("mine", tmp_path / "out", "--no-validation", *arguments, small=())
    assert done.exit_code == code and message in " ".join(done.output.split())


def test_an_encoder_starts_from_the_weights_in_a_file_in_every_fold(train, tmp_path):
    network = build_network("EncoderUNet", {"encoder": "resnet18", "channels": 1})
    file = tmp_path / "private-name.pth"
    torch.save(network.encoder.state_dict(), file)
    how = ("--network", "unet-resnet18-patches", "--encoder-weights", file)
    still = ("--set", "learning_rate=1e-30")
    done = train("mine", tmp_path / "out", "--folds", "lopo", *how, *still)
    assert done.exit_code == 0, done.output
    for number in (1, 2):
        (model,) = read_models(tmp_path / "out" / f"mine-{number}.json")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert any(digest in note for note in model.card.notes)
        assert "--encoder-weights ENCODER" in model.card.training["command"]
        kernel = load_network(model).encoder.layer1[0].conv1.weight
        torch.testing.assert_close(
            kernel, network.encoder.layer1[0].conv1.weight, atol=1e-3, rtol=0
        )
    file.write_bytes(b"nothing")
    refused = train("mine", tmp_path / "other", "--no-validation", *how, *still)
    assert refused.exit_code == 1 and "private-name.pth are damaged" in refused.output


def test_the_command_recipe_prints_what_train_takes(tmp_path):
    def recipe(*words):
        return CliRunner().invoke(app, ["recipe", "amc-net", *map(str, words)])

    printed = recipe("--set", "loss=EamcDiceLoss", "--set", "members=null")
    assert printed.exit_code == 0, printed.output
    file = tmp_path / "mine.json"
    file.write_text(printed.stdout, encoding="utf-8")
    assert json.loads(printed.stdout)["loss"] == "EamcDiceLoss"
    assert recipe("--recipe", file).stdout == printed.stdout
    refused = recipe("--recipe", "covid-rate")
    assert refused.exit_code == 1 and "these do: amc-net, amc-net-published" in refused.output


def test_the_last_fit_learns_from_everyone_so_only_outsiders_judge(train, tmp_path):
    done = train("last", tmp_path / "last", "--no-validation")
    assert done.exit_code == 0, done.output
    (model,) = read_models(tmp_path / "last" / "last.json")
    assert set(model.card.learned_from) == {"coronacases_org_001", "coronacases_org_002"}
    assert {score.data.split(",")[0] for score in model.card.scores} == {"radiopaedia_4_85506"}


def test_an_untrained_network_cannot_be_continued(train, tmp_path):
    refused = train("new", tmp_path, "--validate", "coronacases_org_002", "--fine-tune")
    assert refused.exit_code == 1 and "no trained weights" in refused.output


def test_corrected_cts_are_learned_from_beside_slices(train, small_chest, tmp_path):
    lesion = (small_chest.array > -600) & (small_chest.array < -300)
    write_volume(small_chest.array, small_chest.geometry, tmp_path / "ct.nrrd")
    write_volume(lesion, small_chest.geometry, tmp_path / "mask.nrrd")
    table = tmp_path / "cts.csv"
    table.write_text("ct,mask,patient\nct.nrrd,mask.nrrd,p9\n", encoding="utf-8")
    out = tmp_path / "out"
    done = train("more", out, "--volumes", table, "--validate", "coronacases_org_002")
    assert done.exit_code == 0, done.output
    (model,) = read_models(out / "more.json")
    learned = model.card.training["data"]["training"]
    assert set(learned) == {"coronacases_org_001", "p9"} and learned["p9"] > 5
    assert str(tmp_path) not in json.dumps(model.card.training)
