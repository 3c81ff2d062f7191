"""The Cohort section lists the CTs of the scene, and leads to each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from panel.workers import ScriptedWorker, finished_with, known_result


@pytest.fixture
def cohort(panel, bench):
    """The unfolded section; its rows once it has settled."""
    (section,) = (one for one in panel.sections if one.UI_FILE == "Cohort")
    section.root.collapsed = False

    def rows() -> list[list[str]]:
        panel._tell_nodes_changed()
        bench.wait_until(lambda: not section._watch._timer.active, seconds=10)
        table = panel.ui.cohortTable
        if table.isHidden():
            return []
        return [
            [table.item(row, column).text() for column in range(table.columnCount)]
            for row in range(table.rowCount)
        ]

    return rows


def add_ct(phantom, name):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    return volume_to_node(phantom.volume, name)


def test_an_empty_scene_says_that_there_is_no_ct(panel, cohort):
    assert cohort() == []
    assert "no CT yet" in panel.ui.cohortLabel.text and not panel.ui.cohortLabel.isHidden()


def test_every_ct_has_a_row_with_what_is_known(apply, panel, ct, phantom, cohort):
    result = known_result(phantom)
    apply(finished_with(result))
    add_ct(phantom, "other CT")
    severity = result.severity
    assert cohort() == [
        ["CT", severity.category, f"{100 * severity.ratio:.1f} %", "1", "n/a"],
        ["other CT", "n/a", "n/a", "n/a", "n/a"],
    ]
    assert panel.ui.cohortLabel.isHidden()


def test_results_are_no_cases(shown, cohort):
    assert [row[0] for row in cohort()] == ["CT"]


def test_the_category_follows_the_chosen_rule(shown, panel, cohort):
    panel.ui.severityRuleComboBox.currentIndex = 1
    rule = shown.severity.rules[1]
    assert cohort()[0][1:3] == [rule.category, f"{100 * rule.ratio:.1f} %"]


def test_what_an_untrained_network_found_is_not_graded(apply, phantom, ct, cohort):
    from COVIDLesionSegLib.engine.flags import untrained_flag

    result = known_result(phantom)
    apply(finished_with(replace(result, flags=(untrained_flag(["u-net"]),))))
    assert cohort()[0][1:3] == ["n/a", "n/a"]


def test_a_verdict_is_shown_when_it_is_given(shown, panel, cohort, bench):
    from COVIDLesionSegLib.engine.review import Verdict
    from COVIDLesionSegLib.scene.review import read_review, write_review

    assert cohort()[0][-1] == "n/a"
    node = panel.result.segmentationNode
    write_review(node, replace(read_review(node), verdict=Verdict.REJECTED))
    bench.wait_until(lambda: panel.ui.cohortTable.item(0, 4).text() == "rejected", seconds=10)


def test_a_click_shows_the_ct(shown, panel, ct, phantom, cohort):
    other = add_ct(phantom, "other CT")
    assert len(cohort()) == 2
    panel.ui.cohortTable.cellClicked.emit(1, 0)
    assert panel.ui.ctSelector.currentNode() is other and panel.result is None
    panel.ui.cohortTable.cellClicked.emit(0, 3)
    assert panel.ui.ctSelector.currentNode() is ct and panel.result is not None


def test_during_a_run_a_click_shows_another_ct(panel, ct, phantom, cohort, bench):
    from COVIDLesionSegLib.panel.running.run import RunState

    other = add_ct(phantom, "other CT")
    cohort()
    panel.run.start_process = ScriptedWorker()
    panel.ui.applyButton.click()
    panel.ui.cohortTable.cellClicked.emit(1, 0)
    assert panel.busy and panel.ui.ctSelector.currentNode() is other
    panel.ui.applyButton.click()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)


def test_a_closed_scene_leaves_no_row(shown, panel, cohort, scene):
    assert len(cohort()) == 1
    scene.Clear(False)
    assert cohort() == []
