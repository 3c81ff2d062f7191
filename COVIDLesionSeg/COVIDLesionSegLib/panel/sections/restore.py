"""Restore: a CT that was reviewed before gets its corrections and verdict back, if wanted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ...engine.errors import InputError
from ...engine.review import ReviewedCase, case_id_of, read_case, reviews_folder
from ...scene.made_from import ct_fingerprint
from ...scene.prepared import load_prepared
from ...scene.review import SceneReview, read_review, write_review
from ...scene.show import find_result
from ...scene.volumes import ct_matrix, world_geometry
from ...worker.restoring import restore_in_background
from ..idle_work import IdleWork
from ..section import Panel, Section
from ..unforeseen import raise_unforeseen

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from ...engine.steps import Steps


class RestoreSection(Section):
    """Looks whether the CT on show was reviewed before, and offers to restore that review.

    Attributes:
        offered: The reviewed case that can be restored, or None.
    """

    UI_FILE = "Restore"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.offered: ReviewedCase | None = None
        self._ct: vtkMRMLScalarVolumeNode | None = None
        self._restored = ""
        self._looking = IdleWork()
        self.ui.restoreButton.connect("clicked(bool)", self._on_restore)
        self.ui.dismissButton.connect("clicked(bool)", self._on_dismiss)
        panel.keeping.on_change(self._on_keeping)

    # The panel's calls

    def show_result(self, in_views: bool, new: bool) -> None:
        if self.panel.ct is not self._ct:
            self._ct = self.panel.ct
            self._look()
        elif self._restored and self._case_in_scene() != self._restored:
            self._look()  # restoring was undone

    def show_state(self) -> None:
        case = self.offered
        self.root.visible = case is not None and not self.panel.busy
        if case is None:
            return
        when = case.changed.astimezone().strftime("%Y-%m-%d %H:%M")
        self.ui.restoreLabel.text = (
            _("You corrected this CT on {when}.").format(when=when)
            if case.edited
            else _("You reviewed this CT on {when}.").format(when=when)
        )

    def scene_closing(self) -> None:
        self._looking.stop()

    def close(self) -> None:
        self._looking.stop()

    # Looking

    def _look(self) -> None:
        """Find out in the background whether the CT was reviewed before."""
        self._looking.stop()
        self.offered, self._restored = None, ""
        if self._ct is not None and _has_cases() and not self.panel.keeping.keeps(self._ct):
            self._looking.start(_find_case(self._ct), self._on_found, self._on_not_found)

    def _case_in_scene(self) -> str:
        """Id of the reviewed case that is on show, or ""."""
        result = self.panel.result
        return "" if result is None else read_review(result.segmentationNode).case

    def _on_found(self, case: ReviewedCase | None) -> None:
        if case is not None and self._ct is not None and not self.panel.keeping.keeps(self._ct):
            result = find_result(self._ct)
            saved = "" if result is None else read_review(result.segmentationNode).saved
            # What the scene holds already needs no restoring.
            if saved != case.changed.isoformat():
                self.offered = case
        self.show_state()

    def _on_not_found(self, error: Exception) -> None:
        # Of a volume that is no CT nothing is offered; a run says what is wrong with it.
        raise_unforeseen(error)

    def _on_keeping(self) -> None:
        # A review that goes on, or began anew on another prediction, takes the place of the former.
        if self.offered is not None and self._ct is not None and self.panel.keeping.keeps(self._ct):
            self._on_dismiss()

    # Restoring

    def _on_restore(self, clicked: bool = False) -> None:
        ct, offered = self._ct, self.offered
        if ct is None or offered is None or self.panel.busy:
            return
        with slicer.util.tryWithErrorDisplay(_("The review could not be restored.")):
            case = _as_it_is_now(offered)
            self.panel.start_run(
                ct,
                restore_in_background(
                    case.folder,
                    world_geometry(ct),
                    ct_matrix(ct),
                    partial(load_prepared, ct, edited=True),
                ),
                partial(self._on_shown, ct, case),
            )

    def _on_shown(self, ct: vtkMRMLScalarVolumeNode, case: ReviewedCase) -> None:
        result = find_result(ct)
        if result is None:
            return
        changed = case.changed.isoformat()
        review = SceneReview(
            verdict=case.verdict,
            note=case.note,
            seen=case.seen,
            saved=changed,
            case=case.id,
            given=changed if case.verdict else "",
            earlier=read_review(result.segmentationNode).earlier,
        )
        write_review(result.segmentationNode, review)
        if self.panel.ct is not ct:  # another was chosen meanwhile
            return
        self.offered, self._restored = None, case.id
        self.panel.show_result(ct, result)
        if case.edited:
            self.panel.corrections.measure()

    def _on_dismiss(self, clicked: bool = False) -> None:
        self.offered = None
        self.show_state()


def _as_it_is_now(case: ReviewedCase) -> ReviewedCase:
    """Another program may have changed it since it was found; the job says where it is damaged."""
    try:
        return read_case(case.folder)
    except InputError:
        return case


def _has_cases() -> bool:
    try:
        return any(not path.name.startswith(".") for path in reviews_folder().iterdir())
    except OSError:
        return False


def _find_case(ct: vtkMRMLScalarVolumeNode) -> Steps[ReviewedCase | None]:
    """The reviewed case of a CT, if a person left something in it."""
    found = yield from ct_fingerprint(ct)
    try:
        case = read_case(reviews_folder() / case_id_of(found))
    except InputError:
        return None
    return case if case.edited or case.verdict or case.note or case.seen else None
