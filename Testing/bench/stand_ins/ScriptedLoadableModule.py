"""Stand-in for ``slicer.ScriptedLoadableModule``: the four base classes of a scripted module."""

import os
import unittest

import slicer


class ScriptedLoadableModule:
    def __init__(self, parent) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__


class ScriptedLoadableModuleWidget:
    def __init__(self, parent) -> None:
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.parent = parent
        self.layout = parent.layout()

    def resourcePath(self, name: str) -> str:
        module_folder = os.path.dirname(slicer.util.modulePath(self.moduleName))
        return os.path.join(module_folder, "Resources", name)

    def setup(self) -> None:
        """Slicer adds developer buttons here."""

    def onReload(self) -> None:
        slicer.util.reloadScriptedModule(self.moduleName)


class ScriptedLoadableModuleLogic:
    def __init__(self, parent=None) -> None:
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self):
        """The one parameter node of this module in the scene, made if there is none."""
        kind = "vtkMRMLScriptedModuleNode"
        found = slicer.mrmlScene.GetSingletonNode(self.moduleName, kind)
        if found is not None:
            return found
        node = slicer.mrmlScene.CreateNodeByClass(kind)
        node.UnRegister(None)
        node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(self.moduleName)
        return slicer.mrmlScene.AddNode(node)


class ScriptedLoadableModuleTest(unittest.TestCase):
    def delayDisplay(self, message: str, requestedDelay: int | None = None) -> None:
        """Slicer shows the message for a moment."""
