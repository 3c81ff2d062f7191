"""The colour table of the probability overlay."""

from __future__ import annotations

import numpy as np

COVIDJET = "COVIDJET"
_COLORS = 256


def jet_colors(count: int = _COLORS) -> np.ndarray:
    """The jet map, blue over green to red.

    Returns:
        RGB, 0 to 1, shape (count, 3). Each channel is a trapezoid, as MATLAB's ``jet`` has it.
    """
    position = np.linspace(0.0, 1.0, count)[:, None]
    return np.clip(1.5 - np.abs(4.0 * position - np.array([3.0, 2.0, 1.0])), 0.0, 1.0)


def covidjet_node(scene):
    """The scene's one ``COVIDJET`` colour node, created if there is none."""
    existing = scene.GetSingletonNode(COVIDJET, "vtkMRMLColorTableNode")
    if existing is not None:
        return existing
    node = scene.CreateNodeByClass("vtkMRMLColorTableNode")
    node.UnRegister(None)
    node.SetName(COVIDJET)
    node.SetSingletonTag(COVIDJET)
    node.SetTypeToUser()
    node.SetNumberOfColors(_COLORS)
    for index, (red, green, blue) in enumerate(jet_colors()):
        node.SetColor(index, f"{index / (_COLORS - 1):.3f}", red, green, blue, 1.0)
    return scene.AddNode(node)
