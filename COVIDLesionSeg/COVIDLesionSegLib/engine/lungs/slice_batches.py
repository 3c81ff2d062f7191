"""The slices of a CT, so many at a time as a network takes, with progress."""

from __future__ import annotations

from collections.abc import Iterator

from ..inference.predictor import Predictor
from ..progress import CancelToken, Progress, ProgressCallback

ANSWERED = 0.85
"""Share of the extraction that is done when every slice was given."""


def slice_batches(
    predictor: Predictor,
    count: int,
    shape: tuple[int, int],
    progress: ProgressCallback,
    cancel: CancelToken,
) -> Iterator[slice]:
    """Give the next slices that ``predictor`` takes together, until all ``count`` were given.

    Args:
        predictor: Asked before every batch, as it may step down where memory ends.
        count: Number of all slices.
        shape: (rows, columns) of a slice as it is passed.
        progress: Told before every batch.
        cancel: Looked at before every batch, and after the last.

    Raises:
        Cancelled: The token was set.
    """
    done = 0
    while done < count:
        cancel.raise_if_cancelled()
        message = f"slice {done + 1} of {count}"
        progress(Progress("Finding the lungs", ANSWERED * done / count, message))
        batch = slice(done, done + predictor.slices_at_once(shape))
        yield batch
        done = batch.stop
    cancel.raise_if_cancelled()
