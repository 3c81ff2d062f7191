"""Figures by lobe, from a segmentation of the user's that is read and never changed."""

from __future__ import annotations

import numpy as np
import pytest

from COVIDLesionSegLib.engine.lobes import LOBES
from COVIDLesionSegLib.engine.severity.lobe_score import lobe_score
from COVIDLesionSegLib.engine.text import millilitres, percent
from panel.workers import finished_with, known_result

CODES = {
    "right upper lobe": ("45653009", "24028007"),
    "right lower lobe": ("90572001", "24028007"),
    "left upper lobe": ("45653009", "7771000"),
    "left lower lobe": ("90572001", "7771000"),
}


def terminology(lobe: str) -> str:
    kind, side = CODES[lobe]
    category = "SCT^123037004^Anatomical Structure"
    return f"Context~{category}~SCT^{kind}^x~SCT^{side}^x~Regions~^^~^^"


def lobe_arrays(phantom) -> dict[str, np.ndarray]:
    """Both lungs cut in an upper and a lower half."""
    upper = np.zeros(phantom.lungs.shape, bool)
    upper[2:] = True
    return {
        "right upper lobe": (phantom.lungs == 1) & upper,
        "right lower lobe": (phantom.lungs == 1) & ~upper,
        "left upper lobe": (phantom.lungs == 2) & upper,
        "left lower lobe": (phantom.lungs == 2) & ~upper,
    }


@pytest.fixture
def lobes(scene, phantom, ct):
    """A function that makes a segmentation of lobes, with codes or without."""
    import slicer

    def make(coded=True, names=None):
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "lobes of mine")
        node.SetReferenceImageGeometryParameterFromVolumeNode(ct)
        for number, (lobe, mask) in enumerate(lobe_arrays(phantom).items()):
            # In an order and with names that say nothing, or the wrong thing.
            name = (names or {}).get(lobe, f"Segment_{9 - number}")
            id_ = node.GetSegmentation().AddEmptySegment(f"s{number}", name)
            slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), node, id_, ct)
            if coded:
                node.GetSegmentation().GetSegment(id_).SetTag("TerminologyEntry", terminology(lobe))
        return node

    return make


def texts(panel) -> dict[str, list[str]]:
    table = panel.ui.lobesTable
    rows = range(table.rowCount)
    return {
        table.item(row, 0).text(): [table.item(row, column).text() for column in (1, 2, 3)]
        for row in rows
    }


def scores(panel) -> dict[str, str]:
    table = panel.ui.lobesTable
    return {table.item(row, 0).text(): table.item(row, 4).text() for row in range(table.rowCount)}


def expected(phantom, mask) -> list[str]:
    ml = phantom.volume.geometry.voxel_volume_ml
    lesion = (phantom.lesions > 0) & mask
    return [
        millilitres(mask.sum() * ml),
        millilitres(lesion.sum() * ml),
        percent(lesion.sum() / mask.sum()),
    ]


def choose(panel, bench, node) -> None:
    panel.ui.lobesSelector.setCurrentNode(node)
    bench.wait_until(lambda: not panel.ui.lobesTable.isHidden(), seconds=20)


def test_lobes_are_known_by_their_codes_and_measured(shown, panel, bench, lobes, phantom):
    node = lobes()
    before = node.GetMTime(), node.GetSegmentation().GetMTime()
    choose(panel, bench, node)
    found = texts(panel)
    assert list(found) == [*LOBES, "CT severity score (Pan et al. 2020)"]
    assert scores(panel)["right middle lobe"] == scores(panel)[list(found)[-1]] == "n/a"
    for lobe, mask in lobe_arrays(phantom).items():
        assert found[lobe] == expected(phantom, mask)
        assert scores(panel)[lobe] == str(lobe_score((phantom.lesions[mask] > 0).mean()))
    assert found["right middle lobe"] == ["n/a"] * 3
    assert panel.ui.lobesLabel.isHidden()
    assert (node.GetMTime(), node.GetSegmentation().GetMTime()) == before


