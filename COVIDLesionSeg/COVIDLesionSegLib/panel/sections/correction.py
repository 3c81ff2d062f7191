"""Correction: Slicer's Segment Editor on the result, prepared for lesions inside the lungs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError
from ...engine.labels import CLASSES, segment_id
from ...engine.text import millilitres
from ...scene import names
from ...scene.corrections import find_prediction
from ...scene.editing import (
    DENSITIES_HU,
    HuRange,
    discard_corrections,
    is_lung,
    keep_classes_apart,
    keep_inside_lungs,
)
from ...scene.label_boxes import was_moved
from ...scene.nodes import find_output
from ...scene.run_outline import outline_visible, show_outline
from ...scene.segmentation import own_segment_ids
from ...scene.volumes import moved
from ..correction_editor import CorrectionEditor
from ..node_watch import NodeWatch
from ..results.lost_result import lost_sentence
from ..section import Panel, Section
from ..widgets import fill_table, fit_rows, signals_blocked

if TYPE_CHECKING:
    from slicer import vtkMRMLSegmentationNode

    from ...engine.severity.correction import SegmentChange

_EDITOR_ROW = 3  # of the section, below what the brush paints


class CorrectionSection(Section):
    """Holds an editor, made when the section is first unfolded, and shows what it changed."""

    UI_FILE = "Correction"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._editor = CorrectionEditor(
            self.root.layout(), _EDITOR_ROW, self._on_choice, self._on_limited
        )
        self._ranges = dict(DENSITIES_HU)
        self._density: str | None = None
        self._outlined: vtkMRMLSegmentationNode | None = None
        self._entered = self._running = False
        self._does: dict[str, str] = {}
        self._watch = NodeWatch(self._on_moved)
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
        fit_rows(ui.changesTable)
        self.root.connect("contentsCollapsed(bool)", self._on_collapsed)
        panel.corrections.before_measuring = self._keep_classes_apart
        panel.corrections.on_change(self._show_changes)

    # The panel's calls

    def show_result(self, in_views: bool, new: bool) -> None:
        if new:  # what the editor remembers for its Undo is of the run before
            self._editor.release()
        self._watch.watch(filter(None, (self.panel.ct, self._segmentation)))
        self._show_case()
        self._show_changes()

    def show_state(self) -> None:
        was_running, self._running = self._running, self.panel.is_segmenting(self.panel.ct)
        shown = not self._running and self._segmentation is not None
        self.root.visible = shown
        if not shown:
            self._editor.stop()
        elif was_running:
            self._show_case()

    def nodes_changed(self) -> None:
        if self._editor.in_use and self._editor.segmentation is None:
            self._editor.release()  # it was removed from the scene

    def enter(self) -> None:
        self._entered = True
        self._show_case()

    def exit(self) -> None:
        if self.panel.corrections.pending:
            self._keep_classes_apart()
        self._entered = False
        self._editor.stop()

    def scene_closing(self) -> None:
        self._watch.stop()
        self._editor.release()

    def close(self) -> None:
        self._watch.stop()
        self._editor.close()

    # The case

    @property
    def _segmentation(self) -> vtkMRMLSegmentationNode | None:
        """What is edited: the result's segmentation, or that of lungs found alone."""
        ct, result = self.panel.ct, self.panel.result
        if result is not None:
            return result.segmentationNode
        node = None if ct is None else find_output(ct, names.SEGMENTATION_ROLE)
        return node if node is not None and own_segment_ids(node) else None

    @property
    def _prediction(self) -> vtkMRMLSegmentationNode | None:
        """The same as the run gave it."""
        segmentation = self._segmentation
        return None if segmentation is None else find_prediction(segmentation)

    # The editor

    def _on_collapsed(self, collapsed: bool) -> None:
        if collapsed:
            self._editor.stop()
        else:
            self._show_case()
            self._show_changes()

    def _show_case(self) -> None:
        """Put the case on show into the editor, if the section is open."""
        segmentation, ct = self._segmentation, self.panel.ct
        self._show_outline()
        if self._editor.segmentation is not segmentation:
            self._keep_classes_apart()  # in the case before
        if segmentation is None or ct is None:
            self._editor.release()
        elif not self.root.collapsed:
            self._editor.edit(segmentation, ct, _first_choice(segmentation))
            if self._entered and not self.panel.is_segmenting(ct):
                self._editor.take_keys()
        self._show_controls()

    def _on_choice(self, segment_before: str | None) -> None:
        """Another segment or effect was chosen."""
        if segment_before is not None:
            if self.panel.corrections.pending:
                self._keep_classes_apart(segment_before)  # the strokes were of that segment
            classes = {segment_id(name): name for name in DENSITIES_HU}
            self._density = classes.get(self._editor.segment_id)
        self._limit_editor()
        self._show_outline()

    def _on_limited(self, splits: bool) -> None:
        """An option was switched off that would have changed other segments, or made new ones."""
        self.ui.correctionHintLabel.text = (
            _("Islands are not split into segments: these would not count as lesions any more.")
            if splits
            else _(
                "Only the chosen segment is edited, so that lungs and other lesions stay whole: "
                "choose another segment to edit it."
            )
        )

    def _limit_editor(self) -> None:
        self._editor.limit(self._range)
        self._show_controls()

    def _keep_classes_apart(self, edited_id: str | None = None) -> None:
        """Where strokes of the edited segment lie, no other class is left; none lies outside.

        While another module is open it is not known which segment is edited there.
        """
        segmentation = self._editor.segmentation
        if not self._entered or segmentation is None:
            return
        if slicer.mrmlScene.IsNodePresent(segmentation) and segmentation.GetNodeReference(
            names.CT_REFERENCE
        ):
            edited = edited_id or self._editor.segment_id
            keep_inside_lungs(segmentation, edited)
            keep_classes_apart(segmentation, edited)

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
        if self._density is not None:
            low, high = self.ui.densityFromSpinBox.value, self.ui.densityToSpinBox.value
            self._ranges[self._density] = (float(min(low, high)), float(max(low, high)))
            self._limit_editor()

    def _show_controls(self) -> None:
        """Press the button of the density that is painted, and show its range."""
        edits_lung = is_lung(self._editor.segment_id)
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
            with signals_blocked(box):
                box.value = round(value)
            box.enabled = shown is not None
            self._explain(
                box, "" if shown else why_not if edits_lung else _("Choose GGO or Consolidation.")
            )
        self.ui.correctionHintLabel.text = (
            _("A lung is edited anywhere. Lesions stay as they are.")
            if edits_lung
            else _("This segment is edited anywhere. It counts neither as lung nor as lesion.")
            if self._editor.edits_other
            else _("Lesions are edited inside the lungs only. The lungs stay whole.")
        )

    # What changed

    @property
    def _moved(self) -> str:
        """What is said where the CT is not where the run's segmentation is any more, else ""."""
        ct, prediction, segmentation = self.panel.ct, self._prediction, self._segmentation
        if ct is None or prediction is None or segmentation is None:
            return ""
        try:
            away = was_moved(ct, segmentation) or was_moved(ct, prediction)
        except CovidLesionSegError as error:  # as of a CT without voxels
            return str(error)
        return str(moved()) if away else ""

    def _on_moved(self) -> None:
        """CT or segmentation were modified: perhaps one was moved."""
        self._show_outline()
        self._show_changes()

    def _on_compare(self, visible: bool) -> None:
        if (prediction := self._prediction) is not None:
            show_outline(prediction, self._outlined_id if visible else None)

    @property
    def _outlined_id(self) -> str | None:
        segmentation = self._segmentation
        if self._editor.segment_id or segmentation is None:
            return self._editor.segment_id or None
        return _first_choice(segmentation)

    def _show_outline(self) -> None:
        """Show the outline of the chosen segment if that is wanted, and hide another case's."""
        button, prediction = self.ui.compareButton, self._prediction
        other, self._outlined = self._outlined, prediction
        if other is not None and other is not prediction and slicer.mrmlScene.IsNodePresent(other):
            show_outline(other, None)
        if prediction is None:
            return
        if other is not prediction and outline_visible(prediction):  # as the scene was saved
            button.checked = True
        if button.checked or outline_visible(prediction):
            wanted = button.checked and not self._moved
            show_outline(prediction, self._outlined_id if wanted else None)

    def _show_changes(self) -> None:
        corrections, ui = self.panel.corrections, self.ui
        known = self._prediction is not None
        only_lungs = self.panel.result is None
        lost = lost_sentence(self.panel.ct) if only_lungs and self.panel.ct is not None else ""
        away = self._moved
        measured = corrections.measured
        ui.changesTable.visible = measured is not None
        if lost or away:
            text = lost or away
        elif known and only_lungs:
            text = _("What changed is measured once lesions were found in these lungs.")
        elif not known:
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
            text = _("Changed since the run, in ml:")
        ui.changesLabel.text = text
        if measured is not None:
            header = ["", _("Added"), _("Removed"), _("Dice")]
            fill_table(ui.changesTable, header, [_texts(change) for change in measured.changes])
        ui.compareButton.enabled = known and not away
        self._explain(ui.compareButton, "" if ui.compareButton.enabled else text)
        changed = ui.compareButton.enabled and (
            only_lungs or measured is not None or corrections.pending
        )
        ui.discardButton.enabled = changed
        self._explain(ui.discardButton, "" if changed else text)

    def _on_discard(self) -> None:
        segmentation, prediction = self._segmentation, self._prediction
        if segmentation is None or prediction is None:
            return
        with slicer.util.tryWithErrorDisplay(_("The corrections could not be discarded.")):
            if self._moved:
                raise moved()
            self._editor.save_state()
            discard_corrections(segmentation, prediction)

    def _explain(self, control: Any, why_not: str) -> None:
        """Say why a control is disabled; what it does where it is not."""
        does = self._does.setdefault(control.objectName, control.toolTip)
        control.toolTip = why_not or does


def _texts(change: SegmentChange) -> list[str]:
    dice = _("n/a") if change.dice is None else f"{change.dice:.3f}"
    return [change.name, millilitres(change.added_ml), millilitres(change.removed_ml), dice]


def _first_choice(segmentation: vtkMRMLSegmentationNode) -> str | None:
    """The first lesion class, or where there is none the first lung."""
    ids = own_segment_ids(segmentation)
    lesions = [id_ for id_ in ids if not is_lung(id_)]
    return next(iter(lesions or ids), None)
