import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from COVIDLesionSegLib.report.slice_chart import slice_chart_svg


def texts(svg: str) -> set[str]:
    return {element.text for element in ElementTree.fromstring(svg).iter() if element.text}


def test_several_classes_are_stacked_in_their_colours_and_named(result, single_class):
    several, single = (slice_chart_svg(one.severity) for one in (result, single_class))
    assert {"lung", "ground-glass opacity", "consolidation"} <= texts(several)
    assert {"lung", "lesion"} <= texts(single)
    for color in ("#ff8026", "#e6144c"):
        assert color in several
        assert color not in single


def test_a_slice_that_was_not_segmented_is_a_gap_and_a_single_segmented_one_a_dot(single_class):
    severity = single_class.severity
    clean = [replace(slice_, lesion_mm2=0.0, ratio=0.0) for slice_ in severity.slices]
    severity = replace(severity, slices=tuple(clean))
    indices = [one.index for one in clean]
    middle = indices[len(indices) // 2]
    drawn = [
        slice_chart_svg(severity.without_slices(left_out))
        for left_out in ((), [middle], set(indices) - {middle}, indices)
    ]
    assert len(set(drawn)) == 4
    assert ["<use" in one for one in drawn]


def test_the_chart_is_the_same_for_the_same_slices_only(result):
    severity = result.severity
    assert slice_chart_svg(severity) == slice_chart_svg(severity)
    other = replace(severity, slices=severity.slices[1:])
    assert slice_chart_svg(other) != slice_chart_svg(severity)
