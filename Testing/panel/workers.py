"""Worker processes of the tests: real child processes, or instant ones with a known result."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from COVIDLesionSegLib.engine.flags import Flag
from COVIDLesionSegLib.engine.result import SegmentationResult, save_result
from COVIDLesionSegLib.engine.severity import measure_severity
from COVIDLesionSegLib.engine.volume.exact import load_volume
from COVIDLesionSegLib.jobs import SegmentVolumeOptions
from COVIDLesionSegLib.scene.labels import segments_of
from COVIDLesionSegLib.scene.surfaces import save_surfaces
from COVIDLesionSegLib.worker.request import RESULT_FOLDER, load_request

FLAGS = (
    Flag("lungs-touch-border", "The lungs touch the <border> of the CT: part may be missing."),
    Flag("thick-slices", "Slices are 26 mm apart.", level="note"),
)


def known_result(phantom, lesion: bool = True, ensemble: bool = False) -> SegmentationResult:
    """The phantom's truth as a result, with all its lesions or none.

    As an ensemble's it tells two classes apart, and the members disagree on the first.
    """
    classes = ("ground-glass opacity", "consolidation") if ensemble else ("lesion",)
    lesions = np.minimum(phantom.lesions, len(classes)).astype(np.uint8) * lesion
    disagreement = (lesions == 1).astype(np.float32) if ensemble else None
    geometry = phantom.volume.geometry
    return SegmentationResult(
        geometry=geometry,
        lungs=phantom.lungs,
        lesions=lesions,
        probability=(lesions > 0) * np.float32(0.9),
        disagreement=disagreement,
        classes=classes,
        severity=measure_severity(phantom.lungs, lesions, classes, geometry, disagreement),
        flags=FLAGS,
        provenance={"models": {"known": {}}},
    )


class ScriptedWorker:
    """A worker that says what it is told to, and ends when told to."""

    def __init__(
        self,
        messages=(),
        result=None,
        exit_code: int | None = None,
        printed: str = "",
        surfaces: bool = False,
    ) -> None:
        self._messages = list(messages)
        self._printed = printed
        self._result = result
        self._surfaces = surfaces
        self.code = exit_code
        self.killed = False
        self.volume = self.parameters = None

    def __call__(self, request: Path) -> ScriptedWorker:
        """Stands for ``ChildProcess(request)``."""
        asked = load_request(request)
        options = SegmentVolumeOptions.from_dict(asked.options)
        self.volume, self.parameters = load_volume(options.volume), options.parameters
        if self._result is not None:
            save_result(self._result, request.parent / RESULT_FOLDER, self._also(options))
        return self

    def _also(self, options: SegmentVolumeOptions):
        """Writes the surfaces, as the job does."""
        if not self._surfaces:
            return None
        matrix = np.reshape(options.surfaces_on, (4, 4))
        return lambda folder: save_surfaces(segments_of(self._result), matrix, folder)

    def messages(self) -> list[dict]:
        said, self._messages = self._messages, []
        return said

    def exit_code(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.killed = True
        self.code = -9 if self.code is None else self.code

    def wait(self, seconds: float) -> None:
        """It has ended already."""

    def log(self) -> str:
        return self._printed


def finished_with(result: SegmentationResult, surfaces: bool = False) -> ScriptedWorker:
    """A worker that is done at once, with or without the surfaces of its result."""
    return ScriptedWorker(result=result, exit_code=0, surfaces=surfaces)
