"""Versions of the software: importable also where a package is missing or broken."""

from __future__ import annotations

import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from .. import __version__

_PACKAGES = (
    "torch",
    "torchvision",
    "monai",
    "segmentation-models-pytorch",
    "lungmask",
    "SimpleITK",
    "numpy",
    "scipy",
    "scikit-image",
)


def describe_software() -> dict[str, str]:
    """Versions of this package and of those that compute, as far as they are installed."""
    versions = {"COVIDLesionSeg": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
