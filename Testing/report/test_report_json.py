import json
from dataclasses import replace

import jsonschema
import pytest

from COVIDLesionSegLib.engine.data.tables import read_table
from COVIDLesionSegLib.engine.severity.report import RuleResult, SeverityReport
from COVIDLesionSegLib.report.report_json import report_content, report_schema, write_report_json
from COVIDLesionSegLib.report.severity_slices import write_severity_slices_csv


def validate(content: dict) -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(content)


def test_the_written_report_fulfils_its_schema(result, tmp_path):
    write_report_json(result, tmp_path / "report.json")
    validate(json.loads((tmp_path / "report.json").read_text("utf-8")))


def test_every_number_of_the_result_is_in_the_report(result):
    content = report_content(result)
    for stated, region in zip(content["severity"]["regions"], result.severity.regions, strict=True):
        assert stated["lesion_ml"] == region.lesion_ml > 0
        assert stated["lung_ml"] == region.lung_ml > region.lesion_ml
        assert sum(stated["lesion_class_ml"].values()) == pytest.approx(region.lesion_ml)
    assert content["severity"]["category"] == content["severity"]["rules"][0]["category"]
    assert len(content["severity"]["slices"]) == len(result.severity.slices) > 10
    assert [flag["level"] for flag in content["flags"]] == ["warning", "note"]
    assert [list(flag["slices"]) for flag in content["flags"]] == [[9, 7], []]
    assert content["classes"][1] == {"label": 2, "name": "consolidation"}
    assert content["geometry"]["size_voxels"] == list(result.geometry.size)
    assert list(content["provenance"]["models"]) == ["amc-net"]
    assert "not a medical device" in content["research_use_notice"]


def test_areas_and_disagreement_of_every_slice_are_in_the_report(untrained_ensemble):
    content = json.loads(json.dumps(report_content(untrained_ensemble)))
    validate(content)
    slices = content["severity"]["slices"]
    for slice_ in slices:
        assert sum(slice_["lesion_class_mm2"].values()) == pytest.approx(slice_["lesion_mm2"])
        voted = slice_["lesion_class_mm2"]["ground-glass opacity"]
        if slice_["lesion_mm2"]:
            # The members disagree on the first class only.
            assert slice_["disagreement"] == pytest.approx(voted / slice_["lesion_mm2"])
        else:
            assert slice_["disagreement"] is None
    assert any(slice_["disagreement"] is None for slice_ in slices)
    assert any(slice_["lesion_class_mm2"]["consolidation"] for slice_ in slices)


def test_every_slice_and_lesion_of_a_calibrated_model_has_a_confidence(calibrated):
    content = json.loads(json.dumps(report_content(calibrated)))
    validate(content)
    severity = content["severity"]
    assert severity["confidence"] == pytest.approx(0.7)
    assert [lesion["number"] for lesion in severity["lesions"]] == [
        n + 1 for n in range(len(calibrated.severity.lesions))
    ]
    assert sum(lesion["lesion_ml"] for lesion in severity["lesions"]) == pytest.approx(
        severity["regions"][2]["lesion_ml"]
    )
    for one in (*severity["lesions"], *(s for s in severity["slices"] if s["lesion_mm2"])):
        assert one["confidence"] == pytest.approx(0.7)
    for slice_ in severity["slices"]:
        assert slice_["lesion_mm2"] or slice_["confidence"] is None


def test_without_calibration_no_confidence_is_stated(single_class):
    content = report_content(single_class)
    validate(json.loads(json.dumps(content)))
    severity = content["severity"]
    assert severity["confidence"] is None and severity["lesions"]
    assert {one["confidence"] for one in (*severity["slices"], *severity["lesions"])} == {None}


def test_what_an_untrained_network_found_has_no_category(untrained_ensemble):
    content = report_content(untrained_ensemble)
    assert content["flags"][0]["code"] == "untrained-network"
    assert content["severity"]["category"] is None
    assert [rule["category"] for rule in content["severity"]["rules"]] == [None] * 3
    assert content["provenance"]["models"]["u-net-9000"]["weights"] == "random, seed 0"


