"""The text headers of NRRD and MetaImage, for what ITK would fill in silently.

ITK takes 1 mm where neither format states a voxel size, and the scanner's axes where it states no
orientation. Fields: https://teem.sourceforge.net/nrrd/format.html and ITK's MetaIO documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .nifti_header import ORIENTATION_UNKNOWN

_LONGEST_LINE = 1 << 16


@dataclass(frozen=True)
class TextHeader:
    """Header of one NRRD or MetaImage file.

    Attributes:
        fields: Values by lower-case field name.
        size: Bytes of the header; attached voxels begin there.
        voxels: The file with the voxels: the file itself if attached; None if they are spread
            over a list of files or lie behind other data, which ITK sorts out and counts itself.
        compressed: Whether the voxels are compressed; None if they are written as text.
    """

    fields: dict[str, str]
    size: int
    voxels: Path | None
    compressed: bool | None


def read_nrrd_header(path: Path) -> TextHeader:
    """Header of a .nrrd or .nhdr file; without fields if it is not one."""
    fields, size = _read_fields(path, b":", last=b"")
    data = fields.get("data file", fields.get("datafile"))
    elsewhere = {"byte skip", "byteskip", "line skip", "lineskip"} & set(fields)
    spread = data is not None and (data.startswith("LIST") or "%" in data)
    encoding = fields.get("encoding", "").lower()
    return TextHeader(
        fields,
        size,
        None if elsewhere or spread else path if data is None else path.parent / data,
        {"raw": False, "gzip": True, "gz": True}.get(encoding),
    )


def read_metaimage_header(path: Path) -> TextHeader:
    """Header of a .mha or .mhd file; without fields if it is not one."""
    fields, size = _read_fields(path, b"=", last=b"ElementDataFile")
    data = fields.get("elementdatafile", "LOCAL")
    spread = data.upper().startswith("LIST") or "%" in data or "headersize" in fields
    binary = fields.get("binarydata", "True").lower() in ("true", "1")
    compressed = fields.get("compresseddata", "False").lower() in ("true", "1")
    return TextHeader(
        fields,
        size,
        None if spread else path if data.upper() == "LOCAL" else path.parent / data,
        compressed if binary else None,
    )


def check_nrrd_header(path: Path) -> tuple[str, ...]:
    """Warnings about the grid an NRRD states.

    Raises:
        InputError: It does not state its voxel size.
    """
    fields = read_nrrd_header(path).fields
    spacing = fields.get("space directions", fields.get("spacings", "nan"))
    return _check_stated(path, spacing, {"space"} & set(fields))


def check_metaimage_header(path: Path) -> tuple[str, ...]:
    """Warnings about the grid a MetaImage states.

    Raises:
        InputError: It does not state its voxel size.
    """
    fields = read_metaimage_header(path).fields
    spacing = fields.get("elementspacing", fields.get("elementsize", "nan"))
    return _check_stated(
        path, spacing, {"transformmatrix", "rotation", "orientation"} & set(fields)
    )


def _check_stated(path: Path, spacing: str, orientation: set[str]) -> tuple[str, ...]:
    if "nan" in spacing.lower():
        raise InputError(
            f"{path.name} does not state its voxel size; correct its header, because volumes in "
            "ml cannot be computed without it."
        )
    return () if orientation else (ORIENTATION_UNKNOWN,)


def _read_fields(path: Path, separator: bytes, last: bytes) -> tuple[dict[str, str], int]:
    """Fields ``name separator value`` down to a blank line (``last`` empty) or the last field."""
    fields = {}
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(_LONGEST_LINE), b""):
            name, _, value = line.strip().partition(separator)
            fields[name.strip().lower().decode("latin-1")] = value.strip().decode(
                "utf-8", "replace"
            )
            if line.startswith(last) if last else not line.strip():
                break
        return fields, file.tell()
