"""``qt.QUiLoader``: makes the bench's widgets from a ``.ui`` file."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from functools import cache

from PySide6 import QtCore, QtUiTools, QtWidgets

from .ctk_module import ctk
from .mrml_widgets import widget_classes
from .pythonqt import PythonQtManners, keep_alive
from .qt_module import qt

MRML_CLASSES = widget_classes()


class QUiLoader(QtUiTools.QUiLoader):
    """An unknown widget class is an error, and scene links are followed as Slicer follows them."""

    def createWidget(self, class_name: str, parent=None, name: str = ""):
        widget = _widget_class(class_name)(*([parent] if parent is not None else []))
        QtCore.QObject.setObjectName(widget, name)
        return keep_alive(widget)

    def createLayout(self, class_name: str, parent=None, name: str = ""):
        outermost = isinstance(parent, QtWidgets.QWidget) and parent.layout() is None
        layout = getattr(qt, class_name)(*([parent] if outermost else []))
        QtCore.QObject.setObjectName(layout, name)
        return keep_alive(layout)

    def load(self, file, parent=None):
        """The widget tree of a ``.ui`` file."""
        content, links = _read(file.fileName())
        buffer = QtCore.QBuffer()
        buffer.setData(content)
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        PythonQtManners.loading_ui = True
        try:
            root = super().load(buffer, parent)
        finally:
            PythonQtManners.loading_ui = False
        for sender, receiver in links:
            _find(root, sender).hand_scene_to(_find(root, receiver))
        return keep_alive(root)


@cache
def _read(path: str) -> tuple[bytes, list[tuple[str, str]]]:
    """A file without the connections that carry the scene, and these."""
    root = ElementTree.parse(path).getroot()
    links = _take_scene_links(root)
    return ElementTree.tostring(root), links


def _widget_class(class_name: str) -> type:
    if class_name in MRML_CLASSES:
        return MRML_CLASSES[class_name]
    if hasattr(ctk, class_name):
        return getattr(ctk, class_name)
    return getattr(qt, class_name)


def _take_scene_links(root: ElementTree.Element) -> list[tuple[str, str]]:
    """Connections that carry the scene: their argument type is unknown to PySide6."""
    connections = root.find("connections")
    links = []
    for connection in list(connections if connections is not None else []):
        if "vtkMRMLScene" in connection.findtext("signal"):
            links.append((connection.findtext("sender"), connection.findtext("receiver")))
            connections.remove(connection)
    return links


def _find(root, name: str):
    if root.objectName == name:
        return root
    return QtWidgets.QWidget.findChild(root, QtWidgets.QWidget, name)


qt.QUiLoader = QUiLoader
