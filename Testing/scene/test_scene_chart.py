"""The chart by slice: lines of the table of slices, kept with the other outputs of a result."""

from __future__ import annotations

import numpy as np
import pytest
from fabricated import make_result
from vtk.util.numpy_support import vtk_to_numpy

CLASSES = ("ground-glass opacity", "consolidation")


def show(ct_node, **options):
    from COVIDLesionSegLib.scene.show import show_result

    return show_result(ct_node, make_result(**options), surfaces=False)


def series(chart) -> list:
    return [chart.GetNthPlotSeriesNode(i) for i in range(chart.GetNumberOfPlotSeriesNodes())]


def labels(chart) -> list[str]:
    return [one.GetName() for one in series(chart)]


def count(scene) -> int:
    return scene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode")


def test_the_chart_has_a_line_of_all_lesions_and_marks_flagged_slices(ct_node):
    shown = show(ct_node)
    infected, flagged = series(shown.chartNode)
    table = shown.slicesTableNode
    for one in (infected, flagged):
        assert one.GetTableNode() is table
        assert one.GetXColumnName() == "Slice"
    column = vtk_to_numpy(table.GetTable().GetColumnByName(infected.GetYColumnName()))
    assert column.tolist() == [100 * slice_.ratio for slice_ in shown.severity.slices]
    assert infected.GetLineStyle() == infected.LineStyleSolid
    assert flagged.GetLineStyle() == flagged.LineStyleNone
    assert flagged.GetMarkerStyle() != flagged.MarkerStyleNone
    assert shown.chartNode in shown.nodes


def test_only_flagged_slices_are_marked(ct_node):
    from dataclasses import replace

    from COVIDLesionSegLib.engine.flags import Flag
    from COVIDLesionSegLib.scene.show import show_result

    result = make_result()
    shown = show_result(
        ct_node, replace(result, flags=(Flag("x", "y", slices=(1,)),)), surfaces=False
    )
    marks = vtk_to_numpy(shown.slicesTableNode.GetTable().GetColumnByName("Flagged (%)"))
    expected = [np.nan, 100 * result.severity.slices[1].ratio]
    np.testing.assert_array_equal(marks, expected)

    shown = show_result(ct_node, replace(result, flags=()), surfaces=False)
    assert labels(shown.chartNode) == ["Infected"]


def test_each_class_has_a_line_in_its_colour(ct_node):
    from COVIDLesionSegLib.engine.labels import class_style

    shown = show(ct_node, classes=CLASSES)
    lines = dict(zip(labels(shown.chartNode), series(shown.chartNode), strict=True))
    assert list(lines) == ["Infected", *CLASSES, "Flagged"]
    for name in CLASSES:
        assert lines[name].GetColor() == pytest.approx(class_style(name).color)
    table = shown.slicesTableNode.GetTable()
    by_class = [vtk_to_numpy(table.GetColumnByName(f"{name} (%)")) for name in CLASSES]
    whole = vtk_to_numpy(table.GetColumnByName("Infected (%)"))
    np.testing.assert_allclose(sum(by_class), whole)


def test_running_again_updates_the_same_chart_and_leaves_no_line_behind(scene, ct_node):
    first = show(ct_node, classes=CLASSES)
    infected = series(first.chartNode)[0]
    infected.SetColor(0, 1, 0)
    again = show(ct_node)
    assert again.chartNode is first.chartNode
    assert series(again.chartNode)[0] is infected and infected.GetColor() == (0, 1, 0)
    assert count(scene) == 2


def test_undo_brings_the_lines_of_the_earlier_run_back(scene, ct_node):
    show(ct_node, classes=CLASSES)
    again = show(ct_node)
    again.undo()
    assert labels(again.chartNode) == ["Infected", *CLASSES, "Flagged"]
    assert count(scene) == 4


def test_undo_of_a_first_run_leaves_no_chart(scene, ct_node):
    show(ct_node).undo()
    assert count(scene) == scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode") == 0


def test_an_untrained_networks_chart_says_so(ct_node):
    chart = show(ct_node, trained=False).chartNode
    assert chart.GetTitle().endswith("UNTRAINED NETWORK")
    assert chart.GetName().endswith("UNTRAINED NETWORK")
    assert show(ct_node).chartNode.GetTitle() == "Infected lung by slice"


def test_lines_of_a_chart_that_the_user_deleted_are_used_again(scene, ct_node):
    shown = show(ct_node)
    scene.RemoveNode(shown.chartNode)
    again = show(ct_node)
    assert count(scene) == len(series(again.chartNode)) == 2


def test_a_saved_scene_holds_the_chart(scene, ct_node, tmp_path):
    from COVIDLesionSegLib.scene.show import find_result
    from COVIDLesionSegLib.scene.volumes import first_ct

    show(ct_node, classes=CLASSES)
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear(False)
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"), True)
    loaded = find_result(first_ct(scene))
    assert labels(loaded.chartNode) == ["Infected", *CLASSES, "Flagged"]
    assert all(one.GetTableNode() is loaded.slicesTableNode for one in series(loaded.chartNode))
    again = show(first_ct(scene))
    assert again.chartNode is loaded.chartNode and count(scene) == 2


def test_a_result_without_a_chart_is_whole(scene, ct_node):
    from COVIDLesionSegLib.scene.nodes import remove_output
    from COVIDLesionSegLib.scene.show import find_result

    remove_output(show(ct_node).chartNode)
    assert find_result(ct_node).chartNode is None and count(scene) == 0


def test_two_cts_have_charts_of_their_own(scene, ct_node):
    from fabricated import add_ct

    first = show(ct_node).chartNode
    second = show(add_ct(scene, name="second")).chartNode
    assert first is not second and not set(series(first)) & set(series(second))


def test_a_row_names_its_slice(ct_node):
    from COVIDLesionSegLib.scene.chart import slice_of_row

    table = show(ct_node).slicesTableNode
    assert [slice_of_row(table, row) for row in (0, 1, 2, -1)] == [0, 1, None, None]
