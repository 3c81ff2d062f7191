"""Slicer's own widgets over a MRML scene, as PySide6 widgets that behave alike."""

from __future__ import annotations

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Property, Signal

from .properties import stored
from .pythonqt import PythonQtManners, with_pythonqt_manners


class SceneWidget(PythonQtManners, QtWidgets.QWidget):
    """A widget with a scene, which it hands on only where the ``.ui`` file says so."""

    def __init__(self, parent=None) -> None:
        QtWidgets.QWidget.__init__(self, parent)
        self._scene = None
        self._receivers = []

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene) -> None:
        self._scene = scene
        for receiver in self._receivers:
            receiver.setMRMLScene(scene)
        self.scene_changed(scene)

    def hand_scene_to(self, receiver: SceneWidget) -> None:
        """What ``mrmlSceneChanged -> setMRMLScene`` in a ``.ui`` file does."""
        self._receivers.append(receiver)

    def scene_changed(self, scene) -> None:
        """For subclasses that show something of the scene."""


class qMRMLWidget(SceneWidget):
    """The outermost widget of a ``.ui`` file."""


class qSlicerScriptedLoadableModuleWidget(SceneWidget):
    """What Slicer's module panel shows for a scripted module."""

    isEntered = True

    def set_self(self, python_widget) -> None:
        self._self = python_widget

    def self(self):
        """The module's Python widget object."""
        return self._self


class qMRMLSortFilterProxyModel(PythonQtManners, QtCore.QObject):
    """Which nodes a list leaves out."""

    changed = Signal()
    hiddenNodeIDs = stored("QStringList", "hiddenNodeIDs", [])

    def property_changed(self, name: str, value) -> None:
        self.changed.emit()


class qMRMLNodeComboBox(SceneWidget):
    """A drop-down list of the scene's nodes of some classes.

    As in Slicer, it takes in no node while a scene is being imported, and tells its current node
    anew once it has.
    """

    currentNodeChanged = Signal(object)
    nodeTypes = stored("QStringList", "nodeTypes", [])
    showChildNodeTypes = stored(bool, "showChildNodeTypes", True)
    noneEnabled = stored(bool, "noneEnabled", False)
    noneDisplay = stored(str, "noneDisplay", "None")
    addEnabled = stored(bool, "addEnabled", True)
    removeEnabled = stored(bool, "removeEnabled", True)
    renameEnabled = stored(bool, "renameEnabled", False)

    def __init__(self, parent=None) -> None:
        SceneWidget.__init__(self, parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._list = QtWidgets.QComboBox()
        row.addWidget(self._list)
        self._ids: list[str] = []
        self._current_id = ""
        self._observed = None
        self._tags: list[int] = []
        self._list.activated.connect(lambda index: self._select(self._ids[index]))
        self._filter = qMRMLSortFilterProxyModel()
        self._filter.changed.connect(self._refresh)

    currentNodeID = Property(str, lambda self: self._current_id, lambda self, i: self._select(i))

    def currentNode(self):
        return self._scene.GetNodeByID(self._current_id) if self._current_id else None

    def nodeCount(self) -> int:
        return len(self._ids) - self.noneEnabled

    def nodeFromIndex(self, index: int):
        return self._scene.GetNodeByID(self._ids[index + self.noneEnabled])

    def setCurrentNode(self, node) -> None:
        self._select(node.GetID() if node else "")

    def sortFilterProxyModel(self) -> qMRMLSortFilterProxyModel:
        return self._filter

    def property_changed(self, name: str, value) -> None:
        self._refresh()

    def scene_changed(self, scene) -> None:
        for tag in self._tags:
            self._observed.RemoveObserver(tag)
        self._observed, self._tags = scene, []
        if scene is not None:
            events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent)
            self._tags = [
                *(scene.AddObserver(event, lambda *_: self._refresh()) for event in events),
                scene.AddObserver(scene.EndImportEvent, lambda *_: self._take_in_import()),
            ]
        self._refresh()

    def _nodes(self) -> list:
        nodes = []
        for class_name in self.nodeTypes:
            for index in range(self._scene.GetNumberOfNodesByClass(class_name)):
                node = self._scene.GetNthNodeByClass(index, class_name)
                exact = node.GetClassName() == class_name
                hidden = node.GetHideFromEditors() or node.GetID() in self._filter.hiddenNodeIDs
                if (exact or self.showChildNodeTypes) and not hidden:
                    nodes.append(node)
        return nodes

    def _take_in_import(self) -> None:
        self._refresh()
        self.currentNodeChanged.emit(self.currentNode())

    def _refresh(self) -> None:
        if self._scene is None or self._scene.IsImporting():
            return
        nodes = self._nodes()
        self._ids = [""] * self.noneEnabled + [node.GetID() for node in nodes]
        self._list.blockSignals(True)
        self._list.clear()
        self._list.addItems([self.noneDisplay] * self.noneEnabled + [n.GetName() for n in nodes])
        self._list.blockSignals(False)
        self._select(self._current_id)

    def _select(self, node_id: str) -> None:
        if node_id not in self._ids:
            node_id = self._ids[0] if self._ids else ""
        if self._ids:
            self._list.setCurrentIndex(self._ids.index(node_id))
        if node_id != self._current_id:
            self._current_id = node_id
            self.currentNodeChanged.emit(self.currentNode())


