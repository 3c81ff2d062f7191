"""The module ``ctk``: the few CTK widgets that panels use, as PySide6 widgets that look alike."""

from __future__ import annotations

import types

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Signal

from .properties import forwarded, stored
from .pythonqt import PythonQtManners, with_pythonqt_manners

ctk = types.ModuleType("ctk")


def _part_of_ctk(cls: type) -> type:
    cls.__module__ = "ctk"
    setattr(ctk, cls.__name__, cls)
    return cls


@_part_of_ctk
class ctkCollapsibleButton(PythonQtManners, QtWidgets.QWidget):
    """A titled section that folds away."""

    TITLE_HEIGHT = 26
    UNLIMITED = (1 << 24) - 1  # Qt's QWIDGETSIZE_MAX

    contentsCollapsed = Signal(bool)
    text = stored(str, "text", "")
    collapsed = stored(bool, "collapsed", False)

    def __init__(self, *arguments) -> None:
        parent = next((one for one in arguments if isinstance(one, QtWidgets.QWidget)), None)
        QtWidgets.QWidget.__init__(self, parent)
        self.setContentsMargins(8, self.TITLE_HEIGHT + 4, 0, 4)

    def property_changed(self, name: str, value) -> None:
        if name == "collapsed":
            self._fold()
            self.contentsCollapsed.emit(value)
        self.update()

    def _fold(self) -> None:
        children = QtCore.Qt.FindChildOption.FindDirectChildrenOnly
        for child in QtWidgets.QWidget.findChildren(self, QtWidgets.QWidget, options=children):
            child.setVisible(not self.collapsed)
        self.setMaximumHeight(self.TITLE_HEIGHT if self.collapsed else self.UNLIMITED)

    def childEvent(self, event) -> None:
        if event.added() and self.collapsed and event.child().isWidgetType():
            event.child().setVisible(False)
        QtWidgets.QWidget.childEvent(self, event)

    def showEvent(self, event) -> None:
        if self.collapsed:
            self._fold()

    def mousePressEvent(self, event) -> None:
        if event.position().y() < self.TITLE_HEIGHT:
            self.collapsed = not self.collapsed

    def paintEvent(self, event) -> None:
        title = QtWidgets.QStyleOptionButton()
        title.rect = QtCore.QRect(0, 0, self.width, self.TITLE_HEIGHT)
        title.state = QtWidgets.QStyle.StateFlag.State_Enabled
        title.palette = self.palette
        title.text = f"{'▸' if self.collapsed else '▾'} {self.text}"
        painter = QtGui.QPainter(self)
        self.style().drawControl(
            QtWidgets.QStyle.ControlElement.CE_PushButton, title, painter, self
        )
        painter.end()


@_part_of_ctk
class ctkCheckableComboBox(PythonQtManners, QtWidgets.QComboBox):
    """A drop-down list whose items are checked; closed, it names those that are."""

    checkedIndexesChanged = Signal()

    def __init__(self, parent=None) -> None:
        QtWidgets.QComboBox.__init__(self, parent)
        self._checked: list[str] = []
        model = QtWidgets.QComboBox.model(self)
        model.rowsInserted.connect(self._make_checkable)
        model.dataChanged.connect(self._on_data_changed)

    def _make_checkable(self, parent, first: int, last: int) -> None:
        for row in range(first, last + 1):
            item = QtWidgets.QComboBox.model(self).item(row)
            item.setCheckable(True)
            item.setCheckState(QtCore.Qt.CheckState.Unchecked)

    def _on_data_changed(self, *_) -> None:
        model = QtWidgets.QComboBox.model(self)
        items = [model.item(row) for row in range(model.rowCount())]
        checked = [i.text() for i in items if i.checkState() == QtCore.Qt.CheckState.Checked]
        if checked != self._checked:
            self._checked = checked
            self.checkedIndexesChanged.emit()

    def paintEvent(self, event) -> None:
        painter = QtWidgets.QStylePainter(self)
        option = QtWidgets.QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = ", ".join(self._checked) or "None"
        painter.drawComplexControl(QtWidgets.QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QtWidgets.QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


@_part_of_ctk
class ctkSliderWidget(PythonQtManners, QtWidgets.QWidget):
    """A slider with a number field."""

    STEPS = 1000

    valueChanged = Signal(float)
    value = forwarded(float, "_field", "value")
    minimum = forwarded(float, "_field", "minimum")
    maximum = forwarded(float, "_field", "maximum")
    singleStep = forwarded(float, "_field", "singleStep")
    decimals = forwarded(int, "_field", "decimals")
    suffix = forwarded(str, "_field", "suffix")
    pageStep = stored(float, "pageStep", 1.0)

    def __init__(self, parent=None) -> None:
        QtWidgets.QWidget.__init__(self, parent)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._slider.setRange(0, self.STEPS)
        self._field = QtWidgets.QDoubleSpinBox()
        row.addWidget(self._slider)
        row.addWidget(self._field)
        self._field.valueChanged.connect(self._on_field)
        self._slider.sliderMoved.connect(self._on_slider)

    def property_changed(self, name: str, value) -> None:
        """Nothing else depends on a stored property."""

    def _on_field(self, value: float) -> None:
        span = (self.maximum - self.minimum) or 1.0
        self._slider.setValue(round(self.STEPS * (value - self.minimum) / span))
        self.valueChanged.emit(value)

    def _on_slider(self, step: int) -> None:
        self.value = self.minimum + (self.maximum - self.minimum) * step / self.STEPS


@_part_of_ctk
class ctkMessageBox(PythonQtManners, QtWidgets.QMessageBox):
    """Never waits for a person: it notes what it would have asked and answers at once."""

    shown: list[str] = []
    answer = QtWidgets.QMessageBox.StandardButton.Ok

    def exec_(self, *arguments):
        ctkMessageBox.shown.append(self.text)
        return ctkMessageBox.answer

    def clickedButton(self):
        """The button with the text that is the answer, of a box with buttons of its own."""
        texts = [button.text() for button in self.buttons()]
        answer = ctkMessageBox.answer
        return types.SimpleNamespace(text=answer) if answer in texts else None


# Named by Slicer's own connectors and utilities, and used by them only to compare types.
for _name, _base in {
    "ctkCheckBox": QtWidgets.QCheckBox,
    "ctkCheckablePushButton": QtWidgets.QPushButton,
    "ctkColorPickerButton": QtWidgets.QPushButton,
    "ctkComboBox": QtWidgets.QComboBox,
    "ctkDirectoryButton": QtWidgets.QPushButton,
    "ctkDoubleRangeSlider": QtWidgets.QWidget,
    "ctkDoubleSlider": QtWidgets.QSlider,
    "ctkDoubleSpinBox": QtWidgets.QDoubleSpinBox,
    "ctkPathLineEdit": QtWidgets.QLineEdit,
    "ctkRangeWidget": QtWidgets.QWidget,
    "ctkSearchBox": QtWidgets.QLineEdit,
}.items():
    setattr(ctk, _name, type(_name, (with_pythonqt_manners(_base, "ctk"),), {"__module__": "ctk"}))
