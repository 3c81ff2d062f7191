"""Slicer's Segment Editor inside the panel, with settings of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt
import slicer
import vtk
from slicer.util import VTKObservationMixin

from ..scene.editing import (
    SPLITTING,
    HuRange,
    counts,
    edit_chosen_segment_only,
    editor_node,
    prepare_editor,
)

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode, vtkMRMLSegmentEditorNode

# Not "Grow from seeds": it would cut the lungs, which are segments, too.
EFFECTS = ("Paint", "Draw", "Erase", "Scissors", "Threshold", "Margin", "Smoothing", "Islands")
_UNDO_STATES = 10
_OPTIONS_FONT = 0.9  # of the panel's: they are made for a wider one


class CorrectionEditor(VTKObservationMixin):
    """A ``qMRMLSegmentEditorWidget``, made when it is first needed.

    Attributes:
        segment_id: The chosen segment, or "".
        effect: Name of the active effect, or "".
    """

    def __init__(
        self,
        layout: qt.QFormLayout,
        row: int,
        on_choice: Callable[[str | None], None],
        on_limited: Callable[[bool], None],
    ) -> None:
        """
        Args:
            layout: Where it is put.
            row: In which row.
            on_choice: Called when another segment or effect was chosen, with the segment that was
                edited before, or None if it still is.
            on_limited: Called when an option was switched off that would change other segments,
                with whether it would split the chosen one.
        """
        VTKObservationMixin.__init__(self)
        self.segment_id = ""
        self.effect = ""
        self._layout = layout
        self._row = row
        self._on_choice = on_choice
        self._on_limited = on_limited
        self._widget: Any = None
        self._options: Any = None
        self._options_area: Any = None
        self._node: vtkMRMLSegmentEditorNode | None = None

    @property
    def in_use(self) -> bool:
        return self._widget is not None and self._node is not None

    @property
    def segmentation(self) -> vtkMRMLSegmentationNode | None:
        """What is edited."""
        return self._widget.segmentationNode() if self.in_use else None

    @property
    def edits_other(self) -> bool:
        """Whether the chosen segment is neither lung nor lesion of the result."""
        return bool(self.segment_id) and not counts(self.segmentation, self.segment_id)

    def edit(
        self,
        segmentation: vtkMRMLSegmentationNode,
        ct: vtkMRMLScalarVolumeNode,
        segment_id: str | None,
    ) -> None:
        """Edit another segmentation, beginning with one of its segments; no-op if it is edited."""
        self._prepare()
        if self.segmentation is not segmentation:
            self._widget.setSegmentationNode(segmentation)
            self._widget.setSourceVolumeNode(ct)
            if segment_id is not None:
                self._widget.setCurrentSegmentID(segment_id)

    def take_keys(self) -> None:
        """Let Segment Editor's keys work."""
        self._widget.installKeyboardShortcuts()

    def limit(self, density: HuRange | None) -> None:
        """Set what the chosen segment and effect may change, see :func:`prepare_editor`."""
        if self._node is not None:
            prepare_editor(self._node, density)

    def save_state(self) -> None:
        """Have its Undo come back to how things are now."""
        if self.in_use:
            self._widget.saveStateForUndo()

    def stop(self) -> None:
        """End the active effect, and give keys and views back."""
        if self.in_use:
            self._widget.setActiveEffect(None)
            self._widget.uninstallKeyboardShortcuts()
            self._widget.removeViewObservations()

    def release(self) -> None:
        """Let go of the segmentation, and of what Undo remembers of it."""
        if self.in_use:
            self.stop()
            self._widget.setSegmentationNode(None)
        self.removeObservers()
        self._node = None
        self.segment_id = self.effect = ""

    def close(self) -> None:
        """Let go of the scene."""
        self.release()
        if self._widget is not None:
            self._widget.setMRMLSegmentEditorNode(None)
            self._widget.setMRMLScene(None)
            self._widget = None  # it is deleted with the section that it lies in

    def _prepare(self) -> None:
        node = editor_node(slicer.mrmlScene)
        if self._widget is None:
            self._make(node)
        if node is not self._node:
            self._node = node
            self._widget.setMRMLSegmentEditorNode(node)
            self.addObserver(node, vtk.vtkCommand.ModifiedEvent, self._on_modified)
            self.addObserver(node, node.EffectParameterModified, self._on_option_changed)

    def _make(self, node: vtkMRMLSegmentEditorNode) -> None:
        self._widget = widget = slicer.qMRMLSegmentEditorWidget()
        # Its node before its scene, so that the first segmentation is not chosen on the way.
        widget.setMRMLSegmentEditorNode(node)
        widget.setMRMLScene(slicer.mrmlScene)
        widget.maximumNumberOfUndoStates = _UNDO_STATES
        widget.segmentationNodeSelectorVisible = False
        widget.sourceVolumeNodeSelectorVisible = False
        widget.switchToSegmentationsButtonVisible = False
        widget.addRemoveSegmentButtonsVisible = False
        widget.specifyGeometryButtonVisible = False
        widget.maskingSectionVisible = False
        widget.autoShowSourceVolumeNode = False  # it would take the overlay off the views
        widget.jumpToSelectedSegmentEnabled = False
        widget.unorderedEffectsVisible = False
        widget.setEffectNameOrder(EFFECTS)
        widget.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Preferred)
        if widget.layout() is not None:
            widget.layout().setContentsMargins(0, 0, 0, 0)
        # Options beside the list of segments would make the panel wider than it is.
        self._options = slicer.util.findChild(widget, "OptionsGroupBox")
        font = self._options.font
        font.setPointSizeF(_OPTIONS_FONT * font.pointSizeF())
        self._options.font = font
        self._options.layout().setContentsMargins(0, 0, 0, 0)
        self._options_area = qt.QScrollArea()
        self._options_area.setWidget(self._options)
        self._options_area.widgetResizable = True
        self._options_area.setFrameShape(qt.QFrame.NoFrame)
        self._layout.insertRow(self._row, widget)
        self._layout.insertRow(self._row + 1, self._options_area)

    def _on_modified(self, caller: vtk.vtkObject, event: str) -> None:
        if self._node is None:
            return
        chosen = (self._node.GetSelectedSegmentID() or "", self._node.GetActiveEffectName() or "")
        if chosen == (self.segment_id, self.effect):
            return
        before = None if chosen[0] == self.segment_id else self.segment_id
        self.segment_id, self.effect = chosen
        self._on_choice(before)
        qt.QTimer.singleShot(0, self._fit_options)  # the options are exchanged after this

    def _on_option_changed(self, caller: vtk.vtkObject, event: str) -> None:
        if self._node is not None and (switched_off := edit_chosen_segment_only(self._node)):
            self._on_limited(SPLITTING in switched_off)
            # The effect is told last: it is still writing what its options say.
            qt.QTimer.singleShot(0, self._show_options)

    def _show_options(self) -> None:
        if self._node is not None:
            edit_chosen_segment_only(self._node)
            self._node.InvokeEvent(self._node.EffectParameterModified)

    def _fit_options(self) -> None:
        """Show the options of the active effect whole; what is too wide can be scrolled."""
        if self._widget is None:
            return
        self._options_area.visible = bool(self.effect)
        height = self._options.sizeHint.height()
        if self._options.minimumSizeHint.width() > self._options_area.width:
            height += self._options_area.horizontalScrollBar().sizeHint.height()
        self._options_area.setFixedHeight(height)
