"""A branching vessel tree in each lung, and how much of every voxel it fills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .shapes import Grid, Point

_TWIG_RADIUS = 0.65  # mm
_MURRAY = 2.7  # exponent of Murray's law r^m = sum of r_child^m, as measured in lungs
_SAMPLES_PER_VOXEL = 40


@dataclass(frozen=True)
class Tree:
    """Straight segments from the hilum to the periphery; all lengths in mm, points (x, y, z)."""

    start: np.ndarray
    end: np.ndarray
    radius: np.ndarray


def grow_tree(targets: np.ndarray, hilum: Point, random: np.random.Generator) -> Tree:
    """Connect (n, 3) target points to the hilum, each to the node that is the cheapest detour.

    The cost of a connection is its own length plus part of the way back to the hilum; this makes
    few thick stems near the hilum and many twigs near the pleura. Radii follow Murray's law.
    """
    nodes, parents, ways = [np.asarray(hilum, float)], [-1], [0.0]
    order = np.argsort(np.linalg.norm(targets - hilum, axis=1))
    for target in targets[order]:
        gap = np.linalg.norm(np.array(nodes) - target, axis=1)
        nearest = int(np.argmin(gap + 0.45 * np.array(ways)))
        origin, length = nodes[nearest], float(gap[nearest])
        steps = max(1, round(length / 12))
        for step in range(1, steps + 1):
            bend = random.normal(0, 0.04 * length, 3) if step < steps else 0.0
            point = origin + (target - origin) * step / steps + bend
            parent = nearest if step == 1 else len(nodes) - 1
            ways.append(ways[parent] + float(np.linalg.norm(point - nodes[parent])))
            nodes.append(point)
            parents.append(parent)
    points, parent_of = np.array(nodes), np.array(parents)
    load = np.zeros(len(points))
    load[np.setdiff1d(np.arange(len(points)), parent_of)] = 1.0
    # Children always come after their parent: one backward sweep adds up every subtree.
    for child in range(len(points) - 1, 0, -1):
        load[parent_of[child]] += load[child]
    return Tree(points[parent_of[1:]], points[1:], _TWIG_RADIUS * load[1:] ** (1 / _MURRAY))


def fill_fraction(tree: Tree, grid: Grid, random: np.random.Generator) -> np.ndarray:
    """Share of each voxel inside the tree, float32 (z, y, x), 0 to 1, by Monte Carlo sampling.

    Sampling the tubes rather than the voxels gives twigs thinner than a voxel their true share.
    """
    along = tree.end - tree.start
    length = np.linalg.norm(along, axis=1)
    volume = np.pi * tree.radius**2 * length
    count = np.maximum(np.ceil(volume / grid.voxel_mm3 * _SAMPLES_PER_VOXEL), 40).astype(int)
    segment = np.repeat(np.arange(len(count)), count)

    axis = along / np.maximum(length, 1e-6)[:, None]
    helper = np.where(np.abs(axis[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]])
    u = np.cross(axis, helper)
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = np.cross(axis, u)
    t, area, angle = random.random((3, len(segment)))
    off = tree.radius[segment] * np.sqrt(area)
    points = (
        tree.start[segment]
        + t[:, None] * along[segment]
        + (off * np.cos(2 * np.pi * angle))[:, None] * u[segment]
        + (off * np.sin(2 * np.pi * angle))[:, None] * v[segment]
    )
    index, inside = grid.index(points)
    weight = (volume / count)[segment][inside] / grid.voxel_mm3
    filled = np.bincount(index, weight, minlength=int(np.prod(grid.shape)))
    return np.minimum(filled, 1).astype(np.float32).reshape(grid.shape)
