"""The index of a slice folder: ``index.csv``.

Columns: ``name`` of the PNG files; ``patient``; ``windowed``, yes where the image was windowed
before it was stored, so that its HU are unknown; ``grey_soft_peak``, the grey level of soft tissue,
where HU are known; ``pseudo``, yes where the lesions are pseudo-labels; and of a synthetic slice
``lesion_patient`` and ``lungs_patient``; and of a slice that an expert put into a class as a whole,
such as ``common pneumonia``, its ``class``; and maybe the ``scanner``. Others may follow.

Folders of earlier versions have ``case`` in place of ``patient`` and ``windowed``: a case that
begins with ``radiopaedia`` is windowed and ends with the number of its volume, and the case of a
synthetic slice joins both patients by ``+``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .labelled import LabelledImage
from .splits import source_patients
from .tables import Row, plain, read_table

INDEX_CSV = "index.csv"


@dataclass(frozen=True)
class Entry:
    """A row of the index.

    Attributes:
        row: For messages.
        name: Name of the PNG files.
        patient, sources, pseudo, slice_class, scanner: As of :class:`~.labelled.LabelledImage`.
        grey_soft_peak: Grey level of soft tissue; None where the image is windowed.
    """

    row: Row
    name: str
    patient: str
    sources: tuple[str, ...]
    grey_soft_peak: float | None
    pseudo: bool
    slice_class: str
    scanner: str


def read_index(folder: Path) -> list[Entry]:
    """The rows of the index of a slice folder.

    Raises:
        InputError: The index is missing or damaged; row and column are named.
    """
    index = Path(folder) / INDEX_CSV
    if not index.is_file():
        raise InputError(f"{folder} is not a slice folder: it has no {INDEX_CSV}.")
    table = read_table(index)
    without = {"patient": "case", "windowed": "grey_soft_peak"}
    table.check_columns(
        {"name", *(old for new, old in without.items() if new not in table.columns)}
    )
    entries = [_entry(row) for row in table.rows]
    rows: dict[str, int] = {}
    for entry in entries:
        if (first := rows.setdefault(entry.name, entry.row.number)) != entry.row.number:
            raise entry.row.fault("name", f"is {entry.name}, which row {first} names already")
    return entries


def _entry(row: Row) -> Entry:
    name = row.required("name")
    if not is_file_name(name):
        raise row.fault("name", f"is {name!r}, which cannot be a file's name")
    case = row.get("case")
    patient = row.get("patient") or _patient_of_case(row.required("case"))
    windowed = row.yes_or_no("windowed", case.startswith("radiopaedia"))
    if "lesion_patient" in row.cells:
        both = (row.get("lesion_patient"), row.get("lungs_patient"))
        if bool(both[0]) != bool(both[1]):
            missing = "lungs_patient" if both[0] else "lesion_patient"
            raise row.fault(missing, "is empty, but a synthetic slice has two patients")
        sources: tuple[str, ...] = both if both[0] != both[1] else ()
    else:
        sources = () if row.get("patient") else source_patients(patient)
    return Entry(
        row=row,
        name=name,
        patient=patient,
        sources=sources if len(sources) > 1 else (),
        grey_soft_peak=None if windowed else _grey_soft_peak(row),
        pseudo=row.yes_or_no("pseudo", False),
        slice_class=row.get("class"),
        scanner=row.get("scanner"),
    )


def _patient_of_case(case: str) -> str:
    """Patient of a case of earlier versions: two volumes of one Radiopaedia case are one."""
    return case.rsplit("_", 1)[0] if case.startswith("radiopaedia") else case


def _grey_soft_peak(row: Row) -> float:
    text = row.required("grey_soft_peak")
    try:
        peak = float(text)
    except ValueError:
        peak = math.nan
    if not 0 < peak < math.inf:
        raise row.fault("grey_soft_peak", f"is {text!r}, but must be a number above 0")
    return peak


def index_row(item: LabelledImage, grey_soft_peak: int) -> dict[str, str]:
    """The row of a slice in HU, by column."""
    lesion_patient, lungs_patient = item.sources or ("", "")
    return {
        "name": item.name,
        "patient": item.patient,
        "windowed": "no",
        "lesion_patient": lesion_patient,
        "lungs_patient": lungs_patient,
        "case": item.patient,  # for earlier versions
        "grey_soft_peak": str(grey_soft_peak),
        "pseudo": "yes" if item.pseudo else "no",
        "class": item.slice_class,
        "scanner": item.scanner,
    }


def is_file_name(name: str) -> bool:
    """Whether files can be called so on every system, without surprises."""
    return bool(name) and Path(name).name == name == name.strip() == plain(name)
