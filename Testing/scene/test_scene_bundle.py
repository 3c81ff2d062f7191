"""A saved scene, read back, shows the same."""

from __future__ import annotations

import os

import numpy as np
import pytest
from fabricated import add_ct, make_geometry, make_result

from COVIDLesionSegLib.engine.errors import OutputError
from COVIDLesionSegLib.engine.volume import AxialOrder

vtk = pytest.importorskip("vtk")
slicer = pytest.importorskip("slicer")


def tags(segment):
    value = vtk.mutable("")
    segment.GetTag("TerminologyEntry", value)
    return str(value)


def table_of(colors):
    table = colors.GetLookupTable()
    some = [tuple(np.round(table.GetTableValue(i), 2)) for i in (0, 64, 128, 255)]
    return colors.GetName(), colors.GetNumberOfColors(), some


def facts(ct_node):
    """Everything a person sees of the result of ``ct_node``, as plain values.

    Arrays are in axial order: Slicer reverses the slices of a left-handed volume when it reads it.
    """
    from COVIDLesionSegLib.scene.show import find_result
    from COVIDLesionSegLib.scene.volumes import world_geometry

    def in_axial_order(array):
        return AxialOrder.of(world_geometry(ct_node)).to_axial(array).tolist()

    shown = find_result(ct_node)
    node = shown.segmentationNode
    segmentation, display = node.GetSegmentation(), node.GetDisplayNode()
    ids = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
    overlays = (shown.probabilityNode, shown.disagreementNode)
    displays = [node.GetDisplayNode() for node in overlays]
    return {
        "names": [n.GetName() for n in shown.nodes],
        "segments": [
            (
                segment_id,
                segmentation.GetSegment(segment_id).GetName(),
                tuple(np.round(segmentation.GetSegment(segment_id).GetColor(), 3)),
                tags(segmentation.GetSegment(segment_id)),
                round(display.GetSegmentOpacity3D(segment_id), 3),
                round(display.GetSegmentOpacity2DFill(segment_id), 3),
                in_axial_order(
                    slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, ct_node)
                ),
            )
            for segment_id in ids
        ],
        "surfaces": (
            segmentation.ContainsRepresentation("Closed surface"),
            display.GetPreferredDisplayRepresentationName3D(),
            bool(display.GetVisibility3D()),
        ),
        "overlays": [in_axial_order(slicer.util.arrayFromVolume(node)) for node in overlays],
        "displays": [
            (
                display.GetLowerThreshold(),
                display.GetUpperThreshold(),
                bool(display.GetApplyThreshold()),
                display.GetWindow(),
                display.GetLevel(),
            )
            for display in displays
        ],
        "colours": [table_of(display.GetColorNode()) for display in displays],
        "legends": [
            slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node).GetTitleText()
            for node in overlays
        ],
        "tables": [
            [
                [table.GetCellText(row, column) for column in range(table.GetNumberOfColumns())]
                for row in range(table.GetNumberOfRows())
            ]
            for table in (shown.severityTableNode, shown.rulesTableNode, shown.slicesTableNode)
        ],
        "column types": [
            shown.severityTableNode.GetTable().GetColumn(i).GetDataType() for i in range(4)
        ],
        "units": shown.severityTableNode.GetColumnUnitLabel("Lung volume (ml)"),
        "severity": shown.severity,
        "flags": shown.flags,
        "provenance": shown.provenance,
    }


@pytest.mark.parametrize("direction", ["axial", "oblique", "oblique left-handed"])
def test_bundle_read_back_shows_the_same(scene, tmp_path, direction):
    from COVIDLesionSegLib.headless.saved_scene import save_scene
    from COVIDLesionSegLib.scene.show import show_result

    geometry = make_geometry(direction)
    ct_node = add_ct(scene, geometry)
    result = make_result(
        geometry, classes=("ground-glass opacity", "consolidation"), ensemble=True, trained=False
    )
    show_result(ct_node, result)
    before = facts(ct_node)

    path = save_scene(scene, tmp_path / "scene.mrb")
    scene.Clear(False)
    slicer.util.loadScene(str(path))

    ct_node = scene.GetFirstNodeByName("CT")
    after = facts(ct_node)
    for key, value in before.items():
        assert after[key] == value, key


def test_bundle_added_to_a_scene_with_results_keeps_both_apart(scene, tmp_path):
    """Ids change on import; the results still know which CT is theirs."""
    from COVIDLesionSegLib.headless.saved_scene import save_scene
    from COVIDLesionSegLib.scene.show import find_result, show_result

    ct_node = add_ct(scene)
    show_result(ct_node, make_result(seed=0), surfaces=False)
    path = save_scene(scene, tmp_path / "scene.mrb")
    assert scene.ReadFromMRB(str(path), False)

    cts = [n for n in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if n.GetName() == "CT"]
    assert len(cts) == 2
    results = [find_result(node) for node in cts]
    assert not {n.GetID() for n in results[0].nodes} & {n.GetID() for n in results[1].nodes}


def test_rerun_after_loading_updates_the_loaded_nodes(scene, tmp_path):
    from COVIDLesionSegLib.headless.saved_scene import save_scene
    from COVIDLesionSegLib.scene.show import find_result, show_result

    show_result(add_ct(scene), make_result(seed=0, ensemble=True))
    path = save_scene(scene, tmp_path / "scene.mrb")
    scene.Clear(False)
    assert scene.ReadFromMRB(str(path), True)
    ct_node = scene.GetFirstNodeByName("CT")
    loaded = find_result(ct_node).nodes
    result = make_result(seed=1, ensemble=True)
    shown = show_result(ct_node, result)
    assert shown.nodes == loaded
    np.testing.assert_array_equal(
        slicer.util.arrayFromVolume(shown.disagreementNode), result.disagreement
    )
    np.testing.assert_array_equal(
        slicer.util.arrayFromSegmentBinaryLabelmap(shown.segmentationNode, "lesion", ct_node),
        result.lesions == 1,
    )


def test_saving_leaves_nothing_but_the_bundle(scene, ct_node, tmp_path):
    from COVIDLesionSegLib.headless.saved_scene import save_scene

    save_scene(scene, tmp_path / "scene.mrb")
    assert os.listdir(tmp_path) == ["scene.mrb"]


def test_a_failing_save_keeps_the_earlier_bundle(scene, ct_node, tmp_path, monkeypatch):
    from COVIDLesionSegLib.headless import saved_scene as save

    path = save.save_scene(scene, tmp_path / "scene.mrb")
    earlier = path.read_bytes()

    def disk_full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(save.os, "replace", disk_full)
    with pytest.raises(OutputError, match="cannot be written"):
        save.save_scene(scene, path)
    assert path.read_bytes() == earlier
    assert os.listdir(tmp_path) == ["scene.mrb"]


def test_a_missing_folder_is_one_clear_error(scene, tmp_path):
    from COVIDLesionSegLib.headless.saved_scene import save_scene

    with pytest.raises(OutputError, match="choose a folder"):
        save_scene(scene, tmp_path / "absent" / "scene.mrb")


def test_another_file_ending_is_refused(scene, tmp_path):
    from COVIDLesionSegLib.headless.saved_scene import save_scene

    with pytest.raises(OutputError, match=r"\.mrb"):
        save_scene(scene, tmp_path / "scene.zip")
