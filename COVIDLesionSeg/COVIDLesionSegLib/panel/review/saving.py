"""Cases under review are kept in the user's folder, never older than two seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ...engine.review import case_id_of, patient_key, reviews_folder
from ...scene.label_boxes import labelled_ct
from ...scene.made_from import check_made_from, volume_and_fingerprint
from ...scene.nodes import read_provenance
from ...scene.patients import patient_id
from ...scene.prediction import prediction_of, run_of, run_shown
from ...scene.review import read_review, write_review
from ...scene.show import SceneResult, find_result
from ...scene.volumes import world_geometry
from ...worker.review_orders import Answer, Keeper
from ..idle_work import AT_A_TIME_SECONDS, IdleWork
from ..unforeseen import log_unforeseen
from .session import (
    ReviewSession,
    folder_text,
    is_reviewed,
    last_saved,
    reviewed_in_scene,
    say_lost,
)

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from ...engine.steps import Steps

DELAY_MS = 600
"""From a change to its copy: strokes that follow each other are saved together."""
HURRY_SECONDS = 0.04
"""How long the window waits at a time for a CT to be handed over that the user works on."""
POLL_INTERVAL_MS = 100
CONSENT_SETTING = "COVIDLesionSeg/KeepReviewedCases"


class ReviewKeeping:
    """Keeps every case that the user does something with, once the user agreed to it."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []
        self._keeper: Keeper | None = None
        self._sessions: dict[str, ReviewSession] = {}
        self._leaving: dict[str, int] = {}  # order that is still unanswered, by case
        self._preparing = IdleWork()
        self._delay = qt.QTimer()
        self._delay.setSingleShot(True)
        self._delay.setInterval(DELAY_MS)
        self._delay.connect("timeout()", self._save)
        self._poll = qt.QTimer()
        self._poll.setInterval(POLL_INTERVAL_MS)
        self._poll.connect("timeout()", self._on_poll)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when what :meth:`status` says has changed."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    # Consent

    @property
    def consent(self) -> bool | None:
        """Whether reviewed cases may be kept; None before the user was asked."""
        value = slicer.app.userSettings().value(CONSENT_SETTING)
        return None if value is None else str(value).lower() == "true"

    def set_consent(self, given: bool) -> None:
        """Keep cases from now on, or keep none; those that are in the folder stay there.

        Cases of the scene that were reviewed before the user agreed are kept, too.
        """
        slicer.app.userSettings().setValue(CONSENT_SETTING, "true" if given else "false")
        if given:
            for ct, result in reviewed_in_scene():
                self.changed(ct, result, labels=True)
        else:
            self._save()
            self._release_sessions()
        self._tell()

    # What the panel tells

    def changed(
        self, ct: vtkMRMLScalarVolumeNode, result: SceneResult, labels: bool = False
    ) -> None:
        """The user did something with a case: edits where ``labels``, else what is said of it."""
        if not self.consent:
            self._tell()
            return
        session = self._session(ct, result)
        session.change(labels)
        self._prepare_next()
        # While strokes follow each other without a pause, a timer may never get its turn.
        if time.monotonic() - session.since > DELAY_MS / 1000:
            self._save()
        elif not self._delay.active:
            self._delay.start()
        self._tell()

    def prepare(self, ct: vtkMRMLScalarVolumeNode | None, result: SceneResult | None) -> None:
        """A case is on show: hand its CT over in time, so that the first change is saved at once.

        Nothing is saved in the folder before the user does something with the case.
        """
        shown = "" if ct is None else ct.GetID()
        for ct_id, session in list(self._sessions.items()):
            if ct_id != shown and not session.under_review:
                self._release(ct_id)
        if ct is not None and result is not None and result.predictionNode and self.consent:
            self._session(ct, result)
            self._prepare_next()

    def keeps(self, ct: vtkMRMLScalarVolumeNode) -> bool:
        """Whether the result that a CT has now is under review."""
        session = self._sessions.get(ct.GetID())
        return session is not None and session.under_review and run_shown(ct) == session.run

    def _session(self, ct: vtkMRMLScalarVolumeNode, result: SceneResult) -> ReviewSession:
        session = self._sessions.get(ct.GetID())
        if session is None or session.run != run_of(result):
            self._release(ct.GetID())
            session = ReviewSession(ct, result.segmentationNode, run_of(result))
            self._sessions[ct.GetID()] = session
        return session

    def status(self, ct: vtkMRMLScalarVolumeNode) -> tuple[str, bool]:
        """One sentence on where the review of a CT is kept, and whether it is a warning."""
        place = folder_text()
        session = self._sessions.get(ct.GetID())
        if self.consent is None:
            result = find_result(ct)
            reviewed = result is not None and is_reviewed(result)
            return _("Not saved yet: answer the question first.") if reviewed else "", False
        if not self.consent:
            return _(
                "Not kept for retraining: verdict, note and edits are in the scene only. Edits "
                "since the scene was saved are lost if Slicer ends unexpectedly."
            ), False
        if session is None or not self.keeps(ct):
            return _("Kept in {folder} once you edit, give a verdict or write a note.").format(
                folder=place
            ), False
        if session.error:
            return session.error, True
        if session.changed or session.saved is None:
            return _("Saving to {folder}.").format(folder=place), False
        return _("Saved at {time} in {folder}, with the CT.").format(
            time=session.saved.strftime("%H:%M:%S"), folder=place
        ), False

    def nodes_changed(self) -> None:
        """Nodes were removed from the scene, perhaps the CT of a case."""
        present = slicer.mrmlScene.IsNodePresent
        lost = []
        for ct_id, session in list(self._sessions.items()):
            if session.changed and not present(session.ct):
                lost.append(_("its CT was removed from the scene before it was saved."))
            if not present(session.ct) or not present(session.node):
                self._release(ct_id)
        say_lost(lost)

    def release_all(self) -> None:
        """Save what is not saved yet, and let other programs review the cases.

        The window waits for CTs to be handed over: their nodes are about to be removed.
        """
        self.nodes_changed()  # of nodes that were removed a moment ago, nobody has told yet
        slicer.app.setOverrideCursor(qt.Qt.WaitCursor)
        try:
            self._hand_over_now()
            self._save()
            self._hand_over_now()  # where the process had ended
            self._save()
        finally:
            slicer.app.restoreOverrideCursor()
        lost = [
            session.error or _("try again.")
            for session in self._sessions.values()
            if session.changed
        ]
        self._release_sessions()
        say_lost(lost)

    def close(self) -> None:
        """Save what is not saved yet, wait until that is done, and keep nothing more."""
        self.release_all()
        self._preparing.stop()
        self._delay.stop()
        self._poll.stop()
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            for answer in keeper.close():
                self._take(answer)

    # Handing over CTs

    def _prepare_next(self) -> None:
        """Hand the CT of the next case to the process, first of those with changes."""
        hurry = any(session.changed for session in self._sessions.values())
        self._preparing.seconds = HURRY_SECONDS if hurry else AT_A_TIME_SECONDS
        if self._preparing.active:
            return
        waiting = [session for session in self._sessions.values() if session.needs_process]
        if waiting:
            session = min(waiting, key=lambda one: not one.changed)
            self._preparing.start(
                self._prepare(session),
                partial(self._on_prepared, session),
                partial(self._on_not_prepared, session),
            )

    def _hand_over_now(self) -> None:
        while self._preparing.active and any(
            session.changed and session.needs_process for session in self._sessions.values()
        ):
            self._preparing.finish()

    def _prepare(self, session: ReviewSession) -> Steps[str]:
        volume, found = yield from volume_and_fingerprint(session.ct)
        case = case_id_of(found)
        # Labels are never kept with another CT than they are of.
        yield from check_made_from(session.ct, read_provenance(session.node))
        folder, keeper = reviews_folder(), self._the_keeper()
        prediction = prediction_of(session.ct)
        yield
        labels = labelled_ct(session.node, session.ct, prediction.facts["classes"])
        saved = read_review(session.node).saved
        if saved and last_saved(folder / case) == saved:
            yield from keeper.prepare_again(case, saved, labels)
            return case
        known = patient_id(session.ct)
        yield from keeper.prepare(
            case,
            volume,
            prediction.facts,
            prediction.labels,
            prediction.arrays,
            patient_key(known, folder) if known else None,
            labels,
        )
        return case

    def _the_keeper(self) -> Keeper:
        if self._keeper is None:
            self._keeper = Keeper(reviews_folder(), temporary_path=slicer.app.temporaryPath)
        return self._keeper

    def _on_prepared(self, session: ReviewSession, case: str) -> None:
        if session in self._sessions.values():
            session.case = case
            if session.changed and not self._delay.active:
                self._save()
        elif self._keeper is not None:
            self._keeper.forget(case)
        self._prepare_next()

    def _on_not_prepared(self, session: ReviewSession, error: Exception) -> None:
        session.error = log_unforeseen(error)
        self._prepare_next()
        self._tell()

    # Saving

    def _save(self) -> None:
        self._delay.stop()
        for session in self._sessions.values():
            if session.changed and session.case and not session.error:
                self._save_session(session)
        self._prepare_next()
        self._tell()

    def _save_session(self, session: ReviewSession) -> None:
        keeper = self._the_keeper()
        if not keeper.has(session.case) and not keeper.is_prepared(session.case):
            session.case, session.labels = "", True  # the process ended: hand over again
            return
        result = find_result(session.ct)
        if result is None or result.original is None or run_of(result) != session.run:
            return
        review = read_review(session.node)
        labels = None
        try:
            if not keeper.has(session.case):
                keeper.start(session.case)
            if session.labels:
                labels = labelled_ct(session.node, session.ct, result.original.classes)
            order = keeper.keep(
                session.case,
                labels,
                world_geometry(session.ct),
                review.verdict,
                review.note,
                review.seen,
            )
        except Exception as error:
            session.error = log_unforeseen(error)
            return
        session.give_order(order)
        self._poll.start()

    def _release(self, ct_id: str) -> None:
        session = self._sessions.pop(ct_id, None)
        if session is not None and session.case and self._keeper is not None:
            if session.order and session.saved is None:
                self._leaving[session.case] = session.order
            self._keeper.forget(session.case)
            self._keeper.release(session.case)

    def _release_sessions(self) -> None:
        for ct_id in list(self._sessions):
            self._release(ct_id)

    def _on_poll(self) -> None:
        if self._keeper is None:
            return
        for answer in self._keeper.poll():
            self._take(answer)
        if not self._keeper.waiting:
            self._poll.stop()

    def _take(self, answer: Answer) -> None:
        if answer.number <= self._leaving.get(answer.case, 0):
            # Of a case that is not on the panel any more.
            if answer.error or answer.number == self._leaving[answer.case]:
                del self._leaving[answer.case]
            say_lost([answer.error] if answer.error else [])
            return
        for session in self._sessions.values():
            if session.case != answer.case:
                continue
            if answer.error:
                session.take_order_back(answer.error)
                if self._keeper is None or not self._keeper.has(session.case):
                    session.case = ""  # hand over again with the next change
            elif answer.changed and answer.number == session.order:
                session.saved = datetime.now()
                review = read_review(session.node)
                write_review(session.node, replace(review, saved=answer.changed, case=answer.case))
            else:
                continue
            self._tell()
