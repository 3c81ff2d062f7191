"""The fabricated results of the scene suites, for the headless suites too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "scene"))
