"""A copy of a scene without patient data, compressed in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..engine.progress import ProgressCallback, sub_progress
from ..engine.steps import Steps
from ..jobs import BundleSceneOptions
from .background import BackgroundJob
from .process import ChildProcess, WorkerProcess
from .request import INPUT_FOLDER, save_request

_WRITTEN = 0.2
"""Progress once the scene is written and only to be compressed."""


def bundle_in_background(
    write_scene: Callable[[Path, ProgressCallback], Steps[None]],
    scene_name: str,
    out: Path,
    progress: ProgressCallback,
    *,
    start_process: Callable[[Path], WorkerProcess] = ChildProcess,
    temporary_path: str | None = None,
) -> BackgroundJob[Path]:
    """Write a scene, and hand it to a new worker process, which runs the job ``bundle_scene``.

    Args:
        write_scene: Writes the scene into an empty folder, in steps.
        scene_name: Name of that folder.
        out: The ``.mrb`` file to be.
        progress: Called with every report of ``write_scene`` and of the worker.
        start_process: Starts the worker on a request file.
        temporary_path: Where the job's private folder is made; the system's choice if None.

    Raises:
        OutputError: The temporary folder cannot be written.
    """

    def write_request(folder: Path) -> Steps[Path]:
        scene = folder / INPUT_FOLDER / scene_name
        scene.mkdir(parents=True)
        yield from write_scene(scene, sub_progress(progress, 0.0, _WRITTEN))
        options = BundleSceneOptions(scene=scene)
        return save_request(folder, "bundle_scene", options.to_dict(), out)

    return BackgroundJob(
        write_request,
        lambda folder: out,
        sub_progress(progress, _WRITTEN, 1.0),
        start_process=start_process,
        temporary_path=temporary_path,
    )
