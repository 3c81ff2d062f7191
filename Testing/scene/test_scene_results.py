"""How a result is found again, what it lacks, where it is placed, in which window it is shown."""

from __future__ import annotations

import json

import pytest
from fabricated import add_ct, make_result

pytestmark = pytest.mark.slow

slicer = pytest.importorskip("slicer")


def test_a_result_without_its_deleted_disagreement_is_still_one(scene, ct_node, show):
    from COVIDLesionSegLib.scene.show import find_result

    shown = show(ct_node, make_result(ensemble=True))
    scene.RemoveNode(shown.disagreementNode)
    assert find_result(ct_node).disagreementNode is None
    again = show(ct_node, make_result(seed=1))
    scene.RemoveNode(show(ct_node, make_result(ensemble=True)).disagreementNode)
    again.undo()
    assert find_result(ct_node).disagreementNode is None


def test_figures_of_another_version_are_not_shown_and_can_be_replaced(ct_node, show):
    from COVIDLesionSegLib.scene.show import find_result

    node = show(ct_node, make_result()).segmentationNode
    figures = json.loads(node.GetAttribute("COVIDLesionSeg.severity"))
    del figures["slices"][0]["lesion_class_mm2"]
    node.SetAttribute("COVIDLesionSeg.severity", json.dumps(figures))

    assert find_result(ct_node) is None
    assert show(ct_node, make_result(seed=1)).segmentationNode is node


def test_result_is_found_again_from_the_ct_alone(scene, ct_node, show):
    from COVIDLesionSegLib.scene.show import find_result

    assert find_result(ct_node) is None
    result = make_result()
    shown = show(ct_node, result)
    found = find_result(ct_node)
    assert found.nodes == shown.nodes
    assert found.severity == result.severity
    assert found.flags == result.flags
    assert found.provenance == result.provenance


@pytest.mark.parametrize("tables", [["severity"], ["rules"], ["slices"], ["rules", "slices"]])
def test_a_result_without_tables_that_the_user_deleted_is_still_one(scene, ct_node, show, tables):
    from COVIDLesionSegLib.scene.nodes import find_output, lost_role
    from COVIDLesionSegLib.scene.show import find_result

    result = make_result()
    shown = show(ct_node, result)
    for role in tables:
        scene.RemoveNode(find_output(ct_node, role))
    found = find_result(ct_node)
    assert found.severity == result.severity and lost_role(ct_node) is None
    assert len(found.nodes) == len(shown.nodes) - len(tables) - ("slices" in tables)
    assert (found.chartNode is None) == ("slices" in tables)
    again = show(ct_node, make_result(seed=1))
    assert len(again.nodes) == len(shown.nodes)
    again.undo()
    assert find_result(ct_node).severity == result.severity


@pytest.mark.parametrize("role", ["segmentation", "probability"])
def test_which_node_a_result_lacks_is_known(scene, ct_node, show, role):
    from COVIDLesionSegLib.scene.nodes import find_output, lost_role
    from COVIDLesionSegLib.scene.show import find_result

    assert lost_role(ct_node) is None
    shown = show(ct_node, make_result())
    assert lost_role(ct_node) is None
    scene.RemoveNode(find_output(ct_node, role))
    assert find_result(ct_node) is None and lost_role(ct_node) == role
    shown.undo()
    assert lost_role(ct_node) is None


@pytest.mark.parametrize("deleted", ["CT", "segmentation", "chart", "nothing"])
def test_hidden_nodes_leave_with_what_they_belong_to(scene, ct_node, show, deleted):
    from COVIDLesionSegLib.scene.nodes import remove_left_behind, series_of

    other = show(add_ct(scene, name="other"), make_result())
    shown = show(ct_node, make_result())
    lines = series_of(shown.chartNode)
    users = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    users.Copy(shown.predictionNode)
    users.SetHideFromEditors(True)
    if deleted == "CT":
        scene.RemoveNode(shown.chartNode)
        scene.RemoveNode(ct_node)
    elif deleted != "nothing":
        scene.RemoveNode(shown.segmentationNode if deleted != "chart" else shown.chartNode)
    remove_left_behind(scene)
    present = scene.IsNodePresent
    assert bool(present(shown.predictionNode)) == (deleted in ("chart", "nothing"))
    assert {bool(present(line)) for line in lines} == {deleted in ("segmentation", "nothing")}
    assert present(users) and all(map(present, other.nodes))
    assert all(map(present, series_of(other.chartNode)))


def test_results_are_placed_under_the_study_of_the_ct(scene, ct_node, show):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "anonymous")
    study = hierarchy.CreateStudyItem(patient, "chest CT")
    hierarchy.CreateItem(study, ct_node)
    shown = show(ct_node, make_result())
    for node in shown.nodes:
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == study
    # Slicer's tree does not show items of hidden nodes.
    assert shown.predictionNode.GetHideFromEditors()

    elsewhere = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), "mine")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(shown.probabilityNode), elsewhere)
    show(ct_node, make_result(seed=1))
    item = hierarchy.GetItemByDataNode(shown.probabilityNode)
    assert hierarchy.GetItemParent(item) == elsewhere


@pytest.fixture
def automatic(ct_node):
    """The CT's display, in the window that Slicer chooses by itself."""
    ct_node.GetDisplayNode().AutoWindowLevelOn()
    return ct_node.GetDisplayNode()


def window(display):
    return bool(display.GetAutoWindowLevel()), display.GetWindow(), display.GetLevel()


def test_with_its_first_result_a_ct_is_shown_in_the_lung_window(scene, ct_node, show, automatic):
    before = window(automatic)
    run = show(ct_node, make_result())
    assert window(automatic) == (False, 1500.0, -600.0)
    run.undo()
    assert window(automatic) == before


def test_a_window_that_the_user_chose_stays(scene, ct_node, show, automatic):
    automatic.AutoWindowLevelOff()
    automatic.SetWindowLevel(350.0, 40.0)
    run = show(ct_node, make_result())
    assert window(automatic) == (False, 350.0, 40.0)
    run.undo()
    assert window(automatic) == (False, 350.0, 40.0)


def test_a_window_that_the_user_chose_after_a_run_outlives_undo_and_the_next_run(
    scene, ct_node, show, automatic
):
    run = show(ct_node, make_result())
    automatic.SetWindowLevel(350.0, 40.0)
    run.undo()
    assert window(automatic) == (False, 350.0, 40.0)
    show(ct_node, make_result())
    automatic.AutoWindowLevelOn()
    chosen = window(automatic)
    show(ct_node, make_result(seed=1)).undo()
    assert window(automatic) == chosen


def test_a_failing_first_run_leaves_the_window(scene, ct_node, show, automatic):
    before = window(automatic)
    result = make_result()
    result.provenance["unserialisable"] = object()
    with pytest.raises(TypeError):
        show(ct_node, result)
    assert window(automatic) == before


def test_provenance_is_plain_json(scene, ct_node, show):
    result = make_result()
    node = show(ct_node, result).segmentationNode
    assert json.loads(node.GetAttribute("COVIDLesionSeg.provenance")) == result.provenance
