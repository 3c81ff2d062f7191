"""``explain`` writes one picture and its facts, complete or not at all."""

from __future__ import annotations

import json

import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.volume import write_volume

pytestmark = pytest.mark.slow


def run(*arguments):
    return CliRunner().invoke(app, ["explain", *map(str, arguments), "--device", "cpu"])


@pytest.fixture(scope="module")
def ct(small_chest, tmp_path_factory):
    path = tmp_path_factory.mktemp("ct") / "private name.nrrd"
    write_volume(small_chest.array, small_chest.geometry, path)
    return path


def test_the_picture_and_its_facts_tell_slice_model_and_blocks(ct, tmp_path):
    done = run(ct, "--out", tmp_path / "out", "--slice", 7, "--model", "amc-net", "--json-progress")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["slice"] == 7
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "explanation.json",
        "features.png",
    }
    facts = json.loads((tmp_path / "out" / "explanation.json").read_text("utf-8"))
    assert facts["slice"] == 7 and facts["model"] == "amc-net"
    assert len(facts["weights_sha256"]) == 64
    assert "not" in facts["research_use_notice"].lower()
    assert [len(facts["blocks"]), len(facts["attention_gates"])] == [9, 4]
    assert "private" not in json.dumps(facts)
    picture = imread(tmp_path / "out" / "features.png")
    assert picture.shape[1] > picture.shape[0] > 400 and picture.std() > 0.05


def test_an_untrained_network_needs_permission_and_says_what_it_is(ct, tmp_path):
    refused = run(ct, "--out", tmp_path / "out", "--slice", 7, "--model", "unet")
    assert refused.exit_code == 1 and "no trained weights" in refused.stderr
    done = run(ct, "-o", tmp_path / "out", "--slice", 7, "--model", "unet", "--allow-untrained")
    assert done.exit_code == 0, done.stderr
    assert "Never trained: unet" in done.stdout


@pytest.mark.parametrize(("index", "message"), [(99, "There is no slice 99"), (-1, "no slice -1")])
def test_a_slice_that_is_not_there_leaves_no_folder(ct, tmp_path, index, message):
    refused = run(ct, "--out", tmp_path / "out", "--slice", index, "--quiet")
    assert refused.exit_code == 1
    assert message in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
