"""The section About."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from COVIDLesionSegLib import HOMEPAGE, __version__
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from in_slicer.first_questions import forget_approvals


@pytest.fixture
def places(panel, tmp_path, monkeypatch):
    """Folders that are still absent."""
    monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(tmp_path / "own" / "models"))
    monkeypatch.setenv("COVIDLESIONSEG_REVIEWS", str(tmp_path / "own" / "reviews"))
    return tmp_path / "own"


@pytest.fixture
def text(places, panel) -> str:
    """What the section says once it is unfolded."""
    assert panel.ui.aboutSection.collapsed and panel.ui.aboutBrowser.plainText == ""
    panel.ui.aboutSection.collapsed = False
    return panel.ui.aboutBrowser.plainText


def test_it_names_version_privacy_and_every_paper_once(text):
    assert f"COVIDLesionSeg {__version__}" in text
    assert "Nothing is uploaded and nothing is counted" in text
    for paper in {model.card.paper for model in load_catalogue().models}:
        assert text.count(paper) == 1


def test_it_names_the_licences_and_whether_they_were_accepted(places, panel):
    section = panel.ui.aboutSection
    section.collapsed = False
    said = "Research and non-commercial use only, share alike"
    assert said in panel.ui.aboutBrowser.plainText
    assert "Accepted on this computer" in panel.ui.aboutBrowser.plainText

    forget_approvals()
    section.collapsed = True
    section.collapsed = False
    assert "Accepted on this computer" not in panel.ui.aboutBrowser.plainText


def test_it_says_where_files_lie_and_how_to_install_without_internet(text, places):
    for folder in (places / "models", places / "reviews", Path(tempfile.gettempdir())):
        assert str(folder) in text
    assert "--no-index --find-links wheels" in text


def test_links_lead_to_the_documentation_and_the_papers(text, panel):
    html = panel.ui.aboutBrowser.html
    assert HOMEPAGE in html and "https://doi.org/10.1038/s41598-022-06854-9" in html


def test_the_folders_are_shown_and_made_where_they_are_missing(panel, places, monkeypatch):
    from COVIDLesionSegLib.panel.sections import about

    shown = []
    monkeypatch.setattr(about, "open_folder", shown.append)
    for button in ("openModelsButton", "openReviewsButton", "openLogButton"):
        getattr(panel.ui, button).click()

    assert shown == [places / "models", places / "reviews", Path(tempfile.gettempdir())]
    assert all(folder.is_dir() for folder in shown)
