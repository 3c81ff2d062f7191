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
    for node in _nodes_by_class(ct_node.GetScene(), names.NODE_CLASSES[role]):
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


def remove_output(node) -> None:
    """Remove one of this package's nodes together with its display and storage nodes."""
    scene = node.GetScene()
    companions = [node.GetNthDisplayNode(i) for i in range(_display_node_count(node))]
    if node.IsA("vtkMRMLStorableNode"):
        companions.append(node.GetStorageNode())
    for companion in [*companions, node]:
        if companion is not None:
            scene.RemoveNode(companion)


def _display_node_count(node) -> int:
    return node.GetNumberOfDisplayNodes() if node.IsA("vtkMRMLDisplayableNode") else 0


def _nodes_by_class(scene, class_name: str) -> list:
    return [
        scene.GetNthNodeByClass(i, class_name)
        for i in range(scene.GetNumberOfNodesByClass(class_name))
    ]
