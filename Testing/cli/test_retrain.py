"""``retrain`` as a script uses it: reviewed cases in, a model beside the old one out."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.errors import Cancelled, InputError
from COVIDLesionSegLib.engine.models.catalogue import read_models
from COVIDLesionSegLib.engine.models.retrained import MODEL_FOLDER, TRAINING_FOLDER, load_retrained
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.review import Verdict, patient_key, read_cases, save_verdict
from COVIDLesionSegLib.engine.volume import write_volume
from engine.beginner import PLAIN, write_beginner
from engine.crafted import make_card, write_model
from engine.reviewed_cohort import MODEL, chest, review
from engine.volume_files import write_dicom_series

pytestmark = pytest.mark.slow

PATIENTS = ("p0", "p1", "p2", "p3")
HELD_OUT = 2


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_beginner(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(USER_FOLDER_VARIABLE, str(folder))
        yield folder


def make_reviews(folder):
    """Four corrected cases, one accepted, one rejected, one without verdict."""
    for seed, patient in enumerate(PATIENTS):
        review(folder, seed, patient, Verdict.CORRECTED)
    review(folder, 10, "accepted", Verdict.ACCEPTED)
    review(folder, 11, "rejected", Verdict.REJECTED)
    review(folder, 12, "open", None)
    return folder


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    return make_reviews(tmp_path_factory.mktemp("private-place") / "reviews")


def options(reviews, **values):
    return jobs.RetrainOptions(
        **{"model_id": "better", "model": MODEL, "reviews": reviews, "steps": 1} | values
    )


@pytest.fixture(scope="module")
def trained(reviews, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "retraining"
    words = ("retrain", "better", "--model", MODEL, "--reviews", reviews, "--steps", 1)
    done = CliRunner().invoke(app, [str(word) for word in (*words, "--out", out)])
    assert done.exit_code == 0, done.output
    return out, done.output


@pytest.fixture(scope="module")
def retrained(trained):
    return load_retrained(trained[0] / MODEL_FOLDER)


def patients_of(reviews, *verdicts):
    return {case.patient[:8] for case in read_cases(reviews).cases if case.verdict in verdicts}


def test_accepted_and_corrected_cases_are_learned_from_and_no_others(trained, retrained, reviews):
    (model,) = read_models(trained[0] / MODEL_FOLDER / "better.json")
    load_network(model)
    held_out = {one.patient for one in retrained.comparison.patients}
    learned = set(model.card.learned_from) - {"nobody"}
    assert len(held_out) == HELD_OUT and held_out < patients_of(reviews, Verdict.CORRECTED)
    assert learned == patients_of(reviews, Verdict.ACCEPTED, Verdict.CORRECTED) - held_out
    assert (retrained.learned.accepted, retrained.learned.corrected) == (1, 2)
    assert model.card.weights.licence == "CC0-1.0" and model.card.training["recipe"]["seed"] == 0
    assert model.card.notes[-1] == (
        "Fine-tuned on 8 slices of accepted cases, each counted 1 times, and 16 slices of "
        "corrected cases, each counted 2 times."
    )


def test_both_models_are_compared_on_whole_held_out_cts(trained, retrained):
    out, told = trained
    comparison = retrained.comparison
    assert comparison.new.dice > comparison.old.dice + 0.2
    with (out / MODEL_FOLDER / "comparison.csv").open(encoding="utf-8") as file:
        *patients, pooled = csv.DictReader(file)
    for row, one in zip(patients, comparison.patients, strict=True):
        assert row["patient"] == one.patient and row["slices"] == "8"
        assert float(row["sensitivity_old"]) == pytest.approx(one.old.sensitivity, abs=1e-6)
        assert float(row["precision_new"]) == pytest.approx(one.new.precision, abs=1e-6)
    assert float(pooled["dice_new"]) == pytest.approx(comparison.new.dice, abs=1e-6)
    assert retrained.promotion.allowed and retrained.promotion.reason in told
    assert f"pooled  Dice {comparison.old.dice:.3f} to {comparison.new.dice:.3f}" in told
    (model,) = read_models(out / MODEL_FOLDER / "better.json")
    scores = {s.data: s.value for s in model.card.scores if s.metric == "Dice"}
    for one in comparison.patients:
        assert scores[f"{one.patient}, 8 slices"] == pytest.approx(one.new.dice, abs=1e-4)


def test_pictures_show_where_the_models_differ_most(trained, retrained):
    folder = trained[0] / MODEL_FOLDER
    patients = [picture.patient for picture in retrained.pictures]
    assert {patients.count(name) for name in patients} == {3} and len(set(patients)) == HELD_OUT
    for picture in retrained.pictures:
        assert (folder / picture.file).read_bytes().startswith(b"\x89PNG") and picture.pixels > 0
    assert "better" in (folder / "comparison.html").read_text(encoding="utf-8")


def test_nothing_that_is_written_names_a_path_or_holds_a_ct(trained, reviews):
    out, _ = trained
    texts = [path for path in out.rglob("*") if path.suffix in (".json", ".csv", ".html")]
    assert texts and not any(str(reviews) in path.read_text("utf-8") for path in texts)
    assert not list(out.rglob("*.nrrd")) and not (out / TRAINING_FOLDER / "cases").exists()


def test_a_retraining_resumes_with_the_cases_it_began_with(trained, tmp_path):
    folder = make_reviews(tmp_path / "reviews")
    out, cancel = tmp_path / "out", CancelToken()
    given = options(folder, steps=2)
    with pytest.raises(Cancelled):
        jobs.retrain(
            given,
            out,
            progress=lambda p: cancel.cancel() if p.stage == "Training" else None,
            cancel=cancel,
        )
    assert not (out / MODEL_FOLDER).exists()
    uninterrupted = jobs.retrain(given, tmp_path / "uninterrupted")
    for case in read_cases(folder).cases:
        save_verdict(case, Verdict.REJECTED, "")
    resumed = jobs.retrain(options(folder, steps=2, resume=True), out)
    assert resumed == uninterrupted
    weights = f"{MODEL_FOLDER}/better.safetensors"
    assert (out / weights).read_bytes() == (tmp_path / "uninterrupted" / weights).read_bytes()
    assert jobs.retrain(options(folder, steps=2, resume=True), out) == resumed


def test_few_corrections_are_learned_from_but_not_evaluated(tmp_path):
    review(tmp_path / "reviews", 0, None, Verdict.CORRECTED)
    retrained = jobs.retrain(options(tmp_path / "reviews"), tmp_path / "out")
    assert retrained.comparison is None and not retrained.promotion.allowed
    assert retrained.promotion.reason.startswith("Not evaluated: there is 1 corrected case,")
    assert load_retrained(tmp_path / "out" / MODEL_FOLDER) == retrained
    (model,) = read_models(tmp_path / "out" / MODEL_FOLDER / "better.json")
    assert model.card.scores == () and "performance is unknown" in model.card.notes[0]


def test_predictions_on_cts_with_a_verdict_are_never_learned_from(reviews, tmp_path):
    table = ["ct,patient"]
    for seed, patient in ((0, "held-out"), (11, "rejected"), (12, "open"), (20, "new")):
        volume = chest(seed).volume
        write_volume(volume.array, volume.geometry, tmp_path / f"{seed}.nrrd")
        table.append(f"{seed}.nrrd,{patient}")
    (tmp_path / "cts.csv").write_text("\n".join(table), encoding="utf-8")
    given = options(reviews, unlabelled=tmp_path / "cts.csv", min_confidence=0.3)
    retrained = jobs.retrain(given, tmp_path / "out")
    with (tmp_path / "out" / TRAINING_FOLDER / "candidates.csv").open(encoding="utf-8") as file:
        candidates = list(csv.DictReader(file))
    assert {row["patient"] for row in candidates} == {"open", "new"}
    assert retrained.learned.predictions > 0
    (model,) = read_models(tmp_path / "out" / MODEL_FOLDER / "better.json")
    assert set(model.card.training["data"]["pseudo_labels"]) <= {"open", "new"}


def test_other_cts_of_held_out_patients_are_never_learned_from(retrained, reviews, tmp_path):
    """Whether the table names the patient, or the DICOM files alone do."""
    keys = {one.patient for one in retrained.comparison.patients}
    named, in_dicom = (name for name in PATIENTS if patient_key(name, reviews)[:8] in keys)
    other = next(name for name in PATIENTS if name not in (named, in_dicom))
    for seed, patient in ((20, named), (21, other)):
        volume = chest(seed).volume
        write_volume(volume.array, volume.geometry, tmp_path / f"{patient}.nrrd")
    volume = chest(22).volume

    def of_patient(dataset, k):
        dataset.PatientID = in_dicom

    write_dicom_series(tmp_path / "study", volume.array, volume.geometry, edit=of_patient)
    table = f"ct,patient\n{named}.nrrd,{named}\n{other}.nrrd,\nstudy,\n"
    (tmp_path / "cts.csv").write_text(table, encoding="utf-8")
    jobs.retrain(
        options(reviews, unlabelled=tmp_path / "cts.csv", min_confidence=0.3), tmp_path / "out"
    )
    with (tmp_path / "out" / TRAINING_FOLDER / "candidates.csv").open(encoding="utf-8") as file:
        assert {row["patient"] for row in csv.DictReader(file)} == {other}


def test_patients_that_the_parent_learned_from_by_name_are_not_held_out(reviews, models, tmp_path):
    (small,) = read_models(models / f"{MODEL}.json")
    data = {"training": {"p0": 8, "p1": 8}, "validation": {}, "outside": {}}
    card = replace(small.card, id="named", training={"data": data})
    write_model(load_network(small), card, models)
    retrained = jobs.retrain(options(reviews, model="named"), tmp_path / "out")
    held_out = {one.patient for one in retrained.comparison.patients}
    assert held_out == {patient_key(name, reviews)[:8] for name in ("p2", "p3")}


def test_what_cannot_be_retrained_is_refused_before_anything_is_written(reviews, models, tmp_path):
    with pytest.raises(InputError, match="no accepted or corrected case"):
        jobs.retrain(options(tmp_path / "empty"), tmp_path / "out")
    from COVIDLesionSegLib.engine.networks.eamc import AMCNet

    stranger = make_card(id="stranger", network="AMCNet", arguments=PLAIN)
    write_model(AMCNet(**PLAIN), stranger, models)
    with pytest.raises(InputError, match="stranger does not record which patients"):
        jobs.retrain(options(reviews, model="stranger"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_result_is_not_taken_for_a_model(tmp_path):
    with pytest.raises(InputError, match="holds no complete retrained model"):
        load_retrained(tmp_path)
    (tmp_path / "comparison.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(InputError, match="holds no complete retrained model"):
        load_retrained(tmp_path)
