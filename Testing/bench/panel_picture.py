"""The panel's screenshot for the documentation: a real run on a generated CT.

Run from the repository's root::

    PYTHONPATH=COVIDLesionSeg:Testing python -m bench.panel_picture OUT.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from . import Bench
from .screenshot import save_screenshot

MODULE_FILE = Path(__file__).parents[2] / "COVIDLesionSeg" / "COVIDLesionSeg.py"
LONGEST_RUN_SECONDS = 3600


def main(path: Path) -> None:
    """Segment a generated CT in the panel and save what the panel shows."""
    bench = Bench()
    loaded = bench.load(MODULE_FILE)
    # The library needs the scene and the stand-ins that the bench has just provided.
    from COVIDLesionSegLib.engine.phantom import generate_chest_ct
    from COVIDLesionSegLib.panel.run import RunState
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    phantom = generate_chest_ct(size=(400, 400, 48), spacing=(0.9, 0.9, 6.0))
    panel = loaded.widget
    panel.ui.ctSelector.setCurrentNode(volume_to_node(phantom.volume, "Generated chest CT"))
    panel.ui.applyButton.click()
    bench.wait_until(lambda: panel.run.state is RunState.IDLE, LONGEST_RUN_SECONDS)
    save_screenshot(loaded.panel, path)
    bench.unload(loaded)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
