"""The app for MONAI Label, as far as it needs no server: its folder, its imports, its jobs."""

from __future__ import annotations

import ast
import importlib
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import COVIDLesionSegLib
from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.errors import InputError, ParameterError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.retrained import MODEL_FOLDER
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.review import Verdict, patient_key, read_cases
from COVIDLesionSegLib.engine.volume import read_array, same_grid, write_volume
from COVIDLesionSegLib.monai_label import labelled_cases
from COVIDLesionSegLib.monai_label.app_folder import MAIN, write_app
from COVIDLesionSegLib.monai_label.choice import (
    CONFIDENCE,
    DOUBT,
    SCORE,
    TRY,
    begun,
    next_ct,
    state_of,
    to_score,
)
from COVIDLesionSegLib.monai_label.labelled_cases import LabelledCt, collect_cases, names_of_values
from COVIDLesionSegLib.monai_label.prediction import (
    asked_parameters,
    predict,
    settings,
    sureness,
    write_label_map,
)
from engine.reviewed_cohort import MODEL
from engine.volume_files import PATIENT_ID, write_dicom_series

PACKAGE = Path(COVIDLesionSegLib.__file__).parent / "monai_label"
SERVERS = {"monailabel", "fastapi"}
NEEDS_A_SERVER = {"app", "tasks"}


