"""``train`` as a script uses it: a model that loads, curves, folds, and going on after a stop."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.models.catalogue import read_models
from COVIDLesionSegLib.engine.models.weights import load_network
from engine.labelled_data import write_slice_folder

LICENCE = ("--licence", "CC0-1.0", "--licence-note", "A test.")


@pytest.fixture(scope="module")
def slice_folder(tmp_path_factory):
    return write_slice_folder(tmp_path_factory.mktemp("private-place") / "slices")


@pytest.fixture(scope="module")
def train(slice_folder):
    def run(model_id, out, *arguments):
        basic = ("train", model_id, "--slices", slice_folder, "--out", out, *LICENCE)
        network = ("--network", "unet", "--steps", 2)
        return CliRunner().invoke(app, [str(word) for word in (*basic, *network, *arguments)])

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
    assert again.exit_code == 1 and "not empty: choose a new one, or --resume" in again.output
    resumed = train("mine", trained, *validated, "--resume", "--json-progress")
    assert resumed.exit_code == 0, resumed.output
    assert (trained / "mine.safetensors").read_bytes() == before
    assert json.loads(resumed.stdout.splitlines()[-1])["done"] == str(trained)


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
    assert float(rows[2]["dice"]) == pytest.approx(sum(dice) / 2)
    (member,) = read_models(tmp_path / "out" / "member-1.json")
    assert set(member.card.training["data"]["training"]) == {"coronacases_org_002"}
    assert (tmp_path / "out" / "fold-2" / "curves.png").is_file()


@pytest.mark.parametrize(
    ("model_id", "arguments", "code", "message"),
    [
        ("a+b", ("--folds", "lopo"), 1, "cannot be called 'a+b'"),
        ("unet", ("--folds", "lopo"), 1, "a model called unet already"),
        ("mine", (), 2, "--validate, or --folds"),
        ("mine", ("--folds", "lopo", "--validate", "x"), 2, "--validate, or --folds"),
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
