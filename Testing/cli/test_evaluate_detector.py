"""``evaluate-detector`` writes scores by patient and rule, and pictures, complete or not at all."""

from __future__ import annotations

import csv
import json

import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.data.slice_folder import write_slice_folder
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from engine.detector_slices import blobs, save_detector, some, tiny_detector

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A slice folder of two patients, and a detector with random weights that learned from one."""
    folder = tmp_path_factory.mktemp("data")
    slices = [blobs("p1", 2, 1), blobs("p2", 2, 2), blobs("p2", 0, 3)]
    write_slice_folder(slices, folder / "slices")
    models = folder / "models"
    models.mkdir()
    learned = {"data": {"training": {"p1": 1}}}
    save_detector(models, tiny_detector(some()), training=learned)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(USER_FOLDER_VARIABLE, str(models))
        yield folder / "slices"


def run(*arguments):
    return CliRunner().invoke(app, ["evaluate-detector", *map(str, arguments)])


def test_scores_by_patient_and_rule_with_examples(place, tmp_path):
    out = tmp_path / "out"
    done = run(place, "--model", "mine", "--out", out)
    assert done.exit_code == 0, done.output
    assert {path.name for path in out.iterdir()} == {
        "detector-scores.json",
        "scores.csv",
        "examples.png",
    }
    facts = json.loads((out / "detector-scores.json").read_text("utf-8"))
    assert facts["pooled"]["slices"] == 3 and facts["pooled"]["lesions"] >= 2
    assert facts["pooled"]["average_precision"].keys() == {"paper", "coco"}
    assert [one["name"] for one in facts["pooled"]["classes"]["classes"]] == ["clean", "infected"]
    assert facts["patients"]["p1"]["learned_from"] and not facts["patients"]["p2"]["learned_from"]
    with (out / "scores.csv").open(encoding="utf-8") as file:
        rows = {row["patient"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["pooled", "p1", "p2"]
    assert (rows["p1"]["learned_from"], rows["p2"]["slices"]) == ("yes", "2")
    assert float(rows["pooled"]["f1"]) == pytest.approx(facts["pooled"]["classes"]["f1"], abs=1e-6)
    assert imread(out / "examples.png").std() > 0.05
    assert "in the training set" in done.output


def test_a_segmenting_model_and_an_unknown_patient_are_refused(place, tmp_path):
    refused = run(place, "--model", "amc-net", "--out", tmp_path / "out")
    assert refused.exit_code == 1 and "does not find lesions one by one" in refused.output
    refused = run(place, "--model", "mine", "--patient", "p9", "--out", tmp_path / "out")
    assert refused.exit_code == 1 and "no patient p9" in refused.output
    assert not (tmp_path / "out").exists()
