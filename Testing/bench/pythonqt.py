"""The manners of PythonQt, the Qt binding inside Slicer, for PySide6 classes.

In PythonQt a Qt property is an attribute (``button.text``, ``button.enabled = True``), an unknown
attribute cannot be set, and signals may be connected by their C++ signature
(``button.connect("clicked(bool)", slot)``).
"""

from __future__ import annotations

import types
from functools import cache

from PySide6 import QtCore

WRAPPED_MODULES = ("qt", "ctk", "slicer")

_alive: set = set()


@cache
def _writable_properties(cls: type) -> dict[str, bool]:
    """Every Qt property of the class, and whether it can be written."""
    meta = cls.staticMetaObject
    properties = (meta.property(index) for index in range(meta.propertyCount()))
    return {str(one.name()): one.isWritable() for one in properties}


class PythonQtManners:
    """Mixed into a PySide6 class, before it in the bases."""

    loading_ui = False  # QUiLoader sets child widgets as attributes of their parents

    def __getattribute__(self, name: str):
        # Shiboken gives these two a treatment of its own, before any class attribute.
        if name in ("connect", "disconnect"):
            return types.MethodType(getattr(PythonQtManners, name), self)
        if name == "name":
            name = "objectName"
        if not name.startswith("_") and name in _writable_properties(type(self)):
            return super().__getattribute__("property")(name)
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value) -> None:
        if name == "name":
            name = "objectName"
        properties = _writable_properties(type(self))
        if name in properties:
            self._set_property(name, value, properties[name])
        elif self._takes_attributes(name):
            super().__setattr__(name, value)
        else:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def _set_property(self, name: str, value, writable: bool) -> None:
        if not writable:
            raise AttributeError(f"{type(self).__name__}.{name} cannot be written")
        value = list(value) if isinstance(value, tuple) else value
        if not self.setProperty(name, value):
            raise ValueError(f"{value!r} does not fit {type(self).__name__}.{name}")

    def _takes_attributes(self, name: str) -> bool:
        python_subclass = type(self).__module__ not in WRAPPED_MODULES
        known = name.startswith("_") or hasattr(type(self), name)
        return PythonQtManners.loading_ui or python_subclass or known

    def connect(self, signature: str, receiver) -> bool:
        self._signal(signature).connect(receiver)
        return True

    def disconnect(self, signature: str, receiver=None) -> bool:
        signal = self._signal(signature)
        signal.disconnect(receiver) if receiver else signal.disconnect()
        return True

    def _signal(self, signature: str):
        name, _, arguments = signature.rstrip(")").partition("(")
        signal = super().__getattribute__(name)
        try:
            return signal[arguments] if arguments else signal
        except (KeyError, IndexError, TypeError):  # the only overload, or a VTK argument
            return signal

    def className(self) -> str:
        return type(self).__name__

    def exec_(self, *arguments):
        return self.exec(*arguments)


def with_pythonqt_manners(cls: type, module: str = "qt") -> type:
    """The PySide6 class with PythonQt's manners, under its own name."""
    return type(cls.__name__, (PythonQtManners, cls), {"__module__": module})


def keep_alive(qt_object: QtCore.QObject) -> QtCore.QObject:
    """Keep the Python half of an object that Qt owns, and with it its manners."""
    _alive.add(qt_object)
    return qt_object


def forget_all() -> None:
    """Let go of everything that :func:`keep_alive` kept."""
    _alive.clear()
