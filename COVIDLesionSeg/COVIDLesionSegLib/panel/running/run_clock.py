"""Progress between two reports: time that has passed, and a bar that does not stand still."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import qt
from slicer.i18n import tr as _

from ...engine.progress import Progress
from .run import Run, RunState

STUCK_SECONDS = 20.0
"""After so long without progress and without computing, a run is said to be stuck."""
_UNKNOWN_SECONDS = 120.0
"""How long a job is taken to last until its own speed is known."""
_MOST_AHEAD = 0.08
"""How far the bar may be ahead of what was reported; it comes ever nearer, and never there."""
_NEVER_BEYOND = 0.99
_INTERVAL_MS = 500
_PAUSE_SECONDS = 8.0
"""How long a sentence that is no progress stays during a run."""


class RunClock:
    """One run's progress, as it is shown."""

    def __init__(
        self, expected_seconds: float | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """The run begins now.

        Args:
            expected_seconds: How long it will take, if that is known.
            now: Seconds.
        """
        self._now = now
        self._expected = expected_seconds
        self._begun = self._reported_at = now()
        self._reported = Progress("", 0.0)
        self._shown = 0.0

    def report(self, progress: Progress) -> None:
        """Take a report of the job."""
        self.fraction()
        self._reported, self._reported_at = progress, self._now()

    def fraction(self) -> float:
        """What the bar shows: 0 to 1, never falling, and 1 only when the job says so."""
        done = self._reported.fraction
        if done >= 1.0:
            self._shown = 1.0
            return self._shown
        elapsed = self._reported_at - self._begun
        rate = 1.0 / (self._expected or _UNKNOWN_SECONDS)
        if self._expected is None and elapsed > 0.0 and done > 0.0:
            rate = done / elapsed
        room = max(0.0, min(_MOST_AHEAD, _NEVER_BEYOND - done))
        ahead = 0.0
        if room > 0.0:
            waited = self._now() - self._reported_at
            ahead = room * rate * waited / (room + rate * waited)
        self._shown = max(self._shown, min(done + ahead, _NEVER_BEYOND))
        return self._shown

    def sentence(self, silent_seconds: float = 0.0) -> tuple[str, bool]:
        """What is being done and for how long already, and whether it is a warning.

        Args:
            silent_seconds: For how long nothing was heard of the job, see
                :attr:`.run.Run.silent_seconds`.
        """
        stage = self._reported.stage or _("Starting")
        passed = _clock(self._now() - self._begun)
        shown = " - ".join(filter(None, (stage, self._reported.message, passed)))
        if silent_seconds < STUCK_SECONDS:
            return shown, False
        stuck = _(
            "{shown}. The background process has not computed for {seconds} s and may be stuck: "
            "cancel, and start again."
        )
        return stuck.format(shown=shown, seconds=round(silent_seconds)), True


class Say(Protocol):
    """Shows one sentence to the user."""

    def __call__(self, sentence: str, warning: bool = False) -> None: ...


class ShownProgress:
    """A run's progress on a bar and in a sentence, with each report and twice a second."""

    def __init__(self, bar: qt.QProgressBar, say: Say) -> None:
        self._bar = bar
        self._say = say
        self._clock = RunClock()
        self._run: Run[Any] | None = None
        self._paused_until = 0.0
        self._timer = qt.QTimer()
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.connect("timeout()", self.show)

    def begin(self, run: Run[Any] | None, expected_seconds: float | None = None) -> None:
        """Show a run that begins now, until :meth:`end`.

        Args:
            run: The run, which is not shown while it is being cancelled; None for one of the
                Python console.
            expected_seconds: How long it will take, if that is known.
        """
        self._run, self._clock = run, RunClock(expected_seconds)
        self._paused_until = 0.0
        self._timer.start()
        self.show()

    def report(self, progress: Progress) -> None:
        """Take a report of the run, and show it."""
        self._clock.report(progress)
        self.show()

    def end(self) -> None:
        """The run is over; what became of it is for others to say."""
        self._timer.stop()

    def show(self) -> None:
        """Say again how far the run is, if one goes on."""
        run = self._run
        if self._timer.active and (run is None or run.state is RunState.RUNNING):
            self._bar.value = int(100 * self._clock.fraction())
            if time.monotonic() >= self._paused_until:
                self._say(*self._clock.sentence(0.0 if run is None else run.silent_seconds))

    def pause(self) -> None:
        """Something else was said: leave it there for a while."""
        self._paused_until = time.monotonic() + _PAUSE_SECONDS

    def show_bar(self, visible: bool, checking: bool) -> None:
        """Show the bar or hide it.

        Args:
            visible: Whether something goes on.
            checking: Whether that is a check before the run; how long one takes is unknown.
        """
        self._bar.visible = visible
        # Without a maximum it shows that something goes on.
        self._bar.maximum = 0 if checking else 100


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
