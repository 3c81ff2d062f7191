"""A finished run on the panel and in the scene; the worker gives a known result at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.severity.lesions import Confidence
from COVIDLesionSegLib.engine.text import millilitres
from COVIDLesionSegLib.engine.volume import Geometry
from COVIDLesionSegLib.engine.volume.fingerprint import FINGERPRINT, fingerprint
from panel.sections import section_of
from panel.workers import FLAGS, ScriptedWorker, finished_with, known_result


def table_texts(table) -> list[list[str]]:
    rows, columns = range(table.rowCount), range(table.columnCount)
    return [[table.item(row, column).text() for column in columns] for row in rows]


def header_texts(table) -> list[str]:
    return [table.horizontalHeaderItem(column).text() for column in range(table.columnCount)]


def test_severity_is_shown_large_with_its_rule(shown, panel):
    severity = shown.severity

    assert not panel.ui.resultsSection.isHidden()
    assert panel.ui.severityLabel.text == f"{severity.category}   {100 * severity.ratio:.1f} %"
    assert panel.ui.severityRuleComboBox.currentText == "Worse lung (Pal Das et al. 2022)"


def test_a_ct_that_another_module_changes_or_moves_later_is_said_to_be_another(
    apply, panel, ct, phantom, bench
):
    from slicer.util import arrayFromVolume, arrayFromVolumeModified

    label = panel.ui.changedCtLabel
    result = known_result(phantom)
    facts = result.provenance | {"input": {FINGERPRINT: fingerprint(phantom.volume)}}
    apply(finished_with(replace(result, provenance=facts)))
    changed = section_of(panel, "Results")._changed_ct
    before = changed._compared
    arrayFromVolumeModified(ct)  # counts as modified, and holds what it held
    bench.wait_until(lambda: changed._compared != before and not changed._comparing.active)
    assert label.isHidden()

    arrayFromVolume(ct)[2, 5, 5] += 1
    arrayFromVolumeModified(ct)
    bench.wait_until(lambda: not label.isHidden())
    assert "moved or replaced since it was segmented" in label.text and label.styleSheet
    assert not panel.ui.resultsSection.isHidden()
    arrayFromVolume(ct)[2, 5, 5] -= 1
    arrayFromVolumeModified(ct)
    bench.wait_until(label.isHidden)

    ct.SetSpacing(3.0, 3.0, 60.0)
    bench.wait_until(lambda: not label.isHidden())
    panel.ui.ctSelector.setCurrentNode(None)
    assert label.isHidden()


def test_what_is_said_of_a_changed_ct_is_gone_when_another_case_is_chosen(
    apply, panel, ct, phantom, bench
):
    from slicer.util import arrayFromVolume, arrayFromVolumeModified

    from COVIDLesionSegLib.scene.volumes import volume_to_node

    result = known_result(phantom)
    facts = result.provenance | {"input": {FINGERPRINT: fingerprint(phantom.volume)}}
    worker = finished_with(replace(result, provenance=facts))
    apply(worker)
    other = volume_to_node(phantom.volume, "Other")
    panel.ui.ctSelector.setCurrentNode(other)
    apply(worker)
    panel.ui.ctSelector.setCurrentNode(ct)
    label = panel.ui.changedCtLabel
    arrayFromVolume(ct)[2, 5, 5] += 1
    arrayFromVolumeModified(ct)
    bench.wait_until(lambda: not label.isHidden())

    panel.ui.ctSelector.setCurrentNode(other)
    assert label.isHidden()
    panel.ui.ctSelector.setCurrentNode(ct)
    bench.wait_until(lambda: not label.isHidden())


def test_volumes_and_rules_are_tabled(shown, panel):
    regions = table_texts(panel.ui.regionsTable)
    rules = table_texts(panel.ui.rulesTable)

    assert header_texts(panel.ui.regionsTable) == ["", "right lung", "left lung", "both lungs"]
    assert [row[0] for row in regions] == ["Lung (ml)", "Lesions (ml)", "Infected"]
    assert regions[0][1:] == [millilitres(region.lung_ml) for region in shown.severity.regions]
    assert [row[0] for row in rules] == [rule.title for rule in shown.severity.rules]


def test_a_calibrated_model_states_the_confidence_of_each_lung(apply, panel, phantom):
    result = known_result(phantom)
    volume = phantom.volume
    found = Confidence(result.probability, lambda found: np.full(found.shape, 0.7))
    severity = measure_severity(
        result.lungs,
        result.lesions * (result.lungs == 1),
        ("lesion",),
        volume.geometry,
        confidence=found,
    )
    apply(finished_with(replace(result, severity=severity)))
    assert table_texts(panel.ui.regionsTable)[-1] == ["Confidence", "0.70", "n/a", "0.70"]


def test_a_lung_that_is_not_there_has_no_figures(panel):
    from COVIDLesionSegLib.panel.results.severity_tables import region_rows

    lungs = np.ones((2, 3, 4), np.uint8)
    grid = Geometry((4, 3, 2), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), tuple(np.eye(3).ravel()))
    rows = region_rows(measure_severity(lungs, lungs, ("lesion",), grid))
    assert [row[2] for row in rows] == ["n/a", "n/a", "n/a"]
    assert "n/a" not in [row[1] for row in rows]


@pytest.fixture
def ensemble(apply, panel, phantom):
    """A known result of an ensemble that tells two classes, shown."""
    result = known_result(phantom, ensemble=True)
    apply(finished_with(result))
    return result


def test_volumes_of_several_classes_have_a_row_each(ensemble, panel):
    rows = table_texts(panel.ui.regionsTable)
    for row in rows:
        row[0] = " ".join(row[0].split())  # long names are wrapped
    regions = ensemble.severity.regions

    assert [row[0] for row in rows] == [
        "Lung (ml)",
        "ground-glass opacity (ml)",
        "consolidation (ml)",
        "Lesions (ml)",
        "Infected",
    ]
    for row in rows[1:3]:
        name = row[0].removesuffix(" (ml)")
        assert row[1:] == [millilitres(region.lesion_class_ml[name]) for region in regions]
    assert rows[3][1:] == [millilitres(region.lesion_ml) for region in regions]


def test_what_an_untrained_network_found_is_not_graded_and_says_so_first(apply, panel, phantom):
    from dataclasses import replace

    from COVIDLesionSegLib.engine.flags import untrained_flag
    from COVIDLesionSegLib.panel.sections.results import UNTRAINED_COLORS

    result = known_result(phantom)
    flag = untrained_flag(["u-net-9000"])
    untrained = replace(result, flags=(flag, *FLAGS), severity=result.severity.ungraded())
    apply(finished_with(untrained))
    ui = panel.ui

    assert ui.severityLabel.text == "n/a   UNTRAINED NETWORK"
    assert UNTRAINED_COLORS[0] in ui.severityLabel.styleSheet
    assert flag_texts(panel)[0] == f"⚠ {flag.message}"
    assert [row[1:] for row in table_texts(ui.rulesTable)] == [["n/a", "n/a"]] * 3
    assert panel.result.segmentationNode.GetName().endswith("UNTRAINED NETWORK")
    apply(finished_with(result))
    assert ui.severityLabel.text.startswith("CT-")


def test_quality_flags_stand_right_below_the_headline(panel):
    layout = panel.ui.resultsSection.layout()
    order = [layout.itemAt(i).widget() for i in range(5)]

    assert order == [
        panel.ui.severityLabel,
        panel.ui.severityRuleComboBox,
        panel.ui.changedCtLabel,
        panel.ui.flagsOfRunLabel,
        panel.ui.flagsList,
    ]


def flag_texts(panel) -> list[str]:
    return section_of(panel, "Results")._flag_list.texts


def test_flags_are_listed_as_plain_text(shown, panel, bench):
    import qt

    assert flag_texts(panel) == [f"⚠ {FLAGS[0].message}", f"ℹ {FLAGS[1].message}"]
    assert "<border>" in FLAGS[0].message
    labels = panel.ui.flagsList.findChildren(qt.QLabel)
    assert {label.textFormat for label in labels} == {qt.Qt.PlainText}


def test_another_rule_is_shown_large_and_kept_with_the_scene(shown, panel, phantom, apply):
    rules = shown.severity.rules
    assert len({rule.ratio for rule in rules}) == len(rules)
    for index, rule in enumerate(rules):
        panel.ui.severityRuleComboBox.currentIndex = index
        headline = f"{rule.category}   {100 * rule.ratio:.1f} %"
        assert panel.ui.severityLabel.text == headline
        assert panel.ui.severityLabel.accessibleDescription == rule.title
        assert panel.logic.getParameterNode().severityRule.value == rule.rule
    assert len(table_texts(panel.ui.rulesTable)) == len(rules)
    apply(finished_with(known_result(phantom)))
    assert panel.ui.severityLabel.text == headline


def test_colours_follow_the_rule(panel, bench):
    from COVIDLesionSegLib.engine.severity import RegionSeverity, RuleResult, SeverityReport
    from COVIDLesionSegLib.panel.sections.results import CATEGORY_COLORS

    region = RegionSeverity("both lungs", 9.0, 1.0, 1 / 9, {"lesion": 1.0})
    mild = RuleResult("eamc-worse-lung", "Worse", 0.1, "CT-1")
    severe = RuleResult("pooled", "Pooled", 0.9, "CT-4")
    results = section_of(panel, "Results")
    for chosen, category in ((0, "CT-1"), (2, "CT-4")):
        panel.ui.severityRuleComboBox.currentIndex = chosen
        results.show(SeverityReport((region,), (), (mild, severe)), ())
        assert CATEGORY_COLORS[category][0] in panel.ui.severityLabel.styleSheet


def test_a_report_without_the_chosen_rule_shows_its_first(panel, bench):
    from COVIDLesionSegLib.engine.severity import RegionSeverity, RuleResult, SeverityReport

    region = RegionSeverity("both lungs", 9.0, 1.0, 1 / 9, {"lesion": 1.0})
    panel.ui.severityRuleComboBox.currentIndex = 1
    report = SeverityReport((region,), (), (RuleResult("other", "Other", 0.1, "CT-1"),))
    section_of(panel, "Results").show(report, ())
    assert panel.ui.severityLabel.text == "CT-1   10.0 %"


def test_what_is_undefined_reads_not_available_instead_of_zero(bench, panel):
    from COVIDLesionSegLib.engine.severity import RegionSeverity, RuleResult, SeverityReport

    absent = RegionSeverity("left lung", 0.0, 0.0, None, {"lesion": 0.0})
    report = SeverityReport((absent,), (), (RuleResult("eamc-worse-lung", "Rule", None, None),))
    section_of(panel, "Results").show(report, ())

    assert panel.ui.severityLabel.text == "n/a   n/a"
    assert table_texts(panel.ui.regionsTable)[-1] == ["Infected", "n/a"]
    assert table_texts(panel.ui.rulesTable) == [["Rule", "n/a", "n/a"]]
    assert panel.ui.flagsList.isHidden()


def test_text_is_readable_on_every_category_colour(bench):
    from COVIDLesionSegLib.panel.sections.results import (
        CATEGORY_COLORS,
        UNDEFINED_COLORS,
        UNTRAINED_COLORS,
    )

    def luminance(color: str) -> float:
        srgb = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for colors in (*CATEGORY_COLORS.values(), UNDEFINED_COLORS, UNTRAINED_COLORS):
        dark, light = sorted(luminance(color) for color in colors)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_undo_of_a_first_run_leaves_nothing(shown, panel, scene):
    panel.ui.undoButton.click()

    assert panel.ui.resultsSection.isHidden()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_undo_says_which_segments_of_the_user_stay(shown, panel, scene, ct):
    from slicer.util import updateSegmentBinaryLabelmapFromArray

    node = panel.result.segmentationNode
    node.GetSegmentation().AddEmptySegment("effusion", "effusion")
    updateSegmentBinaryLabelmapFromArray(shown.lungs, node, "effusion", ct)
    panel.ui.undoButton.click()

    assert panel.ui.statusLabel.text.endswith("What you painted stays: 'effusion'.")
    assert scene.IsNodePresent(node) and panel.ui.correctionSection.isHidden()


def test_undo_of_a_second_run_brings_the_first_back(shown, apply, panel, phantom):
    first = panel.ui.severityLabel.text
    apply(finished_with(known_result(phantom, lesion=False)))
    assert panel.ui.severityLabel.text != first
    panel.ui.undoButton.click()

    assert panel.ui.severityLabel.text == first
    assert not panel.ui.undoButton.enabled


def test_undo_is_offered_for_each_ct_also_after_another_was_looked_at(shown, panel, phantom, ct):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))
    panel.ui.ctSelector.setCurrentNode(ct)
    assert panel.ui.undoButton.enabled
    panel.ui.undoButton.click()

    assert panel.ui.resultsSection.isHidden()


@pytest.fixture
def correct(panel, ct, bench):
    """Correct the lesion as in Segment Editor, and wait until the panel has looked."""
    from slicer.util import arrayFromSegmentBinaryLabelmap, updateSegmentBinaryLabelmapFromArray

    def edit() -> None:
        node = panel.result.segmentationNode
        array = arrayFromSegmentBinaryLabelmap(node, "lesion", ct).copy()
        array[1, 30:40, 30:40] = 1 - array[1, 30:40, 30:40]
        updateSegmentBinaryLabelmapFromArray(array, node, "lesion", ct)

    return edit


def measured(panel) -> bool:
    return not panel.corrections.pending and panel.corrections.corrected is not None


def test_figures_follow_a_correction_and_those_of_the_run_stay_beside_them(
    shown, panel, bench, correct
):
    ui = panel.ui
    headline = ui.severityLabel.text
    rows = table_texts(ui.regionsTable)
    assert ui.correctedLabel.isHidden() and panel.corrections.corrected is False
    correct()
    assert panel.corrections.pending and "measuring" in ui.correctedLabel.text
    bench.wait_until(lambda: panel.corrections.corrected)
    now = panel.result.severity

    assert now != shown.severity and panel.result.original == shown.severity
    assert ui.correctedLabel.text == (
        f"Corrected by the user. By the run: {shown.severity.category}, "
        f"{100 * shown.severity.ratio:.1f} %."
    )
    assert ui.severityLabel.text == f"{now.category}   {100 * now.ratio:.1f} %" != headline
    lesions = table_texts(ui.regionsTable)[1]
    assert lesions[3] == (f"{millilitres(now.region('both lungs').lesion_ml)}\nwas {rows[1][3]}")
    table = panel.result.severityTableNode
    assert float(table.GetCellText(2, 2)) == pytest.approx(
        now.region("both lungs").lesion_ml, abs=0.06
    )


def test_undoing_every_edit_brings_back_the_figures_of_the_run(shown, panel, bench, correct):
    ui = panel.ui
    before = (ui.severityLabel.text, table_texts(ui.regionsTable), table_texts(ui.rulesTable))
    correct()
    bench.wait_until(lambda: panel.corrections.corrected)
    correct()  # the same voxels are turned back
    bench.wait_until(lambda: measured(panel))

    assert panel.corrections.corrected is False
    assert panel.result.severity == shown.severity and ui.correctedLabel.isHidden()
    now = (ui.severityLabel.text, table_texts(ui.regionsTable), table_texts(ui.rulesTable))
    assert now == before


def test_only_the_last_of_several_edits_is_measured(shown, panel, bench, correct, ct):
    heard = []
    panel.corrections.on_change(lambda: heard.append(panel.corrections.pending))
    for _ in range(3):
        correct()
    bench.wait_until(lambda: measured(panel) and panel.corrections.corrected)

    assert heard[-1] is False and heard.count(False) == 1


def test_an_edit_made_while_another_ct_was_on_show_is_measured_on_return(
    shown, panel, bench, ct, phantom
):
    from slicer.util import arrayFromSegmentBinaryLabelmap, updateSegmentBinaryLabelmapFromArray

    from COVIDLesionSegLib.scene.volumes import volume_to_node

    node = panel.result.segmentationNode
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))
    assert panel.corrections.corrected is None
    array = 0 * arrayFromSegmentBinaryLabelmap(node, "lesion", ct)
    updateSegmentBinaryLabelmapFromArray(array, node, "lesion", ct)
    panel.ui.ctSelector.setCurrentNode(ct)
    bench.wait_until(lambda: panel.corrections.corrected)

    assert panel.result.severity.category == "CT-0"


def test_a_scene_without_the_runs_segmentation_has_no_comparison(
    shown, panel, scene, bench, correct
):
    scene.RemoveNode(panel.result.predictionNode)
    assert panel.corrections.corrected is None
    correct()

    assert not panel.corrections.pending
    assert panel.result.severity == shown.severity


def test_running_again_says_what_became_of_a_correction(shown, panel, apply, phantom, correct):
    from bench.application import answer_message_boxes

    correct()
    answer_message_boxes("Replace all")
    apply(finished_with(known_result(phantom)))

    assert "lesion (corrected)" in flag_texts(panel)[-1]
    assert panel.ui.correctedLabel.isHidden()
    assert panel.ui.statusLabel.text == "Done."


def test_a_result_that_cannot_be_shown_is_never_called_done(apply, panel, phantom, bench):
    from dataclasses import replace

    from bench.application import message_boxes

    severity = replace(known_result(phantom).severity, rules=())
    apply(finished_with(replace(known_result(phantom), severity=severity)))

    assert isinstance(bench.slot_errors.pop(), IndexError)
    assert message_boxes()
    assert panel.ui.statusLabel.text == "The result could not be shown."
    assert panel.ui.applyButton.text == "Apply" and panel.ui.inputsSection.enabled


def test_running_again_updates_the_same_nodes(shown, apply, panel, phantom):
    nodes = panel.result.nodes
    apply(finished_with(known_result(phantom)))

    assert panel.result.nodes == nodes


def test_choosing_another_ct_hides_the_result_and_coming_back_shows_it(shown, panel, phantom, ct):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    headline = panel.ui.severityLabel.text
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))
    assert panel.ui.resultsSection.isHidden()
    panel.ui.ctSelector.setCurrentNode(ct)

    assert not panel.ui.resultsSection.isHidden()
    assert panel.ui.severityLabel.text == headline


def test_deleting_the_segmentation_takes_the_result_off_the_panel(shown, panel, scene):
    scene.RemoveNode(panel.result.segmentationNode)

    assert panel.ui.resultsSection.isHidden()


@pytest.mark.parametrize("role", ["segmentation", "probability"])
def test_a_deleted_part_of_a_result_is_named(shown, panel, scene, bench, apply, phantom, role):
    from COVIDLesionSegLib.scene.nodes import find_output

    scene.RemoveNode(find_output(panel.ct, role))
    assert f"{role} of this result was deleted" in panel.ui.statusLabel.text
    if role == "probability":
        assert panel.ui.changesLabel.text == panel.ui.statusLabel.text
    hidden = find_output(panel.ct, "prediction")
    if role == "segmentation":  # nobody could see or delete it
        bench.wait_until(lambda: not scene.IsNodePresent(hidden))
    apply(finished_with(known_result(phantom)))
    assert panel.ui.statusLabel.text == "Done." and not panel.ui.resultsSection.isHidden()


def test_results_stay_on_show_without_a_table_that_was_deleted(shown, panel, scene):
    headline = panel.ui.severityLabel.text
    scene.RemoveNode(panel.result.slicesTableNode)
    assert panel.ui.severityLabel.text == headline and not panel.ui.resultsSection.isHidden()
    assert not panel.ui.chartButton.enabled and "deleted" in panel.ui.chartButton.toolTip
    assert not panel.ui.statusLabel.text.endswith("run again.")


def test_what_nobody_could_delete_leaves_with_a_deleted_ct(shown, panel, scene, bench, ct):
    hidden = panel.result.predictionNode
    scene.RemoveNode(ct)
    bench.wait_until(lambda: not scene.IsNodePresent(hidden))


def test_a_ct_moved_during_the_run_gets_no_result(panel, ct, bench, phantom, scene):
    from COVIDLesionSegLib.panel.running.run import RunState

    worker = ScriptedWorker(result=known_result(phantom))
    panel.run.start_process = worker
    panel.ui.applyButton.click()
    bench.wait_until(lambda: worker.volume is not None)
    ct.SetOrigin(500, 0, 0)
    worker.code = 0
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)

    assert "segment it again" in panel.ui.statusLabel.text
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_the_worker_gets_the_ct_and_the_settings_exactly(panel, ct, bench, phantom):
    from COVIDLesionSegLib.panel.running.run import RunState
    from scene.read_nodes import volume_from_node

    worker = ScriptedWorker(exit_code=1)
    panel.run.start_process = worker
    panel.ui.thresholdSlider.value = 0.4
    panel.ui.applyButton.click()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)
    expected = volume_from_node(ct)

    assert worker.parameters.threshold == 0.4
    assert worker.volume.geometry == expected.geometry
    assert worker.volume.array.dtype == expected.array.dtype
    np.testing.assert_array_equal(worker.volume.array, phantom.volume.array)
