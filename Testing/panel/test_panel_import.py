"""Loading the module costs Slicer's start-up next to nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
HEAVY = ("torch", "monai", "skimage", "scipy", "safetensors")
LOAD_MODULE = f"""
import sys
sys.path[:0] = [{str(REPOSITORY / "COVIDLesionSeg")!r}, {str(REPOSITORY / "Testing")!r}]
from pathlib import Path
from bench import Bench
bench = Bench()
before = set(sys.modules)
bench.load(Path({str(REPOSITORY / "COVIDLesionSeg" / "COVIDLesionSeg.py")!r}))
print(",".join(set(sys.modules) - before))
"""


def test_loading_the_module_and_opening_the_panel_imports_nothing_heavy(bench):
    output = subprocess.run(
        [sys.executable, "-c", LOAD_MODULE], capture_output=True, text=True, check=True
    ).stdout
    imported = {name.partition(".")[0] for name in output.strip().split(",")}

    assert "COVIDLesionSeg" in imported
    assert not imported & set(HEAVY)
