"""A scene as one .mrb file, complete or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..engine.errors import OutputError


def save_scene(scene, path) -> Path:
    """Write ``scene`` to a Slicer data bundle.

    The bundle is made in a temporary folder beside ``path`` and moved into place, so ``path``
    holds either the whole new bundle or what it held before.

    Args:
        scene: The MRML scene.
        path: Ends in ``.mrb``.

    Returns:
        ``path``.

    Raises:
        OutputError: The folder cannot be written, or a node could not be saved.
    """
    path = Path(path)
    if path.suffix != ".mrb":
        raise OutputError(f"{path.name} must end in .mrb to be a Slicer scene bundle.")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".scene-") as folder:
            bundle = Path(folder) / path.name
            if not scene.WriteToMRB(str(bundle)) or not bundle.is_file():
                raise OutputError(
                    f"The scene could not be saved as {path.name}: check the free disk space."
                )
            os.replace(bundle, path)
    except OSError as error:
        raise OutputError(
            f"The scene cannot be written to {path}: choose a folder you may write to."
        ) from error
    return path
