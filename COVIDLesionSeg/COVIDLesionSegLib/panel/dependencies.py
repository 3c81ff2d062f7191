"""The Python packages that inference needs, installed on first use and only after asking."""

from __future__ import annotations

import importlib.util
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..engine.errors import DependencyError
from ..engine.parameters import Parameters
from ..engine.requirements import chosen_packages

REQUESTER = "COVIDLesionSeg"
# torch and torchvision come from the PyTorch extension, which picks the builds for this computer's
# GPU; numpy and SimpleITK are Slicer's own. Replacing any of them breaks other extensions.
NEVER_INSTALLED_BY_PIP = ["torch", "torchvision", "numpy", "SimpleITK"]
MINIMUM_TORCH = ">=2.6"


def ensure_dependencies(requirements_file: str, parameters: Parameters) -> None:
    """Install what is missing, after asking; returns at once where nothing is.

    The packages are used by the background process only, so that Slicer needs no restart.

    Args:
        requirements_file: Path of the module's ``requirements.txt``: what every run needs.
        parameters: Of the run to come.

    Raises:
        DependencyError: A package is missing and was not, or cannot be, installed.
        ModelError: There is no such model.
    """
    if importlib.util.find_spec("torch") is None:
        _install_torch()
    _install_packages(requirements_file, chosen_packages(parameters))


def missing_packages(requirements_file: str) -> list[str]:
    """Names of the packages, PyTorch among them, that are absent; nothing is installed."""
    from packaging.requirements import Requirement

    lines = Path(requirements_file).read_text(encoding="utf-8").splitlines()
    required = [line.partition("#")[0].strip() for line in lines]
    names = ["torch", *(Requirement(line).name for line in required if line)]
    return [name for name in names if not _is_installed(name)]


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _install_torch() -> None:
    try:
        from PyTorchUtils import PyTorchUtilsLogic
    except ImportError as error:
        raise DependencyError(
            "PyTorch is needed: install the extension PyTorch in Slicer's Extensions Manager, "
            "restart Slicer, and press Apply again."
        ) from error
    torch = PyTorchUtilsLogic().installTorch(
        askConfirmation=True, torchVersionRequirement=MINIMUM_TORCH
    )
    if torch is None:
        raise DependencyError("PyTorch was not installed: press Apply to be asked again.")


def _install_packages(requirements_file: str, more: list[str]) -> None:
    from packaging.requirements import Requirement

    try:
        from slicer import packaging
    except ImportError as error:
        raise DependencyError("This module needs 3D Slicer 5.12 or newer.") from error
    try:
        packaging.pip_ensure(
            [*packaging.load_requirements(requirements_file), *map(Requirement, more)],
            skip_packages=NEVER_INSTALLED_BY_PIP,
            requester=REQUESTER,
            prompt_restart=False,
        )
    except subprocess.CalledProcessError as error:
        raise DependencyError(
            "The Python packages could not be installed: check the internet connection or proxy, "
            "and see Slicer's error log."
        ) from error
    except RuntimeError as declined:  # pip_ensure's way to say that the user chose not to
        raise DependencyError(
            "The Python packages were not installed: press Apply to be asked again."
        ) from declined
    # Packages installed a moment ago are found only after this.
    importlib.invalidate_caches()
