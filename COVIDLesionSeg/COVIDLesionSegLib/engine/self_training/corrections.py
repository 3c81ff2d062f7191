"""Corrections by hand, which take the place of every other label of their slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..data.labelled import LabelledImage
from ..errors import InputError


def with_corrections(
    labelled: Sequence[LabelledImage], corrections: Sequence[LabelledImage], weight: float = 1.0
) -> list[LabelledImage]:
    """Labelled slices without those that were corrected, and after them the corrections.

    Args:
        labelled: Slices with lesions from any source.
        corrections: Slices whose lesions a person corrected, identified by patient and name.
        weight: Of each correction.

    Raises:
        InputError: A slice was corrected twice.
        ParameterError: The weight is not positive.
    """
    corrected = {(item.patient, item.name) for item in corrections}
    if len(corrected) < len(corrections):
        raise InputError("A slice was corrected twice: keep one of the corrections.")
    kept = [item for item in labelled if (item.patient, item.name) not in corrected]
    return kept + [replace(item, weight=weight) for item in corrections]