def our_imports(path, package):
    """Modules of ours that a file imports, each with a name in it or None."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from ((module, alias.name) for alias in node.names)


def test_the_command_writes_the_app_and_says_how_to_start_the_server(tmp_path):
    answer = CliRunner().invoke(app, ["monai-label", "--out", str(tmp_path / "app")])

    assert answer.exit_code == 0, answer.output
    assert [path.name for path in (tmp_path / "app").iterdir()] == [MAIN]
    assert f"monailabel start_server --app {tmp_path / 'app'} --studies" in answer.output
    assert ("pip install" in answer.output) == (find_spec("monailabel") is None)

    again = CliRunner().invoke(app, ["monai-label", "--out", str(tmp_path / "app")])
    assert again.exit_code == 1


def test_all_that_the_app_imports_of_this_software_is_there(tmp_path):
    write_app(tmp_path / "app")
    own = f"{COVIDLesionSegLib.__name__}.monai_label"
    files = {tmp_path / "app" / MAIN: "", **dict.fromkeys(sorted(PACKAGE.glob("*.py")), own)}
    looked_at = 0
    for path, package in files.items():
        for module, name in our_imports(path, package):
            if not module.startswith(COVIDLesionSegLib.__name__):
                continue
            looked_at += 1
            if module.startswith(own) and module.rpartition(".")[2] in NEEDS_A_SERVER:
                tree = ast.parse((PACKAGE / f"{module.rpartition('.')[2]}.py").read_text("utf-8"))
                assert name in {getattr(node, "name", None) for node in tree.body}, (path, name)
                continue
            found = importlib.import_module(module)
            if name is not None and not hasattr(found, name):
                importlib.import_module(f"{module}.{name}")
    assert looked_at > 20


def test_only_what_the_server_runs_needs_its_packages():
    needing = {
        path.stem
        for path in PACKAGE.glob("*.py")
        for module, _ in our_imports(path, "x")
        if module.split(".")[0] in SERVERS
    }
    assert needing == NEEDS_A_SERVER


def test_a_client_sets_what_it_is_offered_and_nothing_else():
    defaults = Parameters(model=MODEL, device="cpu")
    offered = settings(defaults)
    assert offered["device"][0] == "cpu" and set(offered["device"]) > {"auto", "cuda"}
    assert asked_parameters({**offered, "client_id": "me", "model": "other"}, defaults) == defaults
    assert asked_parameters({"threshold": 0.3}, defaults).threshold == 0.3
    with pytest.raises(ParameterError):
        asked_parameters({"device": "cuda:7"}, defaults)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd"])
def test_labels_come_back_on_the_grid_of_an_oblique_ct(cts, phantoms, small_model, ending):
    ct = cts / "oblique.nii.gz"
    volume, result = predict(ct, Parameters(model=MODEL))
    path = write_label_map(result.lesions, volume.geometry, ending)
    labels, grid = read_array(path)
    path.unlink()

    assert np.array_equal(labels, result.lesions)
    given, of_ct = grid.ijk_to_ras, read_array(ct)[1].ijk_to_ras
    assert np.abs(given - of_ct).max() < 1e-4
    truth = phantoms["oblique"].lesions > 0
    assert 2 * np.sum(truth & (labels > 0)) / (truth.sum() + labels.astype(bool).sum()) > 0.3


def test_how_sure_a_prediction_is_is_known_of_a_calibrated_model_with_lesions(cts):
    _, result = predict(cts / "one.nii.gz", Parameters())
    found = sureness(result)
    assert found[DOUBT] > 0 and 0 < found[CONFIDENCE] < 1
    assert load_catalogue().get(Parameters.model).card.calibration is not None


def test_the_least_sure_ct_is_next_and_two_people_get_two():
    images = {
        "sure": {SCORE: {DOUBT: 1.0, CONFIDENCE: 0.9}},
        "unsure": {SCORE: {DOUBT: 9.0, CONFIDENCE: 0.7}},
        "healthy": {SCORE: {DOUBT: 0.0, CONFIDENCE: None}},
        "a-new-one": {},
    }
    assert next_ct(images, DOUBT, "s") == "unsure" and next_ct(images, CONFIDENCE, "s") == "unsure"

    order = []
    for second in range(1, 5):
        order.append(next_ct(images, DOUBT, "s", now=1000.0 + second))
        images[order[-1]]["strategy"] = {"s": {"ts": 1000.0 + second}}
    assert order == ["unsure", "sure", "healthy", "a-new-one"]
    assert next_ct(images, DOUBT, "s", now=1010.0) == "unsure"
    assert next_ct(images, CONFIDENCE, "other", now=1010.0) == "unsure"
    assert next_ct({}, DOUBT, "s") is None


def test_a_ct_is_scored_again_for_another_model_and_once_its_file_changed(tmp_path):
    file = tmp_path / "ct.nii.gz"
    file.write_bytes(b"one")
    info = {"path": str(file)}
    images = {"ct": {**info, SCORE: {"weights": "a", "files": state_of(info), DOUBT: 1.0}}}

    def due(weights):
        return to_score(images, {"ct": state_of(images["ct"])}, weights)

    assert due("a") == [] and due("b") == ["ct"]
    file.write_bytes(b"another")
    assert due("a") == ["ct"]
    file.unlink()
    assert state_of(info) is state_of({}) is None
    assert due("a") == [] and due("b") == ["ct"]


def test_a_ct_that_failed_is_tried_again_later_or_changed_and_after_the_others():
    states = {name: "file" for name in ("broken", "killed", "new")}
    images = {name: {} for name in states}
    images["killed"][SCORE] = begun({SCORE: {"weights": "old", DOUBT: 3.0}}, "a", "file")
    images["broken"][SCORE] = {**begun({}, "a", "file"), "error": "It cannot be read."}
    tried = images["killed"][SCORE][TRY]["time"]
    images["broken"][SCORE][TRY]["time"] = tried + 1

    assert to_score(images, states, "a", now=tried + 60) == ["new"]
    later = tried + 3600
    assert to_score(images, states, "a", now=later) == ["new", "killed", "broken"]
    assert to_score(images, states, "other", now=tried + 60) == ["broken", "killed", "new"]
    changed = {**states, "broken": "another"}
    assert to_score(images, changed, "a", now=tried + 60) == ["broken", "new"]
    assert next_ct(images, DOUBT, "s") == "killed"  # its score of before still counts


def submit(phantom, path, shift=0):
    """The true lesions as a client of 3D Slicer submits them, all segments in one map."""
    lesions = phantom.lesions > 0
    lesions[: len(lesions) // 2] &= shift == 0
    array = np.where(lesions, 3, phantom.lungs).astype(np.uint8)
    write_volume(array, phantom.volume.geometry, path)
    names = ("right lung", "left lung", "lesion")
    return {"label_info": [{"name": name, "idx": n} for n, name in enumerate(names, start=1)]}


@pytest.fixture
def labelled(cts, phantoms, tmp_path):
    """Every CT with its submitted label."""
    found = []
    for name, phantom in phantoms.items():
        label = tmp_path / f"{name}.nrrd"
        names = names_of_values(submit(phantom, label))
        found.append(LabelledCt(cts / f"{name}.nii.gz", label, names))
    return found


def test_submitted_labels_become_the_reviewed_cases_that_a_model_is_retrained_on(
    labelled, phantoms, small_model, tmp_path, monkeypatch
):
    reviews = tmp_path / "reviews"
    cases = collect_cases(labelled, MODEL, reviews)

    for case, phantom in zip(cases, phantoms.values(), strict=True):
        assert case.verdict is Verdict.CORRECTED and same_grid(
            case.geometry, phantom.volume.geometry
        )
        assert np.array_equal(case.lesions() > 0, phantom.lesions > 0)
        assert np.all(case.lungs()[phantom.lungs > 0] > 0)
    out = tmp_path / "out"
    options = jobs.RetrainOptions(model_id="learned", model=MODEL, reviews=reviews, steps=1)
    assert jobs.retrain(options, out).learned.corrected == 3
    assert (out / MODEL_FOLDER / "learned.safetensors").is_file()

    # A CT is not segmented again with the same weights, and a label that is gone is not learned.
    monkeypatch.setattr(labelled_cases, "predict", None)
    left = collect_cases(labelled[:2], MODEL, reviews)
    assert {case.id for case in read_cases(reviews).cases} == {case.id for case in left}


def test_the_patient_of_a_dicom_ct_is_the_one_of_slicers_reviews(phantoms, small_model, tmp_path):
    volume = phantoms["one"].volume
    ct = write_dicom_series(tmp_path / "ct", volume.array, volume.geometry)
    names = names_of_values(submit(phantoms["one"], tmp_path / "one.nrrd"))
    reviews = tmp_path / "reviews"
    (case,) = collect_cases([LabelledCt(ct, tmp_path / "one.nrrd", names)], MODEL, reviews)
    assert case.patient == patient_key(PATIENT_ID, reviews)


def test_a_label_that_is_changed_is_learned_as_it_is_now(labelled, phantoms, small_model, tmp_path):
    collect_cases(labelled[:1], MODEL, tmp_path / "reviews")
    submit(phantoms["one"], labelled[0].label, shift=1)
    (case,) = collect_cases(labelled[:1], MODEL, tmp_path / "reviews")
    assert not case.lesions()[: len(case.lesions()) // 2].any() and case.lesions().any()


def test_a_label_map_without_names_and_one_without_lesions_can_be_submitted(
    cts, phantoms, small_model, tmp_path
):
    label = tmp_path / "plain.nii.gz"
    for lesions in (phantoms["one"].lesions > 0, np.zeros_like(phantoms["one"].lesions)):
        write_volume(lesions.astype(np.uint8), phantoms["one"].volume.geometry, label)
        one = LabelledCt(cts / "one.nii.gz", label, {})
        (case,) = collect_cases([one], MODEL, tmp_path / "reviews")
        assert np.array_equal(case.lesions() > 0, lesions > 0)


@pytest.mark.parametrize(
    ("names", "value", "sentence"),
    [
        ({1: "right lung", 2: "left lung", 3: "nodule"}, 3, "holds the value 3, 'nodule'"),
        ({}, 2, "holds the value 2"),
    ],
)
def test_what_is_no_lesion_is_never_learned_as_one(
    labelled, phantoms, small_model, tmp_path, names, value, sentence
):
    one = labelled[0]
    array = np.where(phantoms["one"].lesions > 0, value, 0).astype(np.uint8)
    write_volume(array, phantoms["one"].volume.geometry, one.label)
    with pytest.raises(InputError, match=sentence):
        collect_cases([LabelledCt(one.ct, one.label, names)], MODEL, tmp_path / "reviews")


def test_a_label_of_another_ct_is_refused(labelled, small_model, tmp_path):
    shutil.copy(labelled[1].label, labelled[0].label)
    with pytest.raises(InputError, match="grid of its CT"):
        collect_cases(labelled[:1], MODEL, tmp_path / "reviews")
