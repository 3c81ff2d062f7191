"""Follow-up on the panel: the CT on show beside an earlier one of the same patient."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.scene.follow_up import find_changes
from COVIDLesionSegLib.scene.segmentation import segment_ids
from COVIDLesionSegLib.scene.show import show_result
from COVIDLesionSegLib.scene.volumes import volume_to_node
from COVIDLesionSegLib.worker.process import ChildProcess
from panel.sections import section_of
from panel.workers import finished_with, known_result


@pytest.fixture
def section(panel):
    """The unfolded section."""
    section = section_of(panel, "FollowUp")
    section.root.collapsed = False
    return section


@pytest.fixture
def earlier(panel, phantom):
    """The same CT once more, with half of its lesions."""
    result = known_result(phantom)
    lesions = result.lesions.copy()
    lesions[..., lesions.shape[2] // 2 :] = 0
    ct = volume_to_node(phantom.volume, "first CT")
    show_result(ct, replace(result, lesions=lesions))
    panel._tell_nodes_changed()
    return ct


def test_without_two_results_it_says_what_is_needed(section, panel, ct):
    assert "two CTs of one patient" in panel.ui.followUpLabel.text
    assert not panel.ui.followUpLabel.isHidden()
    assert not panel.ui.followUpButton.enabled


def test_the_other_cts_with_a_result_can_be_chosen(section, panel, shown, earlier):
    box = panel.ui.earlierComboBox

    assert [box.itemText(n) for n in range(box.count)] == ["first CT"]
    assert panel.ui.followUpButton.enabled and panel.ui.followUpLabel.isHidden()
    panel.ui.ctSelector.setCurrentNode(earlier)
    assert [box.itemText(n) for n in range(box.count)] == ["CT"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_compare_shows_tables_flags_and_segments_on_the_later_ct(
    apply, section, panel, ct, earlier, phantom, bench
):
    apply(finished_with(known_result(phantom)))
    section.comparison.run.start_process = ChildProcess
    panel.ui.daysSpinBox.value = 14
    panel.ui.followUpButton.click()
    assert "Cancel" in panel.ui.followUpButton.text
    bench.wait_until(lambda: not panel.ui.summaryLabel.isHidden(), seconds=300)

    assert "new" in panel.ui.summaryLabel.text
    assert "one and the same CT" in panel.ui.flagsLabel.text
    volumes = panel.ui.volumesTable
    assert [volumes.item(row, 0).text() for row in range(3)] == [
        "right lung",
        "left lung",
        "both lungs",
    ]
    assert panel.ui.lesionChangesTable.rowCount > 0
    node = find_changes(ct)
    assert segment_ids(node) == ["new-lesion", "persistent-lesion", "resolved-lesion"]
    assert find_changes(earlier) is None
    # Another CT has no comparison on show, but the segments stay.
    panel.ui.ctSelector.setCurrentNode(earlier)
    assert panel.ui.volumesTable.isHidden() and find_changes(ct) is node


def test_cancelled_it_changes_nothing(shown, section, panel, ct, earlier, bench):
    panel.ui.followUpButton.click()
    panel.ui.followUpButton.click()
    bench.wait_until(lambda: panel.ui.followUpButton.text == "Compare", seconds=60)

    assert find_changes(ct) is None and panel.ui.summaryLabel.isHidden()


def test_a_comparison_of_labels_that_were_edited_meanwhile_is_not_shown(
    shown, section, panel, ct, earlier, bench, correct, phantom
):
    from COVIDLesionSegLib.worker.comparison import ComparedStudies

    section._start()
    correct()
    bench.wait_until(lambda: not panel.corrections.pending)
    region = {
        "region": "both lungs",
        "lesion_ml": {"earlier": 1.0, "later": 2.0, "relative": 1.0},
        "ratio": {"earlier": 0.1, "later": 0.2},
    }
    counts = {"new": 0, "resolved": 0, "persistent": 1}
    pair = {"changes": [region], "lesions": [], "flags": [], "counts": counts}
    compared = ComparedStudies({"pairs": [pair]}, (np.zeros_like(phantom.lesions),), None)
    section._on_compared(compared)
    assert "changed while" in panel.ui.statusLabel.text
    assert panel.ui.volumesTable.isHidden() and find_changes(ct) is None
    section._start()
    section._on_compared(compared)
    assert not panel.ui.volumesTable.isHidden()


def test_nothing_is_compared_where_the_earlier_result_has_no_lesions_segment(
    shown, section, panel, earlier, bench
):
    from COVIDLesionSegLib.scene.show import find_result

    find_result(earlier).segmentationNode.GetSegmentation().RemoveSegment("lesion")
    panel.ui.followUpButton.click()
    bench.wait_until(lambda: panel.ui.followUpButton.text == "Compare", seconds=60)

    assert np.all(find_changes(panel.ct) is None)
    assert "lesions" in panel.ui.statusLabel.text
