"""Lesions one by one in the panel: the table, the way to a lesion, numbered points."""

from __future__ import annotations

from dataclasses import replace

import pytest

from COVIDLesionSegLib.engine.flags import untrained_flag
from COVIDLesionSegLib.engine.text import millilitres
from COVIDLesionSegLib.scene.lesion_instances import FORMS, find_instances
from COVIDLesionSegLib.scene.lesion_marks import find_marks, lesion_place
from panel.workers import finished_with, known_result


def texts(table):
    return [
        [table.item(row, column).text() for column in range(table.columnCount)]
        for row in range(table.rowCount)
    ]


def test_the_table_lists_the_lesions_the_largest_first(shown, panel):
    lesions = shown.severity.lesions
    assert lesions
    assert texts(panel.ui.lesionsTable) == [
        [
            str(one.number),
            one.region,
            f"{one.slices[0]} to {one.slices[1]}",
            millilitres(one.lesion_ml),
        ]
        for one in lesions
    ]


def test_choosing_a_row_goes_to_the_lesion(shown, panel, monkeypatch):
    from COVIDLesionSegLib.panel import lesion_list

    gone = []
    monkeypatch.setattr(lesion_list, "go_to_lesion", lambda ct, lesion: gone.append(lesion))
    panel.ui.lesionsTable.setCurrentCell(0, 1)
    assert gone == [shown.severity.lesions[0]]


def test_points_come_and_go_with_the_button_and_follow_the_result(shown, panel, apply, phantom):
    button, ct = panel.ui.markLesionsButton, panel.ct
    assert button.enabled and not button.checked and find_marks(ct) is None
    button.click()
    node = find_marks(ct)
    assert node.GetNumberOfControlPoints() == len(shown.severity.lesions)
    place = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(0, place)
    assert place == pytest.approx(lesion_place(ct, shown.severity.lesions[0]))
    fewer = replace(shown, severity=replace(shown.severity, lesions=shown.severity.lesions[:1]))
    apply(finished_with(fewer))
    assert button.checked and find_marks(ct).GetNumberOfControlPoints() == 1
    button.click()
    assert not button.checked and find_marks(ct) is None


def test_lesions_get_segments_or_labels_of_their_own_and_lose_them_again(shown, panel):
    box, ct = panel.ui.lesionNodesBox, panel.ct
    assert box.enabled and box.currentIndex == 0 and find_instances(ct) is None
    for index, form in enumerate(FORMS, start=1):
        box.setCurrentIndex(index)
        found, node = find_instances(ct)
        assert found == form and box.currentIndex == index
    colors = node.GetDisplayNode().GetColorNode()
    assert colors.GetNumberOfColors() == 1 + len(shown.severity.lesions)
    box.setCurrentIndex(0)
    assert find_instances(ct) is None


def test_what_an_untrained_network_found_is_not_listed(apply, panel, phantom):
    result = known_result(phantom)
    apply(finished_with(replace(result, flags=(untrained_flag(["unet"]), *result.flags))))
    assert panel.ui.lesionsTable.rowCount == 0
    assert not panel.ui.markLesionsButton.enabled
    assert not panel.ui.lesionNodesBox.enabled
