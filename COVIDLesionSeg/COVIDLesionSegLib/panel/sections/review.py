"""Review: the slices to look at first, the verdict on the case with a note, and their keeping."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ...engine.review import Verdict
from ...scene.prediction import run_of
from ...scene.review import EarlierVerdict, SceneReview, read_review, write_review
from ...scene.show import find_result
from ..colors import color_sentence
from ..review.cases import ReviewCases, verdict_text
from ..review.keep_question import KeepQuestion
from ..review.slices import ReviewSlices
from ..section import Panel, Section
from ..shortcuts import ACCEPT, with_shortcut
from ..widgets import signals_blocked

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode


class ReviewSection(Section):
    """Leads through the slices of the case on show, and keeps what the user says of it.

    Verdict, note and seen slices are kept with the segmentation, and so with the scene. If the
    user agrees, they are also saved at once in the folder of reviewed cases, with CT and edits.
    """

    UI_FILE = "Review"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        ui = self.ui
        self._node: vtkMRMLSegmentationNode | None = None
        self._run = ""
        self._review = SceneReview()
        self._keeping = panel.keeping
        self._keeping.on_change(self._on_keeping)
        self._cases = ReviewCases(panel, ui)
        self._buttons = {
            Verdict.ACCEPTED: ui.acceptButton,
            Verdict.CORRECTED: ui.correctedButton,
            Verdict.REJECTED: ui.rejectButton,
        }
        self._accept_key = panel.shortcuts.register(
            ACCEPT, _("Accept the case"), self._on_accept_key
        )
        self._slices = ReviewSlices(panel, ui, self._on_seen, self._cases.set_doubt)
        ui.acceptButton.connect("clicked(bool)", self._on_accept)
        ui.correctedButton.connect("clicked(bool)", self._on_corrected)
        ui.rejectButton.connect("clicked(bool)", self._on_reject)
        ui.noteEdit.connect("textChanged()", self._on_note)
        self._question = KeepQuestion(panel, ui)
        panel.corrections.on_change(self._on_edited)
        panel.corrections.on_measured_elsewhere(self._on_measured_elsewhere)

    # The panel's calls

    def show_result(self, in_views: bool, new: bool) -> None:
        result = self.panel.result
        node = None if result is None else result.segmentationNode
        self._review = SceneReview() if node is None else read_review(node)
        run = "" if result is None else run_of(result)
        if node is not self._node or run != self._run or new:  # an undo brings back another run
            other, self._node, self._run = node is not self._node, node, run
            self._slices.measure()
            if other:
                self._keep_unwatched_edits()
        self._show_review()
        self._keeping.prepare(self.panel.ct, result)
        self._on_keeping()
        self._cases.refresh()

    def _keep_unwatched_edits(self) -> None:
        """Edits that were made while another case was on show are to be saved, too."""
        ct, result = self.panel.ct, self.panel.result
        if ct is None or result is None or not self._keeping.keeps(ct):
            return
        if self.panel.corrections.pending and not self.panel.corrections.looking:
            self._keeping.changed(ct, result, labels=True)

    def show_state(self) -> None:
        self.ui.caseWidget.visible = self.panel.result is not None
        self.root.visible = not self.panel.is_segmenting(self.panel.ct) and (
            self.panel.result is not None or self._cases.listed
        )

    def palette_changed(self) -> None:
        color_sentence(self.ui.keptLabel)

    def enter(self) -> None:
        self._cases.refresh()

    def nodes_changed(self) -> None:
        self._keeping.nodes_changed()
        self._cases.refresh()

    def scene_closing(self) -> None:
        self._question.scene_closing()
        self._cases.scene_closing()
        self._keeping.release_all()

    def close(self) -> None:
        self._slices.close()
        self._cases.close()

    # The verdict

    def _on_accept(self, checked: bool = False) -> None:
        self._give(Verdict.ACCEPTED)

    def _on_corrected(self, checked: bool = False) -> None:
        self._give(Verdict.CORRECTED)

    def _on_reject(self, checked: bool = False) -> None:
        self._give(Verdict.REJECTED)

    def _on_accept_key(self) -> None:
        given = self._review.verdict in (Verdict.ACCEPTED, Verdict.CORRECTED)
        if not given and not self.panel.is_segmenting(self.panel.ct):
            self._give(Verdict.ACCEPTED)

    def _give(self, verdict: Verdict) -> None:
        """Give this verdict, or withdraw it where it was given."""
        if self._node is None:
            return
        verdict = self._as_edited(verdict)
        if verdict is self._review.verdict:
            self._keep(replace(self._review, verdict=None, given=""))
            return
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._keep(replace(self._review, verdict=verdict, given=now))

    def _as_edited(self, verdict: Verdict) -> Verdict:
        edited = self.panel.corrections.corrected
        return verdict if edited is None else verdict.after_edits(edited)

    def _on_edited(self) -> None:
        ct, result, corrections = self.panel.ct, self.panel.result, self.panel.corrections
        if ct is not None and result is not None and corrections.pending:
            if run_of(result) != self._run:  # a run is filling the nodes, or was undone
                return
            if corrections.unwatched:
                self._keep_unwatched_edits()
            else:
                self._keeping.changed(ct, result, labels=True)
        verdict = self._review.verdict
        if verdict is not None and not self.panel.corrections.pending:
            verdict = self._as_edited(verdict)
            if verdict is not self._review.verdict:
                self._keep(replace(self._review, verdict=verdict))
        self._show_verdict()

    def _on_measured_elsewhere(self, ct: vtkMRMLScalarVolumeNode) -> None:
        """A case was edited and left at once: its verdict follows the edit all the same."""
        result = find_result(ct)
        if result is None or result.predictionNode is None:
            return
        review = read_review(result.segmentationNode)
        if review.verdict is None:
            return
        verdict = review.verdict.after_edits(result.correction is not None)
        if verdict is not review.verdict:
            write_review(result.segmentationNode, replace(review, verdict=verdict))
            self._keeping.changed(ct, result)
            self._cases.refresh()

    def _on_note(self) -> None:
        note = str(self.ui.noteEdit.plainText)
        if self._node is not None and note != self._review.note:
            self._keep(replace(self._review, note=note))

    def _on_seen(self, seen: frozenset[int]) -> None:
        self._keep(replace(self._review, seen=seen))

    def _keep(self, review: SceneReview) -> None:
        """Make ``review`` that of the case on show."""
        if self._node is None:
            return
        given = review.verdict is not self._review.verdict
        self._review = review
        write_review(self._node, review)
        if given:
            self._cases.refresh()
        if self.panel.ct is not None and self.panel.result is not None:
            self._keeping.changed(self.panel.ct, self.panel.result)
        self._show_review()

    # Keeping

    def _on_keeping(self) -> None:
        """Say where the case is kept."""
        if self._node is not None:
            kept = read_review(self._node)
            self._review = replace(self._review, saved=kept.saved, case=kept.case)
        self._question.show()

    def _show_review(self) -> None:
        if str(self.ui.noteEdit.plainText) != self._review.note:
            with signals_blocked(self.ui.noteEdit):
                self.ui.noteEdit.plainText = self._review.note
        self.ui.earlierLabel.text = _earlier_text(self._review.earlier)
        self.ui.earlierLabel.visible = bool(self._review.earlier)
        self._slices.show(self._review.seen)
        self._show_verdict()

    def _show_verdict(self) -> None:
        edited = self.panel.corrections.corrected
        for verdict, button in self._buttons.items():
            button.checked = verdict is self._review.verdict
        accept, corrected, reject = self._buttons.values()
        accept.enabled, corrected.enabled = edited is not True, edited is not False
        accept.toolTip = with_shortcut(_("The result is right as it is."), self._accept_key)
        corrected.toolTip = with_shortcut(
            _("The result is right after your edits."), self._accept_key
        )
        reject.toolTip = _("The result is of no use. Models never learn from rejected cases.")
        for button in self._buttons.values():
            if button.checked:
                button.toolTip = _("Withdraw this verdict.")
        if not accept.enabled:
            accept.toolTip = _(
                "You edited lungs or lesions since the run: the verdict is Corrected."
            )
        if not corrected.enabled:
            corrected.toolTip = _(
                "Nothing was edited since the run: edit lungs or lesions first, or accept."
            )


def _earlier_text(earlier: tuple[EarlierVerdict, ...]) -> str:
    """One line for each verdict on an earlier result."""
    lines = []
    for one in earlier:
        verdict = verdict_text(one.verdict)
        try:
            when = datetime.fromisoformat(one.given).astimezone().strftime("%Y-%m-%d %H:%M")
        except ValueError:
            lines.append(_("An earlier result was {verdict}.").format(verdict=verdict))
            continue
        lines.append(
            _("An earlier result was {verdict} on {when}.").format(verdict=verdict, when=when)
        )
    return "\n".join(lines)
