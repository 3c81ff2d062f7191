"""Correction: Slicer's Segment Editor on the result, prepared for lesions inside the lungs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from ...engine.labels import CLASSES, segment_id
from ...engine.text import millilitres
from ...scene import names
from ...scene.comparison import outline_visible, show_outline
from ...scene.editing import (
    DENSITIES_HU,
    HuRange,
    discard_corrections,
    editor_node,
    is_lung,
    keep_classes_apart,
    prepare_editor,
)
from ...scene.segmentation import own_segment_ids
from ..section import Panel, Section

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode, vtkMRMLSegmentEditorNode

    from ...engine.severity.correction import Correction

# Not "Grow from seeds": it would cut the lungs, which are segments, too.
EFFECTS = ("Paint", "Draw", "Erase", "Scissors", "Threshold", "Margin", "Smoothing", "Islands")
_UNDO_STATES = 10
_OPTIONS_FONT = 0.9  # of the panel's: they are made for a wider one
_EDITOR_ROW = 3  # of the section, below what the brush paints


class CorrectionSection(Section, VTKObservationMixin):
    """Holds an editor, made when the section is first unfolded, and shows what it changed."""

    UI_FILE = "Correction"

    def __init__(self, panel: Panel) -> None:
        Section.__init__(self, panel)
        VTKObservationMixin.__init__(self)
        self._editor: Any = None
        self._options: Any = None
        self._options_area: Any = None
        self._node: vtkMRMLSegmentEditorNode | None = None
        self._chosen: tuple[str, str] = ("", "")
        self._ranges = dict(DENSITIES_HU)
        self._density: str | None = None
        self._outlined: vtkMRMLSegmentationNode | None = None
        self._entered = False
        self._showing = False
        self._does: dict[str, str] = {}
        ui = self.ui
        self._density_buttons = {
            None: ui.anyDensityButton,
            CLASSES[0]: ui.groundGlassButton,
            CLASSES[1]: ui.consolidationButton,
        }
        for button in self._density_buttons.values():
            button.connect("clicked()", self._on_density_chosen)
        for box in (ui.densityFromSpinBox, ui.densityToSpinBox):
            box.connect("valueChanged(int)", self._on_range_changed)
        ui.compareButton.connect("toggled(bool)", self._on_compare)
        ui.discardButton.connect("clicked()", self._on_discard)
        ui.changesTable.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        ui.changesTable.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        self.root.connect("contentsCollapsed(bool)", self._on_collapsed)
        panel.corrections.before_measuring = self._keep_classes_apart
        panel.corrections.on_change(self._show_changes)

    # The panel's calls

    def show_result(self, in_views: bool, new: bool) -> None:
        if new:  # what the editor remembers for its Undo is of the run before
            self._release()
        self._show_case()
        self._show_changes()

    def show_state(self) -> None:
        shown = not self.panel.busy and self.panel.result is not None
        self.root.visible = shown
        if not shown:
            self._stop_editing()

    def enter(self) -> None:
        self._entered = True
        self._show_case()

    def exit(self) -> None:
        if self.panel.corrections.pending:
            self._keep_classes_apart()
        self._entered = False
        self._stop_editing()

    def scene_closing(self) -> None:
        self._release()

    def close(self) -> None:
        self._release()
        if self._editor is not None:
            self._editor.setMRMLSegmentEditorNode(None)
            self._editor.setMRMLScene(None)
            self._editor = None  # it is deleted with the section that it lies in

    # The editor

    @property
    def _in_use(self) -> bool:
        return self._editor is not None and self._node is not None

    def _on_collapsed(self, collapsed: bool) -> None:
        if collapsed:
            self._stop_editing()
        else:
            self._show_case()
            self._show_changes()

    def _show_case(self) -> None:
        """Put the case on show into the editor, if the section is open."""
        result, ct = self.panel.result, self.panel.ct
        self._show_outline()
        if result is None or ct is None:
            self._keep_classes_apart()  # in the case before
            self._release()
        elif not self.root.collapsed:
            self._prepare_editor()
            if self._editor.segmentationNode() is not result.segmentationNode:
                self._keep_classes_apart()  # in the case before
                self._editor.setSegmentationNode(result.segmentationNode)
                self._editor.setSourceVolumeNode(ct)
                self._choose_first_segment(result.segmentationNode)
            if self._entered:
                self._editor.installKeyboardShortcuts()
        self._show_controls()

    def _prepare_editor(self) -> None:
        node = editor_node(slicer.mrmlScene)
        if self._editor is None:
            self._editor = self._make_editor(node)
        if node is not self._node:
            self._node = node
            self._editor.setMRMLSegmentEditorNode(node)
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self._on_editor_changed)

    def _make_editor(self, node: vtkMRMLSegmentEditorNode) -> Any:
        editor = slicer.qMRMLSegmentEditorWidget()
        # Its node before its scene, so that the first segmentation is not chosen on the way.
        editor.setMRMLSegmentEditorNode(node)
        editor.setMRMLScene(slicer.mrmlScene)
        editor.maximumNumberOfUndoStates = _UNDO_STATES
        editor.segmentationNodeSelectorVisible = False
        editor.sourceVolumeNodeSelectorVisible = False
        editor.switchToSegmentationsButtonVisible = False
        editor.addRemoveSegmentButtonsVisible = False
        editor.specifyGeometryButtonVisible = False
        editor.maskingSectionVisible = False
        editor.autoShowSourceVolumeNode = False  # it would take the overlay off the views
        editor.jumpToSelectedSegmentEnabled = False
        editor.unorderedEffectsVisible = False
        editor.setEffectNameOrder(EFFECTS)
        # Options beside the list of segments would make the panel wider than it is.
        self._options = slicer.util.findChild(editor, "OptionsGroupBox")
        font = self._options.font
        font.setPointSizeF(_OPTIONS_FONT * font.pointSizeF())
        self._options.font = font
        self._options.layout().setContentsMargins(0, 0, 0, 0)
        self._options_area = qt.QScrollArea()
        self._options_area.setWidget(self._options)
        self._options_area.widgetResizable = True
        self._options_area.setFrameShape(qt.QFrame.NoFrame)
        self.root.layout().insertRow(_EDITOR_ROW, editor)
        self.root.layout().insertRow(_EDITOR_ROW + 1, self._options_area)
        return editor

    def _fit_options(self) -> None:
        """Show the options of the active effect whole; what is too wide can be scrolled."""
        if self._editor is None:
            return
        self._options_area.visible = bool(self._chosen[1])
        height = self._options.sizeHint.height()
        if self._options.minimumSizeHint.width() > self._options_area.width:
            height += self._options_area.horizontalScrollBar().sizeHint.height()
        self._options_area.setFixedHeight(height)

    def _choose_first_segment(self, segmentation: vtkMRMLSegmentationNode) -> None:
        ids = own_segment_ids(segmentation)
        lesions = [id_ for id_ in ids if not is_lung(id_)]
        for id_ in (lesions or ids)[:1]:
            self._editor.setCurrentSegmentID(id_)

    def _on_editor_changed(self, caller: vtk.vtkObject, event: str) -> None:
        """Another segment or effect was chosen."""
        if self._node is None:
            return
        chosen = (self._node.GetSelectedSegmentID() or "", self._node.GetActiveEffectName() or "")
        if chosen == self._chosen:
            return
        if chosen[0] != self._chosen[0]:
            if self.panel.corrections.pending:
                self._keep_classes_apart()  # the strokes were of the segment before
            classes = {segment_id(name): name for name in DENSITIES_HU}
            self._density = classes.get(chosen[0])
        self._chosen = chosen
        self._limit_editor()
        self._show_outline()
        qt.QTimer.singleShot(0, self._fit_options)  # the options are exchanged after this

    def _limit_editor(self) -> None:
        if self._node is not None:
            prepare_editor(self._node, self._range)
        self._show_controls()

    def _stop_editing(self) -> None:
        if self._in_use:
            self._editor.setActiveEffect(None)
            self._editor.uninstallKeyboardShortcuts()
            self._editor.removeViewObservations()

    def _release(self) -> None:
        """Take the case out of the editor, with what its Undo remembers."""
        if self._in_use:
            self._stop_editing()
            self._editor.setSegmentationNode(None)
        self.removeObservers()
        self._node = None
        self._chosen = ("", "")

    def _keep_classes_apart(self) -> None:
        """Where strokes of the chosen segment lie, no other class is left.

        While another module is open it is not known which segment is edited there.
        """
        segmentation = self._editor.segmentationNode() if self._in_use else None
        if not self._entered or segmentation is None:
            return
        if slicer.mrmlScene.IsNodePresent(segmentation) and segmentation.GetNodeReference(
            names.CT_REFERENCE
        ):
            keep_classes_apart(segmentation, self._chosen[0])

    # What the brush paints

    @property
    def _range(self) -> HuRange | None:
        return None if self._density is None else self._ranges[self._density]

    def _on_density_chosen(self) -> None:
        for density, button in self._density_buttons.items():
            if button.checked:
                self._density = density
        self._limit_editor()

    def _on_range_changed(self, value: int) -> None:
        if self._density is not None and not self._showing:
            low, high = self.ui.densityFromSpinBox.value, self.ui.densityToSpinBox.value
            self._ranges[self._density] = (float(min(low, high)), float(max(low, high)))
            self._limit_editor()

    def _show_controls(self) -> None:
        """Press the button of the density that is painted, and show its range."""
        edits_lung = is_lung(self._chosen[0])
        why_not = _("Choose a lesion in the list of segments: lungs are painted at any density.")
        for density, button in self._density_buttons.items():
            if density == (None if edits_lung else self._density):
                button.checked = True  # which releases the others
            button.enabled = not edits_lung
            self._explain(button, why_not if edits_lung else "")
        shown = None if edits_lung else self._range
        for box, value in zip(
            (self.ui.densityFromSpinBox, self.ui.densityToSpinBox),
            shown or next(iter(self._ranges.values())),
            strict=True,
        ):
            self._showing = True
            box.value = round(value)
            self._showing = False
            box.enabled = shown is not None
            self._explain(
                box, "" if shown else why_not if edits_lung else _("Choose GGO or Consolidation.")
            )
        self.ui.correctionHintLabel.text = (
            _("A lung is edited anywhere. Lesions stay as they are.")
            if edits_lung
            else _("Lesions are edited inside the lungs only. The lungs stay whole.")
        )

    # What changed

    def _on_compare(self, visible: bool) -> None:
        result = self.panel.result
        if result is not None and result.predictionNode is not None:
            show_outline(result.predictionNode, self._outlined_id if visible else None)

    @property
    def _outlined_id(self) -> str | None:
        result = self.panel.result
        if self._chosen[0] or result is None:
            return self._chosen[0] or None
        lesions = [id_ for id_ in own_segment_ids(result.segmentationNode) if not is_lung(id_)]
        return lesions[0] if lesions else None

    def _show_outline(self) -> None:
        """Show the outline of the chosen segment if that is wanted, and hide another case's."""
        result, button = self.panel.result, self.ui.compareButton
        prediction = None if result is None else result.predictionNode
        other, self._outlined = self._outlined, prediction
        if other is not None and other is not prediction and slicer.mrmlScene.IsNodePresent(other):
            show_outline(other, None)
        if prediction is None:
            return
        if other is not prediction and outline_visible(prediction):  # as the scene was saved
            button.checked = True
        if button.checked or outline_visible(prediction):
            show_outline(prediction, self._outlined_id if button.checked else None)

    def _show_changes(self) -> None:
        corrections, ui = self.panel.corrections, self.ui
        known = corrections.corrected is not None
        measured = corrections.measured
        ui.changesTable.visible = measured is not None
        if not known:
            text = _(
                "This scene was saved without the run's segmentation: nothing to compare with."
            )
        elif corrections.problem:
            text = corrections.problem
        elif corrections.pending:
            text = _("Measuring what changed since the run.")
        elif measured is None:
            text = _("Nothing was changed since the run.")
        else:
            text = _("Changed since the run:")
        ui.changesLabel.text = text
        if measured is not None:
            self._fill_table(measured)
        ui.compareButton.enabled = known
        self._explain(ui.compareButton, "" if known else text)
        changed = known and (measured is not None or corrections.pending)
        ui.discardButton.enabled = changed
        self._explain(ui.discardButton, "" if changed else text)

    def _fill_table(self, measured: Correction) -> None:
        table = self.ui.changesTable
        header = ["", _("Added (ml)"), _("Removed (ml)"), _("Dice")]
        table.setColumnCount(len(header))
        table.setRowCount(len(measured.changes))
        table.setHorizontalHeaderLabels(header)
        for row, change in enumerate(measured.changes):
            dice = _("n/a") if change.dice is None else f"{change.dice:.3f}"
            texts = (
                change.name,
                millilitres(change.added_ml),
                millilitres(change.removed_ml),
                dice,
            )
            for column, text in enumerate(texts):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                if column:
                    item.setTextAlignment(qt.Qt.AlignCenter)
                table.setItem(row, column, item)

    def _on_discard(self) -> None:
        result = self.panel.result
        if result is None or result.predictionNode is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The corrections could not be discarded.")):
            if self._in_use:
                self._editor.saveStateForUndo()
            discard_corrections(result.segmentationNode, result.predictionNode)

    def _explain(self, control: Any, why_not: str) -> None:
        """Say why a control is disabled; what it does where it is not."""
        does = self._does.setdefault(control.objectName, control.toolTip)
        control.toolTip = why_not or does
