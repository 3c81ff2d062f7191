"""The Python packages that inference needs, installed on first use and only after asking."""

from __future__ import annotations

import importlib.util
import subprocess
from importlib.metadata import PackageNotFoundError, version

from ..engine import requirements
from ..engine.errors import DependencyError
from ..engine.models.catalogue import load_catalogue
from ..engine.parameters import LUNG_METHODS, Parameters

REQUESTER = "COVIDLesionSeg"
# torch and torchvision come from the PyTorch extension, which picks the builds for this computer's
# GPU; numpy and SimpleITK are Slicer's own. Replacing any of them breaks other extensions.
NEVER_INSTALLED_BY_PIP = ["torch", "torchvision", "numpy", "SimpleITK"]


def ensure_dependencies(parameters: Parameters) -> None:
    """Install what is missing, after asking; returns at once where nothing is.

    The packages are used by the background process only, so that Slicer needs no restart.

    Args:
        parameters: Of the run to come.

    Raises:
        DependencyError: A package is missing and was not, or cannot be, installed.
        ModelError: There is no such model.
    """
    if importlib.util.find_spec("torch") is None:
        _install_torch()
    _install_packages([*requirements.INFERENCE, *chosen_packages(parameters)])


def chosen_packages(parameters: Parameters) -> list[str]:
    """pip requirements of the chosen networks and lung extractor, beyond those of every run.

    Raises:
        ModelError: There is no such model.
    """
    catalogue = load_catalogue()
    model_ids = catalogue.expand(parameters.members)
    if parameters.lungs not in LUNG_METHODS:
        model_ids += (parameters.lungs,)
    networks = [catalogue.get(model_id).card.network for model_id in model_ids]
    return requirements.packages_for(networks, parameters.lungs)


def missing_packages() -> list[str]:
    """Names of the packages of every run, PyTorch among them, that are absent."""
    from packaging.requirements import Requirement

    names = [Requirement(one).name for one in (requirements.TORCH, *requirements.INFERENCE)]
    return [name for name in names if not _is_installed(name)]


def _is_installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _install_torch() -> None:
    from packaging.requirements import Requirement

    try:
        from PyTorchUtils import PyTorchUtilsLogic
    except ImportError as error:
        raise DependencyError(
            "PyTorch is needed: install the extension PyTorch in Slicer's Extensions Manager, "
            "restart Slicer, and press Apply again."
        ) from error
    torch = PyTorchUtilsLogic().installTorch(
        askConfirmation=True, torchVersionRequirement=str(Requirement(requirements.TORCH).specifier)
    )
    if torch is None:
        raise DependencyError("PyTorch was not installed: press Apply to be asked again.")


def _install_packages(packages: list[str]) -> None:
    from packaging.requirements import Requirement

    try:
        from slicer import packaging
    except ImportError as error:
        raise DependencyError("This module needs 3D Slicer 5.12 or newer.") from error
    try:
        packaging.pip_ensure(
            [Requirement(one) for one in packages],
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
