"""Stand-ins for the parts of the Slicer application that ``slicer.util`` asks for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer

if TYPE_CHECKING:
    from slicer import (
        vtkDataIOManagerLogic,
        vtkMRMLAbstractLogic,
        vtkMRMLMessageCollection,
        vtkMRMLRemoteIOLogic,
        vtkMRMLScalarVolumeNode,
        vtkMRMLScene,
        vtkMRMLSegmentationNode,
        vtkMRMLStorableNode,
        vtkMRMLTableNode,
        vtkSlicerApplicationLogic,
    )
    from vtk import vtkCollection

LABELMAP_OPTION = 1
SINGLE_FILE_OPTION = 8


class HeadlessModule:
    """What ``slicer.modules.<name>`` offers without the application: its logic."""

    def __init__(self, name: str, logic: vtkMRMLAbstractLogic) -> None:
        self.name = name
        self._logic = logic

    def logic(self) -> vtkMRMLAbstractLogic:
        return self._logic


class HeadlessModules:
    """Stands for ``slicer.modules``; one attribute per module, lower case."""


class HeadlessIOManager:
    """Reads and writes nodes for ``slicer.util.load...`` and ``slicer.util.saveNode``."""

    def __init__(self, scene: vtkMRMLScene) -> None:
        self._scene = scene
        self._readers = {
            "VolumeFile": self._read_volume,
            "SegmentationFile": self._read_segmentation,
            "TableFile": self._read_table,
        }

    def loadNodes(
        self,
        file_type: str,
        properties: dict[str, Any],
        loaded_nodes: vtkCollection,
        messages: vtkMRMLMessageCollection | None = None,
    ) -> bool:
        path = properties["fileName"]
        if file_type == "SceneFile":
            return read_scene(self._scene, path)
        name = properties.get("name") or Path(path).name.split(".")[0]
        node = self._readers[file_type](path, name, properties)
        if node is None:
            return False
        loaded_nodes.AddItem(node)
        return True

    def saveNodes(
        self,
        file_type: str,
        properties: dict[str, Any],
        messages: vtkMRMLMessageCollection | None = None,
    ) -> bool:
        node = self._scene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        storage.SetFileName(str(properties["fileName"]))
        if "useCompression" in properties:
            storage.SetUseCompression(properties["useCompression"])
        return bool(storage.WriteData(node))

    def fileWriterFileType(self, node: vtkMRMLStorableNode) -> str:
        return str(node.GetClassName())

    def addDefaultStorageNodes(self) -> None:
        """Storage nodes are added where a node is saved."""

    @staticmethod
    def _read_volume(
        path: str, name: str, properties: dict[str, Any]
    ) -> vtkMRMLScalarVolumeNode | None:
        options = LABELMAP_OPTION if properties.get("labelmap") else 0
        options |= SINGLE_FILE_OPTION if properties.get("singleFile") else 0
        return slicer.modules.volumes.logic().AddArchetypeVolume(path, name, options)

    @staticmethod
    def _read_segmentation(
        path: str, name: str, properties: dict[str, Any]
    ) -> vtkMRMLSegmentationNode | None:
        logic = slicer.modules.segmentations.logic()
        return logic.LoadSegmentationFromFile(path, False, name)

    @staticmethod
    def _read_table(path: str, name: str, properties: dict[str, Any]) -> vtkMRMLTableNode | None:
        return slicer.modules.tables.logic().AddTable(path, name)


class HeadlessApplication:
    """What ``slicer.util`` asks ``slicer.app`` when there is no window."""

    applicationName = "Slicer"  # noqa: N815
    temporaryPath = tempfile.gettempdir()  # noqa: N815

    def __init__(
        self,
        scene: vtkMRMLScene,
        application_logic: vtkSlicerApplicationLogic,
        remote_io: tuple[vtkMRMLRemoteIOLogic, vtkDataIOManagerLogic],
    ) -> None:
        self._scene = scene
        self._application_logic = application_logic
        # The scene holds no reference of its own to the logics that unpack bundles.
        self._remote_io = remote_io
        self._io_manager = HeadlessIOManager(scene)

    def use_temporary_folder(self, folder: Path) -> None:
        """Make MRML put temporary files into ``folder``, and unpack the bundles it reads there."""
        self._application_logic.SetTemporaryPath(str(folder))
        cache = self._remote_io[0].GetCacheManager()
        cache.SetRemoteCacheDirectory(str(folder / "cache"))

    def applicationLogic(self) -> vtkSlicerApplicationLogic:
        return self._application_logic

    def coreIOManager(self) -> HeadlessIOManager:
        return self._io_manager

    def mrmlScene(self) -> vtkMRMLScene:
        return self._scene

    def layoutManager(self) -> None:
        """There is no layout."""

    def topLevelWidgets(self) -> tuple[()]:
        """There is no window: ``slicer.util.mainWindow()`` is None."""
        return ()

    def testingEnabled(self) -> bool:
        """True: Slicer's helpers then log a message instead of opening a dialog, which needs Qt."""
        return True

    def processEvents(self) -> None:
        """There is no event loop."""

    def connect(self, signal: str, receiver: Callable[..., None]) -> None:
        """Nothing is ever said, as by a window that is closed."""

    def disconnect(self, signal: str, receiver: Callable[..., None]) -> None:
        """The inverse of :meth:`connect`."""

    def pauseRender(self) -> None:
        """There is no view of the application."""

    def resumeRender(self) -> None:
        """There is no view of the application."""


def read_scene(scene: vtkMRMLScene, path: str | os.PathLike[str]) -> bool:
    """Replace ``scene`` by what a ``.mrb`` or ``.mrml`` file holds; False if it cannot be read."""
    path = str(path)
    if path.endswith(".mrb"):
        return bool(scene.ReadFromMRB(path, True))
    scene.SetURL(path)
    return bool(scene.Connect())
