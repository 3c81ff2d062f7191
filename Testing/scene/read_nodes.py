"""What nodes hold, read at once; the package itself reads in steps."""

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
