import base64
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from COVIDLesionSegLib import RESEARCH_USE_NOTICE
from COVIDLesionSegLib.engine.flags import Flag
from COVIDLesionSegLib.engine.result import OVERLAY_FROM
from COVIDLesionSegLib.engine.text import millilitres, percent
from COVIDLesionSegLib.report.html_page import groups
from COVIDLesionSegLib.report.report_html import report_page
from COVIDLesionSegLib.report.result_files import DISAGREEMENT
from report.facts import member

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Page(HTMLParser):
    """Text, tags and everything that a browser would load."""

    def __init__(self, html: str):
        super().__init__()
        self.text, self.tags, self.loads = "", [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.loads += [v for name, v in attributes if name in ("src", "href", "xlink:href", "data")]

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def pictures(tmp_path):
    paths = [tmp_path / "slices.png", tmp_path / "infection3d.png"]
    for path in paths:
        path.write_bytes(PICTURE)
    return paths


def write(result, pictures, title="") -> str:
    return report_page(result, *pictures, title=title)


def test_the_report_needs_no_other_file_and_no_script(result, pictures):
    html = write(result, pictures)
    page = Page(html)
    assert page.loads
    assert all(load.startswith(("data:image/png;base64,", "#")) for load in page.loads)
    assert "url(http" not in html and "@import" not in html
    assert "script" not in page.tags and "link" not in page.tags


def test_both_pictures_are_in_the_report(result, pictures):
    page = Page(write(result, pictures))
    embedded = "data:image/png;base64," + base64.b64encode(PICTURE).decode()
    assert page.loads.count(embedded) == 2


def test_a_reader_finds_severity_rules_lungs_flags_and_provenance(result, pictures):
    text = Page(write(result, pictures)).text
    right = result.severity.regions[0]
    assert "CT-1" in text
    assert f"{percent(result.severity.ratio)} infected" in text
    for rule in result.severity.rules:
        assert rule.title in text
    assert millilitres(right.lung_ml) in text
    assert percent(right.ratio) in text
    for flag in result.flags:
        assert flag.message in text
    assert "0" * 64 in text
    assert text.count(RESEARCH_USE_NOTICE) == 3  # at head and foot, and on every printed page


def test_the_scale_names_the_volume_up_to_which_a_ct_is_ct_0(result, pictures):
    for free_ml, named in ((3.0, "CT-0≤ 3 ml"), (0.0, "CT-0no lesion found")):
        severity = replace(result.severity, lesion_free_ml=free_ml)
        page = Page(write(replace(result, severity=severity), pictures))
        assert named in page.text


def test_lesions_are_listed_with_the_confidence_of_a_calibrated_model(
    calibrated, single_class, pictures
):
    lesions = calibrated.severity.lesions
    text = " ".join(Page(write(calibrated, pictures)).text.split())
    assert millilitres(lesions[0].lesion_ml) in text
    assert f"{lesions[0].slices[0]}–{lesions[0].slices[1]}" in text
    assert "of all lesions 0.70, by slice least in slice" in text
    assert "Confidence is n/a" not in text
    assert "Confidence is n/a" in Page(write(single_class, pictures)).text


def test_of_many_lesions_the_page_lists_the_largest_and_says_so(calibrated, pictures):
    one = calibrated.severity.lesions[0]
    many = tuple(replace(one, number=n, region=f"lung {n}") for n in range(1, 31))
    result = replace(calibrated, severity=replace(calibrated.severity, lesions=many))
    text = Page(write(result, pictures)).text
    assert "Lung 12" in text and "Lung 13" not in text
    assert "The 12 largest of 30" in text


def test_a_warning_comes_before_a_note(result, pictures):
    flags = (Flag("a", "First said note.", "note"), Flag("b", "Later said warning."))
    text = Page(write(replace(result, flags=flags), pictures)).text
    assert text.index("Later said warning.") < text.index("First said note.")


def test_no_flags_is_said_rather_than_left_out(result, pictures):
    text = Page(write(replace(result, flags=()), pictures)).text
    assert "No flags" in text


def test_what_is_undefined_is_shown_as_not_available(result, pictures):
    rules = (replace(result.severity.rules[0], ratio=None, category=None),)
    severity = replace(result.severity, rules=rules)
    text = Page(write(replace(result, severity=severity), pictures)).text
    assert "n/a infected" in text


def test_what_an_untrained_network_found_is_called_no_result_at_the_head(
    untrained_ensemble, result, pictures
):
    text = Page(write(untrained_ensemble, pictures)).text
    assert text.index("UNTRAINED NETWORK") < text.index("n/a infected")
    assert text.index("Never trained: u-net-9000") < text.index(result.flags[0].message)
    assert "UNTRAINED" not in Page(write(result, pictures)).text


def test_every_member_is_there_with_licence_checksum_and_precision(untrained_ensemble, pictures):
    page = Page(write(untrained_ensemble, pictures))
    table = page.text[page.text.index("Networks") :]
    row, other = table.split("amc-net", 1)[1].split("u-net-9000", 1)
    for fact in ("3\u202f346\u202f381", "trained", "CC-BY-NC-SA-4.0", "0" * 64, "float32", "cpu"):
        assert fact in row
    assert "random, seed 0" in other and other.count("n/a") >= 2
    assert DISAGREEMENT in table


def test_a_network_that_found_the_lungs_is_among_the_networks(result, pictures):
    lungs = {"method": "lungs-9000", **member(trained=False)}
    found = replace(result, provenance=result.provenance | {"lungs": lungs})
    text = Page(write(found, pictures)).text
    table = text[text.index("Networks") : text.rindex("Provenance")]
    assert table.index("amc-net") < table.index("lungs-9000") < table.index("random, seed 0")
    assert "threshold" in Page(write(result, pictures)).text


def test_a_second_opinion_on_the_lungs_is_among_the_networks_or_not_available(result, pictures):
    def shown(**opinion):
        lungs = {"method": "threshold", "second_opinion": {"model": "lungs-9000", **opinion}}
        found = replace(result, provenance=result.provenance | {"lungs": lungs})
        return Page(write(found, pictures)).text

    asked = shown(slices=30, **member(trained=True))
    table = asked[asked.index("Networks") : asked.rindex("Provenance")]
    assert "lungs-9000 (second opinion on the lungs)" in table
    assert "threshold" in asked[asked.rindex("Provenance") :]
    assert "n/a: its weights are not there" in shown(slices="n/a: its weights are not there")


def test_with_a_single_model_nothing_is_said_of_an_ensemble(result, pictures):
    text = Page(write(result, pictures)).text
    assert "ensemble" not in text and DISAGREEMENT not in text


def test_each_class_has_its_volume_and_its_colour(result, single_class, pictures):
    html = write(result, pictures)
    text = Page(html).text
    both = result.severity.region("both lungs")
    for name, color in (("Ground-glass opacity", "#ff8026"), ("Consolidation", "#e6144c")):
        assert f"{name}, ml" in text
        assert millilitres(both.lesion_class_ml[name.lower()]) in text
        assert f"background: {color}" in html
    assert "lesions white" not in text
    plain = Page(write(single_class, pictures)).text
    assert "lesions white" in plain and "Lesion, ml" not in plain


def test_text_of_a_result_cannot_become_markup(result, pictures):
    sly = replace(result, flags=(Flag("x", "<img src=http://example.org/x.png>"),))
    page = Page(write(sly, pictures))
    assert "<img src=http://example.org/x.png>" in page.text


def test_equal_results_give_equal_reports(result, pictures):
    assert write(result, pictures) == write(result, pictures)


def test_provenance_becomes_groups_of_rows_with_whole_names():
    facts = {
        "seed": 7,
        "model": {"id": "amc-net", "sha_256": None, "card": {"classes": ["a", "b"]}},
        "seconds": {"lungs": 1.23456},
    }
    assert groups(facts) == [
        ("model", [("id", "amc-net"), ("sha 256", "n/a"), ("card / classes", "a, b")]),
        ("seconds", [("lungs", "1.235")]),
        ("run", [("seed", "7")]),
    ]


def test_the_caption_says_from_which_probability_colour_is_drawn(result, pictures):
    caption = f"lesion probability from {OVERLAY_FROM}."
    assert caption in Page(write(result, pictures)).text


def test_positive_slices_are_named_by_rule_and_not_available_without_a_grade(
    result, untrained_ensemble, pictures
):
    text = " ".join(Page(write(result, pictures)).text.split())
    positive = result.severity.positive_slices("cascade-any-pixel")
    assert f"{len(positive)} of {len(result.severity.slices)}" in text
    assert "Any pixel (Qiblawey et al. 2021)" in text and "CT-1 mild ·" in text
    text = " ".join(Page(write(untrained_ensemble, pictures)).text.split())
    assert "Any pixel (Qiblawey et al. 2021)n/an/a" in text


def test_a_line_of_the_users_is_on_the_report_only_where_it_is_asked_for(result, pictures):
    assert 'class="title"' not in write(result, pictures)
    html = write(result, pictures, title="Case 17 <b>, \u202etxen")
    assert '<p class="title">Case 17 &lt;b&gt;, \ufffdtxen</p>' in html
