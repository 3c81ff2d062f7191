"""What every lung extractor takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..flags import Flag
from ..progress import CancelToken, ProgressCallback, ignore_progress


@dataclass(frozen=True)
class LungLabels:
    """Right and left lung.

    Attributes:
        labels: uint8 (z, y, x) in axial order; 0 elsewhere, 1 right lung, 2 left lung. Lesions,
            vessels and bronchi within the lung belong to it; trachea and main bronchi do not.
        flags: What is unusual about these lungs.
        provenance: JSON-ready facts: the method, and the weights it used.
    """

    labels: np.ndarray
    flags: tuple[Flag, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)


class LungExtractor(Protocol):
    """Finds the lungs of a chest CT."""

    def extract(
        self,
        axial_hu: np.ndarray,
        spacing: tuple[float, float, float],
        progress: ProgressCallback = ignore_progress,
        cancel: CancelToken | None = None,
    ) -> LungLabels:
        """Label the right and the left lung.

        Args:
            axial_hu: HU, shape (z, y, x) in axial order: z to superior, y to posterior, x to the
                patient's left.
            spacing: mm along (z, y, x).
            progress: Told what is being done; ``fraction`` runs from 0 to 1 within this call.
            cancel: Looked at between steps.

        Raises:
            LungsNotFoundError: Nothing in the CT looks like lungs.
            Cancelled: ``cancel`` was set.
        """
        ...
