"""Python packages with their minimum versions, for whoever installs them: the only place.

``pyproject.toml`` states the same for ``pip install``; a test keeps both equal.
"""

from __future__ import annotations

from collections.abc import Iterable

TORCH = "torch>=2.6"
"""Of Slicer's extension PyTorch, which picks the build for the computer's GPU."""
INFERENCE = ("monai>=1.4", "safetensors>=0.4", "scikit-image>=0.22")
"""What every run needs beyond PyTorch and Slicer's own Python."""
TRAINING = ("lightning>=2.6", "matplotlib>=3.8", "jinja2>=3.1")
"""What a retraining needs beyond that."""
DICOM = ("highdicom>=0.28",)
"""What results as DICOM need beyond :data:`INFERENCE`."""
MONAI_LABEL = ("monailabel>=0.8.5",)
"""What the server of MONAI Label needs beside this software, in a Python of its own."""
COHORT = ("filelock>=3.12", "matplotlib>=3.8", "jinja2>=3.1")
"""What the result folders of a cohort need beyond a run."""

_ENCODERS = ("segmentation-models-pytorch>=0.5",)
_LUNGMASK = ("lungmask>=0.2.20",)

NNUNET = ("nnunetv2>=2.8",)
"""What networks of an nnU-Net's result folder need."""

NETWORK_PACKAGES = {
    "DenseNetUNet": _ENCODERS,
    "EncoderFPN": _ENCODERS,
    "EncoderUNet": _ENCODERS,
    "InceptionUNet": _ENCODERS,
    "NnUNet": NNUNET,
}
"""By the network's name; here and not on cards, because a card may come from a stranger."""
LUNG_METHOD_PACKAGES = {
    "threshold": (),
    "lungmask-r231": _LUNGMASK,
    "lungmask-r231covidweb": _LUNGMASK,
}

DOWNLOAD_MB = {
    "filelock": 1,
    "monai": 2,
    "safetensors": 1,
    "scikit-image": 14,
    "segmentation-models-pytorch": 1,
    "lungmask": 1,
    "lightning": 1,
    "matplotlib": 9,
    "jinja2": 1,
    "highdicom": 2,
    "nnunetv2": 1,
}
"""Size of each package by its name, in MB, rounded up; without what it depends on in turn."""


def packages_for(networks: Iterable[str], lungs: str) -> list[str]:
    """pip requirements of networks and of a lung extractor, beyond those of every run.

    Args:
        networks: Names of networks, as on cards.
        lungs: Name of the lung extractor; a model of the catalogue counts among ``networks``.
    """
    packages = dict.fromkeys(LUNG_METHOD_PACKAGES.get(lungs, ()))
    for network in networks:
        packages |= dict.fromkeys(NETWORK_PACKAGES.get(network, ()))
    return list(packages)
