"""Quality flags lead to the slices that they name; keys work while the module is open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from panel.sections import section_of
from panel.workers import finished_with, known_result


@pytest.fixture
def flagged(red, apply, phantom, panel, ct):
    """A result with flags on slices 2 and 0, on slice 3, and on none; slice 1 is seen."""
    from COVIDLesionSegLib.engine.flags import Flag
    from COVIDLesionSegLib.scene.slice_views import go_to_slice

    flags = (
        Flag("lung-gap", "Look at two.", slices=(2, 0)),
        Flag("lungs-cut-off", "Look at one.", slices=(3,)),
        Flag("memory-step-down", "Look at none.", "note"),
    )
    apply(finished_with(replace(known_result(phantom), flags=flags)))
    go_to_slice(ct, 1)
    return section_of(panel, "Results")._flag_list


def seen(ct) -> int | None:
    from COVIDLesionSegLib.scene.slice_views import slice_seen

    return slice_seen(ct)


def test_each_flag_that_names_slices_leads_to_them_one_after_the_other(flagged, ct):
    gap, cut_off = flagged.buttons
    assert gap.text == "Go to slice 2" and "names 2 slices" in gap.toolTip
    gap.click()
    assert seen(ct) == 2
    gap.click()
    assert seen(ct) == 0
    gap.click()
    assert seen(ct) == 2
    assert "each press" not in cut_off.toolTip
    cut_off.click()
    assert seen(ct) == 3


def test_next_and_previous_start_at_the_slice_that_is_seen_and_go_round(flagged, panel, ct):
    up, down = panel.ui.nextFlaggedButton, panel.ui.previousFlaggedButton
    assert up.enabled and "Ctrl+Shift+N" in up.toolTip
    for expected in (2, 3, 0):
        up.click()
        assert seen(ct) == expected
    for expected in (3, 2, 0):
        down.click()
        assert seen(ct) == expected


def test_a_ct_below_a_nonlinear_transform_gives_a_message(flagged, panel, ct, scene, bench):
    import vtk

    from bench.application import message_boxes

    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode")
    bend = vtk.vtkThinPlateSplineTransform()
    points = [vtk.vtkPoints() for _ in range(2)]
    for one, shift in zip(points, (0, 9), strict=True):
        for corner in ((0, 0, 0), (90, 0, 0), (0, 90, 0), (0, 0, 90 + shift), (70, 70 + shift, 9)):
            one.InsertNextPoint(corner)
    bend.SetBasisToR()
    bend.SetSourceLandmarks(points[0])
    bend.SetTargetLandmarks(points[1])
    transform.SetAndObserveTransformToParent(bend)
    ct.SetAndObserveTransformNodeID(transform.GetID())
    panel.ui.nextFlaggedButton.click()
    panel.ui.previousFlaggedButton.click()
    assert len(message_boxes()) == 2 and "nonlinear" in message_boxes()[0]
    assert len(bench.slot_errors) == 2  # Slicer shows an error, and lets it go on to the log
    bench.slot_errors.clear()


def test_a_slice_is_shown_even_where_the_views_show_another_volume(flagged, panel, ct, phantom):
    import slicer

    from COVIDLesionSegLib.scene.volumes import volume_to_node

    other = volume_to_node(phantom.volume, "other")
    (composite,) = (
        node
        for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        if node.GetLayoutName() == "Red"
    )
    composite.SetBackgroundVolumeID(other.GetID())
    panel.ui.nextFlaggedButton.click()

    assert composite.GetBackgroundVolumeID() == ct.GetID()


def test_without_flagged_slices_the_buttons_say_why_they_are_off(shown, panel):
    for button in (panel.ui.nextFlaggedButton, panel.ui.previousFlaggedButton):
        assert not button.enabled
        assert button.toolTip == "No quality flag of this result names a slice."


def test_flags_of_an_earlier_result_are_gone(flagged, apply, panel, phantom):
    apply(finished_with(replace(known_result(phantom), flags=())))
    assert flagged.texts == [] and panel.ui.flagsList.isHidden()


def keys_of(panel) -> dict:
    registered = panel.shortcuts
    return {
        shortcut.key: key
        for shortcut, key in zip(registered._registered, registered._objects, strict=True)
    }


def test_keys_do_what_buttons_do_while_the_module_is_open(flagged, panel, ct):
    from COVIDLesionSegLib.panel.shortcuts import NEXT_FLAGGED, PREVIOUS_FLAGGED

    keys = keys_of(panel)
    panel.enter()
    assert all(key.enabled for key in keys.values())
    keys[NEXT_FLAGGED].activated.emit()
    assert seen(ct) == 2
    keys[PREVIOUS_FLAGGED].activated.emit()
    assert seen(ct) == 0
    panel.exit()
    assert not any(key.enabled for key in keys.values())


def test_a_key_is_given_once(panel):
    from COVIDLesionSegLib.panel.shortcuts import NEXT_FLAGGED

    with pytest.raises(ValueError, match="twice"):
        panel.shortcuts.register(NEXT_FLAGGED, "Something else", print)
    assert f"{NEXT_FLAGGED}: Next flagged slice" in panel.shortcuts.help_text


def test_a_closed_panel_gives_its_keys_back(bench, scene):
    from panel.conftest import MODULE_FILE

    module = bench.load(MODULE_FILE)
    keys = keys_of(module.widget)
    module.widget.enter()
    bench.unload(module)

    assert keys and module.widget.shortcuts.help_text == ""
    assert not bench.slot_errors
