"""Finding and creating this package's own nodes, and never mistaking the user's for them."""

from __future__ import annotations

from . import names


def find_output(ct_node, role: str):
    """The node that plays ``role`` for ``ct_node``, or None.

    A node counts only if it states its role, refers to this CT and refers to itself. A copy that
    the user made of a result still refers to its original, so it is the user's and is left alone.
    """
    if ct_node.GetScene() is None:
        return None
    for node in nodes_by_class(ct_node.GetScene(), names.NODE_CLASSES[role]):
        if (
            node.GetAttribute(names.ROLE_ATTRIBUTE) == role
            and node.GetNodeReferenceID(names.CT_REFERENCE) == ct_node.GetID()
            and node.GetNodeReferenceID(names.SELF_REFERENCE) == node.GetID()
        ):
            return node
    return None


def find_outputs(ct_node) -> dict:
    """All nodes this package made for ``ct_node``, by role."""
    found = {role: find_output(ct_node, role) for role in names.NODE_CLASSES}
    return {role: node for role, node in found.items() if node is not None}


def find_or_create_output(ct_node, role: str):
    """The node that plays ``role`` for ``ct_node``, created if there is none."""
    node = find_output(ct_node, role)
    if node is not None:
        return node
    scene = ct_node.GetScene()
    title = f"{ct_node.GetName() or 'CT'} {names.NODE_TITLES[role]}"
    node = scene.AddNewNodeByClass(names.NODE_CLASSES[role], scene.GenerateUniqueName(title))
    node.SetAttribute(names.ROLE_ATTRIBUTE, role)
    node.SetNodeReferenceID(names.CT_REFERENCE, ct_node.GetID())
    node.SetNodeReferenceID(names.SELF_REFERENCE, node.GetID())
    return node


def remove_output(node) -> list:
    """Remove one of this package's nodes together with its display and storage nodes.

    Returns:
        What was removed, for :func:`put_back`.
    """
    scene = node.GetScene()
    companions = [node.GetNthDisplayNode(i) for i in range(_display_node_count(node))]
    if node.IsA("vtkMRMLStorableNode"):
        companions.append(node.GetStorageNode())
    removed = [one for one in companions if one is not None] + [node]
    # A node that leaves while another still refers to it is struck from that one's references.
    for one in reversed(removed):
        scene.RemoveNode(one)
    return removed


def put_back(scene, removed: list) -> None:
    """The inverse of :func:`remove_output`: the same nodes, with their names and displays."""
    for node in removed:
        scene.AddNode(node)


def _display_node_count(node) -> int:
    return node.GetNumberOfDisplayNodes() if node.IsA("vtkMRMLDisplayableNode") else 0


def nodes_by_class(scene, class_name: str) -> list:
    """All nodes of this class and those derived from it."""
    return [
        scene.GetNthNodeByClass(i, class_name)
        for i in range(scene.GetNumberOfNodesByClass(class_name))
    ]
