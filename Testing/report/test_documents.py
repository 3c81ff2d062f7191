"""Files of the report package: whole or absent, safe from their contents, and readable back."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from COVIDLesionSegLib import RESEARCH_USE_NOTICE
from COVIDLesionSegLib.engine.errors import OutputError
from COVIDLesionSegLib.engine.files import write_bytes
from COVIDLesionSegLib.engine.labels import CLASSES
from COVIDLesionSegLib.engine.models.retrained import CURVE_CSV
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.training.callbacks import COLUMNS
from COVIDLesionSegLib.report import evaluation, explanation, report_json, synthesis, training
from COVIDLesionSegLib.report.report_html import report_page
from COVIDLesionSegLib.report.slice_chart import slice_chart_svg
from COVIDLesionSegLib.report.slices_figure import write_slices_figure
from report import documents

MARKUP = "</text><script>alert(1)</script>"
OF_SYNTHESIS = {"amount": 1.5, "seed": 7, "lungs": None, "left_out": ["z", "a"]}


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(b"a picture")
    return path


@pytest.fixture
def writers(phantom, result, picture):
    """What writes one file, by its name."""
    judged, made, explained = (
        documents.evaluation(),
        documents.synthesis(),
        documents.explanation(),
    )
    return {
        "slices.png": lambda path: write_slices_figure(phantom.volume, result, path),
        "report.json": lambda path: report_json.write_report_json(result, path),
        "report.html": lambda path: write_bytes(
            report_page(result, picture, picture).encode(), path
        ),
        "scores.csv": lambda path: evaluation.write_scores_csv(judged, path),
        "evaluation.json": lambda path: evaluation.write_evaluation_json(judged, path),
        "evaluation.html": lambda path: evaluation.write_evaluation_html(judged, path),
        "features.png": lambda path: explanation.write_explanation_figure(explained, path),
        "explanation.json": lambda path: explanation.write_explanation_json(
            explained, Parameters(), path
        ),
        "examples.png": lambda path: synthesis.write_synthesis_figure(made, path),
        "synthesis.json": lambda path: synthesis.write_synthesis_json(made, path, **OF_SYNTHESIS),
        "levels.csv": lambda path: training.write_levels(documents.self_learned(), path),
        "cross.csv": lambda path: training.write_cross_validation(documents.members(), path),
    }


def test_a_file_that_cannot_be_written_is_named_and_leaves_nothing(writers, tmp_path):
    for name, write in writers.items():
        # A folder of that name is in the way.
        (tmp_path / "out" / name / "in the way").mkdir(parents=True)
        with pytest.raises(OutputError, match=name):
            write(tmp_path / "out" / name)
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(writers)


@pytest.mark.slow
def test_equal_contents_give_equal_files(writers, tmp_path):
    for name, write in writers.items():
        write(tmp_path / f"first {name}")
        write(tmp_path / f"second {name}")
        first, second = (tmp_path / f"{n} {name}" for n in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), name


def test_a_curve_that_cannot_be_written_is_named(tmp_path):
    row = dict.fromkeys(COLUMNS, "0.5") | {"step": "25"}
    with (tmp_path / CURVE_CSV).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerow(row)
    (tmp_path / training.CURVES_PICTURE / "in the way").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"curves\.png"):
        training.write_curves(tmp_path)


def test_an_explanation_tells_slice_position_model_and_blocks(tmp_path):
    path = tmp_path / "explanation.json"
    explanation.write_explanation_json(documents.explanation(), Parameters(threshold=0.4), path)
    facts = json.loads(path.read_text("utf-8"))
    assert (facts["format"], facts["version"]) == ("covid-lesion-seg-explanation", 1)
    assert (facts["slice"], facts["position_mm"], facts["model"]) == (7, -123.5, "amc-net")
    assert facts["parameters"]["threshold"] == 0.4
    assert len(facts["weights_sha256"]) == 64
    assert facts["blocks"][0]["shape"] == [16, 30, 45] and len(facts["blocks"]) == 3
    assert facts["attention_gates"] == ["gate 1", "gate 2", "gate 3", "gate 4"]
    assert facts["research_use_notice"] == RESEARCH_USE_NOTICE


def test_a_synthesis_tells_its_patients_and_what_it_was_asked_for(tmp_path):
    path = tmp_path / "synthesis.json"
    synthesis.write_synthesis_json(documents.synthesis(), path, **OF_SYNTHESIS)
    facts = json.loads(path.read_text("utf-8"))
    assert (facts["format"], facts["version"]) == ("covid-lesion-seg-synthesis", 1)
    assert facts["left_out"] == ["a", "z"] and facts["patients"] == ["sick", "well"]
    assert (facts["amount"], facts["seed"], facts["lungs"]) == (1.5, 7, None)
    assert (facts["slices"], facts["wanted"], facts["infected"]) == (2, 2, 1)


def rows_of(path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_the_level_that_became_the_model_is_marked(tmp_path):
    training.write_levels(documents.self_learned(), tmp_path / "levels.csv")
    assert rows_of(tmp_path / "levels.csv") == [
        ["level", "validation_dice", "frozen_parameters", "kept"],
        ["1", "0.5", "0", "no"],
        ["2", "0.7", "1000", "yes"],
        ["3", "0.6", "1000", "no"],
    ]


def test_an_undefined_dice_of_a_held_out_patient_is_no_zero(tmp_path):
    training.write_cross_validation(documents.members(), tmp_path / "cross.csv")
    header, *patients, mean, sd = rows_of(tmp_path / "cross.csv")
    assert header == ["model", "patient", "slices", "dice"]
    assert patients == [
        ["m-1", "a", "3", "0.5"],
        ["m-1", "b", "3", "0.9"],
        ["m-2", "c", "3", "n/a"],
    ]
    assert mean == ["n/a", "mean", "n/a", "0.7"]
    assert sd[:3] == ["n/a", "sd", "n/a"] and float(sd[3]) == pytest.approx(0.2828, abs=1e-4)
    assert training.cross_validation_lines(documents.members())[2:4] == [
        "Dice n/a  c",
        "Dice 0.700  mean",
    ]


def renamed(result, name: str):
    """The result with its first class called ``name``."""
    classes = (name, CLASSES[1])
    severity = measure_severity(result.lungs, result.lesions, classes, result.geometry)
    return replace(result, classes=classes, severity=severity)


def test_a_class_name_cannot_become_markup(result, picture, tmp_path):
    named = renamed(result, f"{MARKUP} \x00\x1b[31m")
    svg = slice_chart_svg(named.severity)
    texts = [element.text or "" for element in ElementTree.fromstring(svg).iter()]
    assert any(text.startswith(MARKUP) for text in texts)
    (tmp_path / "report.html").write_bytes(report_page(named, picture, picture).encode())
    html = (tmp_path / "report.html").read_text("utf-8")
    assert "<script" not in html and "\x00" not in html and "\x1b" not in html


def test_a_class_name_that_is_no_formula_is_charted_as_text(result):
    svg = slice_chart_svg(renamed(result, "$\\bad_{$").severity)
    assert "$\\bad_{$" in {element.text for element in ElementTree.fromstring(svg).iter()}


def test_names_on_the_page_of_an_evaluation_cannot_become_markup(tmp_path):
    judged = documents.evaluation(patient=f"p{MARKUP}\x1b[31m", model=f"m{MARKUP}")
    evaluation.write_evaluation_html(judged, tmp_path / "evaluation.html")
    html = (tmp_path / "evaluation.html").read_text("utf-8")
    assert "<script" not in html and "\x1b" not in html
    assert "p&lt;/text&gt;&lt;script&gt;" in html and "m&lt;/text&gt;&lt;script&gt;" in html


def test_the_page_of_an_evaluation_calls_scores_on_training_patients_optimistic(tmp_path):
    evaluation.write_evaluation_html(documents.evaluation(), tmp_path / "evaluation.html")
    html = (tmp_path / "evaluation.html").read_text("utf-8")
    assert "amc-net: Optimistic: patient was in the training set" in html
    assert "(in the training set)" in html and "false positive" in html
    assert html.count(RESEARCH_USE_NOTICE) == 3  # at head and foot, and on every printed page


def test_half_of_a_surrogate_pair_in_a_name_survives_as_json(result, tmp_path):
    report_json.write_report_json(renamed(result, "a\ud800"), tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert content["classes"][0]["name"] == "a\ud800"
