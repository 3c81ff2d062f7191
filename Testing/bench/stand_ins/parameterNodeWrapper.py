"""Stand-in for ``slicer.parameterNodeWrapper``: typed properties over a MRML node, tied to widgets.

Knows the types and widgets that this project's panel uses, and stores them as Slicer does: nodes as
references, everything else as text.
"""

from __future__ import annotations

import contextlib
import enum
import typing
from dataclasses import dataclass

import slicer
import vtk

NAME_PROPERTY = "SlicerParameterName"


@dataclass(frozen=True)
class WithinRange:
    """Annotation: a number's smallest and largest value."""

    minimum: float
    maximum: float

    def check(self, value: float) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not within {self.minimum} and {self.maximum}")


class _Parameter(property):
    """One typed parameter, as a property of the wrapper."""

    def __init__(self, name: str, annotated: type, default) -> None:
        self.name, self.default = name, default
        plain = typing.get_origin(annotated) is not typing.Annotated
        self.type = annotated if plain else typing.get_args(annotated)[0]
        self.range = None if plain else typing.get_args(annotated)[1]
        super().__init__(lambda wrapper: self.read(wrapper), lambda w, value: self.write(w, value))

    @property
    def is_node(self) -> bool:
        return issubclass(self.type, slicer.vtkMRMLNode)

    def read(self, wrapper):
        node = wrapper.parameterNode
        if self.is_node:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if issubclass(self.type, enum.Enum):
            return self.type[text]
        if self.type is bool:
            return text == str(True)
        return self.type(text)

    def write(self, wrapper, value) -> None:
        node = wrapper.parameterNode
        if self.is_node:
            node.SetNodeReferenceID(self.name, value.GetID() if value else None)
            return
        if not isinstance(value, self.type):
            raise TypeError(f"{self.name} must be {self.type.__name__}, not {value!r}")
        if self.range is not None:
            self.range.check(value)
        node.SetParameter(self.name, value.name if isinstance(value, enum.Enum) else str(value))

    def write_default(self, wrapper) -> None:
        if not self.is_node and not wrapper.parameterNode.GetParameter(self.name):
            self.write(wrapper, self.default)


def parameterNodeWrapper(cls: type) -> type:
    """Turn the class's annotations into parameters of the MRML node that it is made with."""
    parameters = {
        name: _Parameter(name, annotated, getattr(cls, name, None))
        for name, annotated in typing.get_type_hints(cls, include_extras=True).items()
    }
    wrapped = type(cls.__name__, (_Wrapper,), {"__doc__": cls.__doc__, **parameters})
    wrapped.all_parameters = parameters
    return wrapped


class _Wrapper:
    all_parameters: typing.ClassVar[dict[str, _Parameter]]

    def __init__(self, parameterNode) -> None:
        self.parameterNode = parameterNode
        self._connections: dict[int, _GuiConnection] = {}
        for parameter in self.all_parameters.values():
            parameter.write_default(self)

    def AddObserver(self, event, callback, priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def connectGui(self, ui) -> int:
        """Tie every widget that names a parameter to it, both ways; returns a tag."""
        connection = _GuiConnection(self, ui)
        self._connections[connection.tag] = connection
        return connection.tag

    def disconnectGui(self, tag: int) -> None:
        self._connections.pop(tag).release()


class _GuiConnection:
    """Keeps widgets and parameters equal until released."""

    def __init__(self, wrapper: _Wrapper, ui) -> None:
        self._wrapper = wrapper
        self._updating = False
        self._links = []
        for widget in vars(ui).values():
            name = widget.property(NAME_PROPERTY)
            if name:
                self._link(wrapper.all_parameters[name], _adapter(widget))
        self.tag = wrapper.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show())

    def _link(self, parameter: _Parameter, adapter) -> None:
        adapter.prepare(parameter)
        adapter.show(parameter.read(self._wrapper))

        def take(*_) -> None:
            if not self._updating:
                parameter.write(self._wrapper, adapter.chosen())

        adapter.signal().connect(take)
        self._links.append((parameter, adapter, take))

    def _show(self) -> None:
        self._updating = True
        try:
            for parameter, adapter, _ in self._links:
                adapter.show(parameter.read(self._wrapper))
        finally:
            self._updating = False

    def release(self) -> None:
        self._wrapper.RemoveObserver(self.tag)
        for _, adapter, take in self._links:
            # PySide reports an error of another callback here, though it did disconnect.
            with contextlib.suppress(SystemError):
                adapter.signal().disconnect(take)


@dataclass
class _NodeSelector:
    widget: typing.Any

    def prepare(self, parameter: _Parameter) -> None:
        self.widget.nodeTypes = [parameter.type.__name__]

    def signal(self):
        return self.widget.currentNodeChanged

    def show(self, node) -> None:
        self.widget.setCurrentNode(node)

    def chosen(self):
        return self.widget.currentNode()


@dataclass
class _EnumList:
    widget: typing.Any

    def prepare(self, parameter: _Parameter) -> None:
        self.choices = list(parameter.type)
        self.widget.clear()
        for choice in self.choices:
            self.widget.addItem(choice.label())

    def signal(self):
        return self.widget.currentIndexChanged

    def show(self, choice: enum.Enum) -> None:
        self.widget.currentIndex = self.choices.index(choice)

    def chosen(self) -> enum.Enum:
        return self.choices[self.widget.currentIndex]


@dataclass
class _NumberField:
    widget: typing.Any

    def prepare(self, parameter: _Parameter) -> None:
        self.widget.minimum = parameter.range.minimum
        self.widget.maximum = parameter.range.maximum

    def signal(self):
        return self.widget.valueChanged

    def show(self, value: float) -> None:
        self.widget.value = value

    def chosen(self) -> float:
        return self.widget.value


@dataclass
class _CheckBox:
    widget: typing.Any

    def prepare(self, parameter: _Parameter) -> None:
        """Nothing to prepare."""

    def signal(self):
        return self.widget.stateChanged

    def show(self, value: bool) -> None:
        self.widget.checked = value

    def chosen(self) -> bool:
        return self.widget.checked


_ADAPTERS = {
    "QCheckBox": _CheckBox,
    "QComboBox": _EnumList,
    "QSpinBox": _NumberField,
    "ctkSliderWidget": _NumberField,
    "qMRMLNodeComboBox": _NodeSelector,
}


def _adapter(widget):
    return _ADAPTERS[widget.className()](widget)
