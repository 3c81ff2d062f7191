"""The colour tables of the overlays."""

from __future__ import annotations

import numpy as np

COVIDJET = "COVIDJET"
COVIDMAGENTA = "COVIDMAGENTA"
_COLORS = 256
_VIOLET, _MAGENTA = (0.30, 0.0, 0.45), (1.0, 0.35, 1.0)


def jet_colors(count: int = _COLORS) -> np.ndarray:
    """The jet map, blue over green to red.

    Returns:
        RGB, 0 to 1, shape (count, 3). Each channel is a trapezoid, as MATLAB's ``jet`` has it.
    """
    position = np.linspace(0.0, 1.0, count)[:, None]
    return np.clip(1.5 - np.abs(4.0 * position - np.array([3.0, 2.0, 1.0])), 0.0, 1.0)


def covidjet_node(scene):
    """The scene's one ``COVIDJET`` colour node, created if there is none."""
    return _color_node(scene, COVIDJET, jet_colors())


def covidmagenta_node(scene):
    """The scene's one ``COVIDMAGENTA`` colour node, violet to magenta: colours not in jet."""
    return _color_node(scene, COVIDMAGENTA, np.linspace(_VIOLET, _MAGENTA, _COLORS))


def _color_node(scene, name: str, colors: np.ndarray):
    existing = scene.GetSingletonNode(name, "vtkMRMLColorTableNode")
    if existing is not None:
        return existing
    node = scene.CreateNodeByClass("vtkMRMLColorTableNode")
    node.UnRegister(None)
    node.SetName(name)
    node.SetSingletonTag(name)
    node.SetTypeToUser()
    node.SetNumberOfColors(len(colors))
    for index, (red, green, blue) in enumerate(colors):
        node.SetColor(index, f"{index / (len(colors) - 1):.3f}", red, green, blue, 1.0)
    return scene.AddNode(node)