def test_names_and_order_say_nothing_until_the_user_does(shown, panel, bench, lobes, phantom):
    wrong = {"right upper lobe": "left lower lobe", "left lower lobe": "right upper lobe"}
    choose(panel, bench, lobes(coded=False, names=wrong))
    assert "choose below" in panel.ui.lobesLabel.text
    assert panel.ui.lobesLabel.styleSheet == ""
    assert all(texts(panel)[lobe] == ["n/a"] * 3 for lobe in LOBES)

    (box,) = (
        box
        for box in panel.ui.lobeChoices.findChildren(type(panel.ui.severityRuleComboBox))
        if box.accessibleName == "right upper lobe"
    )
    box.currentIndex = box.findData("s0")
    mask = lobe_arrays(phantom)["right upper lobe"]
    bench.wait_until(
        lambda: texts(panel)["right upper lobe"] == expected(phantom, mask), seconds=20
    )
    assert panel.logic.getParameterNode().lobeSegments == '{"right upper lobe": "s0"}'


def test_an_edit_is_measured_again(shown, panel, bench, lobes, phantom, ct):
    import slicer

    node = lobes()
    choose(panel, bench, node)
    mask = lobe_arrays(phantom)["right upper lobe"]
    mask[2] = False
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), node, "s0", ct)
    bench.wait_until(
        lambda: texts(panel)["right upper lobe"] == expected(phantom, mask), seconds=20
    )


def test_a_run_with_other_classes_has_its_own_figures(shown, apply, panel, bench, lobes, phantom):
    choose(panel, bench, lobes())
    before = texts(panel)
    apply(finished_with(known_result(phantom, ensemble=True)))
    bench.wait_until(lambda: panel.ui.lobesLabel.isHidden(), seconds=20)
    assert texts(panel) == before  # the same voxels, in two classes


def test_segments_without_voxels_are_refused_in_one_sentence(shown, panel, bench, lobes, scene):
    node = lobes()
    node.CreateClosedSurfaceRepresentation()
    segmentation = node.GetSegmentation()
    segmentation.SetSourceRepresentationName("Closed surface")
    segmentation.RemoveRepresentation("Binary labelmap")
    panel.ui.lobesSelector.setCurrentNode(node)
    bench.wait_until(lambda: "no voxels" in panel.ui.lobesLabel.text, seconds=20)
    assert panel.ui.lobesTable.isHidden()
    assert "bold" in panel.ui.lobesLabel.styleSheet  # as every problem
    assert not segmentation.ContainsRepresentation("Binary labelmap")


def test_own_results_are_not_offered_and_no_lobes_means_no_table(shown, panel, bench, lobes):
    node = lobes()
    panel._tell_nodes_changed()
    selector = panel.ui.lobesSelector
    offered = [selector.nodeFromIndex(i).GetName() for i in range(selector.nodeCount())]
    assert offered == ["lobes of mine"]
    choose(panel, bench, node)
    selector.setCurrentNode(None)
    assert panel.ui.lobesTable.isHidden() and panel.ui.lobeChoices.isHidden()


def test_an_untrained_network_has_no_figures_by_lobe(apply, panel, bench, lobes, phantom):
    from dataclasses import replace

    from COVIDLesionSegLib.engine.flags import untrained_flag

    result = known_result(phantom)
    untrained = replace(
        result, flags=(untrained_flag(["u-net"]),), severity=result.severity.ungraded()
    )
    apply(finished_with(untrained))
    choose(panel, bench, lobes())
    volume, *figures = texts(panel)["right upper lobe"]
    assert volume != "n/a" and figures == ["n/a", "n/a"]
    regions = panel.ui.regionsTable
    assert regions.item(regions.rowCount - 1, 1).text() == "n/a"


def test_another_ct_has_no_figures_of_the_first(shown, panel, bench, lobes, phantom):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    choose(panel, bench, lobes())
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "other CT"))
    assert panel.ui.lobesTable.isHidden() and panel.ui.resultsSection.isHidden()


def test_lobes_of_one_ct_are_not_taken_for_anothers_and_come_back_with_it(
    shown, panel, bench, lobes, phantom, ct, apply
):
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    node = lobes()
    choose(panel, bench, node)
    figures = texts(panel)
    other = volume_to_node(phantom.volume, "other CT")
    panel.ui.ctSelector.setCurrentNode(other)
    apply(finished_with(known_result(phantom)))
    assert panel.ct is other and panel.result is not None
    assert panel.ui.lobesSelector.currentNode() is None and panel.ui.lobesTable.isHidden()
    panel.ui.ctSelector.setCurrentNode(ct)
    assert panel.ui.lobesSelector.currentNode() is node
    bench.wait_until(lambda: not panel.ui.lobesTable.isHidden(), seconds=20)
    assert texts(panel) == figures
