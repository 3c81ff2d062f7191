"""Figures as a radiologist reads them, whatever the names of classes, models and slices are."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.text import Text

from COVIDLesionSegLib import RESEARCH_USE_NOTICE
from COVIDLesionSegLib.engine.boxes import bounding_box
from COVIDLesionSegLib.engine.errors import LungsNotFoundError
from COVIDLesionSegLib.engine.flags import untrained_flag
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.text import printable
from COVIDLesionSegLib.report.explanation import draw_explanation
from COVIDLesionSegLib.report.figures import crop_to_lungs, draw_box, scale_bar, window_text
from COVIDLesionSegLib.report.slices_figure import draw_slices, write_slices_figure
from COVIDLesionSegLib.report.synthesis import draw_synthesis
from report import documents

pytestmark = pytest.mark.slow

HOSTILE = ("$\\bad_{$", "_nolegend_", "n" * 300, "esc\x1b[31m\nnul\x00 \ud800 \u202e<b>")


def shown(figure: Figure) -> list[Text]:
    """Texts that are drawn; drawing them must not fail."""
    figure.canvas.draw()
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        texts += [axes.title, *axes.texts]
        if axes.axison:
            low, high = axes.get_ylim()
            ticks = axes.get_yticklabels()
            texts += [axes.yaxis.label, *(t for t in ticks if low <= t.get_position()[1] <= high)]
    return [text for text in texts if text.get_text()]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in shown(figure)]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts on top of each other, and texts that leave the figure."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in shown(figure)]
    wrong = [
        (a, b)
        for (a, box), (b, other) in combinations(boxes, 2)
        if min(box.x1, other.x1) - max(box.x0, other.x0) > 0.5
        and min(box.y1, other.y1) - max(box.y0, other.y0) > 0.5
    ]
    page = figure.bbox
    for text, box in boxes:
        if box.x0 < page.x0 or box.x1 > page.x1 or box.y0 < page.y0 or box.y1 > page.y1:
            wrong.append((text, "edge of the figure"))
    return wrong


@pytest.fixture(scope="module")
def hostile_result(result):
    """Four classes whose names a figure could stumble over."""
    quarter = np.indices(result.lesions.shape).sum(axis=0) // 6 % len(HOSTILE) + 1
    lesions = np.where(result.lesions > 0, quarter, 0).astype(np.uint8)
    severity = measure_severity(result.lungs, lesions, HOSTILE, result.geometry)
    return replace(result, lesions=lesions, classes=HOSTILE, severity=severity)


@pytest.fixture(scope="module")
def slices(phantom, single_class):
    return draw_slices(phantom.volume, single_class)


@pytest.fixture(scope="module")
def explained():
    return draw_explanation(documents.explanation())


def test_every_slice_has_its_number_position_share_sides_and_scale(phantom, single_class, slices):
    texts = words(slices)
    featured = single_class.severity.most_infected_slice
    title = f"Slice {featured.index}, S {featured.position_mm:+.1f} mm".replace("-", "−")
    assert title in texts
    number = sum(text.startswith("Slice ") and text.endswith(" mm") for text in texts)
    assert number == 10
    for each in ("R", "L"):
        assert texts.count(each) == number
    assert sum(text.endswith(" cm") for text in texts) == number
    assert sum(text.endswith(" %") for text in texts) == number
    last = len(phantom.volume.axial) - 1
    assert any(f"numbered 0 to {last} from the inferior end" in text for text in texts)
    for text in ("W 1500, L −600 HU", "lesion probability", RESEARCH_USE_NOTICE):
        assert texts.count(text) == 1
    assert {"right lung", "left lung", "lesion"} <= set(texts)


@pytest.mark.parametrize("gates", [0, 4])
def test_an_explanation_says_which_slice_where_and_on_what_scale(gates, explained):
    texts = words(explained if gates else draw_explanation(documents.explanation(gates=gates)))
    assert "Slice 7, S −123.5 mm" in texts
    assert "W 1500, L −600 HU" in texts and RESEARCH_USE_NOTICE in texts
    assert texts.count("R") == texts.count("L") == 2 + gates
    assert texts.count("5 cm") == 2 + gates
    assert texts.count("attention") == (gates > 0)  # the title of a colour bar
    assert texts.count("lesion probability") == 2  # the titles of a picture and a colour bar
    assert ("This network has no attention gates." in texts) == (gates == 0)


def test_a_result_without_lungs_has_no_picture(phantom, single_class):
    none = replace(single_class, severity=replace(single_class.severity, slices=()))
    with pytest.raises(LungsNotFoundError):
        draw_slices(phantom.volume, none)


def test_synthetic_slices_have_sides_and_window_and_say_that_no_scale_is_known():
    texts = words(draw_synthesis(documents.synthesis()))
    assert texts.count("R") == texts.count("L") == texts.count("W 1500, L −600 HU") == 6
    assert any("pixel size unknown" in text for text in texts)
    assert RESEARCH_USE_NOTICE in texts


def test_r_is_left_of_l_in_every_picture(slices, explained):
    for figure in (slices, explained):
        marked = [{text.get_text(): text for text in axes.texts} for axes in figure.axes]
        marked = [texts for texts in marked if "R" in texts]
        assert len(marked) >= 6
        for texts in marked:
            assert texts["R"].get_window_extent().x1 < texts["L"].get_window_extent().x0


def test_no_text_lies_on_another_or_leaves_the_figure(
    phantom, untrained_ensemble, hostile_result, slices, explained
):
    untrained = replace(documents.explanation(gates=0), flags=(untrained_flag(["x"]),))
    for figure in (
        slices,
        draw_slices(phantom.volume, untrained_ensemble),
        draw_slices(phantom.volume, hostile_result),
        explained,
        draw_explanation(untrained),
        draw_synthesis(documents.synthesis()),
        draw_synthesis(documents.synthesis("n" * 300)),
    ):
        assert overlaps(figure) == []


def test_names_of_classes_are_drawn_as_they_are(phantom, hostile_result):
    texts = words(draw_slices(phantom.volume, hostile_result))
    assert {"$\\bad_{$", "_nolegend_", "esc�[31m nul� � �<b>"} <= set(texts)
    assert any(text.startswith("nnn") and text.endswith("…") for text in texts)


@pytest.mark.parametrize("name", HOSTILE)
def test_titles_of_models_and_names_of_slices_are_drawn_as_they_are(name):
    start = printable(name)[:20]
    explained = words(draw_explanation(documents.explanation(name, gates=0)))
    assert any(text.startswith(start) and "block by block" in text for text in explained)
    assert any(start in text for text in words(draw_synthesis(documents.synthesis(name))))


def test_the_users_own_matplotlib_settings_change_nothing(phantom, single_class, tmp_path):
    settings = {"text.usetex": True, "font.size": 40, "axes.titlesize": 60, "savefig.dpi": 10}
    write_slices_figure(phantom.volume, single_class, tmp_path / "plain.png")
    with matplotlib.rc_context(settings):
        write_slices_figure(phantom.volume, single_class, tmp_path / "other.png")
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "other.png").read_bytes()


@given(st.text(), st.integers(1, 40))
def test_printable_text_is_one_line_without_control_characters(text, longest):
    whole, cut = printable(text), printable(text, longest)
    assert {unicodedata.category(one) for one in whole}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert len(whole) == len(text) and len(cut) <= longest
    assert cut == whole if len(whole) <= longest else whole.startswith(cut[:-1])
    assert printable(whole) == whole


@given(pixel_mm=st.floats(0.3, 5.0), columns=st.integers(20, 600), rows=st.integers(20, 600))
def test_a_scale_bar_is_as_long_as_it_says(pixel_mm, columns, rows):
    axes = Figure().add_subplot()
    axes.imshow(np.zeros((rows, columns)), aspect=1.3)
    limits = axes.get_xlim(), axes.get_ylim()
    scale_bar(axes, pixel_mm, 8)
    assert (axes.get_xlim(), axes.get_ylim()) == limits
    if 0.25 * columns * pixel_mm < 10:
        assert not axes.lines and not axes.texts
        return
    first, last = axes.lines[0].get_xdata()
    centimetres = int(axes.texts[0].get_text().removesuffix(" cm"))
    assert (last - first) * columns * pixel_mm == pytest.approx(10 * centimetres)


def test_a_box_lies_on_the_outer_edges_of_its_pixels():
    mask = np.zeros((20, 30))
    mask[4:7, 10:11] = 1
    axes = Figure().add_subplot()
    axes.imshow(mask)
    draw_box(axes, bounding_box(mask), "red", 1.0)
    drawn = axes.patches[0].get_bbox()
    contour = axes.contour(mask, levels=[0.5]).allsegs[0][0]
    assert drawn.extents == pytest.approx([9.5, 3.5, 10.5, 6.5])
    assert drawn.extents == pytest.approx([*contour.min(axis=0), *contour.max(axis=0)])


def test_a_window_is_given_as_width_and_level():
    assert window_text((-160.0, 240.0)) == "W 400, L 40 HU"
    assert window_text((-1350.0, 150.0)) == "W 1500, L −600 HU"


def test_the_crop_holds_all_lung_with_a_margin_in_mm():
    lungs = np.zeros((3, 60, 80), np.uint8)
    lungs[1, 20:30, 40] = 1
    lungs[2, 25, 50] = 2
    assert crop_to_lungs(lungs, (5.0, 2.0, 1.0)) == (slice(14, 36), slice(28, 63))
    assert crop_to_lungs(np.zeros_like(lungs), (5.0, 2.0, 1.0)) == (slice(0, 60), slice(0, 80))
