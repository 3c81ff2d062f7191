"""Slicer's own Python: from a source checkout if one is named, else stand-ins."""

from __future__ import annotations

import os
from pathlib import Path

SOURCE_VARIABLE = "SLICER_SOURCE"
_STAND_INS = Path(__file__).with_name("stand_ins")


def slicer_source() -> Path | None:
    """The checkout of Slicer's source that ``SLICER_SOURCE`` names, or None.

    Raises:
        FileNotFoundError: The variable names something else.
    """
    named = os.environ.get(SOURCE_VARIABLE)
    if not named:
        return None
    source = Path(named)
    if not (source / "Base" / "Python" / "slicer" / "ScriptedLoadableModule.py").is_file():
        raise FileNotFoundError(f"{SOURCE_VARIABLE}={named} is not a checkout of Slicer's source.")
    return source


def provide_slicer_python() -> None:
    """Make ``slicer.ScriptedLoadableModule`` and its kin importable."""
    import slicer

    source = slicer_source()
    folder = source / "Base" / "Python" / "slicer" if source else _STAND_INS
    if str(folder) not in slicer.__path__:
        slicer.__path__.append(str(folder))
