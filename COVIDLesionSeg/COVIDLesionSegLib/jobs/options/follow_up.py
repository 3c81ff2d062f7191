"""The options of the comparison of several CTs of one patient."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...engine.errors import ParameterError
from ...engine.followup.matching_rule import MatchingRule
from ...engine.options import Options, nested, option
from ...engine.parameters import Parameters

NO_SERIES = "-"
"""Stands for the series of a study that needs none."""


@dataclass(frozen=True, kw_only=True)
class CompareOptions(Options):
    """Studies of one patient, and when two of their lesions are the same."""

    studies: tuple[Path, ...] = option(
        "Two or more studies of one patient, the earliest first: result folders, or CTs (files or "
        "DICOM folders), which are segmented first.",
        positional=True,
        metavar="STUDY",
        shown_as="STUDY",
    )
    cts: tuple[Path, ...] = option(
        "The CT of each result folder, in their order; repeatable. Without, the lungs are "
        "registered by their shape alone.",
        (),
        flag="ct",
        shown_as="CT",
    )
    series: tuple[str, ...] = option(
        "SeriesInstanceUID of the CT of each study, in their order, where a DICOM folder has "
        f"several; {NO_SERIES} for a study that needs none; repeatable.",
        (),
        shown_as="SERIES",
    )
    days: tuple[int, ...] = option(
        "Days from the first study, one for each study, as --day 0 --day 14; not known by default.",
        (),
        flag="day",
    )
    days_from_dicom: bool = option(
        "Take the days from the dates in the DICOM files of the CTs; no date is written.", False
    )
    tolerance_mm: float = option(
        "Two lesions can be the same where they lie within so many mm after registration.",
        MatchingRule.tolerance_mm,
        minimum=0.0,
        maximum=30.0,
    )
    least_overlap: float = option(
        "Share of the smaller of two lesions that must lie within the tolerance of the other.",
        MatchingRule.least_overlap,
        minimum=0.001,
        maximum=1.0,
    )
    smallest_ml: float = option(
        "Lesions without a partner below this volume, in ml, are neither new nor resolved.",
        MatchingRule.smallest_ml,
        minimum=0.0,
    )
    page: bool = option("Also write the HTML page and the chart.", True, recorded=False)
    parameters: Parameters = nested(Parameters())

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.studies) < 2:
            raise ParameterError("Name at least two studies of one patient, the earliest first.")
        for name, what in (("days", "day"), ("series", "series")):
            given = len(getattr(self, name))
            if given and given != len(self.studies):
                raise ParameterError(
                    f"{name} must name one {what} for each of {len(self.studies)} studies."
                )
        if self.days and self.days_from_dicom:
            raise ParameterError("Give the days, or have them taken from DICOM, not both.")

    def series_of(self, number: int) -> str | None:
        """The series of a study's CT, by its number from 0; None where none was named."""
        named = self.series[number] if self.series else NO_SERIES
        return None if named == NO_SERIES else named
