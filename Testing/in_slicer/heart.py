"""How live a window is: the longest gap between two ticks of a timer."""

from __future__ import annotations

import time

import qt

TICK_MS = 10


class Heart:
    """Ticks in the event loop; keeps the longest gap, in wall and in processor time of its thread.

    Attributes:
        wall, processor: That gap, in seconds.
    """

    def __init__(self) -> None:
        self._timer = qt.QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self._tick)
        self.start()

    def start(self) -> None:
        """Forget all gaps so far."""
        self.wall = self.processor = 0.0
        self._last = time.monotonic(), time.thread_time()
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now = time.monotonic(), time.thread_time()
        self.wall = max(self.wall, now[0] - self._last[0])
        self.processor = max(self.processor, now[1] - self._last[1])
        self._last = now
