"""The text headers of NRRD and MetaImage, for what ITK would fill in silently, or crash on.

ITK takes 1 mm where neither format states a voxel size, the scanner's axes where it states no
orientation, and ignores units and scaling. Its parsers write beyond their memory where a line or a
list of numbers is too long, the number of dimensions is absurd, or the pattern of a file name holds
anything but one number; and MetaIO leaves voxels as the memory was where a list of files or the
compressed size is missing. Fields: https://teem.sourceforge.net/nrrd/format.html and ITK's MetaIO
documentation.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .file_header import ORIENTATION_UNKNOWN, FileHeader, VoxelData, damaged

_LONGEST_LINE = 1 << 20
_LONGEST_COMPLAINT = 900
"""Bytes; NrrdIO overflows at 1024 where it complains of a file and a line of it."""

_MOST_LINES = 100_000
_MOST_DIMENSIONS = 10  # MetaIO's own limit

_PATIENT_SPACE = re.compile(
    r"(right-anterior|left-anterior|left-posterior)-superior(-time)?|(RAS|LAS|LPS)T?", re.IGNORECASE
)
_MILLIMETRES = {"mm", "millimeter", "millimeters", "millimetre", "millimetres", "", "???"}
_VECTOR = re.compile(r"none|\(([^()]*)\)")
_NUMBERED_FILES = re.compile(r"[^%]*%0?\d{0,2}[diu][^%]*(\s+-?\d{1,6}){3,4}")
"""File names as a pattern for one number, and its first and last value and step."""


@dataclass(frozen=True)
class NrrdHeader(FileHeader):
    """The checked header of an NRRD file.

    Attributes:
        keys: Names of its key/value pairs, such as ``Segment0_ID``.
    """

    keys: frozenset[str]


class _Fields:
    """The fields of one header, each read as what it must be."""

    def __init__(self, name: str, values: Mapping[str, str]) -> None:
        self.name = name
        self.values = values

    def __contains__(self, field: str) -> bool:
        return field in self.values

    def get(self, field: str, default: str = "") -> str:
        """The field as text on one line."""
        return self.values.get(field, default)

    def damaged(self, field: str) -> InputError:
        return damaged(self.name, f"'{field}' of its header makes no sense")

    def whole(self, field: str, count: int = 1, least: int = 1) -> tuple[int, ...]:
        """``count`` whole numbers, none below ``least``."""
        words = self.get(field).split()
        if len(words) != count or not all(re.fullmatch("-?[0-9]{1,15}", word) for word in words):
            raise self.damaged(field)
        numbers = tuple(int(word) for word in words)
        if min(numbers) < least:
            raise self.damaged(field)
        return numbers

    def numbers(self, field: str, count: int) -> tuple[float, ...]:
        """``count`` decimal numbers, which may be NaN."""
        return _numbers(self.get(field), count, self.damaged(field))

    def flag(self, field: str, default: bool) -> bool:
        """MetaIO looks at the first letter only, so that 1e5 means True."""
        value = self.get(field, default=str(default)).lower()
        if value not in ("true", "1", "false", "0"):
            raise self.damaged(field)
        return value in ("true", "1")


def read_nrrd_header(path: Path) -> NrrdHeader:
    """The checked header of a .nrrd or .nhdr file.

    Raises:
        InputError: The file is not NRRD, its header is damaged, or it states no voxel size, units
            other than mm, or values that are not HU.
    """
    values, keys, header_bytes = _nrrd_lines(path)
    fields = _Fields(path.name, values)
    (dimension,) = fields.whole("dimension")
    if dimension > _MOST_DIMENSIONS:
        raise fields.damaged("dimension")
    size = fields.whole("sizes", dimension)
    data = fields.get("datafile")
    if "%" in data and not _NUMBERED_FILES.fullmatch(data):
        raise fields.damaged("data file")
    for field, value in values.items():
        if value.count("(") > _MOST_DIMENSIONS:
            raise fields.damaged(field)
    for field in ("spaceunits", "units"):
        if set(re.findall(r'"([^"]*)"', fields.get(field).lower())) - _MILLIMETRES:
            raise InputError(f"{path.name} is not measured in mm; convert it to mm.")
    if "spaceorigin" in fields:
        error = fields.damaged("space origin")
        origin = fields.get("spaceorigin").removeprefix("(").removesuffix(")").replace(",", " ")
        if not all(map(math.isfinite, _numbers(origin, len(origin.split()), error))):
            raise error
    for field in ("oldmin", "oldmax"):
        if field in fields and math.isfinite(fields.numbers(field, 1)[0]):
            raise InputError(
                f"{path.name} holds quantised values ({field}), not HU; export it again as HU."
            )
    if "time" in fields.get("kinds").lower().split():
        raise InputError(f"{path.name} is a time series; give one CT volume.")
    known = _PATIENT_SPACE.fullmatch(fields.get("space"))
    return NrrdHeader(
        name=path.name,
        size=size,
        spacing=_nrrd_spacing(fields, dimension),
        warnings=() if known else (ORIENTATION_UNKNOWN,),
        voxels=_nrrd_voxels(fields, path, header_bytes),
        keys=keys,
    )


def read_metaimage_header(path: Path) -> FileHeader:
    """The checked header of a .mha or .mhd file.

    Raises:
        InputError: The file is no MetaImage, its header is damaged, or it states no voxel size,
            units other than mm, or values that are not HU.
    """
    values, header_bytes = _metaimage_lines(path)
    fields = _Fields(path.name, values)
    (dimension,) = fields.whole("NDims")
    if dimension > _MOST_DIMENSIONS:
        raise fields.damaged("NDims")
    size = fields.whole("DimSize", dimension)
    for count, names in (
        (dimension, ("Offset", "Position", "Origin", "CenterOfRotation", "SequenceID")),
        (dimension**2, ("TransformMatrix", "Rotation", "Orientation")),
    ):
        for field in names:
            if field in fields and not all(map(math.isfinite, fields.numbers(field, count))):
                raise fields.damaged(field)
    if fields.get("DistanceUnits", default="mm") not in ("mm", "?"):
        raise InputError(f"{path.name} is not measured in mm; convert it to mm.")
    for field, plain in (
        ("ElementToIntensityFunctionSlope", 1),
        ("ElementToIntensityFunctionOffset", 0),
    ):
        if field in fields and fields.numbers(field, 1) != (plain,):
            raise InputError(
                f"{path.name} holds scaled values ({field}), not HU; export it again as HU."
            )
    spacing_field = "ElementSpacing" if "ElementSpacing" in fields else "ElementSize"
    if spacing_field not in fields:
        raise _no_voxel_size(path.name)
    oriented = any(field in fields for field in ("TransformMatrix", "Rotation", "Orientation"))
    return FileHeader(
        name=path.name,
        size=size,
        spacing=_known(fields.numbers(spacing_field, dimension), path.name),
        warnings=() if oriented else (ORIENTATION_UNKNOWN,),
        voxels=_metaimage_voxels(fields, path, header_bytes),
    )


def _nrrd_spacing(fields: _Fields, dimension: int) -> tuple[float, ...]:
    directions = fields.get("spacedirections")
    if not directions:
        if "spacings" not in fields:
            raise _no_voxel_size(fields.name)
        return _known(fields.numbers("spacings", dimension), fields.name)
    vectors = [match[1] for match in _VECTOR.finditer(directions)]
    if len(vectors) != dimension or _VECTOR.sub("", directions).strip():
        raise fields.damaged("space directions")
    in_space = [text.split(",") for text in vectors if text is not None]
    components = len(in_space[0]) if in_space else 0
    # An axis without direction is one of layers or colours; a volume has three with one.
    if len(in_space) < min(dimension, 3):
        raise _no_voxel_size(fields.name)
    error = fields.damaged("space directions")
    lengths = tuple(math.hypot(*_numbers(" ".join(v), components, error)) for v in in_space)
    return _known(lengths, fields.name)


def _nrrd_voxels(fields: _Fields, path: Path, header_bytes: int) -> VoxelData | None:
    data = fields.get("datafile")
    skip = fields.whole("byteskip", least=-1)[0] if "byteskip" in fields else 0
    compressed = {"raw": False, "gzip": True, "gz": True}.get(fields.get("encoding").lower())
    if data.startswith("LIST") or "%" in data or "lineskip" in fields or compressed is None:
        return None
    if compressed and skip < 0:
        raise fields.damaged("byte skip")
    file, start = (path.parent / data, 0) if data else (path, header_bytes)
    return VoxelData(file, start, max(skip, 0), compressed, at_end=skip == -1)


def _metaimage_voxels(fields: _Fields, path: Path, header_bytes: int) -> VoxelData | None:
    data = fields.get("ElementDataFile")
    if "%" in data or data.upper().split()[:1] == ["LIST"]:
        raise InputError(
            f"{path.name} spreads its voxels over several files, which is not read here; convert "
            "it to one file."
        )
    local = data.upper() == "LOCAL"
    skip = fields.whole("HeaderSize", least=-1)[0] if "HeaderSize" in fields else 0
    binary, compressed = fields.flag("BinaryData", True), fields.flag("CompressedData", False)
    for field in ("BinaryDataByteOrderMSB", "ElementByteOrderMSB"):
        fields.flag(field, False)
    if (skip > 0 and local) or (skip and compressed):
        raise fields.damaged("HeaderSize")
    if not binary:
        if compressed:
            raise fields.damaged("CompressedData")
        return None
    file, start = (path, header_bytes) if local else (path.parent / data, 0)
    if compressed:
        (stored,) = fields.whole("CompressedDataSize")
        return VoxelData(file, start, compressed=True, stored=stored)
    return VoxelData(file, start, max(skip, 0), at_end=skip == -1)


def _nrrd_lines(path: Path) -> tuple[dict[str, str], frozenset[str], int]:
    """Fields by lower-case name without spaces, names of key/value pairs, bytes of the header."""
    fields: dict[str, str] = {}
    keys = set()
    longest = _LONGEST_COMPLAINT - len(os.fsencode(path))
    with path.open("rb") as file:
        if not re.match(rb"NRRD000[1-5]\s", file.read(9)):
            raise InputError(f"{path.name} is not a NRRD file, or is damaged; export it again.")
        file.seek(0)
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b"")):
            if number > _MOST_LINES or len(line) == _LONGEST_LINE:
                raise damaged(path.name, "its header does not end")
            text = line.decode("utf-8", "replace").strip()
            if not text:
                break
            name, colon, value = text.partition(":")
            name = name.lower().replace(" ", "")
            if value.startswith("="):
                keys.add(text.partition(":=")[0])
                continue
            if len(line) > longest and name != "content" and not text.startswith("#"):
                raise damaged(path.name, "a line of its header is too long")
            if "\0" in text:
                raise damaged(path.name, "its header holds a zero byte")
            if number > 0 and colon:
                fields[name] = value.strip()
            if name == "datafile" and value.strip().startswith("LIST"):
                break
        return fields, frozenset(keys), file.tell()


def _metaimage_lines(path: Path) -> tuple[dict[str, str], int]:
    """Fields by name, in the format's own upper and lower case, and bytes of the header."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b"")):
            name, equals, value = line.decode("utf-8", "replace").partition("=")
            name = name.strip()
            if not name and not equals:
                continue
            if name in fields:
                raise damaged(path.name, f"its header states {name} twice")
            if "\0" in value:
                raise damaged(path.name, "its header holds a zero byte")
            if number > _MOST_LINES or not equals:
                break
            fields[name] = value.strip()
            if name == "ElementDataFile":
                return fields, file.tell()
    if "NDims" not in fields:
        raise InputError(f"{path.name} is not a MetaImage file, or is damaged; export it again.")
    raise damaged(path.name, "its header does not end with ElementDataFile")


def _numbers(text: str, count: int, error: InputError) -> tuple[float, ...]:
    words = text.split()
    if len(words) != count or not text.isascii() or not text.isprintable():
        raise error
    try:
        return tuple(float(word) for word in words)
    except ValueError:
        raise error from None


def _known(spacing: tuple[float, ...], name: str) -> tuple[float, ...]:
    if any(math.isnan(length) for length in spacing):
        raise _no_voxel_size(name)
    return spacing


def _no_voxel_size(name: str) -> InputError:
    return InputError(
        f"{name} does not state its voxel size; correct its header, because volumes in ml cannot "
        "be computed without it."
    )
