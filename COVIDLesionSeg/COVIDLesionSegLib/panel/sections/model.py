"""Model: the searchable list of lesion models with details, and advanced settings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ...engine.errors import InputError, ModelError
from ...engine.models.speed import read_speeds, speed_of
from ...engine.volume.geometry import AxialOrder
from ...scene.volumes import world_geometry
from ..choices import Device, classifier_choices, devices, lung_choices, opinion_choices
from ..colors import show_html
from ..model_text import (
    details_html,
    dice_sentence,
    dice_text,
    seconds_text,
    short_line,
    speed_sentence,
)
from ..section import Panel, Section
from ..widgets import fit_rows, set_cell, share_width

if TYPE_CHECKING:
    from ...engine.models.catalogue import Catalogue
    from ...engine.models.listing import ListedModel
    from ...engine.models.speed import Speed
    from ..parameter_node import COVIDLesionSegParameterNode

# Qt::CheckState, as the items of a list hold it.
_UNCHECKED, _CHECKED = 0, 2
_TITLE, _DICE, _SECONDS = range(3)
_SHOW_UNTRAINED = "COVIDLesionSeg/ShowModelsWithoutWeights"
"""Key in Slicer's settings."""
_USUAL_SLICES = 100
"""Axial slices of the CT that times are shown for where none is selected."""


