"""A copy of a scene without patient data, compressed in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..engine.progress import ProgressCallback
from ..engine.steps import Steps
from ..jobs import BundleSceneOptions
from .job import WorkerJob
from .request import INPUT_FOLDER

_WRITTEN = 0.2
"""Progress once the scene is written and only to be compressed."""


def bundle_in_background(
    write_scene: Callable[[Path, ProgressCallback], Steps[None]],
    scene_name: str,
    out: Path,
) -> WorkerJob[Path]:
    """The job ``bundle_scene`` on a scene that is written first.

    Args:
        write_scene: Writes the scene into an empty folder, in steps.
        scene_name: Name of that folder.
        out: The ``.mrb`` file to be.
    """

    def prepare(folder: Path, progress: ProgressCallback) -> Steps[BundleSceneOptions]:
        scene = folder / INPUT_FOLDER / scene_name
        scene.mkdir(parents=True)
        yield from write_scene(scene, progress)
        return BundleSceneOptions(scene=scene)

    return WorkerJob("bundle_scene", prepare, lambda path: path, out, prepared=_WRITTEN)