def test_with_a_single_model_no_slice_has_a_disagreement(result):
    slices = report_content(result)["severity"]["slices"]
    assert {slice_["disagreement"] for slice_ in slices} == {None}


def test_what_is_undefined_stays_null(result):
    severity = SeverityReport(
        regions=(replace(result.severity.regions[0], ratio=None),),
        slices=(),
        rules=(RuleResult("pooled", "Both lungs", None, None),),
    )
    content = json.loads(json.dumps(report_content(replace(result, severity=severity))))
    validate(content)
    assert content["severity"]["ratio"] is None
    assert content["severity"]["category"] is None
    assert content["severity"]["regions"][0]["ratio"] is None


def test_a_number_that_is_not_a_number_is_never_written(result, tmp_path):
    broken = replace(result, provenance=result.provenance | {"seconds": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        write_report_json(broken, tmp_path / "report.json")
    assert not (tmp_path / "report.json").exists()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("severity", "ratio"), 1.2),
        (("severity", "category"), "CT-5"),
        (("geometry", "spacing_mm"), [1.0, 1.0, 0.0]),
        (("geometry", "size_voxels"), [512, 512]),
        (("flags", 0, "level"), "fatal"),
        (("severity", "regions", 0, "lung_ml"), -1),
        (("severity", "slices", 0, "disagreement"), 1.5),
        (("severity", "slices", 0, "lesion_class_mm2", "consolidation"), -1),
        (("provenance", "models"), {}),
        (("provenance", "models", "amc-net", "weights_sha256"), "2351"),
        (("provenance", "models", "amc-net", "precision"), "float64"),
        (("research_use_notice",), ""),
    ],
)
def test_the_schema_refuses_values_that_cannot_be(result, path, value):
    content = json.loads(json.dumps(report_content(result)))
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        validate(content)


def test_the_report_says_which_slices_are_positive_by_which_rule(result, untrained_ensemble):
    severity = report_content(result)["severity"]
    for rule in severity["slice_rules"]:
        found = [
            slice_["index"] for slice_ in severity["slices"] if slice_["positive"][rule["rule"]]
        ]
        assert rule["positive_slices"] == len(found) > 0
    any_pixel = [slice_["positive"]["cascade-any-pixel"] for slice_ in severity["slices"]]
    assert any_pixel == [slice_["lesion_mm2"] > 0 for slice_ in severity["slices"]]
    assert not all(any_pixel)
    ungraded = report_content(untrained_ensemble)["severity"]
    validate(json.loads(json.dumps(report_content(untrained_ensemble))))
    assert {one["positive_slices"] for one in ungraded["slice_rules"]} == {None}


def test_each_rule_names_its_category_as_its_paper_does(result):
    rules = {rule["rule"]: rule for rule in report_content(result)["severity"]["rules"]}
    assert (rules["cascade-slice-mean"]["category"], rules["cascade-slice-mean"]["name"]) == (
        "CT-1",
        "mild",
    )
    assert rules["pooled"]["name"] is None


def test_the_table_of_slices_has_a_verdict_by_each_rule(result, untrained_ensemble, tmp_path):
    write_severity_slices_csv(result.severity, tmp_path / "slices.csv")
    table = read_table(tmp_path / "slices.csv")
    assert len(table.rows) == len(result.severity.slices)
    for row, one in zip(table.rows, result.severity.slices, strict=True):
        assert float(row.get("ratio")) == pytest.approx(one.ratio, abs=1e-6)
        assert row.yes_or_no("cascade-any-pixel") is (one.lesion_mm2 > 0)
        assert row.yes_or_no("covid-rate-infection-rate") is (one.ratio > 0.005)
        assert float(row.get("mm2 consolidation")) == pytest.approx(
            one.lesion_class_mm2["consolidation"]
        )
    write_severity_slices_csv(untrained_ensemble.severity, tmp_path / "other.csv")
    rows = read_table(tmp_path / "other.csv").rows
    assert {row.get("cascade-any-pixel") for row in rows} == {"n/a"}
