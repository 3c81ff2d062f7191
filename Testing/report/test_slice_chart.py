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


def test_the_chart_is_the_same_for_the_same_slices_only(result):
    severity = result.severity
    assert slice_chart_svg(severity) == slice_chart_svg(severity)
    other = replace(severity, slices=severity.slices[1:])
    assert slice_chart_svg(other) != slice_chart_svg(severity)
