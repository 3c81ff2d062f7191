"""``evaluate-detector`` writes scores by patient and rule, and pictures, complete or not at all."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

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
    slices = [replace(slice_, scanner=f"scanner of {slice_.patient}") for slice_ in slices]
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
        "decisions.csv",
        "examples.png",
        "scanners.png",
    }
    facts = json.loads((out / "detector-scores.json").read_text("utf-8"))
    assert facts["pooled"]["slices"] == 3 and facts["pooled"]["lesions"] >= 2
    assert facts["pooled"]["average_precision"].keys() == {"paper", "coco"}
    assert [class_["name"] for class_ in facts["pooled"]["classes"]["classes"]] == [
        "clean",
        "infected",
    ]
    assert facts["patients"]["p1"]["learned_from"] and not facts["patients"]["p2"]["learned_from"]
    with (out / "scores.csv").open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    rows = {row["patient"]: row for row in listed if row["scanner"] == "all"}
    assert list(rows) == ["pooled", "p1", "p2"]
    assert (rows["p1"]["learned_from"], rows["p2"]["slices"]) == ("yes", "2")
    assert float(rows["pooled"]["f1"]) == pytest.approx(facts["pooled"]["classes"]["f1"], abs=1e-6)
    assert imread(out / "examples.png").std() > 0.05
    assert imread(out / "scanners.png").std() > 0.05
    assert "in the training set" in done.output
    check_scanners(facts, [row for row in listed if row["scanner"] != "all"])
    check_decisions(out / "decisions.csv", done.output)


def check_scanners(facts, rows):
    """Scores by scanner, beside those of a rule that knows the scanner alone."""
    assert [row["scanner"] for row in rows] == ["scanner of p1", "scanner of p2"]
    assert [row["slices"] for row in rows] == ["1", "2"]
    assert facts["scanners"]["scanner of p2"]["slices"] == 2
    clean, infected = facts["scanner_alone"]["classes"]
    # One slice of each class on the second scanner: the first of them decides.
    assert (clean["sensitivity"], infected["sensitivity"]) == (0.0, 1.0)


def check_decisions(path, printed):
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rules = ("cascade-any-pixel", "covid-rate-infection-rate", "affinity-slice-class")
    everything = [row for row in rows if (row["patient"], row["scanner"]) == ("all", "all")]
    assert [(row["rule"], row["of"]) for row in everything] == [
        *((rule, "slices") for rule in rules),
        *((rule, "cases") for rule in rules),
    ]
    counts = [sum(int(row[name]) for name in ("tp", "fp", "fn", "tn")) for row in everything]
    assert counts == [3, 3, 3, 2, 2, 2]
    assert all(int(row["tp"]) + int(row["fn"]) == 2 for row in everything)
    for row in everything:
        low, high = float(row["sensitivity_low"]), float(row["sensitivity_high"])
        assert low <= float(row["sensitivity"]) <= high
    assert "2 cases, Any pixel (Qiblawey et al. 2021): sensitivity" in printed
    assert "by the scanner alone" in printed


def test_a_segmenting_model_and_an_unknown_patient_are_refused(place, tmp_path):
    refused = run(place, "--model", "amc-net", "--out", tmp_path / "out")
    assert refused.exit_code == 1 and "does not find lesions one by one" in refused.output
    refused = run(place, "--model", "mine", "--patient", "p9", "--out", tmp_path / "out")
    assert refused.exit_code == 1 and "no patient p9" in refused.output
    assert not (tmp_path / "out").exists()