class qMRMLSegmentEditorWidget(SceneWidget):
    """Keeps what it is told in its node; it edits nothing and listens to no view."""

    maximumNumberOfUndoStates = stored(int, "maximumNumberOfUndoStates", 0)
    segmentationNodeSelectorVisible = stored(bool, "segmentationNodeSelectorVisible", True)
    sourceVolumeNodeSelectorVisible = stored(bool, "sourceVolumeNodeSelectorVisible", True)
    switchToSegmentationsButtonVisible = stored(bool, "switchToSegmentationsButtonVisible", True)
    addRemoveSegmentButtonsVisible = stored(bool, "addRemoveSegmentButtonsVisible", True)
    specifyGeometryButtonVisible = stored(bool, "specifyGeometryButtonVisible", True)
    maskingSectionVisible = stored(bool, "maskingSectionVisible", True)
    autoShowSourceVolumeNode = stored(bool, "autoShowSourceVolumeNode", True)
    jumpToSelectedSegmentEnabled = stored(bool, "jumpToSelectedSegmentEnabled", False)
    unorderedEffectsVisible = stored(bool, "unorderedEffectsVisible", True)

    def __init__(self, parent=None) -> None:
        SceneWidget.__init__(self, parent)
        self._node = None
        self._keys = False
        options = with_pythonqt_manners(QtWidgets.QGroupBox)(self)
        options.objectName = "OptionsGroupBox"
        options.setLayout(with_pythonqt_manners(QtWidgets.QHBoxLayout)())

    def property_changed(self, name: str, value) -> None:
        """Nothing else depends on a stored property."""

    def setEffectNameOrder(self, names) -> None:
        self._effects = tuple(names)

    def setMRMLSegmentEditorNode(self, node) -> None:
        self._node = node

    def segmentationNode(self):
        return self._node.GetSegmentationNode() if self._node else None

    def setSegmentationNode(self, node) -> None:
        self._node.SetAndObserveSegmentationNode(node)
        if node is not None:
            self._node.SetSelectedSegmentID(node.GetSegmentation().GetNthSegmentID(0))

    def setSourceVolumeNode(self, node) -> None:
        self._node.SetAndObserveSourceVolumeNode(node)

    def setCurrentSegmentID(self, segment_id: str) -> None:
        self._node.SetSelectedSegmentID(segment_id)

    def setActiveEffect(self, effect) -> None:
        assert effect is None, "effects are of the application"
        self._node.SetActiveEffectName("")

    def setActiveEffectByName(self, name: str) -> None:
        self._node.SetActiveEffectName(name)

    def saveStateForUndo(self) -> None:
        """Nothing is undone here."""

    def installKeyboardShortcuts(self) -> None:
        self._keys = True

    def uninstallKeyboardShortcuts(self) -> None:
        self._keys = False

    def removeViewObservations(self) -> None:
        """Views are not observed here."""


def widget_classes() -> dict[str, type]:
    """Every class here by name, and the ones that Slicer's connectors only compare types with."""
    made_here = (
        qMRMLNodeComboBox,
        qMRMLSegmentEditorWidget,
        qMRMLWidget,
        qSlicerScriptedLoadableModuleWidget,
    )
    classes = {cls.__name__: cls for cls in made_here}
    for name in ("qMRMLRangeWidget", "qMRMLSliderWidget", "qMRMLSpinBox"):
        classes[name] = type(name, (SceneWidget,), {})
    for cls in classes.values():
        cls.__module__ = "slicer"
    return classes
