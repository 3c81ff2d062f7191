"""Ground glass and consolidation within lesions that experts outlined without their class.

Where experts agree on the lesion, only its density is asked for; no lung or vessel is mistaken for
one, as in the pseudo-labels of a whole CT. The classes are no expert's all the same.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from ..data.labelled import LabelledImage
from ..errors import InputError
from ..labels import CLASSES, CONSOLIDATION_FROM_HU

SMOOTHED_BY_PIXELS = 1.0
"""Standard deviation of the Gaussian that keeps noise from deciding."""


def classes_by_density(item: LabelledImage) -> LabelledImage:
    """The slice with its lesions sorted by density, marked as pseudo-labels.

    Args:
        item: In HU; its lesions bool (rows, columns), those of an expert.

    Returns:
        Lesions uint8: 2 consolidation from :data:`~..labels.CONSOLIDATION_FROM_HU` on, in the image
        slightly smoothed within the outline, 1 ground-glass opacity, 0 elsewhere. The outline is
        the expert's.

    Raises:
        InputError: The slice is windowed, so that its HU are not known, is pseudo-labelled itself,
            or tells classes apart already.
    """
    if item.windowed:
        raise InputError(
            f"Slice {item.name} was windowed before it was stored, so the density of its lesions "
            "is not known: leave its patient out."
        )
    if item.pseudo or item.lesion.dtype != bool:
        raise InputError(
            f"The lesions of slice {item.name} are sorted into classes already, or no expert's: "
            "name slices whose lesions an expert outlined without their class."
        )
    # Neither lung nor chest wall beside the lesion has a say in its density.
    above = np.where(item.lesion, item.image - CONSOLIDATION_FROM_HU, 0).astype(np.float32)
    smooth = ndimage.gaussian_filter(above, SMOOTHED_BY_PIXELS)
    ground_glass, consolidation = range(1, len(CLASSES) + 1)
    dense = np.where(smooth >= 0, consolidation, ground_glass)
    return replace(item, lesion=np.where(item.lesion, dense, 0).astype(np.uint8), pseudo=True)
