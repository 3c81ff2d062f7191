"""Colour maps of overlays, computed, and their colour nodes: one of each in a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from slicer import vtkMRMLColorTableNode, vtkMRMLScene

COVIDJET = "COVIDJET"
COVIDUNIFORM = "COVIDUNIFORM"
COVIDMAGENTA = "COVIDMAGENTA"
_COLORS = 256
_VIOLET, _MAGENTA = (0.30, 0.0, 0.45), (1.0, 0.35, 1.0)

Colors = npt.NDArray[np.float64]

# OKLab (Ottosson 2020) to linear sRGB, over the cube roots of cone responses.
_LAB_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONES_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def jet_colors(count: int = _COLORS) -> Colors:
    """The jet map, blue over green to red.

    Returns:
        RGB, 0 to 1, shape (count, 3). Each channel is a trapezoid, as MATLAB's ``jet`` has it.
    """
    position = np.linspace(0.0, 1.0, count)[:, None]
    trapezoids = 1.5 - np.abs(4.0 * position - np.array([3.0, 2.0, 1.0]))
    colors: Colors = np.clip(trapezoids, 0.0, 1.0)
    return colors


def uniform_colors(count: int = _COLORS) -> Colors:
    """A perceptually uniform map, dark violet over red to light yellow.

    A path through OKLab whose lightness rises from 0.30 to 0.93 while the hue turns from 290 to
    460 degrees, with colours at equal distances along it: equal steps of the value look equal, and
    order is kept in grey, too.

    Returns:
        sRGB, 0 to 1, shape (count, 3).
    """
    along = np.linspace(0.0, 1.0, 4097)
    lab = _path(along)
    steps = np.linalg.norm(np.diff(lab, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    lab = _path(np.interp(np.linspace(0.0, length[-1], count), length, along))
    linear = (lab @ _LAB_TO_CONES.T) ** 3 @ _CONES_TO_RGB.T
    gamma = np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055
    )
    colors: Colors = np.clip(gamma, 0.0, 1.0)
    return colors


def _path(along: Colors) -> Colors:
    """OKLab at these shares of the path: within sRGB throughout."""
    hue = np.radians(290.0 + 170.0 * along)
    chroma = 0.16 * np.sin(np.pi * (0.25 + 0.5 * along))
    return np.stack([0.30 + 0.63 * along, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)


def covidjet_node(scene: vtkMRMLScene) -> vtkMRMLColorTableNode:
    """The scene's one ``COVIDJET`` colour node, created if there is none."""
    return _color_node(scene, COVIDJET, jet_colors())


def coviduniform_node(scene: vtkMRMLScene) -> vtkMRMLColorTableNode:
    """The scene's one ``COVIDUNIFORM`` colour node, created if there is none."""
    return _color_node(scene, COVIDUNIFORM, uniform_colors())


def covidmagenta_node(scene: vtkMRMLScene) -> vtkMRMLColorTableNode:
    """The scene's one ``COVIDMAGENTA`` colour node, violet to magenta: colours not in jet."""
    return _color_node(scene, COVIDMAGENTA, np.linspace(_VIOLET, _MAGENTA, _COLORS))


COLOR_MAPS = {
    "jet": (COVIDJET, jet_colors, covidjet_node),
    "uniform": (COVIDUNIFORM, uniform_colors, coviduniform_node),
}
"""Colour maps of the lesion probability: name of the node, its colours, and how to get it."""


def _color_node(scene: vtkMRMLScene, name: str, colors: Colors) -> vtkMRMLColorTableNode:
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
