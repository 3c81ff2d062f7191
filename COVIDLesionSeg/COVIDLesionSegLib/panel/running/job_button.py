"""A button that runs a background job: its text is the progress, pressing it again cancels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError
from ...engine.progress import Progress
from ..section import Panel
from .run import Run, RunState

if TYPE_CHECKING:
    import qt

    from ...worker.job import WorkerJob

Result = TypeVar("Result")


class JobButton(Generic[Result]):
    """Ties one button to one job at a time.

    Attributes:
        run: The run in progress, or the idle one.
    """

    def __init__(
        self,
        button: qt.QPushButton,
        panel: Panel,
        get_job: Callable[[], WorkerJob[Result] | None],
        on_result: Callable[[Result], None],
    ) -> None:
        """Text and tooltip of the ``.ui`` file are those of the idle button.

        Args:
            button: The button.
            panel: Where errors are said.
            get_job: The job to start, or None if the user thinks better of it; a
                ``CovidLesionSegError`` that it raises is said.
            on_result: Gets the result.
        """
        self._button = button
        self._panel = panel
        self._get_job = get_job
        self._on_result = on_result
        self._idle_text, self._idle_tip = button.text, button.toolTip
        self.run: Run[Result] = Run(
            on_progress=self._on_progress,
            on_result=self._end_with,
            on_error=self._on_error,
            on_cancelled=lambda sentence: self._show_state(),
        )
        button.connect("clicked()", self._on_clicked)

    def cancel(self) -> None:
        """End what runs, without waiting."""
        self.run.cancel("")
        self._show_state()

    def _on_clicked(self) -> None:
        if self.run.state is not RunState.IDLE:
            self.cancel()
            return
        with slicer.util.tryWithErrorDisplay(_("The work could not be started.")):
            try:
                job = self._get_job()
                if job is not None:
                    with slicer.util.WaitCursor():
                        self.run.start(job)
            except CovidLesionSegError as error:
                self._panel.say(str(error), warning=True)
            else:
                if job is not None:
                    self._on_progress(Progress("", 0.0))
        self._show_state()

    def _on_progress(self, progress: Progress) -> None:
        self._button.text = _("Cancel ({percent} %)").format(percent=round(100 * progress.fraction))

    def _end_with(self, result: Result) -> None:
        self._show_state()
        self._on_result(result)

    def _on_error(self, sentence: str) -> None:
        self._panel.say(sentence, warning=True)
        self._show_state()

    def _show_state(self) -> None:
        state = self.run.state
        self._button.enabled = state is not RunState.CANCELLING
        if state is RunState.IDLE:
            self._button.text, self._button.toolTip = self._idle_text, self._idle_tip
        elif state is RunState.RUNNING:
            self._button.toolTip = _("Stop; nothing is changed.")
        else:
            self._button.toolTip = _("It is being stopped.")
