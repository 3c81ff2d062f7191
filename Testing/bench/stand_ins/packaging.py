"""Stand-in for ``slicer.packaging``: checks and asks as Slicer does, and never installs."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import slicer
from packaging.requirements import Requirement

installed: list[str] = []
"""What would have been installed."""


def load_requirements(path: str) -> list[Requirement]:
    lines = (line.partition("#")[0].strip() for line in Path(path).read_text().splitlines())
    return [Requirement(line) for line in lines if line]


def pip_check(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(version(requirement.name), prereleases=True)
    except PackageNotFoundError:
        return False


def pip_ensure(
    requirements, skip_packages=None, requester=None, prompt_install=True, prompt_restart=True
) -> None:
    missing = [str(requirement) for requirement in requirements if not pip_check(requirement)]
    if not missing:
        return
    question = f"{requester} needs {len(missing)} Python packages."
    if prompt_install and not slicer.util.confirmOkCancelDisplay(
        question, detailedText="\n".join(missing)
    ):
        raise RuntimeError("User declined package installation")
    installed.extend(missing)
