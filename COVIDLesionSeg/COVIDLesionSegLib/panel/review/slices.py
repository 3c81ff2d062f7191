"""The slices of the case on show that are to be looked at first, one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError
from ...engine.parameters import Parameters
from ...engine.review.queue import SliceToReview, doubt_ml, measure_slices_in_steps, review_queue
from ...scene.show import SceneResult
from ...scene.volumes import world_geometry
from .. import views
from ..colors import show_sentence
from ..idle_work import IdleWork
from ..shortcuts import NEXT_TO_REVIEW, PREVIOUS_TO_REVIEW, with_shortcut
from .slice_list import ReviewList

if TYPE_CHECKING:
    from ...engine.steps import Steps
    from ...engine.volume import Geometry
    from ..section import Panel


class ReviewSlices:
    """Finds the slices, leads through them, and hears from the user which were seen."""

    def __init__(
        self,
        panel: Panel,
        ui: Any,
        on_seen: Callable[[frozenset[int]], None],
        on_doubt: Callable[[SceneResult, float], None],
    ) -> None:
        """The callbacks are called in the window's thread.

        Args:
            panel: The panel.
            ui: Widgets of the Review section.
            on_seen: Gets the indices of all slices that were seen, when the user says so of one.
            on_doubt: Gets the result on show and how many ml of it are in doubt, once that is
                measured.
        """
        self._panel = panel
        self._ui = ui
        self._on_seen = on_seen
        self._on_doubt = on_doubt
        self._seen: frozenset[int] = frozenset()
        self._left_out = 0
        self._geometry: Geometry | None = None  # of the slices that are measured
        self._measuring = IdleWork()
        self._list = ReviewList(ui.reviewTable, self._on_chosen)
        for key, text, button, action in (
            (NEXT_TO_REVIEW, _("Next slice to review"), ui.nextSliceButton, self._on_next),
            (
                PREVIOUS_TO_REVIEW,
                _("Previous slice to review"),
                ui.previousSliceButton,
                self._on_previous,
            ),
        ):
            shortcut = panel.shortcuts.register(key, text, action)
            button.toolTip = with_shortcut(button.toolTip, shortcut)
            button.connect("clicked()", action)
        ui.seenButton.connect("clicked(bool)", self._on_seen_button)

    def measure(self) -> None:
        """Find the slices of the case on show, while the window goes on."""
        self._measuring.stop()
        self._list.show((), (), {})
        steps = self._steps()
        if steps is None:
            self._say("")
            return
        self._say(_("Looking for the slices to review first."))
        self._measuring.start(steps, self._on_measured)

    def show(self, seen: frozenset[int]) -> None:
        """Show which slices of the case on show were seen, by index, and how many are left."""
        self._seen = seen
        self._list.mark(seen)
        slices = self._list.slices
        if slices:
            left = sum(slice_.index not in seen for slice_ in slices)
            sentences = [
                _("{left} of {count} slices to look at, the most doubtful first.").format(
                    left=left, count=len(slices)
                )
                if left
                else _("Every slice of the list was seen.")
            ]
            if self._left_out:
                less = _("Not listed, as less doubtful or close to one of these: {count}.")
                sentences.append(less.format(count=self._left_out))
            self._say(" ".join(sentences))
        elif not self._measuring.active:
            self._say(_("No slice is in doubt, and no quality flag names one."))
        for button in (self._ui.nextSliceButton, self._ui.previousSliceButton):
            button.enabled = bool(slices)
        current = self._list.current
        self._ui.seenButton.enabled = current is not None
        self._ui.seenButton.checked = current is not None and current.index in seen

    def close(self) -> None:
        self._measuring.stop()

    def _steps(self) -> Steps[tuple[SliceToReview, ...]] | None:
        ct, result = self._panel.ct, self._panel.result
        if ct is None or result is None:
            return None
        try:
            geometry = self._geometry = world_geometry(ct)
        except CovidLesionSegError:
            return None
        probability = slicer.util.arrayFromVolume(result.probabilityNode)
        if probability.shape != geometry.shape:
            return None
        others = result.disagreementNode
        chosen = result.provenance.get("parameters", {})
        return measure_slices_in_steps(
            probability,
            float(chosen.get("threshold", Parameters().threshold)),
            geometry,
            result.original or result.severity,
            result.flags,
            None if others is None else slicer.util.arrayFromVolume(others),
        )

    def _on_measured(self, slices: tuple[SliceToReview, ...]) -> None:
        result = self._panel.result
        if self._geometry is not None and result is not None:
            self._on_doubt(result, doubt_ml(slices, self._geometry))
        messages = {} if result is None else {flag.code: flag.message for flag in result.flags}
        queue = review_queue(slices)
        self._left_out = queue.left_out
        self._list.show(queue.slices, self._seen, messages)
        self.show(self._seen)

    def _say(self, sentence: str) -> None:
        show_sentence(self._ui.slicesLabel, sentence, warning=False, hide_empty=True)

    def _on_chosen(self, one: SliceToReview) -> None:
        self.show(self._seen)
        if self._panel.ct is not None:
            with slicer.util.tryWithErrorDisplay(_("The slice could not be shown.")):
                views.go_to_slice(self._panel.ct, one.index)

    def _on_next(self) -> None:
        # Who goes on has seen the slice.
        if self._list.current is not None:
            self._on_seen(self._seen | {self._list.current.index})
        self._list.go(1)

    def _on_previous(self) -> None:
        self._list.go(-1)

    def _on_seen_button(self, checked: bool) -> None:
        current = self._list.current
        if current is not None:
            seen = self._seen - {current.index}
            self._on_seen(seen | {current.index} if checked else seen)
