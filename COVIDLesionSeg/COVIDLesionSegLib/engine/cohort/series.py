"""CT series, each put together once from wherever its files lie."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..volume.dicom_series import Slice, without_localizers

Left = list[tuple[Path, str]]
"""Folders, and why a series there is left out."""


@dataclass(eq=False)
class Series:
    """The slices of one CT, each once.

    Attributes:
        study: What its study is told from others by: the StudyInstanceUID, where that can be.
        slices: In no particular order.
        copies: Folders that hold copies of some of the slices and nothing else of the series.
        shares_uids: Whether another CT has the same study and series UIDs.
    """

    study: str
    slices: list[Slice] = field(default_factory=list)
    copies: list[Path] = field(default_factory=list)
    shares_uids: bool = False

    @property
    def uid(self) -> str:
        """SeriesInstanceUID, empty where there is none."""
        return self.slices[0].text("SeriesInstanceUID")

    @property
    def folders(self) -> set[Path]:
        """Where its files lie."""
        return {slice_.path.parent for slice_ in self.slices}

    @property
    def place(self) -> Path:
        """The innermost folder that holds them all."""
        return Path(os.path.commonpath(self.folders))


def gather(images: Iterable[Slice], damaged: Collection[Path] = ()) -> tuple[list[Series], Left]:
    """Each series once, however its files are spread over folders.

    Parts in several folders, as on many discs, are one series: a part alone would be a CT cut
    short. Of copies one is taken. Other images at the same places are another CT: badly anonymised
    patients may have all UIDs in common.

    Args:
        images: Images of any number of folders.
        damaged: Folders with files that cannot be read; of copies, those elsewhere are taken.

    Returns:
        The series, without localizers; and the copies and series of localizers alone.
    """
    left: Left = []
    parts: dict[tuple[str, str], dict[Path, list[Slice]]] = {}
    for image in images:
        folder = image.path.parent
        uid = image.text("SeriesInstanceUID") or str(folder)
        key = image.text("StudyInstanceUID") or uid, uid
        parts.setdefault(key, {}).setdefault(folder, []).append(image)
    found: list[Series] = []
    for (study, _), folders in parts.items():
        same_uids: list[_Gathered] = []
        for folder in sorted(folders, key=lambda one: (one in damaged, -len(folders[one]), one)):
            if slices := without_localizers(folders[folder]):
                if _add(slices, same_uids, study):
                    left.append((folder, "Its slices are copies of those in another folder."))
            else:
                left.append((folder, "It is a localizer."))
        for one in same_uids:
            one.series.shares_uids = len(same_uids) > 1
            found.append(one.series)
    return found, left


def may_lack_slices(series: Iterable[Series], unread: Path) -> list[Series]:
    """Those that may have slices in a folder of which no image can be read.

    That is those beside it, if their files are spread over folders there or no other study lies
    there: folders of patients side by side say nothing about each other.
    """
    parent = unread.parent
    inside = [one for one in series if any(parent in (at, *at.parents) for at in one.folders)]
    one_study = len({one.study for one in inside}) == 1
    beside = {one: sum(parent in (at, at.parent) for at in one.folders) for one in inside}
    return [one for one, folders in beside.items() if folders > 1 or (folders and one_study)]


@dataclass
class _Gathered:
    """A series on the way, and which slices it has."""

    series: Series
    instances: set[object] = field(default_factory=set)
    depths: set[float] = field(default_factory=set)


def _add(slices: list[Slice], same_uids: list[_Gathered], study: str) -> bool:
    """Add the slices of one folder to the series that they are of; whether all are copies."""
    instances = _instances(slices)

    def new_in(one: _Gathered) -> list[int]:
        return [n for n, instance in enumerate(instances) if instance not in one.instances]

    for one in sorted(same_uids, key=lambda one: len(new_in(one))):
        new = new_in(one)
        if not new:
            one.series.copies.append(slices[0].path.parent)
            return True
        if not one.depths & {depth for n in new if (depth := _depth(slices[n])) is not None}:
            break
    else:
        # Series of one study are chosen from; these are of other patients.
        one = _Gathered(Series(f"{study} {len(same_uids)}" if same_uids else study))
        same_uids.append(one)
        new = list(range(len(slices)))
    one.series.slices += [slices[n] for n in new]
    one.instances.update(instances)
    one.depths.update(depth for item in slices if (depth := _depth(item)) is not None)
    return False


def _instances(slices: list[Slice]) -> list[object]:
    """What is equal for copies of a slice alone: SOPInstanceUID and place.

    Where slices of one folder share a SOPInstanceUID, the UIDs say nothing: then each file counts.
    """
    uids = [slice_.text("SOPInstanceUID") for slice_ in slices]
    if "" in uids or len(set(uids)) < len(uids):
        return [slice_.path for slice_ in slices]
    return [(uid, _depth(one)) for uid, one in zip(uids, slices, strict=True)]


def _depth(item: Slice) -> float | None:
    """Place along the slice's normal in mm, to 0.01 mm; None where it is not stated."""
    try:
        rows, columns = item.numbers("ImageOrientationPatient", 6).reshape(2, 3)
        position = item.numbers("ImagePositionPatient", 3)
    except InputError:  # reading the series says what is wrong
        return None
    return round(float(position @ np.cross(rows, columns)), 2)
