"""Lesions that a detector finds one by one, and what it says of the slices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ..engine.errors import InputError, ModelError
from ..engine.models.catalogue import load_catalogue
from ..scene.given_lungs import coded_lungs, given_lungs
from ..scene.slice_classes import show_slice_classes
from ..scene.volumes import volume_from_node_in_steps
from ..worker.detection import detect_in_background
from .first_use import FirstUse
from .job_button import JobButton
from .parameter_node import parameters_from_node
from .run import RunState
from .widgets import signals_blocked

if TYPE_CHECKING:
    from slicer import vtkMRMLPlotChartNode, vtkMRMLScalarVolumeNode

    from ..engine.detection.result import LesionDetection
    from ..engine.models.catalogue import Model
    from .run import StartJob
    from .section import Panel


@dataclass(frozen=True, eq=False)
class _Found:
    """What a detector found in a CT, within the lungs of its result."""

    model_id: str
    detection: LesionDetection
    chart: vtkMRMLPlotChartNode | None


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
        self._running: tuple[vtkMRMLScalarVolumeNode, str] | None = None
        self._waiting = False
        self._first_use = FirstUse(
            panel.say,
            self.show,
            panel.models_changed,
            panel.start_process,
            slicer.app.temporaryPath,
        )
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
        """What the chosen detector found in the CT on show."""
        found = self._found_here()
        return None if found is None else found.detection

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
        self.show()

    def show(self) -> None:
        """Show what can be done, and what was found."""
        ui, found = self._ui, self._found_here()
        running = self.finding.run.state is not RunState.IDLE
        ui.detectButton.visible = running or (self.chosen is not None and found is None)
        ui.detectionLabel.visible = found is not None
        ui.sliceClassesButton.visible = found is not None and found.chart is not None
        if found is not None:
            ui.detectionLabel.text = _sentence(found.detection)

    def forget(self) -> None:
        """The CT on show has other lungs now: the detector is to look again."""
        ct = self._panel.ct
        if ct is None:
            return
        self._found.pop(ct.GetID(), None)
        if self._running is not None and self._running[0] is ct:
            self.finding.cancel()

    def scene_closing(self) -> None:
        """Nothing of the scene is kept."""
        self._first_use.cancel("")
        self.finding.cancel()
        self._found.clear()

    def close(self) -> None:
        """Stop what runs."""
        self._first_use.stop_now()
        self.finding.run.stop_now()

    def _found_here(self) -> _Found | None:
        ct, result = self._panel.ct, self._panel.result
        found = None if ct is None or result is None else self._found.get(ct.GetID())
        return found if found is not None and found.model_id == self.chosen else None

    def _on_source(self, _index: int) -> None:
        self.show()
        self._on_change()

    def _on_classes(self) -> None:
        found = self._found_here()
        if found is not None and found.chart is not None:
            self._on_chart(found.chart)

    def _job(self) -> StartJob[LesionDetection] | None:
        """The run of the chosen detector; None while something is asked or checked before it."""
        if self._first_use.busy:
            self._first_use.cancel(_("Cancelled: nothing was changed."))
            return None
        ct, result, node = self._panel.ct, self._panel.result, self._panel.parameter_node
        model_id = self.chosen
        if ct is None or result is None or node is None or model_id is None:
            raise InputError(_("Choose a CT that has a result, and a detector."))
        parameters = replace(parameters_from_node(node), model=model_id)
        ready: list[bool] = []
        self._waiting = False
        self._first_use.prepare(parameters, partial(self._on_ready, ready), self._on_refused)
        if not ready:
            self._waiting = True
            return None
        lungs = result.segmentationNode
        self._running = ct, model_id
        return partial(
            detect_in_background,
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
        ct, model_id = self._running
        if not slicer.mrmlScene.IsNodePresent(ct):
            return
        chart = show_slice_classes(ct, detection.slices)
        self._found[ct.GetID()] = _Found(model_id, detection, chart)
        self.show()
        self._on_change()


def _detectors() -> list[Model]:
    try:
        models = load_catalogue().models
    except ModelError:
        return []
    return [model for model in models if model.card.finds_instances and model.weights_present]


def _sentence(detection: LesionDetection) -> str:
    """Where lesions were found, and what a reader must know."""
    slices = detection.slices
    text = _("{lesions} lesions, in {number} of {slices} slices with lung.").format(
        lesions=len(detection.lesions),
        number=sum(one.instances > 0 for one in slices),
        slices=len(slices),
    )
    warnings = [flag.message for flag in detection.flags if flag.level == "warning"]
    return "\n".join([str(text), *warnings])
