"""The files by which others cite, report and build the project say the same as the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from COVIDLesionSegLib import __version__
from markdown_pages import PAGES

REPOSITORY = Path(__file__).parents[1]
YAML_FILES = sorted(
    path.relative_to(REPOSITORY).as_posix()
    for path in (*REPOSITORY.glob(".github/**/*.yml"), REPOSITORY / ".pre-commit-config.yaml")
)


def read(name: str) -> str:
    return (REPOSITORY / name).read_text("utf-8")


def test_the_citation_names_this_version_and_the_papers_of_the_readme():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == __version__
    dois = {paper["doi"] for paper in citation["references"] if "doi" in paper}
    assert dois == set(re.findall(r"https://doi\.org/([^)\s]+)", read("README.md")))


def test_the_changelog_has_this_version_and_its_date():
    released = yaml.safe_load(read("CITATION.cff"))["date-released"]
    assert f"\n## {__version__} - {released}\n" in read("CHANGELOG.md")


@pytest.mark.parametrize("name", YAML_FILES)
def test_what_others_systems_read_is_yaml(name):
    assert isinstance(yaml.safe_load(read(name)), dict)


def test_workflows_call_only_targets_that_the_makefile_has():
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    workflow = read(".github/workflows/tests.yml")
    calls = re.findall(r"run: make ([a-z -]+?)(?: [A-Z]+=|$)", workflow, re.MULTILINE)
    called = {target for call in calls for target in call.split()}
    assert {"demo", "docs", "test", "test-all", "test-slicer"} == called <= targets


def test_what_is_said_to_be_installed_can_be():
    """pip only warns of an extra that is not there, and installs nothing of it."""
    tomllib = pytest.importorskip("tomllib")  # Python 3.10 has none
    extras = set(tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"])
    said = [read(name) for name in (*PAGES, "Makefile", ".github/workflows/tests.yml")]
    named = re.findall(r"install [^\n]*?['\" ]\.\[([\w,-]+)\]", "\n".join(said))
    assert len(named) > 5
    assert {name for group in named for name in group.split(",")} <= extras
