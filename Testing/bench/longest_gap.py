"""How long the panel's own code keeps the window from its turn, with a large CT.

Runs the panel on a generated CT of 512x512x148 with a worker that is done at once and has left a
known result, and reports the longest gaps between two ticks of a 10 ms timer. Rendering is not in
it: the bench draws no views.

    PYTHONPATH=COVIDLesionSeg:Testing python -m bench.longest_gap [SIZE_XY SLICES]
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from . import Bench

MODULE_FILE = Path(__file__).parents[2] / "COVIDLesionSeg" / "COVIDLesionSeg.py"
LONGEST_RUN_SECONDS = 600


class Remembered:
    """A worker whose files are made once, before the time is taken."""

    def __init__(self, worker) -> None:
        self._worker = worker
        self._folder: Path | None = None

    def __call__(self, request: Path):
        from COVIDLesionSegLib.worker.request import RESULT_FOLDER

        if self._folder is None:
            self._worker(request)
            self._folder = Path(tempfile.mkdtemp()) / RESULT_FOLDER
            shutil.copytree(request.parent / RESULT_FOLDER, self._folder)
        else:
            (request.parent / RESULT_FOLDER).symlink_to(self._folder)
            self._worker.code = 0
        return self._worker


def main(size: int = 512, slices: int = 148) -> None:
    """Run, run again, correct, and undo; print the longest gap of each."""
    bench = Bench()
    loaded = bench.load(MODULE_FILE)
    from COVIDLesionSegLib.engine.phantom import generate_chest_ct
    from COVIDLesionSegLib.panel.preparing import first_use, licences
    from COVIDLesionSegLib.scene.volumes import volume_to_node
    from in_slicer.heart import Heart
    from panel.workers import finished_with, known_result

    licences.approve("CC-BY-NC-SA-4.0")
    first_use.remember_torch_works()
    panel = loaded.widget
    spacing = (350.0 / size, 350.0 / size, 320.0 / slices)
    phantom = generate_chest_ct(seed=3, size=(size, size, slices), spacing=spacing)
    result = known_result(phantom, ensemble=True)
    node = volume_to_node(phantom.volume, "Generated chest CT")
    panel.ui.ctSelector.setCurrentNode(node)
    heart = Heart()

    def measure(what: str, act: Callable[[], None], seconds: float = 3.0) -> None:
        bench.wait_until(lambda: True)
        heart.start()
        begun = time.monotonic()
        act()
        bench.wait_until(lambda: not panel.busy, LONGEST_RUN_SECONDS)
        taken = time.monotonic() - begun
        end = time.monotonic() + seconds  # what follows, such as a look for corrections
        bench.wait_until(lambda: time.monotonic() > end)
        gaps = f"{1000 * heart.wall:.0f} ms, of it processor time {1000 * heart.processor:.0f} ms"
        print(f"{what}: {taken:.1f} s, longest gap {gaps}; {panel.ui.statusLabel.text!r}")

    panel.run.start_process = Remembered(finished_with(result, surfaces=True))
    measure("(making the result)", panel.ui.applyButton.click)
    panel.ui.undoButton.click()
    for what in ("first run", "second run"):
        measure(what, panel.ui.applyButton.click)
    measure("undo", panel.ui.undoButton.click)
    bench.unload(loaded)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
