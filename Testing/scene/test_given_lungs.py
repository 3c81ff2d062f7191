"""Lungs of the user's choice, and a scene that holds lungs alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fabricated import DIRECTIONS, add_ct, make_geometry, make_result
from read_nodes import contents, node_ids, segment_array, segment_names

from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.labels import LUNG_STYLES
from COVIDLesionSegLib.engine.steps import finish
from engine.lungs_alone import lungs_alone

pytestmark = pytest.mark.slow

slicer = pytest.importorskip("slicer")


def lungs_only(geometry=None, seed=0):
    """What the job gives that looks for the lungs only."""
    return lungs_alone(make_result(geometry, seed=seed))


@pytest.fixture
def mine(scene):
    """Makes a segmentation of the user's with two segments of any names."""

    def make(ct_node, lungs, terminology=True):
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(ct_node)
        for label, id_ in ((2, "Segment_1"), (1, "Segment_2")):
            node.GetSegmentation().AddEmptySegment(id_, "left lung" if label == 1 else "x")
            mask = (lungs == label).astype(np.uint8)
            slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, id_, ct_node)
            if terminology:
                segment = node.GetSegmentation().GetSegment(id_)
                segment.SetTag("TerminologyEntry", LUNG_STYLES[label].terminology)
        return node

    return make


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_lesions_that_were_painted_over_the_lungs_are_taken_as_part_of_them(scene, mine, direction):
    from COVIDLesionSegLib.engine.labels import class_style
    from COVIDLesionSegLib.engine.lungs.given import with_lesions
    from COVIDLesionSegLib.scene.given_lungs import given_lungs, lung_segments

    geometry = make_geometry(direction)
    ct_node, result = add_ct(scene, geometry), make_result(geometry)
    lesions = (result.lesions > 0) & (result.lungs > 0)
    assert lesions.any()
    node = mine(ct_node, np.where(lesions, 0, result.lungs))
    node.GetSegmentation().AddEmptySegment("Segment_3", "z")
    mask = lesions.astype(np.uint8)
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, "Segment_3", ct_node)
    segments = lung_segments(node, {})
    cut = finish(given_lungs(node, segments, ct_node))
    assert not cut[lesions].any()

    segment = node.GetSegmentation().GetSegment("Segment_3")
    segment.SetTag("TerminologyEntry", class_style("lesion").terminology)
    taken = finish(given_lungs(node, segments, ct_node))
    assert (taken[lesions] == 3).all()
    whole = with_lesions(taken, geometry)
    assert ((whole > 0) == (result.lungs > 0)).all()

    # In a result of ours a lesion leaves the lungs whole: what is no lung was taken out on purpose.
    node.SetAttribute("COVIDLesionSeg.role", "segmentation")
    assert not finish(given_lungs(node, segments, ct_node))[lesions].any()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_lungs_are_known_by_their_codes_and_taken_exactly(scene, mine, direction):
    from COVIDLesionSegLib.scene.given_lungs import given_lungs, lung_segments

    geometry = make_geometry(direction)
    ct_node, lungs = add_ct(scene, geometry), make_result(geometry).lungs
    node = mine(ct_node, lungs)
    segments = lung_segments(node, {})

    assert segments == {"Segment_1": 2, "Segment_2": 1}
    np.testing.assert_array_equal(finish(given_lungs(node, segments, ct_node)), lungs)


def test_what_the_user_chose_counts_more_than_the_codes(scene, ct_node, mine):
    from COVIDLesionSegLib.scene.given_lungs import lung_segments

    node = mine(ct_node, make_result().lungs)
    chosen = {"right lung": "Segment_1", "left lung": "gone"}
    assert lung_segments(node, chosen) == {"Segment_1": 1}
    bare = mine(ct_node, make_result().lungs, terminology=False)
    assert lung_segments(bare, {}) == {}
    assert lung_segments(bare, {"left lung": "Segment_1"}) == {"Segment_1": 2}


def test_lungs_of_nobody_and_lungs_beside_the_ct_are_refused(scene, ct_node, mine):
    from COVIDLesionSegLib.scene.given_lungs import given_lungs

    node = mine(ct_node, make_result().lungs)
    with pytest.raises(InputError, match="known to be a lung"):
        finish(given_lungs(node, {}, ct_node))
    elsewhere = add_ct(scene, make_geometry(origin=(2000.0, 0.0, 0.0)), "elsewhere")
    with pytest.raises(InputError, match="do not lie on this CT"):
        finish(given_lungs(node, {"Segment_1": 2}, elsewhere))


def test_lungs_alone_are_a_segmentation_and_no_result(scene, ct_node):
    from COVIDLesionSegLib.scene.show import find_result, show_lungs

    result = lungs_only()
    shown = show_lungs(ct_node, result)
    node = shown.segmentationNode

    assert segment_names(node) == ["right lung", "left lung"]
    np.testing.assert_array_equal(segment_array(node, "left-lung", ct_node), result.lungs == 2)
    assert node.GetSegmentation().GetSegment("left-lung").GetRepresentation("Closed surface")
    assert find_result(ct_node) is None
    assert scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0
    shown.undo()
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


def test_lesions_in_corrected_lungs_leave_the_lungs_and_need_no_copies(scene, ct_node):
    from COVIDLesionSegLib.scene.given_lungs import given_lungs, lung_segments
    from COVIDLesionSegLib.scene.show import show_lungs, show_result
    from scene.read_nodes import is_corrected

    node = show_lungs(ct_node, lungs_only()).segmentationNode
    mine = segment_array(node, "left-lung", ct_node).copy()
    mine[4:8, 4:8, 13:17] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(mine, node, "left-lung", ct_node)
    assert is_corrected(node) is True
    lungs = finish(given_lungs(node, lung_segments(node, {}), ct_node))
    shown = show_result(ct_node, replace(make_result(), lungs=lungs))

    assert shown.segmentationNode is node
    assert segment_names(node) == ["right lung", "left lung", "lesion"]
    np.testing.assert_array_equal(segment_array(node, "left-lung", ct_node), mine)
    assert is_corrected(node) is False
    shown.undo()
    assert segment_names(node) == ["right lung", "left lung"]
    np.testing.assert_array_equal(segment_array(node, "left-lung", ct_node), mine)
    assert is_corrected(node) is True


def test_undo_of_lungs_alone_brings_the_whole_result_back(scene, ct_node):
    from COVIDLesionSegLib.scene.show import find_result, show_lungs, show_result

    first = show_result(ct_node, make_result(ensemble=True))
    before, ids = contents(first, ct_node), sorted(node_ids(scene))
    lungs = show_lungs(ct_node, lungs_only(seed=1))
    assert find_result(ct_node) is None
    assert segment_names(lungs.segmentationNode) == ["right lung", "left lung"]
    lungs.undo()

    assert sorted(node_ids(scene)) == ids
    found = find_result(ct_node)
    assert found.nodes == first.nodes
    assert contents(found, ct_node) == before
