"""Whether the CT on show still holds the voxels that its result was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...scene.made_from import check_made_from
from ...scene.nodes import read_provenance
from ...scene.prediction import run_of
from ...scene.volumes import voxel_state
from ..colors import color_sentence, show_sentence
from ..idle_work import IdleWork
from ..node_watch import NodeWatch
from ..unforeseen import raise_unforeseen

if TYPE_CHECKING:
    import qt

    from ..section import Panel


class ChangedCt:
    """Compares CT and result while nothing else is to be done, and says so where they differ.

    Another module may change a CT in place, or move it: the figures of its result are then those of
    the CT that was segmented.
    """

    def __init__(self, panel: Panel, label: qt.QLabel) -> None:
        """The label is hidden as long as there is nothing to say."""
        self._panel, self._label = panel, label
        self._case: object = None
        self._compared: object = None
        self._comparing = IdleWork()
        self._watch = NodeWatch(self._compare)
        self._say("")

    def show_case(self) -> None:
        """Another CT or result may be on show."""
        ct, result = self._panel.ct, self._panel.result
        case = None if ct is None or result is None else (ct, run_of(result))
        if case != self._case:
            self.stop()  # what is said is of another case
            self._case = case
        if ct is not None and case is not None:
            self._watch.watch([ct])
            self._compare()

    def palette_changed(self) -> None:
        color_sentence(self._label)

    def stop(self) -> None:
        """Watch and compare nothing more."""
        self._watch.stop()
        self._comparing.stop()
        self._case = self._compared = None
        self._say("")

    def _compare(self) -> None:
        ct, result = self._panel.ct, self._panel.result
        if ct is None or result is None:
            return
        state = voxel_state(ct), ct.GetMTime()
        if state == self._compared:
            return
        self._compared = state
        self._comparing.start(
            check_made_from(ct, read_provenance(result.segmentationNode)),
            lambda same: self._say(""),
            self._on_error,
        )

    def _on_error(self, error: Exception) -> None:
        self._say(raise_unforeseen(error))

    def _say(self, sentence: str) -> None:
        show_sentence(self._label, sentence, warning=True, hide_empty=True)
