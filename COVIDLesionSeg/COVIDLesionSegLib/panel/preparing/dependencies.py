"""The Python packages that inference needs, installed on first use and only after asking."""

from __future__ import annotations

import importlib
import logging
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from ...engine import requirements
from ...engine.errors import DependencyError
from ...engine.models.catalogue import load_catalogue
from ...engine.parameters import Parameters

if TYPE_CHECKING:
    from packaging.requirements import Requirement

REQUESTER = "COVIDLesionSeg"
# torch and torchvision come from the PyTorch extension, which picks the builds for this computer's
# GPU; numpy and SimpleITK are Slicer's own. Replacing any of them breaks other extensions.
NEVER_INSTALLED_BY_PIP = ["torch", "torchvision", "numpy", "SimpleITK"]


def check_installable(missing: Iterable[Requirement]) -> None:
    """Ask nobody whether to install what cannot be installed.

    Raises:
        DependencyError: PyTorch is among it, and the PyTorch extension is missing.
    """
    if any(requirement.name == "torch" for requirement in missing):
        _pytorch_extension()


def install(missing: list[Requirement]) -> None:
    """Install these packages; returns at once where there are none.

    They are used by background processes only, so that Slicer needs no restart.

    Raises:
        DependencyError: A package cannot be installed.
    """
    if not missing:
        return
    others = [requirement for requirement in missing if requirement.name != "torch"]
    if len(others) < len(missing):
        _install_torch()
    if others:
        _install_packages(others)
    # Packages installed a moment ago are found only after this.
    importlib.invalidate_caches()


def missing_requirements(parameters: Parameters, also: tuple[str, ...] = ()) -> list[Requirement]:
    """What is to be installed for a run, or for a training with ``also``, PyTorch first.

    Raises:
        ModelError: There is no such model.
    """
    from packaging.requirements import Requirement

    needed = [requirements.TORCH, *requirements.INFERENCE, *chosen_packages(parameters), *also]
    return [
        requirement for requirement in map(Requirement, needed) if not _is_satisfied(requirement)
    ]


def chosen_packages(parameters: Parameters) -> list[str]:
    """pip requirements of a run's networks and lung extractor, beyond those of every run.

    Raises:
        ModelError: There is no such model.
    """
    networks = [model.card.network for model in load_catalogue().models_of(parameters)]
    return requirements.packages_for(networks, parameters.lungs)


def missing_packages() -> list[str]:
    """Names of the packages of every run, PyTorch among them, that are absent."""
    from packaging.requirements import Requirement

    names = [Requirement(one).name for one in (requirements.TORCH, *requirements.INFERENCE)]
    return [name for name in names if installed_version(name) is None]


def installed_version(distribution: str) -> str | None:
    """Version of a package in Slicer's Python, which is not loaded; None if it is absent."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def repair_torch() -> None:
    """Install PyTorch anew through the PyTorch extension.

    Raises:
        DependencyError: The extension is missing, or PyTorch could not be installed.
    """
    extension = _pytorch_extension()
    try:
        extension.uninstallTorch()
    except subprocess.CalledProcessError as error:
        raise DependencyError(
            _(
                "PyTorch could not be removed, perhaps because another module uses it: restart "
                "Slicer and try again."
            )
        ) from error
    _install_torch()
    importlib.invalidate_caches()


def offline_help() -> str:
    """How to install the packages on a computer without internet."""
    return str(
        _(
            "Without internet: on another computer with the same operating system and Python "
            "version as Slicer's, run 'pip download {packages} --dest wheels' and copy the folder "
            "'wheels' to this computer. Here, in a terminal, run 'PythonSlicer -m pip install "
            "--no-index --find-links wheels {packages}'. PythonSlicer lies in the folder 'bin' of "
            "Slicer."
        )
    ).format(packages=" ".join(_names((requirements.TORCH, *requirements.INFERENCE))))


def _names(needed: tuple[str, ...]) -> list[str]:
    from packaging.requirements import Requirement

    return [Requirement(requirement).name for requirement in needed]


def _is_satisfied(requirement: Requirement) -> bool:
    found = installed_version(requirement.name)
    return found is not None and requirement.specifier.contains(found, prereleases=True)


def sizes_text(missing: Iterable[Requirement]) -> str:
    """A line for each package, with the size of its download."""
    lines = []
    for requirement in missing:
        if requirement.name == "torch":
            lines.append(
                _("{package}: 200 MB, up to 3 GB for an NVIDIA GPU").format(
                    package=str(requirement)
                )
            )
        elif requirement.name in requirements.DOWNLOAD_MB:
            size = requirements.DOWNLOAD_MB[requirement.name]
            lines.append(_("{package}: {size} MB").format(package=str(requirement), size=size))
        else:
            lines.append(str(requirement))
    return "\n".join(lines)


def _pytorch_extension() -> Any:
    try:
        from PyTorchUtils import PyTorchUtilsLogic
    except ImportError as error:
        raise DependencyError(
            _(
                "PyTorch is needed: install the extension PyTorch in Slicer's Extensions Manager, "
                "restart Slicer, and try again."
            )
        ) from error
    return PyTorchUtilsLogic()


def _install_torch() -> None:
    from packaging.requirements import Requirement

    extension = _pytorch_extension()
    try:
        extension.installTorch(
            askConfirmation=False,
            torchVersionRequirement=str(Requirement(requirements.TORCH).specifier),
        )
    except subprocess.CalledProcessError as error:
        raise _not_installed() from error
    except (ImportError, OSError) as error:
        # The extension loads what it has installed; whether that works is checked elsewhere.
        logging.getLogger(__name__).warning("PyTorch was installed, but: %s", error)
    importlib.invalidate_caches()
    if installed_version("torch") is None:
        raise _not_installed()


def _install_packages(missing: list[Requirement]) -> None:
    try:
        from slicer import packaging
    except ImportError as error:
        raise DependencyError(_("This module needs 3D Slicer 5.12 or newer.")) from error
    try:
        packaging.pip_ensure(
            missing,
            skip_packages=NEVER_INSTALLED_BY_PIP,
            requester=REQUESTER,
            prompt_install=False,  # asked already, about everything at once
            prompt_restart=False,
        )
    except subprocess.CalledProcessError as error:
        raise _not_installed() from error


def _not_installed() -> DependencyError:
    return DependencyError(
        _(
            "The Python packages could not be installed: check the internet connection or proxy, "
            "and see Slicer's error log; the section About says how to install them without "
            "internet."
        )
    )
