"""How many cases were reviewed, and whether a model can learn from them and be evaluated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import qt
from slicer.i18n import tr as _

from ...engine.data.splits import learned_patients
from ...engine.errors import InputError, ModelError
from ...engine.models.catalogue import load_catalogue
from ...engine.review import ReviewedCase, Verdict, read_cases, reviews_folder
from ...engine.self_training.frozen_cases import short_id
from ...engine.self_training.reviewed_split import split_reviewed

SEED = 0
"""The same cases are held out in every training, as far as the base model allows."""
INTERVAL_MS = 2000
_CASE_FILE = "*/case.json"


class ReviewedCases:
    """Looks at the folder of reviewed cases every two seconds while somebody watches.

    Attributes:
        text: Numbers of cases, and what a training can do with them, for people.
        why_not: Why a model cannot learn from them, or nothing.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        """``on_change`` hears that :attr:`text` or :attr:`why_not` has changed."""
        self._on_change = on_change
        self._cases: tuple[ReviewedCase, ...] = ()
        self._damaged = 0
        self._seen: object = None
        self._base = ""
        self.text = self.why_not = ""
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._timer.connect("timeout()", self._look)

    def set_base(self, model_id: str) -> None:
        """Whom this model learned from decides who can be held out."""
        self._base = model_id
        self._describe()

    def watch(self, watching: bool) -> None:
        """Look now and from now on, or no longer."""
        if watching:
            self._look()
            self._timer.start()
        else:
            self._timer.stop()

    def _look(self) -> None:
        seen = _signature()
        if seen != self._seen:
            self._seen = seen
            self._cases, problems = read_cases()
            self._damaged = len(problems)
            self._describe()

    def _describe(self) -> None:
        counts = Counter(case.verdict for case in self._cases)
        lines = [
            _("Reviewed: {accepted} accepted, {corrected} corrected, {rejected} rejected.").format(
                accepted=counts[Verdict.ACCEPTED],
                corrected=counts[Verdict.CORRECTED],
                rejected=counts[Verdict.REJECTED],
            )
        ]
        if self._damaged:
            lines.append(_("{count} damaged cases are left out.").format(count=self._damaged))
        unknown = sum(
            case.patient == case.id and case.verdict in (Verdict.ACCEPTED, Verdict.CORRECTED)
            for case in self._cases
        )
        if unknown:
            lines.append(
                _(
                    "Without a DICOM PatientID: {count}. Each of these counts as a patient: "
                    "review one CT only of such a patient, or the comparison of both models is "
                    "too kind."
                ).format(count=unknown)
            )
        self.why_not = ""
        try:
            learned = load_catalogue().get(self._base).card.learned_from if self._base else None
            split = split_reviewed(
                [replace(case, patient=short_id(case.patient)) for case in self._cases],
                self._base,
                learned_patients(learned or ()),
                SEED,
            )
        except InputError as error:
            self.why_not = str(error)
        except ModelError:
            pass  # the list of base models is empty then
        else:
            lines.append(
                _("{count} corrected cases are held out to compare both models.").format(
                    count=len(split.held_out)
                )
                if split.held_out
                else split.not_evaluated
            )
        self.text = " ".join(lines)
        self._on_change()


def _signature() -> object:
    """Differs once a case was added, removed or changed."""
    found = []
    for path in reviews_folder().glob(_CASE_FILE):
        with suppress(OSError):
            found.append((path.parent.name, path.stat().st_mtime_ns))
    return sorted(found)
