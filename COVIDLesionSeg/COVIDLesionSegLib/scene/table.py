"""Severity as table nodes: by region, by published rule, and by slice."""

from __future__ import annotations

from dataclasses import dataclass

import vtk

from ..engine.severity.report import RegionSeverity, SeverityReport
from ..engine.wording import percent

NOT_AVAILABLE = "n/a"


@dataclass(frozen=True)
class Column:
    """One typed column.

    Attributes:
        name: Heading, with its unit.
        values: Text if any of them is text, else numbers.
        unit: Unit label, or an empty string.
    """

    name: str
    values: list
    unit: str = ""


def update_severity_table(node, severity: SeverityReport) -> None:
    """Volumes in ml and infected share in % of the right lung, left lung and both."""
    regions = severity.regions
    classes = list(dict.fromkeys(name for region in regions for name in region.lesion_class_ml))
    by_class = [
        Column(
            f"{name} (ml)",
            [_class_ml(region, name) for region in regions],
            "ml",
        )
        for name in classes
        if len(classes) > 1
    ]
    _fill(
        node,
        [
            Column("Region", [region.region for region in regions]),
            Column("Lung volume (ml)", [round(float(r.lung_ml), 1) for r in regions], "ml"),
            Column("Lesion volume (ml)", [round(float(r.lesion_ml), 1) for r in regions], "ml"),
            *by_class,
            Column("Infected", [percent(region.ratio) for region in regions]),
        ],
    )


def update_rules_table(node, severity: SeverityReport) -> None:
    """Severity by every published rule, side by side; the headline rule is first."""
    rules = severity.rules
    _fill(
        node,
        [
            Column("Rule", [rule.title for rule in rules]),
            Column("Infected", [percent(rule.ratio) for rule in rules]),
            Column("Category", [rule.category or NOT_AVAILABLE for rule in rules]),
        ],
    )


def update_slices_table(node, severity: SeverityReport) -> None:
    """Areas in mm2 and infected share in % of every axial slice with lung, from inferior up."""
    slices = severity.slices
    _fill(
        node,
        [
            Column("Slice", [int(s.index) for s in slices]),
            Column("Position (mm)", [float(s.position_mm) for s in slices], "mm"),
            Column("Lung area (mm2)", [float(s.lung_mm2) for s in slices], "mm2"),
            Column("Lesion area (mm2)", [float(s.lesion_mm2) for s in slices], "mm2"),
            Column("Infected (%)", [100.0 * float(s.ratio) for s in slices], "%"),
        ],
    )


def _class_ml(region: RegionSeverity, name: str) -> float | str:
    volume = region.lesion_class_ml.get(name)
    return NOT_AVAILABLE if volume is None else round(float(volume), 1)


def _fill(node, columns: list[Column]) -> None:
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


def _array_for(values: list) -> vtk.vtkAbstractArray:
    if any(isinstance(value, str) for value in values):
        return vtk.vtkStringArray()
    if values and all(isinstance(value, int) for value in values):
        return vtk.vtkIntArray()
    return vtk.vtkDoubleArray()
