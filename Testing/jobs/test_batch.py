"""A cohort: every good CT one correct result, every bad one a reason, whatever interrupts it."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from benchmarks.cohort_inputs import BAD, write_chest, write_cohort

from COVIDLesionSegLib import __version__, jobs
from COVIDLesionSegLib.engine.cohort.record import (
    MANIFEST_FOLDER,
    MOST_ATTEMPTS,
    CaseRecord,
    failure,
    read_record,
    read_records,
    write_record,
)
from COVIDLesionSegLib.engine.cohort.sources import find_cases
from COVIDLesionSegLib.engine.errors import Cancelled, OutputError, ParameterError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.jobs.cohort_case import CaseWork
from COVIDLesionSegLib.report import result_files as names
from COVIDLesionSegLib.report.cohort import outliers
from jobs.cohorts import PARAMETERS, run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mrml")]

GOOD = {"case-000", "case-001", "case-002"}


@pytest.fixture(scope="module")
def cts(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cts")
    write_cohort(folder, good=3)
    return folder


@pytest.fixture(scope="module")
def done(cts, tmp_path_factory):
    """One unbroken run."""
    out = tmp_path_factory.mktemp("out") / "cohort"
    return run(cts, out), out


def test_every_good_ct_has_a_result_and_every_bad_one_a_reason(done):
    cohort, out = done
    assert {case.case for case in cohort.cases if case.status == "done"} == GOOD
    assert {path.name for path in (out / names.CASE_FOLDER).iterdir()} == GOOD
    assert len(cohort.failed) == len(BAD)
    for case in cohort.failed:
        assert case.error["kind"] != "Unexpected", case.error
        assert case.error["message"].endswith(".")


def test_a_result_is_that_of_the_ct_alone(cts, done, tmp_path):
    _, out = done
    alone = jobs.segment(
        jobs.SegmentOptions(ct=cts / "case-001.nii.gz", parameters=PARAMETERS), tmp_path / "alone"
    )
    report = json.loads((out / names.CASE_FOLDER / "case-001" / names.REPORT_JSON).read_text())
    assert report["severity"]["ratio"] == alone.severity.ratio
    for name in (names.SEGMENTATION, names.PROBABILITY):
        ours, theirs = (
            sitk.GetArrayFromImage(sitk.ReadImage(folder / name))
            for folder in (out / names.CASE_FOLDER / "case-001", tmp_path / "alone")
        )
        assert ours.any() and np.array_equal(ours, theirs)
    record = read_record(out / MANIFEST_FOLDER / "case-001.json")
    assert record.numbers["both_lungs_ml"] == alone.severity.regions[2].lung_ml
    assert record.flags == alone.flags


def test_the_table_has_a_row_for_every_case_and_no_invented_number(done):
    cohort, out = done
    with (out / names.COHORT_CSV).open(newline="") as file:
        rows = {row["case"]: row for row in csv.DictReader(file)}
    assert set(rows) == {case.case for case in cohort.cases}
    for case in cohort.cases:
        row = rows[case.case]
        if case.status == "done":
            assert float(row["both_lungs_ml"]) == pytest.approx(case.numbers["both_lungs_ml"])
        else:
            assert row["ratio"] == row["both_lungs_ml"] == row["warnings"] == "n/a"
            assert row["error"] == case.error["message"]


def test_the_page_shows_every_case_and_links_what_is_there(done):
    cohort, out = done
    page = (out / names.COHORT_HTML).read_text()
    for case in cohort.cases:
        link = f'href="{names.CASE_FOLDER}/{case.case}/{names.REPORT_HTML}"'
        assert (link in page) == (case.status == "done")
    assert f"3 done, {len(BAD)} failed" in page
    report = json.loads((out / names.CASE_FOLDER / "case-000" / names.REPORT_JSON).read_text())
    assert f"by the rule <i>{report['severity']['rules'][0]['title']}</i>" in page
    assert "Research software" in page


def test_no_case_stays_in_the_scene_that_wrote_it(done, mrml):
    for name in ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLTableNode"):
        assert mrml.scene.GetNumberOfNodesByClass(name) == 0


def test_a_manifest_says_of_what_and_with_what_a_case_was_made(cts, done):
    records = {one.case: one for one in read_records(done[1])}
    weights = load_catalogue().get(PARAMETERS.model).card.weights.sha256
    for case in ("case-000", done[0].failed[-1].case):
        record = records[case]
        assert record.made_with["weights"] == {PARAMETERS.model: weights}
        assert record.made_with["parameters"] == PARAMETERS.to_dict()
        assert record.made_with["version"] == __version__
    (source,) = [one for one in find_cases([cts])[0] if one.case == "case-000"]
    assert records["case-000"].input == source.fingerprint()
    assert str(cts) not in (done[1] / MANIFEST_FOLDER / "case-000.json").read_text("utf-8")


def test_weights_of_a_model_for_lungs_decide_results_and_an_unknown_one_is_said_at_once(
    cts, tmp_path
):
    def work(**parameters):
        chosen = Parameters(device="cpu", **parameters)
        return CaseWork(jobs.BatchOptions(sources=(cts,), parameters=chosen), tmp_path)

    sha256 = load_catalogue().get("lungs-lite0").card.weights.sha256
    assert work(lungs="lungs-lite0").made_with["weights"]["lungs-lite0"] == sha256
    assert work(second_opinion="lungs-lite0").made_with["weights"]["lungs-lite0"] == sha256
    options = jobs.BatchOptions(sources=(cts,), parameters=Parameters(lungs="lungs-lite9"))
    with pytest.raises(ParameterError, match="lungs-lite9"):
        jobs.batch(options, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_second_run_does_nothing_again(cts, done):
    _, out = done
    before = {path: path.stat().st_mtime_ns for path in (out / names.CASE_FOLDER).rglob("*")}
    table = (out / names.COHORT_CSV).read_bytes()
    again = run(cts, out)
    assert again.skipped == len(again.cases) - sum(case.key == "" for case in again.cases)
    assert before == {p: p.stat().st_mtime_ns for p in (out / names.CASE_FOLDER).rglob("*")}
    assert (out / names.COHORT_CSV).read_bytes() == table


def test_only_a_ct_that_changed_is_done_again(cts, done, tmp_path):
    mine, out = tmp_path / "cts", tmp_path / "out"
    shutil.copytree(cts, mine)
    shutil.copytree(done[1], out)
    run(mine, out)
    write_chest(mine / "case-002.nii.gz", seed=50)
    before = read_record(out / MANIFEST_FOLDER / "case-002.json")
    cohort = run(mine, out)
    after = read_record(out / MANIFEST_FOLDER / "case-002.json")
    assert after.numbers != before.numbers
    assert cohort.skipped == len(cohort.cases) - 1


@pytest.mark.timeout(900)
def test_a_killed_cohort_is_gone_on_with_and_ends_as_an_unbroken_one(cts, done, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "COVIDLesionSegLib.cli.main", "batch", str(cts)]
    command += ["--out", str(out), "--device", "cpu", "--quiet"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    moments = sorted(random.sample(range(1, len(BAD) + len(GOOD)), 2))
    print("killed at", moments)  # pytest shows it where the test fails
    for begun in moments:
        process = subprocess.Popen(command, env=environment)
        while process.poll() is None and len(list(out.glob("manifests/*.json"))) < begun:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    finished = subprocess.run(command, env=environment, check=False)
    assert finished.returncode == 0
    assert (out / names.COHORT_CSV).read_bytes() == (done[1] / names.COHORT_CSV).read_bytes()
    assert {path.name for path in (out / names.CASE_FOLDER).glob("[!.]*")} == GOOD
    for case in GOOD:
        assert not list((out / names.CASE_FOLDER / case).glob(".*"))


def test_a_ct_at_which_the_software_ends_again_and_again_is_given_up(cts, done, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(done[1], out)
    manifest = out / MANIFEST_FOLDER / "case-000.json"
    record = read_record(manifest)
    write_record(replace(record, status="running", attempts=MOST_ATTEMPTS), manifest)
    (given_up,) = [case for case in run(cts, out).cases if case.case == "case-000"]
    assert given_up.status == "failed"
    assert "ended in the middle" in given_up.error["message"]
    (tried,) = [case for case in run(cts, out, retry_failed=True).cases if case.case == "case-000"]
    assert tried.status == "done"


def test_cancelling_keeps_what_is_finished(cts, tmp_path):
    cancel = CancelToken()

    def stop_at_the_second(progress):
        if "2 of" in progress.message:
            cancel.cancel()

    options = jobs.BatchOptions(
        sources=tuple(cts / f"case-00{n}.nii.gz" for n in range(3)), parameters=PARAMETERS
    )
    with pytest.raises(Cancelled):
        jobs.batch(options, tmp_path / "out", progress=stop_at_the_second, cancel=cancel)
    states = [read_record(path) for path in (tmp_path / "out" / MANIFEST_FOLDER).iterdir()]
    assert [(record.case, record.status) for record in states] == [("case-000", "done")]


def test_a_folder_of_another_origin_or_with_the_cts_in_it_is_refused(cts, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="thesis.txt"):
        run(cts, tmp_path)
    with pytest.raises(OutputError, match="inside the output folder"):
        run(cts, cts.parent)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_error_that_is_not_ours_is_kept_without_its_text_which_may_hold_a_path():
    kept = failure(PermissionError(13, "Permission denied", "/data/Doe_Jane/ct.nii.gz"))
    assert kept["kind"] == "Unexpected"
    assert "Doe" not in kept["message"] and "PermissionError" in kept["message"]


def test_a_case_far_from_the_others_is_an_outlier_and_of_few_cases_none_is():
    def case(number, ml):
        numbers = {"both_lungs_ml": ml, "both_lungs_ratio": None}
        return CaseRecord(f"c{number:02d}", "", "", "done", numbers=numbers)

    cases = [case(number, 4000.0 + 50 * number) for number in range(11)]
    assert outliers([*cases, case(99, 900.0)]) == {"c99": "volume of the lungs"}
    assert outliers([*cases[:5], case(99, 900.0)]) == {}
    equal = [case(number, 4000.0) for number in range(11)]
    assert outliers([*equal, case(99, 900.0)]) == {"c99": "volume of the lungs"}
    assert outliers(equal) == {}
