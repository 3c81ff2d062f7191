"""A reader beside a cohort, as a script uses it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.cohort.record import CaseRecord
from COVIDLesionSegLib.engine.data.tables import read_table
from COVIDLesionSegLib.jobs import BatchOptions
from COVIDLesionSegLib.report.cohort import write_cohort
from COVIDLesionSegLib.report.result_files import AGREEMENT_RESULT

RULES = ("eamc-worse-lung", "cascade-slice-mean", "pooled")


SHOWN = ("ratio", "both_lungs_lesion_ml", "both_lungs_ml", "slices_with_lesion", "slices_with_lung")
"""What the cohort's page shows besides."""


def record(case, category, status="done"):
    numbers = {"category": category, **{f"{rule}_category": category for rule in RULES}}
    numbers |= dict.fromkeys(SHOWN, 0.5)
    return CaseRecord(
        case, f"{case}.nii.gz", "key", status, numbers=numbers if status == "done" else {}
    )


@pytest.fixture
def cohort(tmp_path):
    """A cohort of five cases, of which one failed, as a batch writes it."""
    folder = tmp_path / "cohort"
    folder.mkdir()
    graded = [("a", "CT-0"), ("b", "CT-1"), ("c", "CT-2"), ("d", "CT-4")]
    records = [record(*one) for one in graded] + [record("e", None, "failed")]
    write_cohort(records, [], BatchOptions(sources=("cts",)), folder)
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["agreement", *map(str, arguments)])


def test_a_cohort_is_compared_and_every_case_is_accounted_for(cohort, tmp_path):
    truth = tmp_path / "mosmed.csv"
    truth.write_text("study_id,grade\na,CT-0\nb,CT-2\nc,CT-2\ne,CT-3\nz,CT-1\n")
    columns = ("--case-column", "study_id", "--category-column", "grade")
    done = run(cohort, "--truth", truth, "--out", tmp_path / "out", *columns)
    assert done.exit_code == 0, done.output
    folder = tmp_path / "out"
    assert {path.name for path in folder.iterdir()} == AGREEMENT_RESULT.files
    content = json.loads((folder / "agreement.json").read_text("utf-8"))
    assert [rule["rule"] for rule in content["rules"]] == list(RULES)
    assert content["rules"][0]["accuracy"]["value"] == pytest.approx(2 / 3)
    assert (content["only_reader"], content["only_software"]) == (["z"], ["d"])
    assert content["rules"][0]["not_graded"] == ["e"]

    assert [list(row.cells.values()) for row in read_table(folder / "agreement.csv").rows] == [
        ["a", "CT-0", *["CT-0"] * 3, "yes"],
        ["b", "CT-2", *["CT-1"] * 3, "yes"],
        ["c", "CT-2", *["CT-2"] * 3, "yes"],
        ["d", "n/a", *["CT-4"] * 3, "not in the reader's table"],
        ["e", "CT-3", *["n/a"] * 3, "not graded by the software"],
        ["z", "CT-1", *["n/a"] * 3, "not in the software's table"],
    ]
    counts = [int(row.get("cases")) for row in read_table(folder / "confusion.csv").rows]
    assert sum(counts) == 3 * 3
    scores = {
        (row.get("rule"), row.get("category"), row.get("score")): row
        for row in read_table(folder / "scores.csv").rows
    }
    ct2 = scores["pooled", "CT-2", "sensitivity"]
    assert (float(ct2.get("value")), ct2.get("cases")) == (0.5, "2")
    assert scores["pooled", "CT-4", "sensitivity"].get("value") == "n/a"
    page = (folder / "agreement.html").read_text("utf-8")
    assert "1 not in the software&#39;s table" in page and "linear weights" in page
    for text in (page, done.output):
        assert "z" in text and "research" in text.lower()


def test_the_table_of_mosmeddata_is_compared_with_the_cohort_of_its_files(cohort, tmp_path):
    truth = tmp_path / "dataset_registry.csv"  # its columns, and how it names files
    truth.write_text(
        "\ufeffstudy_id,category,study_file,mask_file\n"
        "1,CT-0,/studies/CT-0/a.nii.gz,\n2,CT-2,/studies/CT-2/b.nii.gz,\n",
        encoding="utf-8",
    )
    done = run(cohort, "--truth", truth, "--out", tmp_path / "out", "--case-column", "study_file")
    assert done.exit_code == 0, done.output
    content = json.loads((tmp_path / "out" / "agreement.json").read_text("utf-8"))
    assert [(case["case"], case["reader"]) for case in content["cases"]] == [
        ("a", "CT-0"),
        ("b", "CT-2"),
    ]


def test_cts_of_one_name_are_found_by_their_folder_and_the_counts_are_right(tmp_path):
    rows = [("one-1", "one.nii.gz", "CT-0"), ("one-2", "sub/one.nii.gz", "CT-1")]
    rows.append(("M_", "M.nii", ""))
    cohort = tmp_path / "cohort.csv"
    cohort.write_text("case,place,category\n" + "".join(",".join(row) + "\n" for row in rows))
    truth = tmp_path / "truth.csv"
    truth.write_text(
        "case,category\nCohort/one.nii.gz,CT-0\nsub/one.nii.gz,CT-1\nMü,CT-2\nz,CT-3\n",
        encoding="utf-8",
    )
    done = run(cohort, "--truth", truth, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    content = json.loads((tmp_path / "out" / "agreement.json").read_text("utf-8"))
    assert content["rules"][0]["accuracy"]["value"] == 1.0
    compared = {case["case"]: case["reader"] for case in content["cases"]}
    assert compared == {"one-1": "CT-0", "one-2": "CT-1", "M_": "CT-2"}
    assert "4 cases graded by the reader, 3 of them in the cohort, 2 compared" in done.output
    assert done.output.count("not graded") == 1


def test_a_table_without_common_cases_is_one_clear_line(cohort, tmp_path):
    truth = tmp_path / "truth.csv"
    truth.write_text("case,category\nx,CT-1\n")
    failed = run(cohort, "--truth", truth, "--out", tmp_path / "out")
    assert failed.exit_code == 1 and not (tmp_path / "out").exists()
