"""A written scene as one Slicer data bundle (.mrb)."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ..engine.errors import InputError
from ..engine.files import atomic_path
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .options import BundleSceneOptions

_CHUNK_BYTES = 4 << 20


def bundle_scene(
    options: BundleSceneOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Path:
    """Compress the folder of a scene into one file.

    Args:
        options: The folder, which holds a ``.mrml`` file and its data.
        out: The file to be; an earlier one is replaced in one step.
        progress: Called with progress.
        cancel: Set it to stop the job; an earlier file is as it was.

    Returns:
        ``out``.

    Raises:
        InputError: The folder holds no scene.
        OutputError: The file cannot be written.
        Cancelled: ``cancel`` was set.
    """
    cancel = cancel or CancelToken()
    folder = options.scene
    if not any(folder.glob("*.mrml")):
        raise InputError("The folder holds no scene: save the copy again.")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    total = max(1, sum(path.stat().st_size for path in files))
    done = 0
    with (
        atomic_path(Path(out)) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as bundle,
    ):
        for path in files:
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            # No time of this computer: the file says when the CT was worked on anyway.
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with path.open("rb") as source, bundle.open(entry, "w", force_zip64=True) as target:
                while chunk := source.read(_CHUNK_BYTES):
                    cancel.raise_if_cancelled()
                    target.write(chunk)
                    done += len(chunk)
                    progress(Progress("Compressing the copy", done / total))
    return Path(out)
