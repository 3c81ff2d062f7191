"""Model: the lesion model, the lung extractor, the device and advanced settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import qt

from ..choices import Device, ModelChoice, devices, model_choices
from ..section import Panel, Section

if TYPE_CHECKING:
    from ..parameter_node import COVIDLesionSegParameterNode

# Qt::CheckState, as the items of a list hold it.
_UNCHECKED, _CHECKED = 0, 2


class ModelSection(Section):
    """Keeps four lists of the ``.ui`` file and the parameter node equal.

    Slicer's own connection of widgets and parameter nodes knows no lists that depend on a catalogue
    or on the computer.

    Attributes:
        problem: What is wrong with models that are not listed, or "".
    """

    UI_FILE = "Model"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        ui = self.ui
        self._node: COVIDLesionSegParameterNode | None = None
        choices = model_choices()
        self.problem = choices.problem
        self._lesions = {choice.id: choice for choice in choices.lesions}
        self._members: list[ModelChoice] = []
        _fill(ui.modelComboBox, ((choice.label, choice.id) for choice in choices.lesions))
        _fill(ui.lungsComboBox, ((choice.label, choice.id) for choice in choices.lungs))
        _fill(ui.deviceComboBox, ((device.label(), device.value) for device in devices()))
        ui.modelComboBox.connect("currentIndexChanged(int)", self._on_models_chosen)
        ui.membersComboBox.connect("checkedIndexesChanged()", self._on_models_chosen)
        ui.lungsComboBox.connect("currentIndexChanged(int)", self._on_lungs_chosen)
        ui.deviceComboBox.connect("currentIndexChanged(int)", self._on_device_chosen)

    def show_state(self) -> None:
        self.root.enabled = not self.panel.busy

    def show_parameters(self, node: COVIDLesionSegParameterNode | None) -> None:
        """Show what ``node`` holds, and write there what is chosen from now on."""
        # What the lists tell while they are being set is no choice of the user's.
        self._node = None
        if node is None:
            return
        if node.device not in devices():  # of the computer that saved the scene
            node.device = Device.AUTO
        first, *others = node.model.split("+")
        _select(self.ui.modelComboBox, first)
        _select(self.ui.lungsComboBox, node.lungs)
        _select(self.ui.deviceComboBox, node.device.value)
        self._show_members(first, others)
        ensemble = first in self._lesions and self._lesions[first].is_ensemble
        self.ui.combinationComboBox.enabled = ensemble or bool(others)
        self._node = node

    def _show_members(self, first: str, chosen: list[str]) -> None:
        """List the models with the same classes as the first, and check those chosen."""
        classes = self._lesions[first].classes if first in self._lesions else None
        members = [c for c in self._lesions.values() if c.classes == classes and c.id != first]
        box = self.ui.membersComboBox
        if members != self._members:
            self._members = members
            box.clear()
            _fill(box, ((choice.label, choice.id) for choice in members))
        for index, member in enumerate(members):
            state = _CHECKED if member.id in chosen else _UNCHECKED
            if box.itemData(index, qt.Qt.CheckStateRole) != state:
                box.setItemData(index, state, qt.Qt.CheckStateRole)

    def _on_models_chosen(self, index: int = 0) -> None:
        box = self.ui.modelComboBox
        if self._node is None or box.currentIndex < 0:
            return
        first = box.itemData(box.currentIndex)
        classes = self._lesions[first].classes
        members = [first]
        for number, member in enumerate(self._members):
            checked = self.ui.membersComboBox.itemData(number, qt.Qt.CheckStateRole) == _CHECKED
            if checked and member.id != first and member.classes == classes:
                members.append(member.id)
        self._node.model = "+".join(members)

    def _on_lungs_chosen(self, index: int) -> None:
        if self._node is not None and index >= 0:
            self._node.lungs = self.ui.lungsComboBox.itemData(index)

    def _on_device_chosen(self, index: int) -> None:
        if self._node is not None and index >= 0:
            self._node.device = Device(self.ui.deviceComboBox.itemData(index))


def _fill(box: qt.QComboBox, choices: Iterable[tuple[str, str]]) -> None:
    """Add items with these labels and values."""
    for label, value in choices:
        box.addItem(label, value)


def _select(box: qt.QComboBox, value: str) -> None:
    box.currentIndex = box.findData(value)
