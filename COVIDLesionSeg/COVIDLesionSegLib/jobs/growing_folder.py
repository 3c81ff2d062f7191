"""A folder that grows run by run, such as that of a cohort or a study: for one run at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..engine.errors import OutputError
from ..engine.files import cannot_write
from ..engine.locks import FOLDER_LOCK, take_lock


@contextmanager
def growing_folder(
    out: Path,
    inputs: Sequence[Path],
    subfolders: Sequence[str],
    files: Collection[str],
) -> Iterator[None]:
    """Make the folder, for this run alone.

    Args:
        out: Absent, empty, or that of an earlier run; of :func:`~..engine.files.output_path`.
        inputs: Must not lie inside it.
        subfolders: Are made in it.
        files: Names of all files and folders that the job writes into it; hidden ones are its own,
            too.

    Raises:
        OutputError: It cannot be written, holds files of another origin or an input, or another run
            is writing it.
    """
    for path in inputs:
        if path.expanduser().resolve().is_relative_to(out):
            raise OutputError(f"{path} lies inside the output folder {out}: choose another folder.")
    try:
        if out.is_dir():
            names = (path.name for path in out.iterdir())
            foreign = [name for name in names if name not in files and not name.startswith(".")]
            if foreign:
                raise OutputError(
                    f"{out.name} holds files of another origin, such as {min(foreign)}: choose "
                    "another folder."
                )
        for folder in subfolders:
            (out / folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from error
    lock = take_lock(out / FOLDER_LOCK)
    if lock is None:
        raise OutputError(
            f"Another run is writing {out.name}: wait for it, or choose another folder."
        )
    with lock:
        yield
