"""What the labels and segments of lesion masks stand for, in every kind of file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .errors import InputError

LESION = "lesion"
"""A lesion of any class."""
CLASSES = ("ground-glass opacity", "consolidation")
"""What masks tell apart where nobody asks for other classes: class n has the label n + 1."""
PSEUDO_LABEL_MARK = "pseudo-label, not an expert's"
"""Ends the name of a segment that nobody checked; who corrects it renames it."""


def lesions_of_labels(
    labels: np.ndarray, classes: Sequence[str], file: str, whole: str
) -> np.ndarray:
    """A mask by class, as it is learned from or judged by.

    Args:
        labels: Of every pixel: 0 for no lesion, n + 1 for class n.
        classes: Those to tell apart; with a single one all lesions are taken together, and the
            mask may tell ``CLASSES`` apart.
        file: Name of the mask, for the message.
        whole: What marks lesions of any class in such a file, for the message.

    Returns:
        uint8, the labels; bool where there is a single class.

    Raises:
        InputError: A label is no class'.
    """
    known = CLASSES if len(classes) == 1 else classes
    allowed = range(len(known) + 1)
    if unknown := [label for label in np.unique(labels[labels != 0]) if label not in allowed]:
        meanings = ", ".join(f"{number} for {name}" for number, name in enumerate(known, start=1))
        raise InputError(
            f"The mask {file} holds the label {unknown[0]:g}, but its labels must be 0 for no "
            f"lesion, {meanings}, or {whole} for lesion of any kind."
        )
    return labels > 0 if len(classes) == 1 else labels.astype(np.uint8)
