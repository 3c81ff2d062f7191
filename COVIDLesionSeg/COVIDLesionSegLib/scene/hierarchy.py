"""Results next to their CT in subject hierarchy."""

from __future__ import annotations


def place_beside_ct(ct_node, nodes) -> None:
    """Put ``nodes`` where the CT is in subject hierarchy: under its study, if it has one.

    A CT without an item of its own (no subject hierarchy, or none made yet) leaves them as they
    are. A result is placed when it is created; where the user moves it later, it stays.
    """
    hierarchy = ct_node.GetScene().GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode")
    if hierarchy is None:
        return
    ct_item = hierarchy.GetItemByDataNode(ct_node)
    if not ct_item:
        return
    parent = hierarchy.GetItemParent(ct_item)
    for node in nodes:
        hierarchy.CreateItem(parent, node)
