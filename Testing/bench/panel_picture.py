"""The panel's screenshot for the documentation: a real run on the CT that the demo generates.

Run from the repository's root, after ``make demo``::

    PYTHONPATH=COVIDLesionSeg:Testing python -m bench.panel_picture CT OUT.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from . import Bench
from .screenshot import save_screenshot

MODULE_FILE = Path(__file__).parents[2] / "COVIDLesionSeg" / "COVIDLesionSeg.py"
LONGEST_RUN_SECONDS = 3600


def main(ct: Path, path: Path) -> None:
    """Segment a CT in the panel and save what the panel shows."""
    bench = Bench()
    loaded = bench.load(MODULE_FILE)
    # The library needs the scene and the stand-ins that the bench has just provided.
    from COVIDLesionSegLib.engine.volume import read_volume
    from COVIDLesionSegLib.panel.run import RunState
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    panel = loaded.widget
    node = volume_to_node(read_volume(ct), "Generated chest CT")
    panel.ui.ctSelector.setCurrentNode(node)
    panel.ui.advancedCollapsibleButton.collapsed = False
    panel.ui.applyButton.click()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE, LONGEST_RUN_SECONDS)
    save_screenshot(loaded.panel, path)
    bench.unload(loaded)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
