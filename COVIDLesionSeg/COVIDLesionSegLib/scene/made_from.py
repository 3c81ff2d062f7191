"""Fingerprints of CT nodes, and whether a result was made from the voxels that its CT holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from ..engine.errors import InputError
from ..engine.steps import Steps, Work
from ..engine.volume import Geometry, Volume
from ..engine.volume.fingerprint import fingerprint_in_steps, stated_fingerprint
from .images import voxels_of
from .volumes import (
    changed_while_read,
    check_is_ct,
    image_of,
    local_ijk_to_ras,
    moved,
    volume_from_node_in_steps,
    voxel_state,
    world_geometry,
)

if TYPE_CHECKING:
    import vtk

_MOST_KNOWN = 64

# Address and modification time of an image, and the grid. VTK counts the modifications of all
# objects together: an image at the address of one that is gone never has the time of that one.
_Key = tuple[str, int, Geometry]

_known: dict[_Key, str] = {}
# Whoever waits for a fingerprint holds its work: it ends with the last of them.
_under_way: WeakValueDictionary[_Key, Work[str]] = WeakValueDictionary()


def ct_fingerprint(node: Any, grid: Geometry | None = None) -> Steps[str]:
    """The fingerprint of a CT as its node is now, in short steps.

    It is kept for as long as voxels and grid stay the same, and those who ask at the same time
    share the work. Who writes into the voxels has to call ``Modified()``, as for the display.

    Args:
        node: The CT.
        grid: Where the CT lies; :func:`.volumes.world_geometry` by default.

    Returns:
        See :func:`~..engine.volume.fingerprint.fingerprint`.

    Raises:
        InputError: The node is no CT in HU, or got other voxels between two steps.
    """
    check_is_ct(node)
    state, image = voxel_state(node), image_of(node)
    grid = grid or world_geometry(node)
    key = image.GetAddressAsString(""), int(image.GetMTime()), grid
    work = None
    while key not in _known:
        if voxel_state(node) != state:
            raise changed_while_read()
        work = _under_way.get(key)
        if work is None:
            work = Work(fingerprint_in_steps(Volume(voxels_of(image), grid)))
            _under_way[key] = work
        try:
            if work.go_on(0) and work.result is not None:
                _known[key] = work.result
        except BaseException:
            _under_way.pop(key, None)  # others find out for themselves what is wrong
            raise
        yield
    found = _known[key] = _known.pop(key)  # the last to be forgotten
    while len(_known) > _MOST_KNOWN:
        del _known[next(iter(_known))]
    return found


def volume_and_fingerprint(node: Any) -> Steps[tuple[Volume, str]]:
    """A copy of the CT in a node and its fingerprint, both of the same state of the node.

    Raises:
        InputError: See :func:`.volumes.volume_from_node_in_steps` and :func:`ct_fingerprint`; or
            the CT was moved between two steps.
    """
    before = voxel_state(node)
    volume = yield from volume_from_node_in_steps(node)
    found = yield from ct_fingerprint(node)
    if voxel_state(node) != before or world_geometry(node) != volume.geometry:
        raise changed_while_read()
    return volume, found


def check_made_from(
    node: Any, provenance: Mapping[str, Any]
) -> Steps[tuple[vtk.vtkImageData | None, int]]:
    """Refuse a result that was made from other voxels than its CT holds now, in short steps.

    The CT may have been moved since by a transform that it lies below. A result that does not say
    from which CT it was made is not refused.

    Args:
        node: The CT.
        provenance: Provenance of the result.

    Returns:
        State of the voxels, see :func:`.volumes.voxel_state`.

    Raises:
        InputError: The result was made from others, or the node is no CT any more.
    """
    check_is_ct(node)
    state, stated = voxel_state(node), stated_fingerprint(provenance)
    grids = [world_geometry(node)]
    if stated is None:
        return state
    if node.GetParentTransformNode() is not None:
        size = node.GetImageData().GetDimensions()
        grids.append(Geometry.from_ijk_to_ras(local_ijk_to_ras(node), size))
    for grid in grids:
        try:
            found = yield from ct_fingerprint(node, grid)
        except InputError:
            if voxel_state(node) != state:
                raise
            break  # no result was made from what is no CT in HU
        if voxel_state(node) != state:
            raise changed_while_read()
        if found == stated:
            return state
    raise moved()
