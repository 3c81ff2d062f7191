"""``detect`` writes table, label map, picture and report, complete or not at all."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.volume import read_array, write_volume

pytestmark = pytest.mark.slow

FILES = {"report.json", "report.html", "lesions.csv", "lesions.nrrd", "lesions.png"}


def run(*arguments):
    return CliRunner().invoke(app, ["detect", *map(str, arguments), "--device", "cpu"])


@pytest.fixture(scope="module")
def ct(small_chest, tmp_path_factory):
    path = tmp_path_factory.mktemp("ct") / "private name.nrrd"
    write_volume(small_chest.array, small_chest.geometry, path)
    return path


@pytest.fixture(scope="module")
def result(ct, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "result"
    done = run(ct, "--out", out, "--smallest-lesion-ml", "0")
    assert done.exit_code == 0, done.output
    return out, done.stdout


def test_all_files_tell_the_same_lesions(result):
    out, printed = result
    assert {path.name for path in out.iterdir()} == FILES
    facts = json.loads((out / "report.json").read_text("utf-8"))
    lesions = facts["lesions"]
    assert lesions and lesions[0]["number"] == 1
    with (out / "lesions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["number"]) for row in rows] == [lesion["number"] for lesion in lesions]
    assert float(rows[0]["lesion_ml"]) == pytest.approx(lesions[0]["lesion_ml"], abs=1e-6)
    labels, _ = read_array(out / "lesions.nrrd")
    counts = np.bincount(labels.ravel().astype(int))[1:]
    volume = np.prod(facts["geometry"]["spacing_mm"]) / 1000
    assert counts * volume == pytest.approx([lesion["lesion_ml"] for lesion in lesions])
    page = (out / "report.html").read_text("utf-8")
    assert page.count("<th>") > len(lesions) and "private" not in page + json.dumps(facts)
    assert f"{len(lesions)} lesion" in printed and "slices" in printed
    assert imread(out / "lesions.png").std() > 0.05


def test_a_detector_tells_the_class_of_every_slice(ct, tmp_path, monkeypatch):
    arguments = ("--model", "affinity-8", "--out", tmp_path / "out", "--least-score", "0.99")
    refused = run(ct, *arguments)
    assert refused.exit_code == 1 and "no trained weights" in refused.stderr
    assert not (tmp_path / "out").exists()
    done = run(ct, *arguments, "--allow-untrained", "--json-progress")
    assert done.exit_code == 0, done.output
    assert "lesions" in json.loads(done.stdout.splitlines()[-1])
    facts = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert facts["slices"]
    for slice_ in facts["slices"]:
        assert set(slice_["probabilities"]) == {"normal", "common pneumonia", "COVID-19"}
        assert slice_["name"] == max(slice_["probabilities"], key=slice_["probabilities"].get)
    assert "Never trained" in (tmp_path / "out" / "report.html").read_text("utf-8")
