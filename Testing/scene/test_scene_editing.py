"""Segment Editor as this package sets it: lesions stay in the lungs, and lungs whole."""

from __future__ import annotations

import numpy as np
import pytest
from fabricated import make_result

vtk = pytest.importorskip("vtk")
slicer = pytest.importorskip("slicer")

CLASSES = ("ground-glass opacity", "consolidation")


class Editor:
    """Slicer's logic of the Segment Editor, on one result."""

    def __init__(self, scene, shown, ct_node) -> None:
        from COVIDLesionSegLib.scene.editing import editor_node

        self.node = editor_node(scene)
        self.node.SetAndObserveSegmentationNode(shown.segmentationNode)
        self.node.SetAndObserveSourceVolumeNode(ct_node)
        self._logic = slicer.vtkSlicerSegmentEditorLogic()
        self._logic.SetMRMLScene(scene)
        self._logic.SetSegmentEditorNode(self.node)
        self._segmentation = shown.segmentationNode
        self._ct = ct_node

    def choose(self, segment_id, effect="Paint", density=None) -> None:
        from COVIDLesionSegLib.scene.editing import prepare_editor

        self.node.SetSelectedSegmentID(segment_id)
        self.node.SetActiveEffectName(effect)
        prepare_editor(self.node, density)

    def paint(self, box, erase=False) -> None:
        """One stroke over a box of voxels (k, j, i)."""
        modifier = slicer.vtkOrientedImageData()
        matrix = vtk.vtkMatrix4x4()
        self._ct.GetIJKToRASMatrix(matrix)
        size = self._ct.GetImageData().GetDimensions()
        modifier.SetExtent(0, size[0] - 1, 0, size[1] - 1, 0, size[2] - 1)
        modifier.SetGeometryFromImageToWorldMatrix(matrix)
        modifier.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
        voxels = vtk.util.numpy_support.vtk_to_numpy(modifier.GetPointData().GetScalars())
        voxels = voxels.reshape(size[::-1])
        voxels[:] = 0
        voxels[box] = 1
        logic = self._logic
        mode = logic.ModificationModeRemove if erase else logic.ModificationModeAdd
        logic.SaveStateForUndo()
        logic.ModifySegmentByLabelmap(
            self._segmentation, self.node.GetSelectedSegmentID(), modifier, mode, True, False
        )

    def undo(self) -> None:
        self._logic.Undo()

    def __getitem__(self, segment_id):
        return slicer.util.arrayFromSegmentBinaryLabelmap(
            self._segmentation, segment_id, self._ct
        ).copy()


@pytest.fixture
def result():
    return make_result(classes=CLASSES)


@pytest.fixture
def shown(ct_node, result):
    from COVIDLesionSegLib.scene.show import show_result

    return show_result(ct_node, result, surfaces=False)


@pytest.fixture
def editor(scene, shown, ct_node):
    return Editor(scene, shown, ct_node)


BOX = np.s_[2:9, 2:17, 1:21]


def test_a_painted_lesion_stays_in_both_lungs_and_does_not_cut_them(editor, result):
    editor.choose("consolidation")
    editor.paint(BOX)
    boxed = np.zeros(result.lungs.shape, bool)
    boxed[BOX] = True

    np.testing.assert_array_equal(
        editor["consolidation"], boxed & (result.lungs > 0) | (result.lesions == 2)
    )
    np.testing.assert_array_equal(editor["right-lung"], result.lungs == 1)
    np.testing.assert_array_equal(editor["left-lung"], result.lungs == 2)


def test_a_segment_of_the_users_own_allows_no_lesion_outside_the_lungs(
    editor, result, shown, ct_node
):
    from COVIDLesionSegLib.scene.editing import keep_inside_lungs

    node = shown.segmentationNode
    editor.choose("consolidation")
    assert not keep_inside_lungs(node, "consolidation")
    own = np.zeros(result.lungs.shape, np.uint8)
    own[BOX] = 1
    node.GetSegmentation().AddEmptySegment("mine", "mine")
    slicer.util.updateSegmentBinaryLabelmapFromArray(own, node, "mine", ct_node)
    editor.paint(BOX)
    inside = (own > 0) & (result.lungs > 0) | (result.lesions == 2)
    assert (editor["consolidation"] > inside).any(), "Slicer's own mask holds all segments"

    assert keep_inside_lungs(node, "consolidation")
    np.testing.assert_array_equal(editor["consolidation"], inside)
    np.testing.assert_array_equal(editor["mine"], own)
    np.testing.assert_array_equal(editor["right-lung"], result.lungs == 1)
    assert not keep_inside_lungs(node, "consolidation")
    assert not keep_inside_lungs(node, "left-lung") and not keep_inside_lungs(node, "mine")


def test_a_segment_of_the_users_own_is_edited_anywhere(editor, result, shown):
    node = shown.segmentationNode
    node.GetSegmentation().AddEmptySegment("effusion", "effusion")
    editor.choose("effusion")
    editor.paint(BOX)

    painted = np.zeros(result.lungs.shape, np.uint8)
    painted[BOX] = 1
    np.testing.assert_array_equal(editor["effusion"], painted)
    np.testing.assert_array_equal(editor["right-lung"], result.lungs == 1)
    np.testing.assert_array_equal(editor["consolidation"], result.lesions == 2)
    editor.choose("consolidation")
    assert editor.node.GetMaskMode() == node.EditAllowedInsideAllSegments


