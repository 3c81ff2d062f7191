"""``slices.csv`` of a segmentation: its axial slices, and by which rules each is positive."""

from __future__ import annotations

from pathlib import Path

from ..engine.metrics.infection import SLICE_RULES
from ..engine.severity import SeverityReport
from ..engine.text import yes_or_no
from .tables import write_table


def write_severity_slices_csv(severity: SeverityReport, path: Path) -> None:
    """Write one row for each slice, from the inferior end.

    Columns: ``slice``, from 0 at the inferior end; ``position_mm`` along the patient's superior
    axis; ``lung_mm2``, ``lesion_mm2`` and its part of the lung, ``ratio``, 0 to 1; ``mm2 CLASS``
    where there are several classes; ``disagreement`` and ``confidence``; ``segmented``, ``no``
    where a slice classifier called the slice clean; and by the id of each rule ``yes`` or ``no``.
    What is undefined, as lesions of a slice that is not segmented, is ``n/a``.

    Raises:
        OutputError: The file cannot be written.
    """
    classes = severity.classes if len(severity.classes) > 1 else ()
    write_table(
        [
            *("slice", "position_mm", "lung_mm2", "lesion_mm2", "ratio"),
            *(f"mm2 {name}" for name in classes),
            *("disagreement", "confidence", "segmented"),
            *(rule.rule for rule in SLICE_RULES),
        ],
        [
            [
                *(slice_.index, slice_.position_mm, slice_.lung_mm2),
                *(
                    value if slice_.segmented else None
                    for value in (
                        *(slice_.lesion_mm2, slice_.ratio),
                        *(slice_.lesion_class_mm2[name] for name in classes),
                    )
                ),
                *(slice_.disagreement, slice_.confidence, yes_or_no(slice_.segmented)),
                *map(yes_or_no, severity.positive_by_rule(slice_).values()),
            ]
            for slice_ in severity.slices
        ],
        path,
    )
