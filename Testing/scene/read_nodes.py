"""What nodes hold, read at once, and a correction; the package itself reads in steps."""

from __future__ import annotations


def volume_from_node(node):
    """The CT in a scalar volume node, as the engine takes it."""
    from COVIDLesionSegLib.engine.steps import finish
    from COVIDLesionSegLib.scene.volumes import volume_from_node_in_steps

    return finish(volume_from_node_in_steps(node))


def is_corrected(node) -> bool | None:
    """Whether the user edited or removed a segment since the run; None if that is not known."""
    from COVIDLesionSegLib.scene.corrections import corrected_segment_ids, find_prediction
    from COVIDLesionSegLib.scene.segmentation import own_segment_ids

    prediction = find_prediction(node)
    if prediction is None:
        return None
    removed = set(own_segment_ids(node)) != set(own_segment_ids(prediction))
    return removed or bool(corrected_segment_ids(node))


def segment_array(node, segment_id, ct_node):
    import slicer

    return slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, ct_node)


def node_ids(scene):
    return [scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())]


def segment_names(node):
    segmentation = node.GetSegmentation()
    return [
        segmentation.GetNthSegment(i).GetName() for i in range(segmentation.GetNumberOfSegments())
    ]


def contents(shown, ct_node):
    import slicer

    return (
        segment_array(shown.segmentationNode, "lesion", ct_node).tolist(),
        slicer.util.arrayFromVolume(shown.probabilityNode).tolist(),
        shown.severityTableNode.GetCellText(0, 1),
        shown.segmentationNode.GetAttribute("COVIDLesionSeg.provenance"),
    )


def correct(node, segment_id, ct_node):
    """Adds a block to a segment, as a person would in Segment Editor."""
    import slicer

    array = segment_array(node, segment_id, ct_node).copy()
    array[4:8, 4:8, 4:8] = 1 - array[4:8, 4:8, 4:8]
    slicer.util.updateSegmentBinaryLabelmapFromArray(array, node, segment_id, ct_node)
    return segment_array(node, segment_id, ct_node).copy()


SEGMENT_DISPLAY = {
    "Visibility": False,
    "Visibility3D": False,
    "Visibility2DFill": False,
    "Visibility2DOutline": False,
    "Opacity3D": 0.6,
    "Opacity2DFill": 0.3,
    "Opacity2DOutline": 0.7,
    "Pickable": False,
}


def display_of(node, segment_id):
    """How a segment is displayed, by setting."""
    display = node.GetDisplayNode()
    settings = {key: getattr(display, f"GetSegment{key}")(segment_id) for key in SEGMENT_DISPLAY}
    return settings | {"OverrideColor": list(display.GetSegmentOverrideColor(segment_id))}
