"""The report on paper of every case of a cohort, also beside a case that failed."""

from __future__ import annotations

import sys

import pytest
from benchmarks.cohort_inputs import BAD, write_chest

from COVIDLesionSegLib import RESEARCH_USE_NOTICE
from COVIDLesionSegLib.engine.errors import DependencyError
from COVIDLesionSegLib.report import result_files as names
from COVIDLesionSegLib.report.report_pdf import require_pdf
from jobs.cohorts import run

pytestmark = pytest.mark.usefixtures("mrml")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_good_case_has_its_report_on_paper_and_the_bad_one_its_reason(tmp_path):
    try:
        require_pdf()
    except DependencyError as error:
        pytest.skip(f"SKIPPED, no PDF was made: {error}")
    from pypdf import PdfReader

    cts = tmp_path / "cts"
    cts.mkdir()
    good = write_chest(cts / "good.nii.gz", 40)
    BAD["truncated"](cts / "bad", good.read_bytes(), None)
    cohort = run(cts, tmp_path / "out", pdf="letter")

    assert {case.case: case.status for case in cohort.cases} == {"good": "done", "bad": "failed"}
    (paper,) = tmp_path.rglob("*.pdf")
    assert paper == tmp_path / "out" / names.CASE_FOLDER / "good" / names.REPORT_PDF
    pages = PdfReader(paper).pages
    assert float(pages[0].mediabox.height) == pytest.approx(11 * 72, abs=0.5)
    assert RESEARCH_USE_NOTICE in " ".join(pages[0].extract_text().split())


def test_without_weasyprint_nothing_is_begun(tmp_path, monkeypatch):
    write_chest(tmp_path / "one.nii.gz", 40)
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(DependencyError, match="WeasyPrint"):
        run(tmp_path / "one.nii.gz", tmp_path / "out", pdf="a4")
    assert not list(tmp_path.rglob("*.pdf")) and not (tmp_path / "out" / names.CASE_FOLDER).exists()
