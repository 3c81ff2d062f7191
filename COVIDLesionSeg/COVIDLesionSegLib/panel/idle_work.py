"""Work in short steps on the window's own thread, between whatever else it has to do.

A thread would not do: inside Slicer it runs only while other Python code does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from typing import Any, TypeVar

import qt

from ..engine.steps import Work

AT_A_TIME_SECONDS = 0.01

Result = TypeVar("Result")


class IdleWork:
    """At most one piece of work at a time; a new one ends the last where it is.

    Attributes:
        seconds: How long it works before the window gets its turn.
    """

    def __init__(self) -> None:
        self.seconds = AT_A_TIME_SECONDS
        self._work: Work[Any] | None = None
        self._on_done: Callable[[Any], None] = lambda result: None
        self._on_error: Callable[[Exception], None] = lambda error: None
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._go_on)

    @property
    def active(self) -> bool:
        return self._work is not None

    def start(
        self,
        steps: Generator[Any, None, Result],
        on_done: Callable[[Result], None],
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        """Do ``steps``, and give the result to ``on_done``.

        Args:
            steps: The work.
            on_done: Gets its result.
            on_error: Gets what a step raises; without it, that is raised in the event loop.
        """
        self.stop()
        self._work, self._on_done = Work(steps), on_done
        self._on_error = on_error or _raise
        self._timer.start()

    def stop(self) -> None:
        """End the work where it is; nobody hears of it."""
        self._timer.stop()
        if self._work is not None:
            work, self._work = self._work, None
            work.close()

    def finish(self) -> None:
        """Do the rest at once: the window waits."""
        self._go_on(math.inf)

    def _go_on(self, seconds: float | None = None) -> None:
        work = self._work
        if work is None:
            self._timer.stop()
            return
        try:
            done = work.go_on(self.seconds if seconds is None else seconds)
        except Exception as error:
            self.stop()
            self._on_error(error)
            return
        if done:
            self._timer.stop()
            self._work = None
            self._on_done(work.result)


def _raise(error: Exception) -> None:
    raise error
