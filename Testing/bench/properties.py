"""Qt properties for Python-made widgets, so that a ``.ui`` file can set them."""

from __future__ import annotations

from PySide6.QtCore import Property


def stored(kind: type | str, name: str, default) -> Property:
    """A property that keeps its value and calls the widget's ``property_changed(name, value)``."""

    def read(widget):
        return widget.__dict__.get(f"_{name}", default)

    def write(widget, value) -> None:
        if read(widget) != value:
            widget.__dict__[f"_{name}"] = value
            widget.property_changed(name, value)

    return Property(kind, read, write)


def forwarded(kind: type, child: str, name: str) -> Property:
    """A property that is the property ``name`` of the child widget kept in ``child``."""

    def read(widget):
        return widget.__dict__[child].property(name)

    def write(widget, value) -> None:
        widget.__dict__[child].setProperty(name, value)

    return Property(kind, read, write)
