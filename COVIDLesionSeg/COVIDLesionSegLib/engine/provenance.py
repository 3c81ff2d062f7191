"""What a result was made with, so that it can be made again."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .. import RESEARCH_USE_NOTICE, __version__
from .models.catalogue import Model
from .parameters import Parameters
from .volume import Volume

_PACKAGES = ("torch", "monai", "SimpleITK", "numpy", "scipy", "scikit-image")


def describe_run(
    volume: Volume,
    parameters: Parameters,
    model: Model,
    compute: dict[str, Any],
    seconds: dict[str, float],
) -> dict[str, Any]:
    """JSON-ready facts about one run; no patient data, no paths, no user names."""
    weights = model.card.weights
    return {
        "software": {"COVIDLesionSeg": __version__, "python": platform.python_version()}
        | {name: _version(name) for name in _PACKAGES},
        "model": {
            "id": model.id,
            "title": model.title,
            "paper": model.card.paper,
            "parameters": model.card.parameters,
            "weights_sha256": weights.sha256 if weights else None,
            "weights_licence": weights.licence if weights else None,
        },
        "parameters": parameters.to_dict(),
        "compute": compute,
        "seconds": {stage: round(duration, 3) for stage, duration in seconds.items()},
        "input": dict(volume.source),
        "notice": RESEARCH_USE_NOTICE,
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
