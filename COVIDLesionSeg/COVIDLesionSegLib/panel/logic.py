"""The module's logic as Slicer knows it: the console API plus the parameter node."""

from __future__ import annotations

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .. import logic as console
from .parameter_node import COVIDLesionSegParameterNode


class COVIDLesionSegLogic(console.COVIDLesionSegLogic, ScriptedLoadableModuleLogic):
    """:class:`COVIDLesionSegLib.console.COVIDLesionSegLogic` inside the Slicer application."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)

    def getParameterNode(self) -> COVIDLesionSegParameterNode:
        """The panel's state in the scene, typed."""
        return COVIDLesionSegParameterNode(ScriptedLoadableModuleLogic.getParameterNode(self))
