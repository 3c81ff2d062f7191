"""The views show the CT that the panel shows, with its result, and no other CT's result."""

from __future__ import annotations

import numpy as np
import pytest

from bench.layout import LayoutManager
from panel.workers import ScriptedWorker, finished_with, known_result


@pytest.fixture
def slice_view(scene):
    """The only slice view; those with a layout name survive when a scene is closed."""
    from slicer.util import getNodesByClass

    for earlier in getNodesByClass("vtkMRMLSliceCompositeNode"):
        scene.RemoveNode(earlier)
    return scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")


@pytest.fixture
def layout(scene, monkeypatch):
    import slicer

    layout = LayoutManager(scene)
    monkeypatch.setattr(slicer.app, "layoutManager", lambda: layout, raising=False)
    return layout


@pytest.fixture
def two(panel, ct, apply, phantom, slice_view):
    """Two CTs that were segmented one after the other, with their results; the second is shown."""
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    apply(finished_with(known_result(phantom)))
    first = ct, panel.result
    second = volume_to_node(phantom.volume, "second CT")
    panel.ui.ctSelector.setCurrentNode(second)
    apply(finished_with(known_result(phantom, ensemble=True)))
    return first, (second, panel.result)


def visible(result) -> bool:
    return bool(result.segmentationNode.GetDisplayNode().GetVisibility())


def layers(slice_view) -> tuple[str | None, str | None]:
    return slice_view.GetBackgroundVolumeID(), slice_view.GetForegroundVolumeID()


def test_a_run_that_ends_while_another_module_is_open_is_in_the_views_once_the_user_is_back(
    panel, ct, bench, phantom, slice_view
):
    from COVIDLesionSegLib.panel.running.run import RunState
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    other = volume_to_node(phantom.volume, "other CT")
    panel.enter()
    panel.ui.ctSelector.setCurrentNode(ct)
    worker = ScriptedWorker(result=known_result(phantom))
    panel.run.start_process = worker
    panel.ui.applyButton.click()
    bench.wait_until(lambda: worker.volume is not None)
    panel.exit()
    slice_view.SetBackgroundVolumeID(other.GetID())
    worker.code = 0
    bench.wait_until(lambda: panel.run.state is RunState.IDLE)
    assert panel.result is not None
    assert layers(slice_view) == (other.GetID(), None)
    panel.enter()
    assert layers(slice_view) == (ct.GetID(), panel.result.probabilityNode.GetID())
    slice_view.SetBackgroundVolumeID(other.GetID())
    panel.exit()
    panel.enter()
    assert slice_view.GetBackgroundVolumeID() == other.GetID(), "once is enough"


def test_choosing_an_earlier_ct_shows_it_with_its_result_and_hides_the_other(
    two, panel, slice_view
):
    (first, first_result), (second, second_result) = two
    assert layers(slice_view) == (second.GetID(), second_result.probabilityNode.GetID())
    assert visible(second_result) and not visible(first_result)
    panel.ui.ctSelector.setCurrentNode(first)

    assert layers(slice_view) == (first.GetID(), first_result.probabilityNode.GetID())
    assert visible(first_result) and not visible(second_result)
    panel.ui.overlayCheckBox.click()
    assert layers(slice_view) == (first.GetID(), None)


def test_choosing_a_ct_without_a_result_shows_that_ct_alone(two, panel, slice_view, phantom):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    other = volume_to_node(phantom.volume, "other CT")
    panel.ui.ctSelector.setCurrentNode(other)

    assert layers(slice_view) == (other.GetID(), None)
    assert not any(visible(result) for _, result in two)


def test_nodes_of_the_user_stay_as_they_are(two, panel, scene, slice_view, phantom):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    (first, _), (_, second_result) = two
    own = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    own.CreateDefaultDisplayNodes()
    copy = scene.CopyNode(second_result.segmentationNode)
    copy.SetAndObserveDisplayNodeID(None)
    copy.CreateDefaultDisplayNodes()
    pet = volume_to_node(phantom.volume, "PET")
    slice_view.SetForegroundVolumeID(pet.GetID())
    panel.ui.ctSelector.setCurrentNode(pet)
    panel.ui.ctSelector.setCurrentNode(first)
    panel.ui.overlayCheckBox.click()

    assert own.GetDisplayNode().GetVisibility() and copy.GetDisplayNode().GetVisibility()
    assert slice_view.GetForegroundVolumeID() == pet.GetID()


