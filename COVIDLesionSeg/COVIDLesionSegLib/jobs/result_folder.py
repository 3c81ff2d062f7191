"""A result folder that is complete or absent at every instant, even if the process is killed.

Everything is written into a hidden staging folder beside the result folder. Publishing renames
folders, which a file system does in one step each:

    RESULT             ->  .RESULT.covid-lesion-seg-previous     an earlier result steps aside
    .RESULT.…-staging  ->  RESULT                                the new one takes its place

A process killed between the two leaves the earlier result in ``…-previous``; the next run brings
it back before it starts. No file that this package did not write is ever moved or removed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..engine.errors import Cancelled, CorrectedError, OutputError
from ..engine.files import output_path
from ..report.result_files import SEGMENTATION, SEGMENTATION_RESULT, FolderKind


@contextmanager
def result_folder(
    folder: Path, inputs: tuple[Path, ...] = (), kind: FolderKind = SEGMENTATION_RESULT
) -> Iterator[Path]:
    """Give a staging folder to write into, and publish it as ``folder`` if all goes well.

    Entering proves that the folder can be written, so that a long computation never ends in
    vain. An exception inside the block discards the staging folder and leaves ``folder`` as it was.

    Args:
        folder: Where the result shall appear: absent, empty, or an earlier result, which is
            replaced. Missing parents are made.
        inputs: Files or folders that must survive, so must not lie inside ``folder``.
        kind: What is written; only an earlier result of this kind is replaced.

    Yields:
        The staging folder, empty.

    Raises:
        OutputError: The folder cannot be written, holds files of another origin, holds an input,
            or is being written by another run.
        CorrectedError: It holds a segmentation that was corrected since it was written.
        Cancelled: The block was cancelled; ``folder`` is as it was.
    """
    folder = output_path(folder)
    _refuse_unsafe(folder, inputs)
    made = _make_parents(folder.parent)
    try:
        with _locked(folder):
            _refuse_foreign_files(folder, kind)
            _recover(folder, kind)
            _refuse_foreign_files(folder, kind)  # what was brought back may be of another kind
            refuse_corrected(folder, kind)
            staging = _sibling(folder, "staging")
            with _plain_sentences(folder):
                staging.mkdir()
            try:
                yield staging
                _publish(staging, folder, kind)
            except Cancelled as error:
                raise Cancelled("Cancelled: nothing was changed.") from error
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    finally:
        for parent in made:
            with suppress(OSError):  # not empty: the result, or something of the user's, is there
                parent.rmdir()


def _publish(staging: Path, folder: Path, kind: FolderKind) -> None:
    previous = _sibling(folder, "previous")
    _refuse_foreign_files(folder, kind)
    refuse_corrected(folder, kind)
    with _plain_sentences(folder):
        try:
            if folder.exists():
                folder.rename(previous)
            staging.rename(folder)
        except BaseException:  # a second Ctrl-C, too, must not leave the earlier result aside
            if previous.exists() and not folder.exists():
                previous.rename(folder)
            raise
    if previous.exists():
        with suppress(OSError):  # the new result is there; the next run tidies up
            _discard(previous, folder)


def _recover(folder: Path, kind: FolderKind) -> None:
    """Bring back the earlier result of a run that was killed while publishing, and tidy up.

    ``folder`` is absent, empty, or holds a complete result.
    """
    previous = _sibling(folder, "previous")
    with _plain_sentences(folder):
        if previous.exists() and not _holds_report(folder, kind):
            if folder.exists():
                folder.rmdir()
            previous.rename(folder)
        for leftover in (previous, _sibling(folder, "staging"), _sibling(folder, "discarded")):
            if leftover.exists():
                _discard(leftover, folder)


def _discard(leftover: Path, folder: Path) -> None:
    """Remove under another name first: half an earlier result must never be brought back."""
    discarded = _sibling(folder, "discarded")
    if leftover != discarded:
        shutil.rmtree(discarded, ignore_errors=True)
        leftover.rename(discarded)
    shutil.rmtree(discarded)


def _refuse_unsafe(folder: Path, inputs: tuple[Path, ...]) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file: name a folder.")
    if Path.cwd().is_relative_to(folder) or os.path.ismount(folder):
        raise OutputError(
            f"{folder} cannot be replaced as a whole: name a folder inside it, such as "
            f"{folder / 'result'}."
        )
    for path in inputs:
        if path.resolve().is_relative_to(folder):
            raise OutputError(
                f"{path} lies inside the output folder {folder}: choose another folder."
            )


def _refuse_foreign_files(folder: Path, kind: FolderKind) -> None:
    """An existing folder must be empty or hold a result of ours and nothing else."""
    if not folder.exists():
        return
    with _plain_sentences(folder):
        names = sorted(entry.name for entry in folder.iterdir())
    foreign = [name for name in names if name not in kind.files]
    if names and not foreign and not _holds_report(folder, kind):
        foreign = names
    if foreign:
        raise OutputError(
            f"{folder} holds {foreign[0]}, which is not part of a result: choose an empty or new "
            "folder."
        )


def refuse_corrected(folder: Path, kind: FolderKind = SEGMENTATION_RESULT) -> None:
    """What a person drew is never replaced.

    Raises:
        CorrectedError: The segmentation in the folder was corrected since it was written.
    """
    if kind is not SEGMENTATION_RESULT or not (folder / SEGMENTATION).is_file():
        return
    from ..report.result_reading import is_corrected

    if is_corrected(folder):
        raise CorrectedError(
            f"{SEGMENTATION} in {folder} was corrected since it was written, and is not replaced: "
            "choose another folder, or move this one elsewhere."
        )


def _holds_report(folder: Path, kind: FolderKind) -> bool:
    try:
        return kind.is_report(json.loads((folder / kind.report).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return False


def _make_parents(parent: Path) -> list[Path]:
    """Make ``parent``; give the folders that were made, innermost first."""
    missing = [path for path in (parent, *parent.parents) if not path.exists()]
    with _plain_sentences(parent):
        parent.mkdir(parents=True, exist_ok=True)
    return missing


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep a second run away from the same folder; the lock ends with the process."""
    path = _sibling(folder, "lock")
    lock = FileLock(path, timeout=0)
    try:
        with _plain_sentences(folder):
            lock.acquire()
    except Timeout as error:
        if not path.exists():  # so nobody holds it: some file systems take no new files
            raise OutputError(
                f"Nothing can be written to {folder}: choose another folder."
            ) from error
        raise OutputError(
            f"Another run is writing to {folder}: wait for it or choose another folder."
        ) from error
    try:
        yield
    finally:
        # Removed while still held: whoever waits for it notices and starts over.
        with suppress(OSError):
            path.unlink()
        lock.release()


def _sibling(folder: Path, role: str) -> Path:
    return folder.with_name(f".{folder.name}.covid-lesion-seg-{role}")


@contextmanager
def _plain_sentences(folder: Path) -> Iterator[None]:
    try:
        yield
    except Timeout:
        raise
    except OSError as error:
        raise OutputError(
            f"Nothing can be written to {folder} ({error.strerror or error}): choose another "
            "folder."
        ) from error
