"""Lesions that a detector finds one by one, and what it says of the slices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ...engine.errors import InputError, ModelError
from ...engine.models.catalogue import load_catalogue
from ...engine.parameters import Parameters
from ...scene.detection import fingerprint_of_lungs, remove_what_is_of_other_lungs, write_lungs
from ...scene.given_lungs import coded_lungs, given_lungs
from ...scene.lesion_instances import MOST
from ...scene.show import find_result
from ...scene.slice_classes import find_slice_classes, show_slice_classes
from ...scene.volumes import volume_from_node_in_steps
from ...worker.detection import detect_in_background
from ..parameter_node import parameters_from_node
from ..preparing.first_use import FirstUse
from ..running.job_button import JobButton
from ..running.run import RunState
from ..widgets import signals_blocked

if TYPE_CHECKING:
    from slicer import vtkMRMLPlotChartNode, vtkMRMLScalarVolumeNode

    from ...engine.detection.result import LesionDetection
    from ...engine.models.catalogue import Model
    from ...worker.job import WorkerJob
    from ..section import Panel


@dataclass(frozen=True, eq=False)
class _Search:
    """Where a detector looks, or looked: within lungs with this fingerprint."""

    ct: vtkMRMLScalarVolumeNode
    model_id: str
    lungs: str


@dataclass(frozen=True, eq=False)
class _Found:
    """What a detector found, and where it looked."""

    search: _Search
    detection: LesionDetection

    def show_classes(self) -> vtkMRMLPlotChartNode | None:
        """Make the chart of the classes of slices; None of a detector that tells none."""
        chart = show_slice_classes(self.search.ct, self.detection.slices)
        if chart is not None:
            write_lungs(chart, self.search.lungs)
        return chart


class LesionDetector:
    """Whose lesions are listed, those of the segmentation or a detector's, and its run.

    Attributes:
        finding: The button that starts and cancels it.
    """

    def __init__(
        self,
        panel: Panel,
        ui: Any,
        on_change: Callable[[], None],
        on_chart: Callable[[vtkMRMLPlotChartNode], None],
    ) -> None:
        """
        Args:
            panel: The panel.
            ui: Widgets of the section.
            on_change: Hears that other lesions are to be listed.
            on_chart: Gets the chart of the classes of slices, to show it.
        """
        self._panel, self._ui = panel, ui
        self._on_change, self._on_chart = on_change, on_chart
        self._found: dict[str, _Found] = {}  # by CT
        self._running: _Search | None = None
        self._waiting = False
        self._first_use = FirstUse(panel.say, self.show, panel.models_changed)
        self.finding = JobButton["LesionDetection"](
            ui.detectButton, panel, self._job, self._on_result
        )
        ui.lesionSourceBox.connect("currentIndexChanged(int)", self._on_source)
        ui.sliceClassesButton.connect("clicked()", self._on_classes)
        self.models_changed()

    @property
    def chosen(self) -> str | None:
        """Id of the detector whose lesions are listed; None: those of the segmentation."""
        box = self._ui.lesionSourceBox
        return box.itemData(box.currentIndex) or None

    @property
    def detection(self) -> LesionDetection | None:
        """What the chosen detector found in the CT on show, within the lungs that it has now."""
        found = self._found_here()
        return None if found is None else found.detection

    @property
    def latest(self) -> LesionDetection | None:
        """The same of the detector that looked last, whichever is chosen."""
        found = self._latest()
        return None if found is None else found.detection

    @property
    def lungs(self) -> str:
        """Fingerprint of the lungs of the CT on show."""
        return fingerprint_of_lungs(self._panel.result)

    def models_changed(self) -> None:
        """List the detectors that are trained; without any there is nothing to choose."""
        box, chosen = self._ui.lesionSourceBox, self.chosen
        detectors = _detectors()
        with signals_blocked(box):
            box.clear()
            box.addItem(_("Lesions of the segmentation"), "")
            for model in detectors:
                box.addItem(_("Found by {model}").format(model=model.title), model.id)
            box.currentIndex = max(0, box.findData(chosen or ""))
        box.visible = bool(detectors)
        if self.chosen == chosen:
            self.show()
        else:  # it is gone
            self._on_change()

    def show(self) -> None:
        """Show what can be done, and what was found."""
        ui, found = self._ui, self._found_here()
        running = self.finding.run.state is not RunState.IDLE
        ui.detectButton.visible = running or (self.chosen is not None and found is None)
        ui.detectionLabel.visible = found is not None
        ui.sliceClassesButton.visible = found is not None and bool(found.detection.slices)
        if found is not None:
            ui.detectionLabel.text = _sentence(found.detection)

    def show_case(self) -> None:
        """Another CT or result is on show: what is of other lungs of the CT ends, or goes."""
        ct, running = self._panel.ct, self._running
        if ct is not None:
            remove_what_is_of_other_lungs(ct, self.lungs)
        looks = self.finding.run.state is RunState.RUNNING
        if looks and running is not None and running.ct is ct and running.lungs != self.lungs:
            self.finding.cancel()
            self._panel.say(_changed_meanwhile(), warning=True)
        self.show()

    def scene_closing(self) -> None:
        """Nothing of the scene is kept."""
        self._first_use.cancel("")
        self.finding.cancel()
        self._found.clear()

    def close(self) -> None:
        """Stop what runs."""
        self._first_use.stop_now()
        self.finding.run.stop_now()

    def _latest(self) -> _Found | None:
        ct, result = self._panel.ct, self._panel.result
        found = None if ct is None or result is None else self._found.get(ct.GetID())
        return found if found is not None and found.search.lungs == self.lungs else None

    def _found_here(self) -> _Found | None:
        found = self._latest()
        return found if found is not None and found.search.model_id == self.chosen else None

    def _on_source(self, _index: int) -> None:
        self._on_change()

    def _on_classes(self) -> None:
        found = self._found_here()
        if found is None:
            return
        # It went with the lungs that it is of, if these came back by an undo.
        chart = find_slice_classes(found.search.ct) or found.show_classes()
        if chart is not None:
            self._on_chart(chart)

    def _job(self) -> WorkerJob[LesionDetection] | None:
        """The run of the chosen detector; None while something is asked or checked before it."""
        if self._first_use.busy:
            self._first_use.cancel(_("Cancelled: nothing was changed."))
            return None
        ct, result, node = self._panel.ct, self._panel.result, self._panel.parameter_node
        model_id = self.chosen
        if ct is None or result is None or node is None or model_id is None:
            raise InputError(_("Choose a CT that has a result, and a detector."))
        if self._panel.corrections.pending:  # their fingerprint is that of before
            raise InputError(
                _("The segmentation is being measured after an edit: try again in a moment.")
            )
        parameters = replace(parameters_from_node(node), model=model_id)
        ready: list[bool] = []
        self._waiting = False
        # The lungs are those of the result: nothing that looks for lungs is used.
        needed = Parameters(model=model_id)
        self._first_use.prepare(needed, partial(self._on_ready, ready), self._on_refused)
        if not ready:
            self._waiting = True
            return None
        lungs = result.segmentationNode
        self._running = _Search(ct, model_id, self.lungs)
        return detect_in_background(
            volume_from_node_in_steps(ct),
            given_lungs(lungs, coded_lungs(lungs), ct),
            parameters,
        )

    def _on_ready(self, ready: list[bool]) -> None:
        ready.append(True)
        if self._waiting:  # what was asked or checked is over: as if the button were pressed now
            self._waiting = False
            self._ui.detectButton.click()

    def _on_refused(self, sentence: str, warning: bool = True) -> None:
        self._waiting = False
        if sentence:
            self._panel.say(sentence, warning)

    def _on_result(self, detection: LesionDetection) -> None:
        assert self._running is not None  # the job was started
        search = self._running
        if not slicer.mrmlScene.IsNodePresent(search.ct):
            return
        if fingerprint_of_lungs(find_result(search.ct)) != search.lungs:
            self._panel.say(_changed_meanwhile(), warning=True)
            self.show()
            return
        found = _Found(search, detection)
        found.show_classes()
        self._found[search.ct.GetID()] = found
        self._on_change()


def _detectors() -> list[Model]:
    try:
        models = load_catalogue().models
    except ModelError:
        return []
    return [model for model in models if model.card.finds_instances and model.weights_present]


def _changed_meanwhile() -> str:
    return str(_("The result changed while the detector looked: find the lesions again."))


def _sentence(detection: LesionDetection) -> str:
    """Where lesions were found, and what a reader must know."""
    slices, lesions = detection.slices, detection.lesions
    # Of the lesions that are listed: a slice's own count holds those that were left out later, too.
    infected = {
        index for lesion in lesions for index in range(lesion.slices[0], lesion.slices[1] + 1)
    }
    sentences = [
        _("{lesions} lesions, in {number} of {slices} slices with lung.").format(
            lesions=len(lesions),
            number=sum(slice_.index in infected for slice_ in slices),
            slices=len(slices),
        )
    ]
    if len(lesions) > MOST:
        sentences.append(_("The {number} largest are listed.").format(number=MOST))
    warnings = [flag.message for flag in detection.flags if flag.level == "warning"]
    return "\n".join([*map(str, sentences), *warnings])
