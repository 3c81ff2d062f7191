"""Finds the CTs of a cohort in files, folders, DICOM trees and tables."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..data.ct_table import case_name, patient_of_ct
from ..data.tables import read_table
from ..errors import InputError
from ..volume.dicom_series import (
    DICOM_ENDINGS,
    Slice,
    choose_series,
    is_dicom_file,
    read_images,
    visible_files,
)
from ..volume.reading import FORMATS, read_header, readable
from .series import Series, gather, may_lack_slices
from .series_choice import choose_of_studies

_NO_CTS = (".seg.nrrd", ".seg.nhdr")
"""Endings of files in a CT's format that hold something else."""

# Folders are called by the name of their case: their own may be the patient's.
_PART_DAMAGED = (
    "A part of this series lies in a folder with a damaged file, that of the case {}; copy that "
    "folder again."
)
_MAY_LACK = (
    "The damaged folder of the case {} may hold slices that this CT lacks; check that it is whole."
)
_CLOSED = "The folder cannot be opened, so CTs in it are missing here; check its permissions."
_SHARED = (
    "Another CT has the same study and series UIDs; check that this one is whole, and whose it is."
)


@dataclass(frozen=True)
class CaseSource:
    """One CT of a cohort.

    Attributes:
        case: What it is called, and its folder: letters, digits, ``.``, ``_`` and ``-``. Of a file
            its name; of a DICOM series a number made of its UID, as names of DICOM folders often
            are the patient's.
        place: Where it is, from the source that was named, with ``/``; "." for that itself.
        ct: File or folder.
        series: SeriesInstanceUID, of DICOM files.
        files: Those of the series, where they were looked for: in a folder with its subfolders, or
            beside a file.
        copies: Folders with copies of them.
        problem: Why it cannot be read, where that is known already.
        warnings: What may be wrong with it, one sentence each.
        lobes: File of its lobes, where a table names one.
    """

    case: str
    place: str
    ct: Path
    series: str | None = None
    files: tuple[Path, ...] = ()
    copies: tuple[Path, ...] = ()
    problem: str | None = None
    warnings: tuple[str, ...] = ()
    lobes: Path | None = None

    @property
    def source(self) -> Path | tuple[Path, ...]:
        """What :func:`~..volume.read_volume` reads, with ``series``."""
        return self.files or self.ct

    @property
    def voxels(self) -> tuple[str | None, ...]:
        """Which CT it is: two cases with the same have one result."""
        return self.series, *map(os.path.realpath, self.files or (self.ct,))

    def fingerprint(self) -> str:
        """SHA-256 of the files' names, sizes and times: another one means that the CT changed.

        Of a folder in a table with its subfolders, as it is read with them. The voxels are not
        read: a cohort may have terabytes.

        Raises:
            InputError: The file or folder is gone.
        """
        path = readable(self.ct)
        files = [*self.files] or (visible_files(path) if path.is_dir() else _with_voxels(path))
        if self.lobes is not None:
            files += _with_voxels(readable(self.lobes))
        said = (self.series, self.problem, *self.warnings)
        seen = hashlib.sha256(repr(said).encode())
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
        place: See :class:`CaseSource`.
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
        InputError: A source does not exist or holds no CT, a table is damaged or empty, or two of
            its rows have one name or one CT.
    """
    named: list[CaseSource] = []  # by a table, which may say more of a CT than a folder does
    found: list[CaseSource] = []
    left_out: list[LeftOut] = []
    of_files: set[str | None] = set()  # files of a series are one case, however many are named
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
            rows = list(_of_table(source))
            if not rows:
                raise InputError(f"{source.name} has no rows: name a CT in each.")
            named += rows
        elif not source.name.lower().endswith(tuple(FORMATS)) and not _may_be_dicom(source):
            raise InputError(
                f"{source.name} is neither a CT nor a table of CTs: give a folder, a CSV file, or "
                f"a file of DICOM or one of {', '.join(FORMATS)}."
            )
        elif os.path.realpath(source) not in of_files:
            found.append(_of_file(source))
            of_files.update(found[-1].voxels[1:])
    return sorted(_with_own_names(_each_once(named, found)), key=lambda item: item.case), left_out


def _each_once(named: list[CaseSource], found: list[CaseSource]) -> list[CaseSource]:
    """Every CT once: with the name and lobes of a table, and the files that a search found.

    Raises:
        InputError: Two rows of tables name one CT in two ways.
    """
    series_at: dict[str, list[CaseSource]] = {}
    for item in found if named else ():
        places = {*map(os.path.realpath, (*item.files, *item.copies))}
        if item.files:
            places.update(*(map(str, Path(place).parents) for place in places.copy()))
        for place in places:
            series_at.setdefault(place, []).append(item)
    once: dict[tuple[str | None, ...], tuple[CaseSource, CaseSource]] = {}
    for row in named:
        matches = [
            item
            for item in series_at.get(os.path.realpath(row.ct), ())
            if (item.series or "").startswith(row.series or "")
        ]
        item = row
        if len(matches) == 1:
            item = replace(matches[0], case=row.case, place=row.place, lobes=row.lobes)
        _, first = once.setdefault(item.voxels, (item, row))
        if first.voxels != row.voxels:
            raise InputError(
                f"The cases {first.case} and {row.case} of the table are one CT; remove one row."
            )
    cases = [item for item, _ in once.values()]
    taken = {file for item in cases for file in item.voxels[1:]}
    # Where a source lies in another, its part of a series is in the whole one.
    for item in sorted(found, key=lambda item: -len(item.files)):
        if not taken.issuperset(files := item.voxels[1:]):
            taken.update(files)
            cases.append(item)
    return cases


def _of_table(path: Path) -> Iterator[CaseSource]:
    table = read_table(path)
    table.check_columns(["ct"])
    names: set[str] = set()
    cts: set[tuple[str | None, ...]] = set()
    for row in table.rows:
        if not row.get("ct"):  # a bad case of the cohort, not the end of it
            place = f"row-{row.number}"
            why = str(row.fault("ct", "is empty"))
            yield CaseSource(case_name(row.get("case") or place), place, path, place, problem=why)
            continue
        ct = path.parent / Path(row.required("ct")).expanduser()
        case = row.get("case") or patient_of_ct(ct)
        if row.get("case") and case.casefold() in names:
            raise row.fault("case", f"is {case!r}, as in a row above")
        names.add(case.casefold())
        # What does not exist is a bad case of the cohort, not the end of it.
        lobes = path.parent / Path(row.get("lobes")).expanduser() if row.get("lobes") else None
        series = row.get("series") or None
        source = CaseSource(case_name(case), row.required("ct"), ct, series, lobes=lobes)
        source = _with_series(source)
        if source.voxels in cts:
            raise row.fault("ct", "names the CT of a row above")
        cts.add(source.voxels)
        yield source


def _of_file(path: Path) -> CaseSource:
    case = _with_series(CaseSource(case_name(patient_of_ct(path)), path.name, path))
    return replace(case, case=f"series-{_number(case.series)}") if case.series else case


def _with_series(case: CaseSource) -> CaseSource:
    """The case with all files of its series, where it is named by one of them."""
    path = case.ct
    if path.is_dir() or path.name.lower().endswith(tuple(FORMATS)) or not _may_be_dicom(path):
        return case
    try:
        slices = choose_series(path, case.series)
    except (InputError, OSError):  # reading says what is wrong
        return case
    files = tuple(sorted(item.path for item in slices))
    return replace(case, series=slices[0].text("SeriesInstanceUID"), files=files)


def _of_folder(folder: Path) -> tuple[list[CaseSource], list[LeftOut]]:
    cases: list[CaseSource] = []
    left_out: list[LeftOut] = []
    images: list[Slice] = []
    damaged: dict[Path, str] = {}  # folders, and the names of their cases
    closed: list[OSError] = []
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=closed.append):
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
        if not any(_may_be_dicom(here / name) for name in names):
            continue
        of_folder, error = read_images(here, recursive=False)
        images += of_folder
        if error is not None:
            damaged[here] = case = f"folder-{_number(shown)}"
            cases.append(CaseSource(case, shown, here, problem=str(error)))
        elif not of_folder:
            left_out.append(LeftOut(shown, "Its DICOM files hold no images of a scan."))
    for failure in closed:
        here = Path(failure.filename)
        shown = here.relative_to(folder).as_posix()
        damaged[here] = case = f"folder-{_number(shown)}"
        cases.append(CaseSource(case, shown, here, problem=_CLOSED))
    found, others = _of_series(folder, images, damaged)
    return cases + found, left_out + others


def _of_series(
    folder: Path, images: list[Slice], damaged: dict[Path, str]
) -> tuple[list[CaseSource], list[LeftOut]]:
    """The series of all images in a folder; one with a part in a damaged folder has a problem.

    One that lies in damaged folders alone is left to the cases of these.
    """
    series, left = gather(images, damaged)
    whole = [one for one in series if not one.folders & damaged.keys()]
    cut = [one for one in series if one.folders & damaged.keys() and one.folders - damaged.keys()]
    unread = damaged.keys() - {image.path.parent for image in images}
    lacking = {at: may_lack_slices(whole, at) for at in unread}

    def case(one: Series) -> CaseSource:
        near = sorted(damaged[at] for at in one.folders & damaged.keys())
        problem = _PART_DAMAGED.format(" and ".join(near)) if near else None
        doubtful = [at for at in damaged if at in one.copies or one in lacking.get(at, ())]
        warnings = [_MAY_LACK.format(damaged[at]) for at in doubtful]
        return CaseSource(
            f"series-{_number(one.uid)}",
            one.place.relative_to(folder).as_posix(),
            one.place,
            one.uid,
            files=tuple(sorted(item.path for item in one.slices)),
            copies=tuple(one.copies),
            problem=problem,
            warnings=(*warnings, *([_SHARED] if one.shares_uids else [])),
        )

    cases: list[CaseSource] = []
    for some in (whole, cut):
        chosen, unfit = choose_of_studies(some)
        cases += map(case, chosen)
        left += unfit
    return cases, [LeftOut(at.relative_to(folder).as_posix(), why) for at, why in left]


def _with_voxels(path: Path) -> list[Path]:
    """A file, and that with its voxels where it is a header alone (.mhd, .nhdr)."""
    files = [path]
    with suppress(InputError):  # reading says what is wrong
        voxels = read_header(path).voxels
        if voxels is not None and voxels.path != path and voxels.path.is_file():
            files.append(voxels.path)
    return files


def _may_be_dicom(path: Path) -> bool:
    try:
        return path.suffix.lower() in DICOM_ENDINGS or (path.is_file() and is_dicom_file(path))
    except OSError:
        return False


def _number(name: str) -> str:
    """A number instead of a name that may be a patient's."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:10]


def _with_own_names(cases: Iterable[CaseSource]) -> Iterator[CaseSource]:
    """The same, where cases of one name get a number made of their place.

    It is that of the place within the source, so that the names stay where a folder is moved or
    named in another way; of cases at one place of several sources, that of the whole path.
    """
    cases = list(cases)
    names = Counter(item.case.casefold() for item in cases)
    places = Counter((item.case.casefold(), item.place) for item in cases)
    for item in cases:
        name = item.case.casefold()
        if names[name] > 1:
            alone = places[name, item.place] == 1
            path = item.files[0] if item.files else item.ct
            number = _number(item.place if alone else os.path.realpath(path))[:8]
            item = replace(item, case=f"{item.case}-{number}")
        yield item
