"""One segmentation at a time in one application, whoever started it: the panel or the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..engine.errors import CovidLesionSegError
from ..engine.progress import Progress


class TurnListener(Protocol):
    """Who wants to know of segmentations that others started."""

    def turn_taken(self) -> None:
        """One has begun."""

    def turn_progressed(self, progress: Progress) -> None:
        """It has reported."""

    def turn_ended(self, shown: Any, error: BaseException | None) -> None:
        """It is over.

        Args:
            shown: What it put into the scene, or None.
            error: What ended it before, :class:`.Cancelled` among others; None where nothing did.
        """


class Turn:
    """Whose turn it is to segment.

    Attributes:
        holder: Who has the turn; None if nobody has.
        ct: The CT node that is segmented; None if nobody has the turn.
    """

    def __init__(self) -> None:
        self.holder: object | None = None
        self.ct: object | None = None
        self._cancel: Callable[[], None] = lambda: None
        self._listeners: list[TurnListener] = []

    def listen(self, listener: TurnListener) -> None:
        """Tell ``listener`` of the turns of others from now on."""
        self._listeners.append(listener)

    def forget(self, listener: TurnListener) -> None:
        """Tell ``listener`` nothing more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def take(self, holder: object, cancel: Callable[[], None], ct: object) -> None:
        """Take the turn.

        Args:
            holder: Who takes it.
            cancel: Ends the segmentation; others may call it.
            ct: The CT node that will be segmented.

        Raises:
            CovidLesionSegError: Another segmentation is running.
        """
        if self.holder is not None:
            raise CovidLesionSegError(
                "A segmentation is running already: wait for its end, or cancel it."
            )
        self.holder, self._cancel, self.ct = holder, cancel, ct
        for listener in self._others():
            listener.turn_taken()

    def report(self, holder: object, progress: Progress) -> None:
        """Tell the others of progress, if ``holder`` has the turn."""
        if holder is self.holder:
            for listener in self._others():
                listener.turn_progressed(progress)

    def give_back(
        self, holder: object, shown: Any = None, error: BaseException | None = None
    ) -> None:
        """End the turn of ``holder``; nothing happens if it is not its turn.

        Args:
            holder: Who had it.
            shown, error: As for :meth:`TurnListener.turn_ended`.
        """
        if holder is not self.holder:
            return
        others = self._others()
        self.holder = self.ct = None
        for listener in others:
            listener.turn_ended(shown, error)

    def cancel(self) -> None:
        """End the segmentation of whoever has the turn."""
        if self.holder is not None:
            self._cancel()

    def _others(self) -> list[TurnListener]:
        return [listener for listener in self._listeners if listener is not self.holder]


SEGMENTATION_TURN = Turn()
"""The turn of this application."""
