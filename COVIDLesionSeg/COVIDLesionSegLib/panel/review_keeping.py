"""Cases under review are kept in the user's folder, never older than two seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ..engine.errors import CovidLesionSegError, InputError
from ..engine.review import case_id_in_steps, patient_key, read_case, reviews_folder
from ..scene.label_boxes import labelled_ct
from ..scene.review import prediction_of, read_review, run_of, write_review
from ..scene.show import SceneResult, find_result
from ..scene.volumes import volume_from_node_in_steps, world_geometry
from ..worker.keeping import Answer, Keeper
from .idle_work import IdleWork

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode

    from ..engine.steps import Steps

DELAY_MS = 600
"""From a change to its copy: strokes that follow each other are saved together."""
POLL_INTERVAL_MS = 100
CONSENT_SETTING = "COVIDLesionSeg/KeepReviewedCases"


@dataclass
class _Session:
    """One case under review.

    Attributes:
        run: See :func:`~COVIDLesionSegLib.scene.review.run_of`.
        case: Its id, once the process has it.
        labels, others: Whether lungs and lesions, or anything else, changed since the last order.
        order: Number of the last order, 0 before.
        saved: When the folder got the state of the last order.
        error: Why it could not be saved, or "".
    """

    ct: vtkMRMLScalarVolumeNode
    node: vtkMRMLSegmentationNode
    run: str
    case: str = ""
    labels: bool = True
    others: bool = True
    order: int = 0
    saved: datetime | None = None
    error: str = ""

    @property
    def changed(self) -> bool:
        return self.labels or self.others


class ReviewKeeping:
    """Keeps every case that the user does something with, once the user agreed to it."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []
        self._keeper: Keeper | None = None
        self._sessions: dict[str, _Session] = {}
        self._beginning = IdleWork()
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
        """Keep cases from now on, or keep none; those that are in the folder stay there."""
        slicer.app.userSettings().setValue(CONSENT_SETTING, "true" if given else "false")
        if not given:
            self.release_all()
        self._tell()

    # What the panel tells

    def changed(
        self, ct: vtkMRMLScalarVolumeNode, result: SceneResult, labels: bool = False
    ) -> None:
        """The user did something with a case: edits where ``labels``, else what is said of it."""
        if not self.consent:
            return
        session = self._sessions.get(ct.GetID())
        if session is None or session.run != run_of(result):
            self._release(ct.GetID())
            session = _Session(ct, result.segmentationNode, run_of(result))
            self._sessions[ct.GetID()] = session
            self._begin_next()  # the CT takes a while: it need not wait for the end of the stroke
        session.labels = session.labels or labels
        session.others = True
        session.error = ""
        if not self._delay.active:
            self._delay.start()
        self._tell()

    def keeps(self, ct: vtkMRMLScalarVolumeNode) -> bool:
        """Whether a CT is under review."""
        return ct.GetID() in self._sessions

    def status(self, ct: vtkMRMLScalarVolumeNode) -> tuple[str, bool]:
        """One sentence on where the review of a CT is kept, and whether it is a warning."""
        place = folder_text()
        session = self._sessions.get(ct.GetID())
        if self.consent is None:
            return "", False
        if not self.consent:
            return _(
                "Not kept for retraining: verdict, note and edits are in the scene only. Edits "
                "since the scene was saved are lost if Slicer ends unexpectedly."
            ), False
        if session is None:
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
        for ct_id, session in list(self._sessions.items()):
            present = slicer.mrmlScene.IsNodePresent
            if not present(session.ct) or not present(session.node):
                self._release(ct_id)

    def release_all(self) -> None:
        """Save what is not saved yet, and let other programs review the cases."""
        self._save()
        for ct_id in list(self._sessions):
            self._release(ct_id)

    def close(self) -> None:
        """Save what is not saved yet, wait until that is done, and keep nothing more."""
        self.release_all()
        self._beginning.stop()
        self._delay.stop()
        self._poll.stop()
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None

    # Beginning

    def _begin_next(self) -> None:
        """Hand the CT of the first case that has not begun to the process."""
        if self._beginning.active:
            return
        for ct_id, session in self._sessions.items():
            if not session.case and not session.error:
                self._beginning.start(
                    self._begin(session),
                    partial(self._on_begun, ct_id),
                    partial(self._on_not_begun, ct_id),
                )
                return

    def _begin(self, session: _Session) -> Steps[str]:
        volume = yield from volume_from_node_in_steps(session.ct)
        case = yield from case_id_in_steps(volume)
        folder, keeper = reviews_folder(), self._the_keeper()
        saved = read_review(session.node).saved
        if saved and _last_saved(folder / case) == saved:
            keeper.resume(case, saved)
            return case
        prediction = prediction_of(session.ct)
        known = _patient_id(session.ct)
        yield from keeper.begin(
            case,
            volume,
            prediction.facts,
            prediction.labels,
            prediction.arrays,
            patient_key(known, folder) if known else None,
        )
        return case

    def _the_keeper(self) -> Keeper:
        if self._keeper is None:
            self._keeper = Keeper(reviews_folder(), temporary_path=slicer.app.temporaryPath)
        return self._keeper

    def _on_begun(self, ct_id: str, case: str) -> None:
        session = self._sessions.get(ct_id)
        if session is not None:
            session.case = case
            self._poll.start()
            if not self._delay.active:
                self._save()
        self._begin_next()

    def _on_not_begun(self, ct_id: str, error: Exception) -> None:
        if not isinstance(error, CovidLesionSegError):
            raise error
        if ct_id in self._sessions:
            self._sessions[ct_id].error = str(error)
        self._begin_next()
        self._tell()

    # Saving

    def _save(self) -> None:
        self._delay.stop()
        for session in self._sessions.values():
            if session.changed and session.case and not session.error:
                self._save_session(session)
        self._begin_next()
        self._tell()

    def _save_session(self, session: _Session) -> None:
        keeper = self._the_keeper()
        if not keeper.has(session.case):
            session.case, session.labels = "", True  # the process ended: begin again
            return
        result = find_result(session.ct)
        if result is None or result.original is None or run_of(result) != session.run:
            return
        review = read_review(session.node)
        labels = None
        try:
            if session.labels:
                labels = labelled_ct(session.node, session.ct, result.original.classes)
            session.order = keeper.keep(
                session.case,
                labels,
                world_geometry(session.ct),
                review.verdict,
                review.note,
                review.seen,
            )
        except CovidLesionSegError as error:
            session.error = str(error)
            return
        session.labels = session.others = False
        session.saved = None
        self._poll.start()

    def _release(self, ct_id: str) -> None:
        session = self._sessions.pop(ct_id, None)
        if session is not None and session.case and self._keeper is not None:
            self._keeper.release(session.case)

    def _on_poll(self) -> None:
        if self._keeper is None:
            return
        for answer in self._keeper.poll():
            self._take(answer)
        if not self._keeper.waiting:
            self._poll.stop()

    def _take(self, answer: Answer) -> None:
        for session in self._sessions.values():
            if session.case != answer.case:
                continue
            if answer.error:
                session.error = session.error or answer.error
                session.labels = session.others = True
                if self._keeper is None or not self._keeper.has(session.case):
                    session.case = ""  # begin again with the next change
            elif answer.changed and answer.number == session.order:
                session.saved = datetime.now()
                review = read_review(session.node)
                write_review(session.node, replace(review, saved=answer.changed))
            else:
                continue
            self._tell()


def folder_text() -> str:
    """The folder of reviewed cases, for people."""
    folder, home = reviews_folder(), Path.home()
    return f"~/{folder.relative_to(home).as_posix()}" if home in folder.parents else str(folder)


def _last_saved(folder: Path) -> str:
    try:
        return read_case(folder).changed.isoformat()
    except InputError:
        return ""


def _patient_id(ct: vtkMRMLScalarVolumeNode) -> str:
    """The PatientID of a CT that was loaded from DICOM, or ""; it goes nowhere but into a hash."""
    uids = (ct.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None or not database.isOpen:
        return ""
    return str(database.instanceValue(uids[0], "0010,0020") or "")