class ModelSection(Section):
    """Keeps the list of models, five more lists of the ``.ui`` file and the parameter node equal.

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
        # By the name of what they choose in the parameter node.
        self._choices = {
            "lungs": ui.lungsComboBox,
            "secondOpinion": ui.opinionComboBox,
            "sliceClassifier": ui.classifierComboBox,
            "device": ui.deviceComboBox,
        }
        self._models: dict[str, ListedModel] = {}
        self._members: list[ListedModel] = []
        self._lungs: list[tuple[str, str]] = []
        self._catalogue: Catalogue | None = None
        self._speeds: list[Speed] = []
        self._slices = _USUAL_SLICES
        self._details = ""
        self._shown_times: object = None
        self.problem = ""
        share_width(ui.modelTable, wide=(_TITLE,))
        fit_rows(ui.modelTable)
        _fill(ui.deviceComboBox, ((device.label(), device.value) for device in devices()))
        ui.showUntrainedCheckBox.checked = slicer.util.settingsValue(
            _SHOW_UNTRAINED, False, slicer.util.toBool
        )
        self.models_changed()
        ui.modelTable.connect("itemSelectionChanged()", self._on_models_chosen)
        ui.searchBox.connect("textChanged(QString)", self._on_filter)
        ui.showUntrainedCheckBox.connect("toggled(bool)", self._on_show_untrained)
        ui.membersComboBox.connect("checkedIndexesChanged()", self._on_models_chosen)
        for name, box in self._choices.items():
            box.connect("currentIndexChanged(int)", partial(self._write_choice, name))

    # The panel's calls

    def show_state(self) -> None:
        self.root.enabled = not self.panel.busy

    def show_result(self, in_views: bool, new: bool) -> None:
        if new:  # the run has measured its own time
            self._speeds = read_speeds()
        ct = self.panel.ct
        try:
            grid = world_geometry(ct) if ct is not None else None
        except InputError:  # told when it is to be segmented
            grid = None
        self._slices = grid.shape[AxialOrder.of(grid).permutation[0]] if grid else _USUAL_SLICES
        self._show_times()
        self._show_details()

    def palette_changed(self) -> None:
        show_html(self.ui.detailsBrowser, self._details)

    def models_changed(self) -> None:
        """List the models of the catalogue anew; the parameter node stays as it is."""
        node, self._node = self._node, None
        self._speeds = read_speeds()
        self._catalogue = self._load_catalogue()
        self._fill_table()
        self._lungs = []
        self.ui.lungsComboBox.clear()
        for box, choices in (
            (self.ui.opinionComboBox, opinion_choices(self._catalogue)),
            (self.ui.classifierComboBox, classifier_choices(self._catalogue)),
        ):
            box.clear()
            _fill(box, ((label, name) for name, label in choices))
        self._members = []
        self.ui.membersComboBox.clear()
        self.show_parameters(node)

    def show_parameters(self, node: COVIDLesionSegParameterNode | None) -> None:
        """Show what ``node`` holds, and write there what is chosen from now on."""
        # What the lists tell while they are being set is no choice of the user's.
        self._node = None
        self._list_lungs(node.lungs if node else "")
        if node is None:
            return
        if node.device not in devices():  # of the computer that saved the scene
            node.device = Device.AUTO
        first, *others = node.model.split("+")
        self._select(first)
        for name, box in self._choices.items():
            value = getattr(node, name)
            box.currentIndex = box.findData(value.value if isinstance(value, Device) else value)
        self._show_members(first, others)
        chosen = self._models.get(first)
        several = chosen is not None and (chosen.is_ensemble or len(chosen.classes) > 1)
        self.ui.combinationComboBox.enabled = several or bool(others)
        self._node = node
        self._on_filter()
        self._show_times()
        self._show_details()

    # The list

    def _load_catalogue(self) -> Catalogue | None:
        from ...engine.models.catalogue import load_catalogue
        from ...engine.models.listing import list_models

        try:
            catalogue = load_catalogue()
        except ModelError as error:
            self.problem, self._models = str(error), {}
            return None
        self.problem = " ".join(catalogue.problems)
        self._models = {model.id: model for model in list_models(catalogue)}
        return catalogue

    def _fill_table(self) -> None:
        table = self.ui.modelTable
        self._shown_times = None
        table.clearContents()
        table.rowCount = len(self._models)
        for row, one in enumerate(self._models.values()):
            title = set_cell(table, row, _TITLE, f"{one.title}\n{short_line(one)}")
            title.setData(qt.Qt.UserRole, one.id)
            set_cell(table, row, _DICE, dice_text(one.dice), dice_sentence(one.dice))
            set_cell(table, row, _SECONDS, "")

    def _show_times(self) -> None:
        device = self._node.device if self._node else Device.AUTO
        shown = (device, self._slices, tuple(self._speeds))
        if shown == self._shown_times:
            return
        self._shown_times = shown
        for row, one in enumerate(self._models.values()):
            speed = self._speed_of(one)
            cell = self.ui.modelTable.item(row, _SECONDS)
            cell.setText(seconds_text(speed, self._slices))
            cell.setToolTip(speed_sentence(speed))
        self.ui.modelTable.horizontalHeaderItem(_SECONDS).setToolTip(
            _("Expected time for a CT of {slices} slices on the chosen device.").format(
                slices=self._slices
            )
        )

    def _speed_of(self, one: ListedModel) -> Speed | None:
        device = self._node.device.value if self._node else Device.AUTO.value
        return speed_of(self._speeds, (model.id for model in one.models), device)

    def _show_details(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            self.root.text = _("Model")
            self._details = ""
            show_html(self.ui.detailsBrowser, "")
            return
        others = len(self._node.model.split("+")) - 1 if self._node else 0
        title = _("Model: {title}") if not others else _("Model: {title} and {others} more")
        self.root.text = title.format(title=chosen.title, others=others)
        details = details_html(chosen, self._speed_of(chosen))
        if details != self._details:  # set again, it would jump to its beginning
            self._details = details
            show_html(self.ui.detailsBrowser, details)

    def _chosen(self) -> ListedModel | None:
        cell = self.ui.modelTable.item(self.ui.modelTable.currentRow(), _TITLE)
        # While the list is filled anew, the selected row may be that of a model that is gone.
        return self._models.get(cell.data(qt.Qt.UserRole)) if cell is not None else None

    def _select(self, model_id: str) -> None:
        rows = [row for row, id_ in enumerate(self._models) if id_ == model_id]
        self.ui.modelTable.setCurrentCell(rows[0] if rows else -1, _TITLE)

    def _on_filter(self, *_changed: object) -> None:
        """Hide what the search does not find, and untrained models; never the chosen one."""
        search = self.ui.searchBox.text
        untrained = self.ui.showUntrainedCheckBox.checked
        chosen = self._chosen()
        for row, one in enumerate(self._models.values()):
            wanted = one.matches(search) and (one.trained or untrained)
            hidden = not (wanted or one is chosen)
            if self.ui.modelTable.isRowHidden(row) is not hidden:
                self.ui.modelTable.setRowHidden(row, hidden)

    def _list_lungs(self, chosen: str) -> None:
        """List the ways to find lungs: models without weights on request, and the chosen one."""
        lungs = [
            (name, label)
            for name, label in lung_choices(self._catalogue)
            if name == chosen or self._is_wanted(name)
        ]
        if lungs != self._lungs:
            self._lungs = lungs
            self.ui.lungsComboBox.clear()
            _fill(self.ui.lungsComboBox, ((label, name) for name, label in lungs))

    def _is_wanted(self, name: str) -> bool:
        models = self._catalogue.models if self._catalogue else ()
        untrained = {model.id for model in models if model.card.weights is None}
        return self.ui.showUntrainedCheckBox.checked or name not in untrained

    # The user's choices

    def _on_show_untrained(self, shown: bool) -> None:
        qt.QSettings().setValue(_SHOW_UNTRAINED, "true" if shown else "false")
        self.show_parameters(self._node)

    def _show_members(self, first: str, chosen: list[str]) -> None:
        """List the models with the same classes as the first, and check those chosen."""
        classes = self._models[first].classes if first in self._models else None
        members = [
            model
            for model in self._models.values()
            if model.classes == classes
            and model.id != first
            and (model.trained or model.id in chosen or self.ui.showUntrainedCheckBox.checked)
        ]
        box = self.ui.membersComboBox
        if members != self._members:
            self._members = members
            box.clear()
            _fill(box, ((_member_label(member), member.id) for member in members))
        for index, member in enumerate(members):
            state = _CHECKED if member.id in chosen else _UNCHECKED
            if box.itemData(index, qt.Qt.CheckStateRole) != state:
                box.setItemData(index, state, qt.Qt.CheckStateRole)

    def _on_models_chosen(self) -> None:
        chosen = self._chosen()
        if self._node is None or chosen is None:
            return
        members = [chosen.id]
        for number, member in enumerate(self._members):
            checked = self.ui.membersComboBox.itemData(number, qt.Qt.CheckStateRole) == _CHECKED
            if checked and member.id != chosen.id and member.classes == chosen.classes:
                members.append(member.id)
        self._node.model = "+".join(members)

    def _write_choice(self, name: str, index: int) -> None:
        if self._node is not None and index >= 0:
            as_held = type(getattr(self._node, name))
            setattr(self._node, name, as_held(self._choices[name].itemData(index)))


def _member_label(one: ListedModel) -> str:
    if one.trained:
        return one.title
    return str(_("{title} (not trained)").format(title=one.title))


def _fill(box: qt.QComboBox, choices: Iterable[tuple[str, str]]) -> None:
    """Add items with these labels and values."""
    for label, value in choices:
        box.addItem(label, value)
