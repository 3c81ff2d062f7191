"""What people see: names, terms, colours, overlay, surfaces, tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fabricated import make_result

from COVIDLesionSegLib.engine.result import OVERLAY_FROM

vtk = pytest.importorskip("vtk")
slicer = pytest.importorskip("slicer")


@pytest.fixture
def shown(ct_node):
    from COVIDLesionSegLib.scene.show import show_result

    return show_result(ct_node, make_result())


def tag(segment, name):
    value = vtk.mutable("")
    assert segment.GetTag(name, value)
    return str(value)


@pytest.mark.parametrize(
    ("segment_id", "name", "category", "kind", "modifier", "region"),
    [
        ("right-lung", "right lung", "123037004", "39607008", "24028007", ""),
        ("left-lung", "left lung", "123037004", "39607008", "7771000", ""),
        ("lesion", "lesion", "49755003", "52988006", "", "39607008"),
    ],
)
def test_terminology_is_read_by_slicer(shown, segment_id, name, category, kind, modifier, region):
    segment = shown.segmentationNode.GetSegmentation().GetSegment(segment_id)
    assert segment.GetName() == name
    text = tag(segment, "TerminologyEntry")
    entry = slicer.vtkSlicerTerminologyEntry()
    logic = slicer.modules.terminologies.logic()
    assert logic.DeserializeTerminologyEntry(text, entry)
    assert logic.SerializeTerminologyEntry(entry) == text
    assert entry.GetCategoryObject().GetCodingSchemeDesignator() == "SCT"
    assert entry.GetCategoryObject().GetCodeValue() == category
    assert entry.GetTypeObject().GetCodeValue() == kind
    assert (entry.GetTypeModifierObject().GetCodeValue() or "") == modifier
    assert (entry.GetRegionObject().GetCodeValue() or "") == region


def test_lesion_classes_have_their_own_terms():
    from COVIDLesionSegLib.engine.labels import class_style

    assert "DCM^112120^Ground glass opacity" in class_style("ground-glass opacity").terminology
    assert "SCT^9656002^Consolidation" in class_style("consolidation").terminology
    unknown = class_style("Crazy paving")
    assert unknown.id == "crazy-paving"
    assert "SCT^52988006^Lesion" in unknown.terminology


def test_lungs_are_translucent_and_lesions_solid_and_red(shown):
    segmentation = shown.segmentationNode.GetSegmentation()
    display = shown.segmentationNode.GetDisplayNode()
    for lung in ("right-lung", "left-lung"):
        assert 0 < display.GetSegmentOpacity3D(lung) <= 0.3
        assert display.GetSegmentOpacity2DFill(lung) == 0
    assert display.GetSegmentOpacity3D("lesion") == 1
    red, green, blue = segmentation.GetSegment("lesion").GetColor()
    assert red > 0.8
    assert max(green, blue) < 0.2


def test_surfaces_are_closed_and_can_be_hidden(shown):
    from COVIDLesionSegLib.scene.model3d import set_surfaces_visible, surfaces_visible

    node = shown.segmentationNode
    assert node.GetSegmentation().ContainsRepresentation("Closed surface")
    assert surfaces_visible(node)
    for segment_id in ("right-lung", "left-lung", "lesion"):
        surface = vtk.vtkPolyData()
        node.GetClosedSurfaceRepresentation(segment_id, surface)
        assert surface.GetNumberOfPolys() > 0
        edges = vtk.vtkFeatureEdges()
        edges.SetInputData(surface)
        edges.FeatureEdgesOff()
        edges.NonManifoldEdgesOff()
        edges.ManifoldEdgesOff()
        edges.Update()
        assert edges.GetOutput().GetNumberOfCells() == 0
    set_surfaces_visible(node, False)
    assert not node.GetDisplayNode().GetSegmentVisibility3D("lesion")
    assert not surfaces_visible(node)
    set_surfaces_visible(node, True)
    assert node.GetDisplayNode().GetSegmentVisibility3D("lesion")


def test_surfaces_follow_a_rerun_and_may_be_left_out(scene, ct_node):
    from COVIDLesionSegLib.scene.show import show_result

    full = make_result()
    node = show_result(ct_node, full).segmentationNode
    half = np.where(np.arange(full.lesions.shape[0])[:, None, None] < 6, full.lesions, 0)

    def lesion_top():
        surface = vtk.vtkPolyData()
        node.GetClosedSurfaceRepresentation("lesion", surface)
        return surface.GetBounds()[5]

    top = lesion_top()
    show_result(ct_node, replace(full, lesions=half.astype(np.uint8)))
    assert lesion_top() < top - 5


def test_without_surfaces_none_are_made(ct_node):
    from COVIDLesionSegLib.scene.show import show_result

    node = show_result(ct_node, make_result(), surfaces=False).segmentationNode
    assert not node.GetSegmentation().ContainsRepresentation("Closed surface")


def test_jet_runs_from_blue_over_green_to_red():
    matplotlib = pytest.importorskip("matplotlib")
    from COVIDLesionSegLib.scene.colors import jet_colors

    colors = jet_colors()
    assert colors.shape == (256, 3)
    np.testing.assert_allclose(colors[[0, -1]], [[0, 0, 0.5], [0.5, 0, 0]], atol=1e-6)
    reference = matplotlib.colormaps["jet"](np.linspace(0, 1, 256))[:, :3]
    assert np.abs(colors - reference).mean() < 0.05


def test_covidjet_exists_once_and_survives_clearing(scene, ct_node, shown):
    from COVIDLesionSegLib.scene.colors import covidjet_node

    node = covidjet_node(scene)
    assert shown.probabilityNode.GetDisplayNode().GetColorNodeID() == node.GetID()
    assert node.GetNumberOfColors() == 256
    scene.Clear(False)
    assert covidjet_node(scene) is node
    assert scene.GetNodesByName("COVIDJET").GetNumberOfItems() == 1


def test_no_colour_of_disagreement_is_a_colour_of_the_probability(scene):
    from COVIDLesionSegLib.scene.colors import covidjet_node, covidmagenta_node

    jet, magenta = (
        np.array([node.GetLookupTable().GetTableValue(i)[:3] for i in range(256)])
        for node in (covidjet_node(scene), covidmagenta_node(scene))
    )
    distance = np.linalg.norm(jet[:, None] - magenta[None], axis=-1)
    assert distance.min() > 0.3
    assert np.ptp(magenta.sum(axis=1)) > 1.0


def test_overlay_is_transparent_below_the_shared_limit(shown):
    display = shown.probabilityNode.GetDisplayNode()
    assert display.GetApplyThreshold()
    assert (display.GetLowerThreshold(), display.GetUpperThreshold()) == (OVERLAY_FROM, 1.0)
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 1.0)
    assert not display.GetAutoWindowLevel()


def test_the_ticks_of_a_colour_legend_are_not_rounded(ct_node):
    from COVIDLesionSegLib.scene.show import show_result

    shown = show_result(ct_node, make_result(ensemble=True), surfaces=False)
    for node in (shown.probabilityNode, shown.disagreementNode):
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
        ticks = np.linspace(0.0, 1.0, legend.GetNumberOfLabels())
        assert [float(legend.GetLabelFormat() % tick) for tick in ticks] == list(ticks)
        assert OVERLAY_FROM in ticks


def test_overlay_is_shown_over_the_ct_and_hidden_without_other_changes(scene, ct_node, shown):
    from COVIDLesionSegLib.scene.overlay import hide_overlay, show_overlay

    views = [scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode") for _ in range(2)]
    show_overlay(views, ct_node, shown.probabilityNode, opacity=0.4)
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(shown.probabilityNode)
    for view in views:
        assert view.GetBackgroundVolumeID() == ct_node.GetID()
        assert view.GetForegroundVolumeID() == shown.probabilityNode.GetID()
        assert view.GetForegroundOpacity() == pytest.approx(0.4)
    assert legend.GetVisibility()

    views[1].SetForegroundVolumeID(ct_node.GetID())
    hide_overlay(views, shown.probabilityNode)
    assert views[0].GetForegroundVolumeID() is None
    assert views[1].GetForegroundVolumeID() == ct_node.GetID()
    assert views[0].GetBackgroundVolumeID() == ct_node.GetID()
    assert not legend.GetVisibility()


def test_hiding_the_overlay_brings_back_what_each_view_showed(scene, ct_node, shown):
    from COVIDLesionSegLib.scene.overlay import hide_overlay, overlay_opacity, show_overlay

    other = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "other")
    pet = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "PET")
    view = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    view.SetBackgroundVolumeID(other.GetID())
    view.SetForegroundVolumeID(pet.GetID())
    view.SetForegroundOpacity(0.3)
    for _ in range(2):
        show_overlay([view], ct_node, shown.probabilityNode)
    assert overlay_opacity([view], shown.probabilityNode) is not None

    hide_overlay([view], shown.probabilityNode)

    assert overlay_opacity([view], shown.probabilityNode) is None
    assert view.GetBackgroundVolumeID() == other.GetID()
    assert view.GetForegroundVolumeID() == pet.GetID()
    assert view.GetForegroundOpacity() == pytest.approx(0.3)


def test_hiding_the_surfaces_does_not_turn_3d_on(shown):
    from COVIDLesionSegLib.scene.model3d import set_surfaces_visible

    display = shown.segmentationNode.GetDisplayNode()
    display.SetVisibility3D(False)
    set_surfaces_visible(shown.segmentationNode, False)
    assert not display.GetVisibility3D()


def test_a_segment_hidden_in_3d_stays_hidden_when_run_again(ct_node, shown):
    from COVIDLesionSegLib.scene.show import show_result

    display = shown.segmentationNode.GetDisplayNode()
    display.SetSegmentVisibility3D("right-lung", False)
    show_result(ct_node, make_result(seed=1))
    assert not display.GetSegmentVisibility3D("right-lung")
    assert display.GetSegmentVisibility3D("lesion")


def rows(table):
    return [
        [table.GetCellText(row, column) for column in range(table.GetNumberOfColumns())]
        for row in range(table.GetNumberOfRows())
    ]


def test_tables_give_units_and_never_a_silent_zero(shown):
    severity = shown.severityTableNode
    assert [severity.GetColumnName(i) for i in range(4)] == [
        "Region",
        "Lung volume (ml)",
        "Lesion volume (ml)",
        "Infected",
    ]
    assert severity.GetColumnUnitLabel("Lung volume (ml)") == "ml"
    assert rows(severity)[0] == ["right lung", "2345.67", "120.3", "5.1 %"]
    assert rows(severity)[1][3] == "n/a"
    assert slicer.util.arrayFromTableColumn(severity, "Lung volume (ml)").dtype == np.float64
    assert rows(shown.rulesTableNode) == [
        ["Worse lung decides (EAMC)", "5.1 %", "CT-1"],
        ["Both lungs pooled", "n/a", "n/a"],
    ]
    areas = slicer.util.arrayFromTableColumn(shown.slicesTableNode, "Lung area (mm2)")
    np.testing.assert_array_equal(areas, [5000.0, 5200.0])
    assert shown.severityTableNode.GetLocked()


def test_a_trace_of_lesion_and_an_unmeasured_class_are_no_zero(scene):
    from COVIDLesionSegLib.engine.severity.report import RegionSeverity
    from COVIDLesionSegLib.scene.table import update_severity_table

    regions = (
        RegionSeverity("right lung", 2000.0, 0.2, 0.0001, {"lesion": 0.2, "consolidation": 0.1}),
        RegionSeverity("left lung", 1800.0, 0.0, 0.0, {"lesion": 0.0}),
    )
    table = scene.AddNewNodeByClass("vtkMRMLTableNode")
    update_severity_table(table, replace(make_result().severity, regions=regions))
    assert rows(table)[0][-1] == "< 0.1 %"
    assert rows(table)[1][3:] == ["0", "n/a", "0.0 %"]


def test_a_region_that_is_not_there_has_no_volumes(scene):
    from COVIDLesionSegLib.engine.severity.report import RegionSeverity
    from COVIDLesionSegLib.scene.table import update_severity_table

    regions = (
        RegionSeverity("right lung", 2000.0, 200.0, 0.1, {"lesion": 200.0}),
        RegionSeverity("left lung", 0.0, 0.0, None, {"lesion": 0.0}),
    )
    table = scene.AddNewNodeByClass("vtkMRMLTableNode")
    update_severity_table(table, replace(make_result().severity, regions=regions))
    for column, ml in (("Lung volume (ml)", 2000.0), ("Lesion volume (ml)", 200.0)):
        values = slicer.util.arrayFromTableColumn(table, column)
        np.testing.assert_array_equal(values, [ml, np.nan])


def test_several_classes_have_a_column_each_by_region_and_by_slice(ct_node):
    from COVIDLesionSegLib.scene.show import show_result

    result = make_result(classes=("ground-glass opacity", "consolidation"), ensemble=True)
    shown = show_result(ct_node, result, surfaces=False)
    volumes, areas = shown.severityTableNode, shown.slicesTableNode
    names = [volumes.GetColumnName(i) for i in range(volumes.GetNumberOfColumns())]
    assert names[3:5] == ["ground-glass opacity (ml)", "consolidation (ml)"]
    assert rows(volumes)[0][2:5] == ["120.3", "80.2", "40.1"]
    assert rows(volumes)[1][2:5] == ["nan", "nan", "nan"]
    np.testing.assert_allclose(
        slicer.util.arrayFromTableColumn(areas, "ground-glass opacity (mm2)"), [160.0, 0.0]
    )
    np.testing.assert_allclose(
        slicer.util.arrayFromTableColumn(areas, "consolidation (mm2)"), [80.0, 0.0]
    )
    # The second slice holds no vote at all: that is no agreement of zero.
    assert areas.GetColumnName(areas.GetNumberOfColumns() - 1) == "Disagreement"
    assert isinstance(areas.GetTable().GetColumnByName("Disagreement"), vtk.vtkDoubleArray)
    assert [row[-1] for row in rows(areas)] == ["0.25", "nan"]


def test_with_a_single_model_no_column_speaks_of_disagreement(shown):
    table = shown.slicesTableNode
    names = [table.GetColumnName(i) for i in range(table.GetNumberOfColumns())]
    assert names[3:6] == ["Lesion area (mm2)", "Infected (%)", "Flagged (%)"]
    assert [name.partition(" (")[0] for name in names[6:]] == [
        "Any pixel",
        "More than 0.5 % of the lungs",
    ]
    assert [row[6:] for row in rows(table)] == [["yes", "yes"], ["no", "no"]]


def test_the_table_of_slices_has_the_confidence_of_a_calibrated_model(scene, ct_node):
    from COVIDLesionSegLib.scene.show import show_result

    result = make_result()
    first, second = result.severity.slices
    severity = replace(result.severity, slices=(replace(first, confidence=0.81239), second))
    shown = show_result(ct_node, replace(result, severity=severity), surfaces=False)
    table = shown.slicesTableNode
    assert table.GetColumnName(table.GetNumberOfColumns() - 1) == "Confidence"
    assert [row[-1] for row in rows(table)] == ["0.812", "nan"]


def test_disagreement_is_a_hidden_overlay_in_a_colour_of_its_own(scene, ct_node):
    from COVIDLesionSegLib.scene.show import show_result

    view = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    shown = show_result(ct_node, make_result(ensemble=True), surfaces=False)
    node, display = shown.disagreementNode, shown.disagreementNode.GetDisplayNode()
    assert node.GetName() == "CT COVID-19 ensemble disagreement"
    assert display.GetColorNode().GetName() == "COVIDMAGENTA"
    assert display.GetApplyThreshold()
    # Members of ten disagree by 0.2 at least: only what is unanimous is transparent.
    assert 0 < display.GetLowerThreshold() < 0.2
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (0.0, 1.0)
    assert view.GetForegroundVolumeID() is None
    assert not slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node).GetVisibility()


def test_one_overlay_takes_the_place_of_the_other(scene, ct_node):
    from COVIDLesionSegLib.scene.overlay import hide_overlay, overlay_opacity, show_overlay
    from COVIDLesionSegLib.scene.show import show_result

    def legend_visible(node):
        return slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node).GetVisibility()

    shown = show_result(ct_node, make_result(ensemble=True), surfaces=False)
    probability, disagreement = shown.probabilityNode, shown.disagreementNode
    pet = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "PET")
    view = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    view.SetForegroundVolumeID(pet.GetID())

    show_overlay([view], ct_node, probability)
    show_overlay([view], ct_node, disagreement)
    assert overlay_opacity([view], disagreement) is not None
    assert overlay_opacity([view], probability) is None
    assert legend_visible(disagreement) and not legend_visible(probability)

    hide_overlay([view], probability)
    assert overlay_opacity([view], disagreement) is not None
    hide_overlay([view], disagreement)
    assert view.GetForegroundVolumeID() == pet.GetID()
    assert not legend_visible(disagreement)


def test_every_name_of_an_untrained_networks_result_says_so(ct_node):
    from COVIDLesionSegLib.scene.show import show_result

    shown = show_result(ct_node, make_result(trained=False, ensemble=True), surfaces=False)
    segmentation = shown.segmentationNode.GetSegmentation()
    assert len(shown.nodes) == 8
    assert all(node.GetName().endswith(" - UNTRAINED NETWORK") for node in shown.nodes)
    for node in (shown.probabilityNode, shown.disagreementNode):
        legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
        assert legend.GetTitleText().endswith(" - UNTRAINED NETWORK")
    assert segmentation.GetSegment("lesion").GetName() == "lesion - UNTRAINED NETWORK"
    # These lungs were found without a network.
    assert segmentation.GetSegment("right-lung").GetName() == "right lung"
    lungs = {"method": "lungs-9000", "weights": "random, seed 0", "weights_sha256": None}
    result = make_result(trained=False)
    show_result(ct_node, replace(result, provenance=result.provenance | {"lungs": lungs}))
    assert segmentation.GetSegment("right-lung").GetName() == "right lung - UNTRAINED NETWORK"
    assert rows(shown.rulesTableNode)[0][1:] == ["n/a", "n/a"]


def test_volume_rendering_is_optional_and_hideable(shown):
    from COVIDLesionSegLib.scene.model3d import show_volume_rendering

    logic = slicer.modules.volumerendering.logic()
    show_volume_rendering(shown.probabilityNode, visible=False)
    assert logic.GetFirstVolumeRenderingDisplayNode(shown.probabilityNode) is None
    show_volume_rendering(shown.probabilityNode)
    display = logic.GetFirstVolumeRenderingDisplayNode(shown.probabilityNode)
    assert display.GetVisibility()
    opacity = display.GetVolumePropertyNode().GetScalarOpacity()
    assert opacity.GetValue(OVERLAY_FROM - 0.01) == 0
    assert opacity.GetValue(0.9) > 0.3
    show_volume_rendering(shown.probabilityNode, visible=False)
    assert not display.GetVisibility()


def test_the_table_of_slices_knows_no_lesion_of_a_slice_that_is_not_segmented(scene, ct_node):
    from COVIDLesionSegLib.engine.flags import CLEAN_SLICES, Flag
    from COVIDLesionSegLib.scene.show import show_result

    result = make_result()
    second = result.severity.slices[1].index
    shown = show_result(
        ct_node,
        replace(
            result,
            severity=result.severity.without_slices((second,)),
            flags=(Flag(CLEAN_SLICES, "One was not segmented.", slices=(second,)),),
        ),
        surfaces=False,
    )
    table = shown.slicesTableNode
    names = [table.GetColumnName(i) for i in range(table.GetNumberOfColumns())]
    assert names[3:5] == ["Lesion area (mm2)", "Infected (%)"] and "Flagged (%)" not in names
    assert "nan" not in rows(table)[0] and float(rows(table)[0][3]) > 0
    assert rows(table)[1][3:] == ["nan", "nan", "n/a", "n/a"]
