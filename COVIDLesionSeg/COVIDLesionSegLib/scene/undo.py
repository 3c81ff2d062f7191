"""One step back: the results of a CT as they were before a run.

MRML's own undo is off in Slicer unless every node that refers to another opts in, the user's CT
included, so results carry their own.
"""

from __future__ import annotations

from . import nodes


class Snapshot:
    """The results of one CT, as they were when the snapshot was taken.

    Display settings are not part of it: a run sets them only for what it creates, and what the
    user changes there later is the user's.
    """

    def __init__(self, ct_node):
        self._ct_node = ct_node
        self._copies = {role: _copy_of(node) for role, node in nodes.find_outputs(ct_node).items()}

    def restore(self) -> None:
        """Put the results back as they were, and remove those that did not exist yet."""
        for role, node in nodes.find_outputs(self._ct_node).items():
            if role not in self._copies:
                nodes.remove_output(node)
        scene = self._ct_node.GetScene()
        for node, copy, transform_id in self._copies.values():
            # A result that the user deleted meanwhile stays deleted.
            if scene is None or not scene.IsNodePresent(node):
                continue
            _copy_content(copy, node)
            if node.IsA("vtkMRMLTransformableNode"):
                node.SetAndObserveTransformNodeID(transform_id)


def _copy_of(node):
    copy = node.CreateNodeInstance()
    copy.UnRegister(None)
    _copy_content(node, copy)
    transform_id = node.GetTransformNodeID() if node.IsA("vtkMRMLTransformableNode") else None
    return node, copy, transform_id


def _copy_content(source, target) -> None:
    # A run replaces a volume's voxels instead of changing them in place, so a reference keeps the
    # earlier ones; segments and tables can be edited in place and need a copy of their own.
    target.CopyContent(source, not source.IsA("vtkMRMLVolumeNode"))
