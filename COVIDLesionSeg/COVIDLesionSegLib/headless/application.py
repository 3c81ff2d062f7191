"""Stand-ins for the parts of the Slicer application that ``slicer.util`` asks for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import slicer

LABELMAP_OPTION = 1
SINGLE_FILE_OPTION = 8


class HeadlessModule:
    """What ``slicer.modules.<name>`` offers without the application: its logic."""

    def __init__(self, name: str, logic):
        self.name = name
        self._logic = logic

    def logic(self):
        return self._logic


class HeadlessModules:
    """Stands for ``slicer.modules``; one attribute per module, lower case."""


class HeadlessIOManager:
    """Reads and writes nodes for ``slicer.util.load...`` and ``slicer.util.saveNode``."""

    def __init__(self, scene):
        self._scene = scene
        self._readers = {
            "VolumeFile": self._read_volume,
            "SegmentationFile": self._read_segmentation,
            "TableFile": self._read_table,
        }

    def loadNodes(self, file_type, properties, loaded_nodes, messages=None) -> bool:  # noqa: N802
        path = properties["fileName"]
        if file_type == "SceneFile":
            return read_scene(self._scene, path)
        name = properties.get("name") or Path(path).name.split(".")[0]
        node = self._readers[file_type](path, name, properties)
        if node is None:
            return False
        loaded_nodes.AddItem(node)
        return True

    def saveNodes(self, file_type, properties, messages=None) -> bool:  # noqa: N802
        node = self._scene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        storage.SetFileName(str(properties["fileName"]))
        if "useCompression" in properties:
            storage.SetUseCompression(properties["useCompression"])
        return bool(storage.WriteData(node))

    def fileWriterFileType(self, node) -> str:  # noqa: N802
        return node.GetClassName()

    def addDefaultStorageNodes(self) -> None:  # noqa: N802
        """Storage nodes are added where a node is saved."""

    @staticmethod
    def _read_volume(path, name, properties):
        options = LABELMAP_OPTION if properties.get("labelmap") else 0
        options |= SINGLE_FILE_OPTION if properties.get("singleFile") else 0
        return slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options)

    @staticmethod
    def _read_segmentation(path, name, properties):
        logic = slicer.modules.segmentations.logic()
        return logic.LoadSegmentationFromFile(path, False, name)

    @staticmethod
    def _read_table(path, name, properties):
        return slicer.modules.tables.logic().AddTable(path, name)


class HeadlessApplication:
    """What ``slicer.util`` asks ``slicer.app`` when there is no window."""

    applicationName = "Slicer"  # noqa: N815
    temporaryPath = tempfile.gettempdir()  # noqa: N815

    def __init__(self, scene, application_logic):
        self._scene = scene
        self._application_logic = application_logic
        self._io_manager = HeadlessIOManager(scene)

    def applicationLogic(self):  # noqa: N802
        return self._application_logic

    def coreIOManager(self):  # noqa: N802
        return self._io_manager

    def mrmlScene(self):  # noqa: N802
        return self._scene

    def layoutManager(self):  # noqa: N802
        return None

    def testingEnabled(self) -> bool:  # noqa: N802
        return True

    def processEvents(self) -> None:  # noqa: N802
        """There is no event loop."""

    def pauseRender(self) -> None:  # noqa: N802
        """There is no view of the application."""

    def resumeRender(self) -> None:  # noqa: N802
        """There is no view of the application."""


def read_scene(scene, path) -> bool:
    """Replace ``scene`` by what a ``.mrb`` or ``.mrml`` file holds; False if it cannot be read."""
    path = str(path)
    if path.endswith(".mrb"):
        return bool(scene.ReadFromMRB(path, True))
    scene.SetURL(path)
    return bool(scene.Connect())
