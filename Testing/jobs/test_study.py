"""A study trained and scored on tiny slices: its table, going on after a stop, refusals."""

from __future__ import annotations

import csv
import json
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.data.png import read_grey_png, write_grey_png
from COVIDLesionSegLib.engine.errors import Cancelled, OutputError, ParameterError
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.studies import read_study, study_names
from engine.labelled_data import write_slice_folder

pytestmark = pytest.mark.slow

SMALL = "preprocessing.input_size=[32,32]"
TINY = {
    "cascade-lung-networks": (("fpn-resnet18",), ("preprocessing.input_size=[64,64]",)),
    "cascade-networks": (("unet-resnet18",), ("preprocessing.input_size=[64,64]",)),
    "covid-rate-losses": (("focal-tversky",), (SMALL, "batch_size=1")),
    "covid-rate-networks": (("without-lungs",), (SMALL, "batch_size=1")),
    "drsegunet-grid": (("15-epochs-1e-2",), (SMALL,)),
    "eamc-dilation": (("1-2-4-8",), ("preprocessing.patch_size=[32,32]", "batch_size=2")),
    "eamc-losses": (
        ("dice", "focal"),
        ("preprocessing.patch_size=[32,32]", "batch_size=2"),
    ),
}
"""Rows of each study, and settings with which a step of their real networks takes a second."""


@pytest.fixture(scope="module")
def slices(tmp_path_factory) -> Path:
    """Three patients, for a split in three."""
    folder = write_slice_folder(tmp_path_factory.mktemp("data") / "slices")
    index = folder / "index.csv"
    rows = index.read_text(encoding="utf-8")
    index.write_text(rows.replace(",radiopaedia_4_85506_1,", ",coronacases_org_003,"), "utf-8")
    return folder


