"""The panel follows the scene: loaded, closed, changed by others."""

from __future__ import annotations

import pytest

from panel.sections import section_of
from panel.workers import ScriptedWorker


@pytest.fixture
def saved(shown, panel, scene, tmp_path):
    """A file with the scene of a finished run, and what the panel showed then."""
    path = tmp_path / "scene.mrb"
    assert scene.WriteToMRB(str(path))
    return path, panel.ui.severityLabel.text


def add_ct(phantom, name: str):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    return volume_to_node(phantom.volume, name)


def offered(selector) -> list[str]:
    return [selector.nodeFromIndex(index).GetName() for index in range(selector.nodeCount())]


def test_a_scene_loaded_while_the_panel_is_open_is_shown(saved, panel, scene):
    path, headline = saved
    scene.Clear(False)
    assert panel.ui.ctSelector.currentNode() is None
    scene.ReadFromMRB(str(path), True)

    assert panel.ui.ctSelector.currentNode().GetName() == "CT"
    assert panel.ui.applyButton.enabled
    assert panel.ui.severityLabel.text == headline and not panel.ui.resultsSection.isHidden()


def test_a_loaded_scene_keeps_the_ct_that_was_selected_of_several(
    ct, panel, scene, phantom, tmp_path
):
    second = add_ct(phantom, "second CT")
    panel.ui.ctSelector.setCurrentNode(second)
    scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    panel.ui.ctSelector.setCurrentNode(ct)
    scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)

    assert panel.ui.ctSelector.currentNode().GetName() == "second CT"
    assert panel.logic.getParameterNode().ct is panel.ui.ctSelector.currentNode()


def test_a_scene_loaded_over_another_one_is_shown(saved, panel, scene, phantom):
    path, headline = saved
    panel.ui.ctSelector.setCurrentNode(add_ct(phantom, "other CT"))
    scene.ReadFromMRB(str(path), True)

    assert panel.ui.ctSelector.currentNode().GetName() == "CT"
    assert panel.ui.severityLabel.text == headline and not panel.ui.resultsSection.isHidden()


def test_a_scene_loaded_while_another_module_is_open_waits(saved, panel, scene, monkeypatch):
    path, headline = saved
    panel.exit()
    monkeypatch.setattr(type(panel.parent), "isEntered", False)
    scene.Clear(False)
    scene.ReadFromMRB(str(path), True)
    assert panel.ui.resultsSection.isHidden()
    panel.enter()

    assert panel.ui.severityLabel.text == headline and not panel.ui.resultsSection.isHidden()


def test_a_new_ct_is_selected_where_none_is(panel, bench, phantom):
    first = add_ct(phantom, "first CT")
    bench.wait_until(lambda: panel.ui.ctSelector.currentNode() is first, seconds=10)
    add_ct(phantom, "second CT")
    assert panel._settle_timer.active
    bench.wait_until(lambda: not panel._settle_timer.active, seconds=10)

    assert offered(panel.ui.ctSelector) == ["first CT", "second CT"]
    assert panel.ui.ctSelector.currentNode() is first


def test_the_ct_that_the_slice_views_show_is_selected_first(panel, scene, phantom):
    panel.exit()
    add_ct(phantom, "first CT")
    seen = add_ct(phantom, "second CT")
    scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode").SetBackgroundVolumeID(seen.GetID())
    panel.enter()

    assert panel.ui.ctSelector.currentNode() is seen


def test_results_are_not_offered_as_a_ct(shown, panel, scene, bench, ct):
    bench.wait_until(lambda: offered(panel.ui.ctSelector) == ["CT"], seconds=10)
    scene.RemoveNode(ct)

    assert panel.ui.ctSelector.currentNode() is None
    assert not panel.ui.applyButton.enabled


def test_done_is_not_said_of_a_closed_scene(shown, panel, scene):
    assert panel.ui.statusLabel.text == "Done."
    scene.Clear(False)

    assert panel.ui.statusLabel.text == ""


def test_done_is_not_said_of_a_ct_that_was_never_segmented(shown, panel, phantom):
    panel.ui.ctSelector.setCurrentNode(add_ct(phantom, "other CT"))

    assert panel.ui.statusLabel.text == ""


def test_done_is_not_said_of_a_ct_that_is_gone(shown, panel, scene, ct):
    scene.RemoveNode(ct)

    assert panel.ui.statusLabel.text == ""


@pytest.mark.parametrize("printed", ["", "\n", "a library's last words\n"])
def test_a_failed_run_logs_what_its_process_printed_and_no_empty_line(apply, caplog, printed):
    apply(ScriptedWorker(exit_code=1, printed=printed))

    logged = [record.getMessage() for record in caplog.records if "printed" in record.getMessage()]
    attempts = 2  # the second with less memory
    assert len(logged) == attempts * bool(printed.strip())
    assert all(printed.strip() in message for message in logged)


def test_nodes_that_are_removed_one_after_the_other_are_looked_at_once(
    shown, panel, scene, bench, monkeypatch
):
    others = [scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode") for _ in range(5)]
    bench.wait_until(lambda: not panel._settle_timer.active)
    looked = []
    monkeypatch.setattr(section_of(panel, "Review"), "nodes_changed", lambda: looked.append(1))
    for node in others:
        scene.RemoveNode(node)
    assert not looked and not panel.ui.resultsSection.isHidden()
    bench.wait_until(lambda: looked and not panel._settle_timer.active)
    assert len(looked) == 1
