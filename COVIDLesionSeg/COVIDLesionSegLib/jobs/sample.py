"""The sample CT: a generated chest CT to try the software on, made without any download."""

from __future__ import annotations

from pathlib import Path

from ..engine.files import atomic_folder
from ..engine.phantom import generate_chest_ct
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..engine.volume import Volume
from ..engine.volume.exact import save_volume
from .options import SampleCtOptions

SIZE = (324, 252, 56)
SPACING_MM = (1.0, 1.0, 5.0)


def sample_ct(
    options: SampleCtOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Volume:
    """Generate a chest CT with lesions of COVID-19, and write it exactly, for another process.

    Args:
        options: Which invented patient.
        out: A new folder for :func:`~COVIDLesionSegLib.engine.volume.exact.save_volume`.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Returns:
        The CT in HU, shape (56, 252, 324).

    Raises:
        OutputError: The folder cannot be written.
        Cancelled: ``cancel`` was set; there is no ``out``.
    """
    cancel = cancel or CancelToken()

    def tell(report: Progress) -> None:
        cancel.raise_if_cancelled()
        progress(report)

    volume = generate_chest_ct(options.seed, SIZE, SPACING_MM, progress=tell).volume
    with atomic_folder(Path(out)) as staging:
        save_volume(volume, staging)
    return volume