def test_options_that_change_other_segments_are_switched_off(editor):
    from COVIDLesionSegLib.scene.editing import edit_chosen_segment_only

    node = editor.node
    assert not edit_chosen_segment_only(node)
    for name, on, off in (
        ("Erase.EraseAllSegments", "1", "0"),
        ("Scissors.ApplyToAllVisibleSegments", "1", "0"),
        ("Smoothing.ApplyToAllVisibleSegments", "1", "0"),
        ("Margin.ApplyToAllVisibleSegments", "1", "0"),
        ("Smoothing.SmoothingMethod", "JOINT_TAUBIN", "MEDIAN"),
        ("Islands.Operation", "SPLIT_ISLANDS_TO_SEGMENTS", "REMOVE_SELECTED_ISLAND"),
    ):
        node.SetAttribute(name, on)
        assert edit_chosen_segment_only(node) == [name] and node.GetAttribute(name) == off
        assert not edit_chosen_segment_only(node)
    node.SetAttribute("Smoothing.SmoothingMethod", "GAUSSIAN")
    node.SetAttribute("Islands.Operation", "KEEP_LARGEST_ISLAND")
    assert not edit_chosen_segment_only(node)


def test_only_the_chosen_densities_are_painted_and_anything_can_be_erased(editor, result, ct_node):
    hu = slicer.util.arrayFromVolume(ct_node)
    editor.choose("consolidation", density=(-300.0, 100.0))
    editor.paint(BOX)
    added = (editor["consolidation"] > 0) & (result.lesions != 2)
    assert added.any()
    assert (hu[added] >= -300).all() and (hu[added] <= 100).all()

    editor.choose("consolidation", effect="Erase", density=(-300.0, 100.0))
    editor.paint(BOX, erase=True)
    assert not editor["consolidation"][BOX].any()
    assert not editor.node.GetSourceVolumeIntensityMask()


def test_a_lung_is_edited_anywhere_and_in_any_density(editor, result):
    editor.choose("left-lung", density=(-300.0, 100.0))
    editor.paint(BOX)

    assert editor["left-lung"][BOX].all()
    np.testing.assert_array_equal(editor["right-lung"], result.lungs == 1)
    np.testing.assert_array_equal(editor["consolidation"], result.lesions == 2)


def test_a_voxel_has_the_class_that_was_painted_last_and_undo_brings_back_the_other(
    editor, result, shown
):
    from COVIDLesionSegLib.scene.editing import keep_classes_apart

    node = shown.segmentationNode
    assert not keep_classes_apart(node, "consolidation")
    editor.choose("ground-glass-opacity")
    editor.paint(BOX)
    assert (editor["consolidation"] & editor["ground-glass-opacity"]).any()

    assert keep_classes_apart(node, "ground-glass-opacity")
    assert not (editor["consolidation"] & editor["ground-glass-opacity"]).any()
    inside = np.zeros(result.lungs.shape, bool)
    inside[BOX] = True
    np.testing.assert_array_equal(editor["consolidation"], (result.lesions == 2) & ~inside)
    np.testing.assert_array_equal(editor["right-lung"], result.lungs == 1)
    assert not keep_classes_apart(node, "ground-glass-opacity")  # nothing is left to do
    editor.undo()
    np.testing.assert_array_equal(editor["consolidation"], result.lesions == 2)
    np.testing.assert_array_equal(editor["ground-glass-opacity"], result.lesions == 1)


def test_corrections_are_discarded_voxel_by_voxel(editor, result, shown, ct_node):
    from COVIDLesionSegLib.scene.editing import discard_corrections
    from scene.read_nodes import is_corrected

    node = shown.segmentationNode
    editor.choose("consolidation")
    editor.paint(BOX)
    editor.choose("right-lung")
    editor.paint(np.s_[0:3, 0:6, 0:6])
    node.GetSegmentation().RemoveSegment("ground-glass-opacity")
    assert is_corrected(node)
    discard_corrections(node, shown.predictionNode)

    assert is_corrected(node) is False
    for id_, expected in (
        ("right-lung", result.lungs == 1),
        ("left-lung", result.lungs == 2),
        ("ground-glass-opacity", result.lesions == 1),
        ("consolidation", result.lesions == 2),
    ):
        np.testing.assert_array_equal(editor[id_], expected)


def test_the_settings_of_slicers_own_segment_editor_stay(scene, editor):
    from COVIDLesionSegLib.scene.editing import editor_node

    own = slicer.vtkMRMLSegmentEditorNode()
    own.SetSingletonTag("SegmentEditor")
    own = scene.AddNode(own)
    editor.choose("consolidation")

    assert editor_node(scene) is editor.node is not own
    assert own.GetOverwriteMode() == own.OverwriteAllSegments
    assert not own.GetSelectedSegmentID()


def test_the_outline_of_the_run_is_shown_for_one_segment_in_slices_only(shown):
    from COVIDLesionSegLib.scene.run_outline import outline_visible, show_outline

    node = shown.predictionNode
    display = node.GetDisplayNode()
    show_outline(node, "consolidation")
    assert outline_visible(node) and not display.GetVisibility3D()
    assert display.GetSegmentVisibility("consolidation")
    assert not display.GetSegmentVisibility("right-lung")
    assert not display.GetSegmentVisibility2DFill("consolidation")
    assert shown.segmentationNode.GetDisplayNode().GetSegmentVisibility("right-lung")
    show_outline(node, None)
    assert not outline_visible(node)
