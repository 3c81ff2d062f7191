"""The learning curve in a plot view of Slicer's, drawn on while the training goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt
import slicer

from ...engine.models.retrained import CURVE_CSV
from ...scene.training_curve import find_curve_chart, read_curve, remove_curve, update_curve
from ..results.slice_chart import SliceChart

INTERVAL_MS = 1000


class TrainingChart:
    """Shows the curve of one training at a time, on request."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        """``on_change`` hears that the chart may be seen now, or no longer."""
        self._view = SliceChart(on_slice=lambda index: None, on_change=on_change)
        self._folder: Path | None = None
        self._model = ""
        self._timer = qt.QTimer()
        self._timer.setInterval(INTERVAL_MS)
        self._timer.connect("timeout()", self.update)

    @property
    def shown(self) -> bool:
        """Whether a plot view shows the chart."""
        return self._view.shown

    def follow(self, folder: Path | None, model: str, live: bool) -> None:
        """Show this training from now on, where the chart is shown.

        Args:
            folder: Of the training, with its curve; None for no training.
            model: Id of the model that is trained.
            live: Whether the training goes on.
        """
        self._folder, self._model = folder, model
        if live:
            self._timer.start()
        else:
            self._timer.stop()
        if folder is None:
            self._view.hide()
            remove_curve(slicer.mrmlScene)
        else:
            self.update()

    def show(self) -> None:
        """Show the chart in a plot view, in a layout that has one."""
        if self._folder is not None:
            self._view.show(update_curve(slicer.mrmlScene, self._curve(), self._model))

    def hide(self) -> None:
        """Bring the layout back that the user had."""
        self._view.hide()

    def forget(self) -> None:
        """Leave scene and layout as they are: the scene is being emptied."""
        self._view.forget()

    def close(self) -> None:
        """Follow nothing any more."""
        self._timer.stop()
        self._view.forget()

    def update(self) -> None:
        """Draw what the training has written by now, where there is a chart."""
        if self._folder is not None and find_curve_chart(slicer.mrmlScene) is not None:
            update_curve(slicer.mrmlScene, self._curve(), self._model)

    def _curve(self) -> dict[str, list[float]]:
        assert self._folder is not None
        return read_curve(self._folder / CURVE_CSV)
