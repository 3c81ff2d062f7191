"""README and docs/: every link leads somewhere, and the site builds of them without a warning."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from COVIDLesionSegLib import HOMEPAGE, RESEARCH_USE_NOTICE, jobs
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from markdown_pages import PAGES, REPOSITORY, anchors, code_in_text, links

OUTSIDE = ("http://", "https://", "mailto:")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_every_anchor_to_a_heading(page):
    broken = []
    for link in links(page):
        if link.startswith(OUTSIDE):
            continue
        path, _, anchor = link.partition("#")
        target = (REPOSITORY / page).parent / path if path else REPOSITORY / page
        target = Path(os.path.normpath(target))
        found = target.exists()
        if found and anchor:
            found = anchor in anchors(target.relative_to(REPOSITORY).as_posix())
        if not found:
            broken.append(link)
    assert not broken


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md", "docs/limits.md"])
def test_who_uses_it_is_told_that_it_is_no_medical_device(page):
    assert RESEARCH_USE_NOTICE in (REPOSITORY / page).read_text("utf-8")


def test_the_readme_is_one_screen_and_a_half():
    assert len((REPOSITORY / "README.md").read_text("utf-8").split()) < 750


def test_the_address_of_the_repository_is_the_same_everywhere():
    cmake, entry = (
        (REPOSITORY / name).read_text("utf-8") for name in ("CMakeLists.txt", "COVIDLesionSeg.json")
    )
    owner = HOMEPAGE.removeprefix("https://github.com/")
    addresses = re.findall(r"https://(?:github|raw\.githubusercontent)\.com/(\w+/\w+)", cmake)
    assert set(addresses) == {owner} and f'"scm_url": "{HOMEPAGE}"' in entry


def test_icon_and_pictures_of_the_catalogue_are_in_the_repository():
    text = (REPOSITORY / "CMakeLists.txt").read_text("utf-8")
    paths = re.findall(r"raw\.githubusercontent\.com/\w+/\w+/main/([^\s\"]+)", text)
    assert len(paths) >= 2 and all((REPOSITORY / path).is_file() for path in paths)


def test_every_field_of_the_report_is_documented():
    from COVIDLesionSegLib.report.report_json import report_schema

    fields = report_schema()["properties"]
    named = " ".join(code_in_text("docs/files.md"))
    for name in fields:
        assert name in named
    for name in fields["severity"]["properties"]:
        assert f"severity.{name}" in named
    assert f"`covid-lesion-seg-report`, {fields['version']['const']} |" in (
        REPOSITORY / "docs" / "files.md"
    ).read_text("utf-8")


def test_the_table_of_models_says_what_the_cards_say():
    text = (REPOSITORY / "docs" / "models.md").read_text("utf-8")
    rows = [row for row in text.splitlines() if row.endswith(" million |")]
    counted = 0
    for author in ("Pal Das", "Balantrapu", "Qiblawey", "Enshaei", "Ter-Sarkisov", "Tan"):
        models = [model for model in load_catalogue().models if author in model.card.paper]
        counted += len(models)
        (row,) = (row for row in rows if author in row.split("|")[1])
        for model in models:
            # eamc-1, eamc-4 and eamc-5 are named as the members of eamc.
            named = re.sub(r"^eamc-\d$", "eamc", model.id)
            assert not model.weights_present or f"`{named}`" in row
        shown = re.findall(r"[\d.]+", row.split("|")[-2])
        sizes = [model.card.parameters / 1e6 for model in models]
        for number, size in zip(shown, (min(sizes), max(sizes)), strict=False):
            assert number == f"{size:.{len(number.partition('.')[2])}f}"
        assert len(shown) == 2 or f"{min(sizes):.1f}" == f"{max(sizes):.1f}"
    assert counted == len(load_catalogue().models)


def test_every_page_is_in_the_menu_of_the_site():
    text = (REPOSITORY / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    menu = set(re.findall(r"[\w-]+\.md", text))
    assert {Path(page).name for page in PAGES if page.startswith("docs/")} <= menu


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_the_site_loads_nothing_from_elsewhere(site):
    loads = re.compile(r"<(?:script|img|iframe)[^>]+src=\"?https?:|<link[^>]+href=\"?https?:")
    pages = list(site.glob("*.html"))
    assert len(pages) > 10
    assert not [page.name for page in pages if loads.search(page.read_text("utf-8"))]


@pytest.mark.slow
def test_the_search_works_in_a_folder_without_a_server(site):
    """Browsers refuse such pages a worker and a fetch: its index and a stand-in are scripts."""
    index = (site / "search" / "search_index.js").read_text("utf-8")
    assert index.startswith("var __index =") and "Chest CT" in index
    pages = list(site.glob("*.html"))
    assert all("assets/iframe-worker.js" in page.read_text("utf-8") for page in pages)


@pytest.mark.slow
def test_the_site_documents_every_job_with_its_options(site):
    html = (site / "python-api.html").read_text("utf-8")
    for name, options in jobs.OPTIONS.items():
        assert f'id="COVIDLesionSegLib.jobs.{name}"' in html
        assert options.__name__ in html
    assert ":class:" not in html and ":func:" not in html


@pytest.mark.slow
def test_the_map_of_the_code_and_the_pictures_are_on_the_site(site):
    assert "losses.py, metrics/" in (site / "contributing.html").read_text("utf-8")
    picture = "Resources/Screenshots/result.png"
    assert picture in (site / "tutorial.html").read_text("utf-8")
    assert (site / picture).read_bytes() == (REPOSITORY / picture).read_bytes()
