"""Whether the installed packages work, found out in a process that may crash."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from ..engine.errors import DependencyError, InputError
from ..engine.files import atomic_folder
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .options import CheckInstallationOptions

_FACTS = "installation.json"


@dataclass(frozen=True)
class Installation:
    """Packages that work.

    Attributes:
        torch: Version of PyTorch.
        device: What a run with the device ``auto`` computes on: ``"cuda"``, ``"mps"``, ``"cpu"``.
    """

    torch: str
    device: str


def check_installation(
    options: CheckInstallationOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Installation:
    """Load PyTorch and the packages of every run, and compute something with them.

    A broken installation may end the process: run it in one of its own.

    Args:
        options: None are needed.
        out: A new folder for the answer, see :func:`load_installation`.
        progress: Called with progress.
        cancel: Set it to stop the job between two steps.

    Raises:
        DependencyError: A package is missing or does not work.
        OutputError: The folder cannot be written.
        Cancelled: ``cancel`` was set; there is no ``out``.
    """
    cancel = cancel or CancelToken()
    progress(Progress("Checking PyTorch", 0.0))
    try:
        import torch

        if (torch.ones(2) + 1).tolist() != [2.0, 2.0]:
            raise DependencyError("PyTorch computes wrong numbers.")
        cancel.raise_if_cancelled()
        progress(Progress("Checking the other packages", 0.5))
        import monai.networks.blocks  # noqa: F401
        import safetensors.torch  # noqa: F401
        import skimage.measure  # noqa: F401
    # Whatever else a half-installed package raises when it is loaded: OSError, AttributeError...
    except (ImportError, OSError, AttributeError, RuntimeError, SyntaxError, TypeError) as error:
        name = getattr(error, "name", None) or "PyTorch"
        raise DependencyError(f"{name} cannot be loaded ({type(error).__name__}).") from error
    cancel.raise_if_cancelled()
    has = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    device = next((name for name, there in has.items() if there), "cpu")
    installation = Installation(version("torch"), device)
    with atomic_folder(Path(out)) as staging:
        (staging / _FACTS).write_text(json.dumps(asdict(installation)), encoding="utf-8")
    return installation


def load_installation(folder: Path) -> Installation:
    """Read what :func:`check_installation` wrote; raises InputError if that is not complete."""
    try:
        return Installation(**json.loads((folder / _FACTS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError("The check of the packages gave no answer: try again.") from error
