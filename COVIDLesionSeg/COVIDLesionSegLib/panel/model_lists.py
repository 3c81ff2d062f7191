"""The lists of models, of networks that vote along, and of ways to find the lungs."""

from __future__ import annotations

import qt

from .choices import ModelChoice, model_choices
from .parameter_node import COVIDLesionSegParameterNode

# Qt::CheckState, as the items of a list hold it.
_UNCHECKED, _CHECKED = 0, 2


class ModelLists:
    """Keeps three lists of the ``.ui`` file and the parameter node equal.

    Slicer's own connection of widgets and parameter nodes knows no lists that a catalogue fills.

    Attributes:
        problem: What is wrong with models that are not listed, or "".
    """

    def __init__(self, ui) -> None:
        """``ui`` holds the widgets by their names in the ``.ui`` file."""
        self._ui = ui
        self._node: COVIDLesionSegParameterNode | None = None
        choices = model_choices()
        self.problem = choices.problem
        self._lesions = {choice.id: choice for choice in choices.lesions}
        self._voters: list[ModelChoice] = []
        _fill(ui.modelComboBox, choices.lesions)
        _fill(ui.lungsComboBox, choices.lungs)
        ui.modelComboBox.connect("currentIndexChanged(int)", self._on_models_chosen)
        ui.votersComboBox.connect("checkedIndexesChanged()", self._on_models_chosen)
        ui.lungsComboBox.connect("currentIndexChanged(int)", self._on_lungs_chosen)

    def show(self, node: COVIDLesionSegParameterNode | None) -> None:
        """Show what ``node`` holds, and write there what is chosen from now on."""
        # What the lists tell while they are being set is no choice of the user's.
        self._node = None
        if node is None:
            return
        first, *others = node.model.split("+")
        _select(self._ui.modelComboBox, first)
        _select(self._ui.lungsComboBox, node.lungs)
        self._show_voters(first, others)
        ensemble = first in self._lesions and self._lesions[first].is_ensemble
        self._ui.combinationComboBox.enabled = ensemble or bool(others)
        self._node = node

    def _show_voters(self, first: str, chosen: list[str]) -> None:
        """Offer the models that tell the same classes as the first, and check those chosen."""
        classes = self._lesions[first].classes if first in self._lesions else None
        voters = [c for c in self._lesions.values() if c.classes == classes and c.id != first]
        box = self._ui.votersComboBox
        if voters != self._voters:
            self._voters = voters
            box.clear()
            _fill(box, voters)
        for index, voter in enumerate(voters):
            state = _CHECKED if voter.id in chosen else _UNCHECKED
            if box.itemData(index, qt.Qt.CheckStateRole) != state:
                box.setItemData(index, state, qt.Qt.CheckStateRole)

    def _on_models_chosen(self, index: int = 0) -> None:
        if self._node is None or self._ui.modelComboBox.currentIndex < 0:
            return
        box = self._ui.modelComboBox
        first = box.itemData(box.currentIndex)
        classes = self._lesions[first].classes
        members = [first]
        for number, voter in enumerate(self._voters):
            checked = self._ui.votersComboBox.itemData(number, qt.Qt.CheckStateRole) == _CHECKED
            if checked and voter.id != first and voter.classes == classes:
                members.append(voter.id)
        self._node.model = "+".join(members)

    def _on_lungs_chosen(self, index: int) -> None:
        if self._node is not None and index >= 0:
            self._node.lungs = self._ui.lungsComboBox.itemData(index)


def _fill(box, choices: list[ModelChoice]) -> None:
    for choice in choices:
        box.addItem(choice.label, choice.id)


def _select(box, value: str) -> None:
    box.currentIndex = box.findData(value)
