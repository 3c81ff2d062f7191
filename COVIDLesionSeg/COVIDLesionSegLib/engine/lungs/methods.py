"""The lung extractors that can be chosen, by name."""

from __future__ import annotations

from ..errors import ParameterError
from .extractor import LungExtractor


def get_extractor(method: str = "threshold") -> LungExtractor:
    """The lung extractor of this name, one of ``parameters.LUNG_METHODS``.

    Raises:
        ParameterError: There is no extractor of this name.
    """
    # Imported here: scipy and scikit-image are needed for the job, not to offer the choice.
    if method == "threshold":
        from .threshold import ThresholdExtractor

        return ThresholdExtractor()
    raise ParameterError(f"There is no lung extractor {method!r}; choose: threshold.")
