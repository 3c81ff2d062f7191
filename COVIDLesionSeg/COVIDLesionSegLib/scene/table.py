"""Severity as table nodes: by region, by published rule, and by slice."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import vtk

from ..engine.metrics.infection import SLICE_RULES
from ..engine.severity.report import RegionSeverity, SeverityReport, SliceSeverity
from ..engine.text import percent, yes_or_no

if TYPE_CHECKING:
    from slicer import vtkMRMLTableNode

NOT_AVAILABLE = "n/a"
SHARE_SUFFIX = " (%)"
SLICE = "Slice"
INFECTED = f"Infected{SHARE_SUFFIX}"
FLAGGED = f"Flagged{SHARE_SUFFIX}"
"""Columns of the table of slices that its chart uses; it draws all that end like these."""


@dataclass(frozen=True)
class Column:
    """One typed column.

    Attributes:
        name: Heading, with its unit.
        values: Text if any of them is text, else numbers.
        unit: Unit label, or an empty string.
    """

    name: str
    values: Sequence[str | float]
    unit: str = ""


def update_severity_table(node: vtkMRMLTableNode, severity: SeverityReport) -> None:
    """Volumes in ml and infected share in % of right lung, left lung, both, and given lobes.

    Of a region that is not there they are undefined: NaN, and ``n/a``.
    """
    regions = (*severity.regions, *severity.lobes)
    by_class = [
        Column(f"{name} (ml)", [_volume(r, r.lesion_class_ml.get(name)) for r in regions], "ml")
        for name in _several_classes(severity)
    ]
    fill_table(
        node,
        [
            Column("Region", [region.region for region in regions]),
            Column("Lung volume (ml)", [_volume(r, r.lung_ml) for r in regions], "ml"),
            Column("Lesion volume (ml)", [_volume(r, r.lesion_ml) for r in regions], "ml"),
            *by_class,
            Column("Infected", [percent(region.ratio) for region in regions]),
        ],
    )


def update_rules_table(node: vtkMRMLTableNode, severity: SeverityReport) -> None:
    """Severity by every published rule, side by side; the headline rule is first."""
    rules = severity.rules
    fill_table(
        node,
        [
            Column("Rule", [rule.title for rule in rules]),
            Column("Infected", [percent(rule.ratio) for rule in rules]),
            Column("Category", [rule.named_category or NOT_AVAILABLE for rule in rules]),
        ],
    )


def update_slices_table(
    node: vtkMRMLTableNode, severity: SeverityReport, flagged: Collection[int] = ()
) -> None:
    """Every axial slice with lung, from inferior up.

    Areas in mm2, by class where there are several; infected share in %, also by class, and once
    more on flagged slices alone; whether each rule for slices calls it positive; disagreement of an
    ensemble's members and confidence, both 0 to 1, where they are known. NaN is undefined,
    as lesions of a slice that is not segmented.

    Args:
        node: The table.
        severity: What fills it.
        flagged: Indices of the slices that quality flags name.
    """
    slices = severity.slices
    by_class = [
        Column(
            f"{name} (mm2)",
            [_looked_for(s, _rounded(s.lesion_class_mm2.get(name), 3)) for s in slices],
            "mm2",
        )
        for name in _several_classes(severity)
    ]
    shares_by_class = [
        Column(f"{name}{SHARE_SUFFIX}", [_looked_for(s, _share(s, name)) for s in slices], "%")
        for name in _several_classes(severity)
    ]
    shares = [float(_looked_for(s, 100.0 * float(s.ratio))) for s in slices]
    shares_of_flagged = Column(
        FLAGGED,
        [
            share if s.index in flagged else math.nan
            for s, share in zip(slices, shares, strict=True)
        ],
        "%",
    )
    any_flagged = any(s.index in flagged and s.segmented for s in slices)
    verdicts = [
        Column(rule.title, [yes_or_no(severity.positive_by_rule(s)[rule.rule]) for s in slices])
        for rule in SLICE_RULES
    ]
    # Not a number where no member sees a lesion: a single text would make the column text.
    disagreement = Column(
        "Disagreement",
        [math.nan if s.disagreement is None else round(s.disagreement, 3) for s in slices],
    )
    confidence = Column(
        "Confidence",
        [math.nan if s.confidence is None else round(s.confidence, 3) for s in slices],
    )
    fill_table(
        node,
        [
            Column(SLICE, [int(s.index) for s in slices]),
            Column("Position (mm)", [float(s.position_mm) for s in slices], "mm"),
            Column("Lung area (mm2)", [float(s.lung_mm2) for s in slices], "mm2"),
            Column(
                "Lesion area (mm2)", [_looked_for(s, float(s.lesion_mm2)) for s in slices], "mm2"
            ),
            *by_class,
            Column(INFECTED, shares, "%"),
            *shares_by_class,
            *([shares_of_flagged] if any_flagged else []),
            *verdicts,
            *([disagreement] if any(s.disagreement is not None for s in slices) else []),
            *([confidence] if any(s.confidence is not None for s in slices) else []),
        ],
    )


def _several_classes(severity: SeverityReport) -> tuple[str, ...]:
    """The lesion classes, if there are several: a single one is the column of all lesions."""
    return severity.classes if len(severity.classes) > 1 else ()


def _looked_for(one: SliceSeverity, value: float | str) -> float | str:
    """What was found in a slice; not a number where lesions were not looked for."""
    return value if one.segmented else math.nan


def _share(one: SliceSeverity, class_name: str) -> float:
    """Share of the slice's lung that is of this class, in %."""
    area = one.lesion_class_mm2.get(class_name)
    return math.nan if area is None or not one.lung_mm2 else 100.0 * area / one.lung_mm2


def _volume(region: RegionSeverity, ml: float | None) -> float | str:
    """A volume in ml; not a number of a region that is not there."""
    return math.nan if region.ratio is None else _rounded(ml, 3)


def _rounded(value: float | None, digits: int) -> float | str:
    return NOT_AVAILABLE if value is None else round(float(value), digits)


def fill_table(node: vtkMRMLTableNode, columns: Sequence[Column]) -> None:
    """Give a table these columns in place of all it has, and lock it."""
    node.RemoveAllColumns()
    for column in columns:
        array = _array_for(column.values)
        as_text = isinstance(array, vtk.vtkStringArray)
        array.SetName(column.name)
        for value in column.values:
            array.InsertNextValue(str(value) if as_text else value)
        node.AddColumn(array)
        if column.unit:
            node.SetColumnUnitLabel(column.name, column.unit)
    node.SetLocked(True)
    node.StorableModified()


def _array_for(values: Sequence[str | float]) -> vtk.vtkAbstractArray:
    if any(isinstance(value, str) for value in values):
        return vtk.vtkStringArray()
    if values and all(isinstance(value, int) for value in values):
        return vtk.vtkIntArray()
    return vtk.vtkDoubleArray()
