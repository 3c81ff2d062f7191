"""Pictures show what is in the scene, and leave the scene as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from fabricated import add_ct, make_result

from COVIDLesionSegLib.engine.errors import OutputError
from COVIDLesionSegLib.engine.severity.report import SliceSeverity
from COVIDLesionSegLib.engine.volume import Geometry

slicer = pytest.importorskip("slicer")

pytestmark = pytest.mark.usefixtures("rendering")

SHAPE = (40, 48, 60)
GEOMETRY = Geometry(SHAPE[::-1], (4.0, 4.0, 6.0), (-120.0, -96.0, 0.0), tuple(np.eye(3).ravel()))


FEATURED_MM = 63.0


def chest():
    """Two ellipsoid lungs; one lesion, low in the right one, which has low x in LPS."""
    z, y, x = np.indices(SHAPE)

    def ellipsoid(centre, radii):
        return (
            ((z - centre[0]) / radii[0]) ** 2
            + ((y - centre[1]) / radii[1]) ** 2
            + ((x - centre[2]) / radii[2]) ** 2
        ) < 1

    lungs = np.zeros(SHAPE, np.uint8)
    lungs[ellipsoid((20, 24, 15), (17, 18, 12))] = 1
    lungs[ellipsoid((20, 24, 45), (17, 18, 12))] = 2
    lesions = ellipsoid((12, 26, 15), (5, 6, 5)).astype(np.uint8)
    base = make_result(GEOMETRY)
    probability = lesions * np.float32(0.8)
    arrays = {"lungs": lungs, "lesions": lesions, "probability": probability}
    slices = (
        SliceSeverity(2, 12.0, 900.0, 10.0, 10 / 900, {"lesion": 10.0}),
        SliceSeverity(10, FEATURED_MM, 1000.0, 250.0, 0.25, {"lesion": 250.0}),
    )
    severity = replace(base.severity, slices=slices)
    return replace(base, **arrays, severity=severity)


@pytest.fixture
def shown(scene):
    from COVIDLesionSegLib.scene.show import show_result

    ct_node = add_ct(scene, GEOMETRY)
    return ct_node, show_result(ct_node, chest())


def read_png(path):
    import matplotlib.image

    return matplotlib.image.imread(str(path))[..., :3].astype(float)


def red_pixels(picture):
    return (picture[..., 0] > 0.45) & (picture[..., 1:].max(axis=-1) < 0.3)


def test_infection_model_has_solid_red_lesions_in_translucent_lungs(mrml, shown, tmp_path):
    from COVIDLesionSegLib.headless.pictures import infection3d_picture

    path = tmp_path / "infection3d.png"
    infection3d_picture(mrml, shown[1].segmentationNode, path, size=(400, 360))
    picture = read_png(path)
    assert picture.shape == (360, 400, 3)
    red = red_pixels(picture)
    lung = ~red & (picture.sum(axis=-1) > 0.3) & (picture.max(axis=-1) < 0.6)
    assert red.sum() > 400
    assert lung.sum() > 10_000
    # The lesion lies inside a lung: it is seen only because the lung in front is translucent.
    rows, columns = np.nonzero(red)
    assert lung[rows.min() - 8, int(columns.mean())]
    # The right lung of a patient seen from the front is on the left of the picture, feet down.
    assert columns.mean() < 200
    assert rows.mean() > 180


def test_without_lesions_nothing_is_red(mrml, scene, tmp_path):
    from COVIDLesionSegLib.headless.pictures import infection3d_picture
    from COVIDLesionSegLib.scene.show import show_result

    healthy = chest()
    healthy.lesions[:] = 0
    shown = show_result(add_ct(scene, GEOMETRY), healthy)
    path = tmp_path / "infection3d.png"
    infection3d_picture(mrml, shown.segmentationNode, path, size=(300, 300))
    assert red_pixels(read_png(path)).sum() == 0


def near(picture, color):
    """Number of pixels of about this colour."""
    return (np.abs(picture - np.array(color)).max(axis=-1) < 0.1).sum()


def test_several_classes_have_their_colours_and_a_legend(mrml, scene, tmp_path):
    from COVIDLesionSegLib.engine.labels import class_style
    from COVIDLesionSegLib.headless.pictures import infection3d_picture
    from COVIDLesionSegLib.scene.show import show_result

    classes = ("ground-glass opacity", "consolidation")
    two = replace(chest(), classes=classes)
    two.lesions[:, :26][two.lesions[:, :26] > 0] = 2
    path = tmp_path / "infection3d.png"
    ct_node = add_ct(scene, GEOMETRY)
    infection3d_picture(mrml, show_result(ct_node, two).segmentationNode, path, size=(500, 450))
    picture = read_png(path)
    # Lit surfaces are darker than their colour; the legend in the corner is not.
    legend = picture[: 450 // 5, 250:]
    for name in classes:
        assert near(legend, class_style(name).color) > 20, name
    infection3d_picture(mrml, show_result(ct_node, chest()).segmentationNode, path, size=(500, 450))
    assert read_png(path)[: 450 // 10, 250:].max() == 0


def test_a_picture_of_an_untrained_networks_result_says_so(mrml, scene, tmp_path):
    from COVIDLesionSegLib.engine.flags import untrained_flag
    from COVIDLesionSegLib.headless.pictures import infection3d_picture
    from COVIDLesionSegLib.scene.show import show_result

    path = tmp_path / "infection3d.png"
    ct_node = add_ct(scene, GEOMETRY)
    found = {}
    for flags in ((), (untrained_flag(["u-net-9000"]),)):
        shown = show_result(ct_node, replace(chest(), flags=flags))
        infection3d_picture(mrml, shown.segmentationNode, path, size=(500, 450))
        found[bool(flags)] = near(read_png(path)[:40], (1.0, 0.75, 0.0))
    assert found[True] > 100
    assert found[False] == 0


def test_pictures_leave_the_scene_as_it_was(mrml, scene, shown, tmp_path):
    from COVIDLesionSegLib.headless.pictures import infection3d_picture
    from headless.slice_view import SliceView

    ids = [scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())]
    infection3d_picture(mrml, shown[1].segmentationNode, tmp_path / "a.png", size=(100, 100))
    with SliceView(mrml, size=(100, 100)) as view:
        view.save(tmp_path / "b.png")
    assert [scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())] == ids


def test_a_picture_that_cannot_be_written_is_one_clear_error(mrml, shown, tmp_path):
    from COVIDLesionSegLib.headless.pictures import infection3d_picture

    with pytest.raises(OutputError, match="cannot be written"):
        infection3d_picture(
            mrml, shown[1].segmentationNode, tmp_path / "absent" / "a.png", size=(100, 100)
        )


def test_slice_view_shows_jet_over_the_lesion_only(mrml, shown, tmp_path):
    from COVIDLesionSegLib.scene.overlay import hide_overlay, show_overlay
    from headless.slice_view import SliceView

    ct_node, result = shown
    result.segmentationNode.GetDisplayNode().SetVisibility(False)
    centre = (GEOMETRY.ijk_to_ras @ [15, 26, 12, 1])[2]
    with SliceView(mrml, size=(240, 240)) as view:
        show_overlay([view.composite_node], ct_node, result.probabilityNode, opacity=1.0)
        view.fit()
        view.logic.SetSliceOffset(centre)
        view.save(tmp_path / "overlay.png")
        hide_overlay([view.composite_node], result.probabilityNode)
        view.save(tmp_path / "ct.png")
    overlay, ct = read_png(tmp_path / "overlay.png"), read_png(tmp_path / "ct.png")
    colored = np.ptp(overlay, axis=-1) > 0.1
    # Probability 0.8 in jet is orange: full red, part green, no blue.
    np.testing.assert_allclose(np.median(overlay[colored], axis=0), [1.0, 0.3, 0.0], atol=0.05)
    area = (chest().lesions[12] > 0).sum() / chest().lesions[12].size
    assert colored.sum() == pytest.approx(area * 240 * 240 * 48 / 60, rel=0.1)
    assert np.ptp(ct, axis=-1).max() < 0.02
    assert np.nonzero(colored)[1].mean() < 120


@pytest.mark.parametrize("size", [(240, 240), (600, 450)])
def test_the_colour_legend_is_small_and_in_the_corner_beside_the_patient(
    mrml, scene, tmp_path, size
):
    from COVIDLesionSegLib.scene.overlay import set_legend_visible, show_overlay
    from COVIDLesionSegLib.scene.show import show_result
    from headless.slice_view import SliceView

    ct_node = add_ct(scene, GEOMETRY)
    with SliceView(mrml, size=size) as view:
        # Slicer draws the legends that come into the scene while a view is open.
        probability = show_result(ct_node, chest(), surfaces=False).probabilityNode
        show_overlay([view.composite_node], ct_node, probability)
        view.fit()
        view.save(tmp_path / "with.png")
        set_legend_visible(probability, False)
        view.save(tmp_path / "without.png")
    with_legend, without = read_png(tmp_path / "with.png"), read_png(tmp_path / "without.png")
    rows, columns = np.nonzero(np.abs(with_legend - without).max(axis=-1) > 0.05)
    assert len(rows) > 100
    assert np.ptp(columns) < size[0] / 3
    assert columns.min() > size[0] * 0.6
    assert rows.min() > size[1] * 0.6


def test_open_views_follow_a_rerun(mrml, shown, tmp_path):
    from COVIDLesionSegLib.headless.views import ThreeDView
    from COVIDLesionSegLib.scene.overlay import show_overlay
    from COVIDLesionSegLib.scene.show import show_result
    from headless.slice_view import SliceView

    ct_node, first = shown
    healthy = chest()
    healthy.lesions[:] = 0
    healthy.probability[:] = 0
    centre = (GEOMETRY.ijk_to_ras @ [15, 26, 12, 1])[2]
    path = tmp_path / "view.png"
    with SliceView(mrml, size=(200, 200)) as flat, ThreeDView(mrml, size=(200, 200)) as solid:
        show_overlay([flat.composite_node], ct_node, first.probabilityNode, opacity=1.0)
        flat.fit()
        flat.logic.SetSliceOffset(centre)
        solid.look_from((0.0, 1.0, 0.0))
        colored = {}
        for state, result in (("infected", chest()), ("healthy", healthy), ("again", chest())):
            show_result(ct_node, result)
            for view in (flat, solid):
                view.save(path)
                picture = read_png(path)
                colored[state, view] = (picture[..., 0] - picture[..., 1:].min(axis=-1) > 0.3).sum()
    for view in (flat, solid):
        assert colored["infected", view] > 50
        assert colored["healthy", view] == 0
        assert colored["again", view] == colored["infected", view]


def test_saved_views_open_with_ct_and_overlay_in_sight(mrml, scene, shown, tmp_path):
    from COVIDLesionSegLib.headless.saved_scene import arrange_views, save_scene

    arrange_views(mrml, *shown)
    arrange_views(mrml, *shown)
    path = save_scene(scene, tmp_path / "scene.mrb")
    scene.Clear(True)
    assert scene.ReadFromMRB(str(path), True)
    composites = {
        n.GetLayoutName(): n for n in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    }
    assert set(composites) == {"Red", "Yellow", "Green"}
    ct_node = scene.GetFirstNodeByName("CT")
    for composite in composites.values():
        assert composite.GetBackgroundVolumeID() == ct_node.GetID()
        foreground = scene.GetNodeByID(composite.GetForegroundVolumeID())
        assert foreground.GetName() == "CT COVID-19 lesion probability"
        assert 0 < composite.GetForegroundOpacity() < 1
    bounds = [0.0] * 6
    ct_node.GetRASBounds(bounds)
    offset = scene.GetSingletonNode("Red", "vtkMRMLSliceNode").GetSliceOffset()
    assert offset == pytest.approx(FEATURED_MM, abs=GEOMETRY.spacing[2] / 2)
    camera = scene.GetFirstNodeByClass("vtkMRMLCameraNode")
    assert camera.GetPosition()[1] > bounds[3]


def test_pytorchs_compiler_loads_after_a_picture(rendering):
    """Training after a picture, in one process: their two LLVMs once ended it."""
    code = (
        "import importlib, importlib.util;"
        "from COVIDLesionSegLib.headless.bootstrap import boot;"
        "from COVIDLesionSegLib.headless.views import OffscreenView;"
        "OffscreenView(boot(), (8, 8)).window.Render();"
        "importlib.util.find_spec('triton') and importlib.import_module('triton.runtime')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
