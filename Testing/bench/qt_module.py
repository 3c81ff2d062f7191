"""The module ``qt``: every PySide6 class, with PythonQt's manners where it is a QObject."""

from __future__ import annotations

import types

from PySide6 import QtCore, QtGui, QtWidgets

from .pythonqt import with_pythonqt_manners

_SOURCES = (QtWidgets, QtGui, QtCore)
_UNCHANGED = (QtWidgets.QApplication, QtCore.QObject)


class QtModule(types.ModuleType):
    """Fills itself on first use: ``qt.QLabel``, ``qt.Qt``, ``qt.QTimer``, ..."""

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        for source in _SOURCES:
            if hasattr(source, name):
                found = getattr(source, name)
                if _is_qobject_class(found):
                    found = with_pythonqt_manners(found)
                setattr(self, name, found)
                return found
        raise AttributeError(f"module qt has no attribute {name!r}")


def _is_qobject_class(found) -> bool:
    is_class = isinstance(found, type) and issubclass(found, QtCore.QObject)
    return is_class and found not in _UNCHANGED


qt = QtModule("qt")
