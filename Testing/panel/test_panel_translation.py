"""The panel in other languages: strings are all there, up to date, and shown."""

from __future__ import annotations

import ast
import importlib.util
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from panel.conftest import MODULE_FILE

REPOSITORY = Path(__file__).parents[2]
TRANSLATIONS = MODULE_FILE.parent / "Resources" / "Translations"
LANGUAGES = [path.stem.partition("_")[2] for path in sorted(TRANSLATIONS.glob("*.ts"))]
_PLACEHOLDER = re.compile(r"(?<!\{)\{([^{}]+)\}(?!\})")


@pytest.fixture(scope="module")
def translations():
    spec = importlib.util.spec_from_file_location(
        "translations", REPOSITORY / ".ci" / "translations.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def messages(language: str) -> list[tuple[str, ET.Element]]:
    """Context and message of every string of a language."""
    root = ET.parse(TRANSLATIONS / f"COVIDLesionSeg_{language}.ts").getroot()
    return [(c.findtext("name"), m) for c in root.iter("context") for m in c.iter("message")]


def test_every_string_that_is_marked_reaches_the_translators(translations):
    """Qt's tools see no calls with other than literals, and none within an f-string."""
    reached = {(context, one.findtext("source")) for context, one in messages("de")}
    for file in translations.source_files():
        if file.suffix != ".py":
            continue
        for call in translations.marked_calls(file.read_text("utf-8")):
            (text,) = call.args
            literal = isinstance(text, ast.Constant) and isinstance(text.value, str)
            assert literal, f"{file.name}, line {call.lineno}: translators cannot see this string"
            assert (translations.context_of(file), text.value) in reached, text.value


def test_files_of_all_languages_are_those_of_the_code(translations):
    pytest.importorskip("PySide6")

    assert LANGUAGES
    assert not translations.out_of_date(LANGUAGES), "run: python .ci/translations.py"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_complete_and_keeps_what_is_filled_in(language):
    for context, message in messages(language):
        source, target = message.findtext("source"), message.find("translation")
        assert target.get("type") is None and target.text, f"not translated: {context}: {source}"
        assert set(_PLACEHOLDER.findall(target.text)) == set(_PLACEHOLDER.findall(source)), source
        assert target.text.count("\n") == source.count("\n"), source


@pytest.fixture
def german(bench, scene, tmp_path, monkeypatch):
    """The module in an application whose language is German."""
    import slicer

    monkeypatch.setattr(slicer.app, "applicationLocaleName", "de_DE")
    monkeypatch.setattr(slicer.app, "temporaryPath", str(tmp_path), raising=False)
    monkeypatch.setenv("COVIDLESIONSEG_REVIEWS", str(tmp_path / "reviews"))
    module = bench.load(MODULE_FILE)
    yield module
    bench.unload(module)
    slicer.app.unloadTranslations()
    assert not bench.slot_errors, bench.slot_errors


def test_the_panel_speaks_the_language_of_slicer(german):
    ui = german.widget.ui

    assert german.instance.parent.title == "COVID-19-Läsionen segmentieren"
    assert "kein Medizinprodukt" in ui.noticeLabel.text  # of Python
    assert ui.lungsButton.text == "Nur Lungen"  # of a .ui file
    assert ui.applyButton.text == "Anwenden"


def test_names_of_parameters_are_never_translated(german):
    assert german.widget.ui.severityRuleComboBox.property("SlicerParameterName") == "severityRule"


def test_names_of_lungs_lobes_and_classes_are_translated_too(german):
    from COVIDLesionSegLib.engine.labels import BOTH_LUNGS, CLASSES, LESION, LUNG_LABELS
    from COVIDLesionSegLib.engine.lobes import LOBES
    from COVIDLesionSegLib.panel.region_names import region_text

    names = (*LUNG_LABELS, BOTH_LUNGS, *LOBES, *CLASSES, LESION)
    assert [name for name in names if region_text(name) == name] == []
    assert region_text("left lower lobe") == "linker Unterlappen"
    assert region_text("a class of one's own") == "a class of one's own"