@pytest.fixture(scope="module")
def classed_slices(slices, tmp_path_factory) -> Path:
    """The same, with ground glass above consolidation in every lesion."""
    folder = tmp_path_factory.mktemp("data") / "classed"
    shutil.copytree(slices, folder)
    for path in (folder / "lesion").iterdir():
        mask = (read_grey_png(path) > 0).astype(np.uint8)
        rows = np.flatnonzero(mask.any(axis=1))
        mask[rows[len(rows) // 2] if rows.size else 0 :] *= 2
        write_grey_png(mask, path)
    return folder


def options(name, slices, **values):
    rows, settings = TINY[name]
    return jobs.StudyOptions(
        **{
            "study": name,
            "data": slices,
            "rows": rows,
            "steps": 1,
            "settings": settings,
            "folds": "60/10/30",
        }
        | values
    )


def read_csv(folder: Path) -> list[dict[str, str]]:
    with (folder / "study.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", study_names())
def test_a_study_writes_the_papers_table_beside_ours(name, slices, classed_slices, tmp_path):
    out = tmp_path / "out"
    study = read_study(name)
    data = classed_slices if name == "drsegunet-grid" else slices
    found = jobs.study(options(name, data), out)
    assert sorted(found.results) == sorted(TINY[name][0])
    held_out = {result.folds for result in found.results.values()}
    assert len(held_out) == 1  # every row has the same folds and length
    table = read_csv(out)
    assert len(table) == len(study.rows) * len(study.columns)
    for line in table:
        if line["row"] not in found.results:
            assert line["ours"] == line["difference"] == line["slices"] == "n/a"
            continue
        assert 0 <= float(line["ours"]) <= 100
        assert line["steps"] == "1" and line["far_below_the_paper"] == "yes"
        if line["paper"] != "n/a":
            apart = float(line["ours"]) - float(line["paper"])
            assert float(line["difference"]) == pytest.approx(apart, abs=2e-6)
    page = unescape((out / "study.html").read_text(encoding="utf-8"))
    assert "Far below the paper's training" in page and study.title in page
    content = json.loads((out / "study.json").read_text(encoding="utf-8"))
    assert sorted(content["results"]) == sorted(found.results)
    assert content["settings"] == found.settings and found.settings["steps"] == 1
    for setting in ("steps=1", *TINY[name][1]):
        assert setting in page.replace(" ", "")
    card = next((out / "rows" / TINY[name][0][0] / "training").glob(f"{name}*.json"))
    recipe = json.loads(card.read_text(encoding="utf-8"))["training"]["recipe"]
    assert recipe["steps"] == 1 and recipe["epochs"] is None


def test_a_cancelled_study_goes_on_to_the_same_scores_and_skips_what_is_done(slices, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(slices, data)
    given = options("eamc-losses", data, steps=2)
    whole = jobs.study(given, tmp_path / "whole")
    token = CancelToken()

    def stop_in_the_second_row(told):
        if "FL: step 1" in told.message:
            token.cancel()

    out = tmp_path / "stopped"
    with pytest.raises(Cancelled):
        jobs.study(given, out, progress=stop_in_the_second_row, cancel=token)
    done = out / "rows" / "dice" / "row.json"
    assert {line["row"] for line in read_csv(out) if line["ours"] != "n/a"} == {"dice"}
    before = done.stat().st_mtime_ns
    found = jobs.study(given, out)
    assert done.stat().st_mtime_ns == before
    scores = {name: result.scores for name, result in found.results.items()}
    assert scores == {name: result.scores for name, result in whole.results.items()}
    with pytest.raises(OutputError, match="trained with other settings or data"):
        jobs.study(options("eamc-losses", data, steps=3), out)
    with pytest.raises(OutputError, match="trained with other settings or data"):
        jobs.study(options("eamc-losses", data, steps=2, rows=("iou",), folds="lopo"), out)
    mask = next((data / "lesion").iterdir())
    original = mask.read_bytes()
    write_grey_png(np.zeros_like(read_grey_png(mask)), mask)
    with pytest.raises(OutputError, match="trained with other settings or data"):
        jobs.study(given, out)
    mask.write_bytes(original)
    for row in (out / "rows").glob("*/row.json"):  # as an earlier version wrote it
        content = json.loads(row.read_text(encoding="utf-8"))
        del content["asked"]["files_sha256"]
        row.write_text(json.dumps(content), encoding="utf-8")
    assert jobs.study(given, out).results.keys() == found.results.keys()


def test_patients_to_score_on_may_be_named_and_selection_on_them_is_told(slices, tmp_path):
    patient = "coronacases_org_002"
    given = options("covid-rate-losses", slices, folds=None, validate=(patient,))
    (result,) = jobs.study(given, tmp_path / "out").results.values()
    assert result.patients == [patient] and result.slices == 2
    assert "selected on the patients that were scored" in result.notes[0]


def test_what_the_rows_differ_in_cannot_be_set_for_all(slices, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ParameterError, match="differ in loss, so it cannot be set"):
        jobs.study(options("eamc-losses", slices, settings=("loss=EamcIoULoss",)), out)
    with pytest.raises(ParameterError, match="differ in loss_arguments, so it cannot be set"):
        given = options("covid-rate-losses", slices, settings=("loss_arguments={}",))
        jobs.study(given, out)
    assert not out.exists()


def test_losses_are_compared_on_another_network_by_its_own_recipe(slices, tmp_path):
    given = options(
        "eamc-losses",
        slices,
        network="unet-lite0",
        rows=("dice", "iou"),
        settings=("preprocessing.patch_size=[64,64]", "batch_size=2", "start=random"),
    )
    found = jobs.study(given, tmp_path / "out")
    recipes = [result.asked["recipe"] for result in found.results.values()]
    assert [recipe["network"] for recipe in recipes] == ["Lite0UNet", "Lite0UNet"]
    assert [recipe["loss"] for recipe in recipes] == ["EamcDiceLoss", "EamcIoULoss"]
    assert all(recipe["augmentation"]["scale"] == [0.65, 1.4] for recipe in recipes)
    page = (tmp_path / "out" / "study.html").read_text(encoding="utf-8")
    assert "All rows have the network and the recipe of unet-lite0" in page
    with pytest.raises(OutputError, match="other settings or data"):
        jobs.study(options("eamc-losses", slices, rows=("dice",)), tmp_path / "out")


def test_another_network_is_refused_where_networks_are_compared(slices, tmp_path):
    with pytest.raises(ParameterError, match="differ in their networks"):
        jobs.study(options("cascade-networks", slices, network="unet-lite0"), tmp_path / "out")


def test_a_folder_of_another_origin_is_refused(slices, tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="holds files of another origin, such as mine.txt"):
        jobs.study(options("eamc-losses", slices), tmp_path)