def test_what_is_chosen_for_one_ct_holds_for_the_other(two, panel, slice_view):
    (first, first_result), (second, second_result) = two
    ui = panel.ui
    ui.threeDComboBox.currentIndex = 2
    ui.overlayCheckBox.click()
    ui.ctSelector.setCurrentNode(first)

    assert layers(slice_view) == (first.GetID(), None)
    display = first_result.segmentationNode.GetDisplayNode()
    assert display.GetVisibility() and not display.GetSegmentVisibility3D("lesion")
    ui.overlayCheckBox.click()
    ui.ctSelector.setCurrentNode(second)
    assert layers(slice_view) == (second.GetID(), second_result.probabilityNode.GetID())


def test_a_ct_without_disagreement_shows_its_probability_instead(two, panel, slice_view):
    (first, first_result), (second, second_result) = two
    panel.ui.overlayComboBox.currentIndex = 1
    assert slice_view.GetForegroundVolumeID() == second_result.disagreementNode.GetID()
    panel.ui.ctSelector.setCurrentNode(first)

    assert slice_view.GetForegroundVolumeID() == first_result.probabilityNode.GetID()
    assert panel.ui.overlayComboBox.currentIndex == 0
    assert not panel.ui.overlayComboBox.enabled
    assert "single model" in panel.ui.overlayComboBox.toolTip


def test_results_of_a_ct_that_is_gone_are_hidden_with_the_rest(two, panel, scene, slice_view):
    (first, first_result), (second, second_result) = two
    panel.ui.threeDComboBox.currentIndex = 1
    scene.RemoveNode(second)
    panel.ui.ctSelector.setCurrentNode(first)

    import slicer

    rendering = slicer.modules.volumerendering.logic().GetFirstVolumeRenderingDisplayNode
    assert not visible(second_result)
    assert not rendering(second_result.probabilityNode).GetVisibility()
    assert rendering(first_result.probabilityNode).GetVisibility()
    assert layers(slice_view) == (first.GetID(), first_result.probabilityNode.GetID())


def test_the_3d_model_of_the_chosen_ct_fits_into_every_3d_view(two, panel, layout):
    (first, _), _ = two
    before = [view.direction for view in layout.views]
    assert not any(view.fits() for view in layout.views)
    panel.ui.ctSelector.setCurrentNode(first)

    assert len(layout.views) > 1
    for view, direction in zip(layout.views, before, strict=True):
        assert view.fits()
        np.testing.assert_allclose(view.direction, direction, atol=1e-6)


def test_the_3d_model_of_a_new_result_fits_into_every_3d_view(layout, apply, phantom):
    fits = layout.slice_fits
    apply(finished_with(known_result(phantom)))

    assert all(view.fits() for view in layout.views)
    assert layout.slice_fits == fits + 1


def test_a_second_result_leaves_the_slice_views_where_the_user_looks(
    layout, apply, phantom, panel, slice_view
):
    apply(finished_with(known_result(phantom)))
    fits = layout.slice_fits
    apply(finished_with(known_result(phantom, lesion=False)))
    assert layout.slice_fits == fits
    panel.ui.undoButton.click()
    panel.ui.undoButton.click()
    assert layout.slice_fits == fits


def test_a_zoom_into_the_ct_that_is_seen_already_is_kept(panel, layout, slice_view, phantom):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    seen = volume_to_node(phantom.volume, "seen CT")
    slice_view.SetBackgroundVolumeID(seen.GetID())
    panel.ui.ctSelector.setCurrentNode(seen)
    assert layout.slice_fits == 0
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))

    assert layout.slice_fits == 1
