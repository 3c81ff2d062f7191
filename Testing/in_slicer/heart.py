"""How live a window is: the longest gap between two ticks of a timer."""

from __future__ import annotations

import time

import qt


class Heart:
    """Ticks every 10 ms; keeps the longest gap, in wall and in processor time of this thread."""

    def __init__(self) -> None:
        self._timer = qt.QTimer()
        self._timer.setInterval(10)
        self._timer.connect("timeout()", self._tick)
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
