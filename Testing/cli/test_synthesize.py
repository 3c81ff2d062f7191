"""``synthesize`` writes a slice folder that trains, tells its sources and leaves patients out."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from matplotlib.image import imread
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.data.slice_folder import read_slice_folder, write_slice_folder
from COVIDLesionSegLib.engine.data.splits import source_patients
from COVIDLesionSegLib.engine.volume import write_volume

pytestmark = pytest.mark.slow


def run(*arguments):
    return CliRunner().invoke(app, ["synthesize", *map(str, arguments)])


def make_slice(number, patient, infected):
    random = np.random.default_rng(number)
    lungs, lesion = np.zeros((2, 70, 90), bool)
    lungs[10:60, 10:80] = True
    if infected:
        lesion[20 + number : 40 + number, 20:40] = True
    image = np.where(lungs, -850, 40) + 400 * lesion + random.normal(0, 20, lungs.shape)
    return LabelledImage(
        f"{patient}_{number:03d}", patient, image.astype(np.float32), False, lesion, lungs
    )


@pytest.fixture
def slice_folder(tmp_path):
    slices = [make_slice(n, f"sick-{n % 3}", True) for n in range(6)]
    slices += [make_slice(n, f"well-{n % 2}", False) for n in range(6, 10)]
    write_slice_folder(slices, tmp_path / "slices")
    return tmp_path / "slices"


def test_the_folder_reads_back_and_its_index_tells_both_sources(slice_folder, tmp_path):
    done = run("--slices", slice_folder, "--out", tmp_path / "out", "--ratio", 1.5, "--seed", 7)
    assert done.exit_code == 0, done.stderr
    assert "9 synthetic slices from 6 infected and 4 healthy" in " ".join(done.stdout.split())
    read = read_slice_folder(tmp_path / "out", with_lungs=True)
    with (tmp_path / "out" / "index.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(read) == len(rows) == 9
    for item, row in zip(read, rows, strict=True):
        assert row["synthetic"] == "yes" and row["name"] == item.name
        sick, well = source_patients(item.patient)
        assert row["lesion_from"].startswith(sick) and row["lungs_from"].startswith(well)
        rate = (item.lesion & item.lungs).sum() / item.lungs.sum()
        assert float(row["infection_rate"]) == pytest.approx(rate, abs=1e-6)
        assert not item.windowed and (item.lesion <= item.lungs).all()
    facts = json.loads((tmp_path / "out" / "synthesis.json").read_text("utf-8"))
    assert (facts["seed"], facts["amount"], facts["slices"], facts["wanted"]) == (7, 1.5, 9, 9)
    picture = imread(tmp_path / "out" / "examples.png")
    assert picture.shape[0] > picture.shape[1] > 600 and picture.std() > 0.05


def test_the_same_seed_writes_the_same_files(slice_folder, tmp_path):
    for name in ("a", "b"):
        assert run("--slices", slice_folder, "-o", tmp_path / name, "--quiet").exit_code == 0
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*")]
    assert len(files) == 6 * 3 + 3
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_patients_left_out_give_neither_lesions_nor_lungs(slice_folder, tmp_path):
    done = run(
        *("--slices", slice_folder, "-o", tmp_path / "out", "--quiet"),
        *("--leave-out", "sick-1", "--leave-out", "well-0"),
    )
    assert done.exit_code == 0, done.stderr
    used = {p for s in read_slice_folder(tmp_path / "out") for p in source_patients(s.patient)}
    assert used == {"sick-0", "sick-2", "well-1"}
    facts = json.loads((tmp_path / "out" / "synthesis.json").read_text("utf-8"))
    assert facts["left_out"] == ["sick-1", "well-0"] and facts["patients"] == sorted(used)


def test_lungs_of_a_whole_ct_serve_as_healthy_ones(slice_folder, small_chest, tmp_path):
    write_volume(small_chest.array, small_chest.geometry, tmp_path / "private name.nrrd")
    done = run(
        *("--slices", slice_folder, "-o", tmp_path / "out", "--json-progress"),
        *("--healthy-ct", tmp_path / "private name.nrrd"),
        *("--leave-out", "well-0", "--leave-out", "well-1"),
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["slices"] == 6
    for item in read_slice_folder(tmp_path / "out"):
        assert source_patients(item.patient)[1] == "healthy-ct-1"
        assert item.image.shape == small_chest.axial.shape[1:]
    assert "private" not in (tmp_path / "out" / "synthesis.json").read_text("utf-8")


def test_too_few_pairs_are_told(slice_folder, tmp_path):
    done = run("--slices", slice_folder, "-o", tmp_path / "out", "--ratio", 10)
    assert "24 synthetic slices" in done.stdout and "60 were asked for" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--leave-out", "nobody"), "no patient nobody"),
        (("--ratio", "0"), "must be a positive number"),
        (("--leave-out", "well-0", "--leave-out", "well-1"), "no slice without lesions"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_leaves_no_folder(
    slice_folder, tmp_path, arguments, message
):
    refused = run("--slices", slice_folder, "-o", tmp_path / "out", "--quiet", *arguments)
    assert refused.exit_code == 1
    assert message in refused.stderr and len(refused.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["slices"]


def test_an_earlier_folder_is_never_replaced(slice_folder, tmp_path):
    out = tmp_path / "out"
    assert run("--slices", slice_folder, "-o", out, "--quiet").exit_code == 0
    refused = run("--slices", slice_folder, "-o", out, "--quiet", "--seed", 9)
    assert refused.exit_code == 1 and "choose an empty or new folder" in refused.stderr
    assert json.loads((out / "synthesis.json").read_text("utf-8"))["seed"] == 0
