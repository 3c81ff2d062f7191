"""The folder that the server of MONAI Label is started with."""

from __future__ import annotations

from pathlib import Path

from ..engine.files import atomic_folder, write_bytes

MAIN = "main.py"
_SOURCE = '''"""COVIDLesionSeg as an app for MONAI Label; it is written in the installed package."""

from COVIDLesionSegLib.monai_label.app import CovidLesionSegApp

__all__ = ["CovidLesionSegApp"]
'''


def write_app(folder: Path) -> None:
    """Write the app's folder: the server imports its one file, and keeps logs and models in it.

    Args:
        folder: Absent or empty, in a folder that exists.

    Raises:
        OutputError: The folder holds something, or cannot be written.
    """
    with atomic_folder(folder) as staging:
        write_bytes(_SOURCE.encode(), staging / MAIN)
