"""Finds the CTs of a cohort in files, folders, DICOM trees and tables."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..data.ct_table import case_name, patient_of_ct
from ..data.tables import read_table
from ..errors import InputError
from ..volume.dicom_series import Slice, find_images, is_dicom_file, visible_files
from ..volume.reading import FORMATS, readable
from .series_choice import choose_of_studies, gather

_NO_CTS = (".seg.nrrd", ".seg.nhdr")
"""Endings of files in a CT's format that hold something else."""


@dataclass(frozen=True)
class CaseSource:
    """One CT of a cohort.

    Attributes:
        case: What it is called, and its folder: letters, digits, ``.``, ``_`` and ``-``. Of a file
            its name; of a DICOM series a number made of its UID, as names of DICOM folders often
            are the patient's.
        place: Where it is, from the source that was named, with ``/``; "." for that itself.
        ct: File or folder for :func:`~..volume.read_volume`.
        series: SeriesInstanceUID, for a folder of DICOM files.
        problem: Why it cannot be read, where that is known already.
        lobes: File of its lobes, where a table names one.
    """

    case: str
    place: str
    ct: Path
    series: str | None = None
    problem: str | None = None
    lobes: Path | None = None

    @property
    def voxels(self) -> tuple[str, str | None]:
        """Which CT it is: two cases with the same have one result."""
        return str(self.ct), self.series

    def fingerprint(self) -> str:
        """SHA-256 of the files' names, sizes and times: another one means that the CT changed.

        Of a folder with its subfolders, as it is read with them.

        The voxels are not read: a cohort may have terabytes.

        Raises:
            InputError: The file or folder is gone.
        """
        path = readable(self.ct)
        files = visible_files(path) if path.is_dir() else [path]
        if self.lobes is not None:
            files.append(readable(self.lobes))
        seen = hashlib.sha256(repr((self.series, self.problem)).encode())
        for file in files:
            state = os.stat(file, follow_symlinks=file.exists())  # reading says what is wrong
            seen.update(
                f"{file.name}\0{state.st_size}\0{state.st_mtime_ns}\n".encode("utf-8", "replace")
            )
        return seen.hexdigest()


@dataclass(frozen=True)
class LeftOut:
    """What a source holds and the cohort leaves out.

    Attributes:
        place: As of a :class:`CaseSource`.
        reason: One sentence.
    """

    place: str
    reason: str


def find_cases(sources: Sequence[Path]) -> tuple[list[CaseSource], list[LeftOut]]:
    """The CTs of a cohort, by name, and what was left out.

    Args:
        sources: CT files; folders, searched with all their subfolders for CT files and DICOM
            series; CSV files with the columns ``ct`` (relative to the file) and perhaps ``case``,
            ``series`` and ``lobes``.

    Raises:
        InputError: A source does not exist or holds no CT, a table is damaged, or two of its rows
            have one name or one CT.
    """
    named: list[CaseSource] = []  # by a table, which may say more of a CT than a folder does
    found: list[CaseSource] = []
    left_out: list[LeftOut] = []
    for source in sources:
        source = readable(source)
        if source.is_dir():
            cases, others = _of_folder(source)
            if not cases:
                why = f": {others[0].reason}" if others else "; choose a folder that does."
                raise InputError(f"{source.name} holds no chest CT{why}")
            left_out += others
            found += cases
        elif source.suffix.lower() == ".csv":
            named += _of_table(source)
        else:
            found.append(CaseSource(case_name(patient_of_ct(source)), source.name, source))
    once: dict[tuple[str, str | None], CaseSource] = {}
    for item in named + found:
        once.setdefault(item.voxels, item)
    return sorted(_with_own_names(once.values()), key=lambda item: item.case), left_out


def _of_table(path: Path) -> Iterator[CaseSource]:
    table = read_table(path)
    table.check_columns(["ct"])
    names: set[str] = set()
    cts: set[tuple[str, str | None]] = set()
    for row in table.rows:
        if not row.get("ct"):  # a bad case of the cohort, not the end of it
            place = f"row-{row.number}"
            why = str(row.fault("ct", "is empty"))
            yield CaseSource(case_name(row.get("case") or place), place, path, place, problem=why)
            continue
        ct = path.parent / Path(row.required("ct")).expanduser()
        case = row.get("case") or patient_of_ct(ct)
        if case_name(case) != case and row.get("case"):
            raise row.fault("case", "may hold letters, digits, '.', '_' and '-' only")
        if row.get("case") and case.casefold() in names:
            raise row.fault("case", f"is {case!r}, as in a row above")
        names.add(case.casefold())
        # What does not exist is a bad case of the cohort, not the end of it.
        lobes = path.parent / Path(row.get("lobes")).expanduser() if row.get("lobes") else None
        series = row.get("series") or None
        source = CaseSource(case_name(case), row.required("ct"), ct, series, lobes=lobes)
        if source.voxels in cts:
            raise row.fault("ct", "names the CT of a row above")
        cts.add(source.voxels)
        yield source


def _of_folder(folder: Path) -> tuple[list[CaseSource], list[LeftOut]]:
    cases: list[CaseSource] = []
    left_out: list[LeftOut] = []
    found: dict[tuple[Path, str], list[Slice]] = {}
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        here, shown = Path(place), Path(place).relative_to(folder).as_posix()
        if (real := os.path.realpath(here)) in seen:  # links may lead in a circle
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        names = sorted(name for name in names if not name.startswith("."))
        for name in names:
            if not name.lower().endswith(tuple(FORMATS)):
                continue
            at = name if shown == "." else f"{shown}/{name}"
            if name.lower().endswith(_NO_CTS):
                left_out.append(LeftOut(at, "It is a segmentation."))
            else:
                cases.append(CaseSource(case_name(patient_of_ct(Path(name))), at, here / name))
        if not any(_is_dicom(here / name) for name in names):
            continue
        try:
            images = find_images(here, recursive=False)
        except InputError as error:
            number = hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:10]
            cases.append(CaseSource(f"folder-{number}", shown, here, problem=str(error)))
            continue
        if not images:
            left_out.append(LeftOut(shown, "Its DICOM files hold no images of a scan."))
        found |= {(here, uid): slices for uid, slices in images.items()}
    series, others = gather(found)
    chosen, unfit = choose_of_studies(series)
    for here, uid in chosen:
        number = hashlib.sha256(uid.encode()).hexdigest()[:10]
        shown = here.relative_to(folder).as_posix()
        cases.append(CaseSource(f"series-{number}", shown, here, uid))
    left_out += [LeftOut(at.relative_to(folder).as_posix(), why) for at, why in others + unfit]
    return cases, left_out


def _is_dicom(path: Path) -> bool:
    try:
        return path.is_file() and is_dicom_file(path)
    except OSError:
        return False


def _with_own_names(cases: Iterable[CaseSource]) -> Iterator[CaseSource]:
    """The same, where cases of one name get a number made of their place."""
    cases = list(cases)
    names = [item.case.casefold() for item in cases]
    for item in cases:
        if names.count(item.case.casefold()) > 1:
            number = hashlib.sha256(str(item.ct).encode("utf-8", "replace")).hexdigest()[:8]
            item = replace(item, case=f"{item.case}-{number}")
        yield item
