"""The report on paper: its pages, what is on each, and what is said where none can be made."""

from __future__ import annotations

import io
import sys

import pytest
from PIL import Image

from COVIDLesionSegLib import RESEARCH_USE_NOTICE
from COVIDLesionSegLib.engine.errors import DependencyError
from COVIDLesionSegLib.report.report_html import report_page
from COVIDLesionSegLib.report.report_pdf import require_pdf, write_pdf

MM = 72 / 25.4
SIZES = {"a4": (210 * MM, 297 * MM), "letter": (215.9 * MM, 279.4 * MM)}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Pictures of the sizes of real ones."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, size in (("slices.png", (1500, 560)), ("infection3d.png", (900, 800))):
        Image.new("RGB", size, (90, 20, 20)).save(folder / name)
    return folder / "slices.png", folder / "infection3d.png"


@pytest.fixture
def pages(tmp_path):
    """A function that writes a page as a PDF and reads the pages of it."""
    try:
        require_pdf()
    except DependencyError as error:
        pytest.skip(f"SKIPPED, no PDF was made: {error}")
    from pypdf import PdfReader

    def read(html: str, paper: str):
        write_pdf(html, paper, tmp_path / "report.pdf")
        return PdfReader(tmp_path / "report.pdf").pages

    return read


@pytest.mark.parametrize("paper", SIZES)
def test_every_page_has_its_size_its_number_and_the_notice(paper, result, pictures, pages):
    found = pages(report_page(result, *pictures), paper)
    assert len(found) > 1
    for number, page in enumerate(found, start=1):
        assert (page.mediabox.width, page.mediabox.height) == pytest.approx(SIZES[paper], abs=0.5)
        text = " ".join(page.extract_text().split())
        assert RESEARCH_USE_NOTICE in text
        assert f"{number} / {len(found)}" in text


def test_everything_of_the_page_is_on_paper_with_both_pictures(result, pictures, pages):
    found = pages(report_page(result, *pictures, title="Case 17"), "a4")
    text = " ".join(" ".join(page.extract_text() for page in found).split())
    for said in ("Case 17", "CT-1", "Quality flags", result.flags[0].message, "Provenance"):
        assert said in text
    sizes = {Image.open(io.BytesIO(image.data)).size for page in found for image in page.images}
    assert len(sizes) == 2


def test_every_page_of_an_untrained_network_says_so(untrained_ensemble, pictures, pages):
    for page in pages(report_page(untrained_ensemble, *pictures), "a4"):
        assert "UNTRAINED NETWORK: random weights" in page.extract_text()


def test_no_other_file_is_read(pictures, pages):
    """Not even one that is there and could be."""
    (page,) = pages(f'<p>text <img src="{pictures[0].as_uri()}"></p>', "a4")
    assert "text" in page.extract_text() and not page.images


def test_without_weasyprint_the_package_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(DependencyError, match="pip install weasyprint"):
        require_pdf()


def test_without_pango_the_system_library_to_install_is_named(monkeypatch, tmp_path):
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango')")
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DependencyError, match="apt-get install libpango-1.0-0"):
        require_pdf()
