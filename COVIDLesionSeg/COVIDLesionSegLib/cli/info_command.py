"""``covid-lesion-seg info``: one block about this computer, to paste into a bug report."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..engine.errors import CovidLesionSegError
from ..engine.text import megabytes
from .commands import Debug
from .exit_codes import exit_codes


def info(debug: Debug = False) -> None:
    """Versions, devices, folders, models and free memory: paste it into a bug report.

    It holds no patient data, and of your folders only what lies below your home.
    """
    with exit_codes(debug):
        for name, value in facts():
            print(f"{name + ':':<29}{value}")


def facts() -> Iterator[tuple[str, str]]:
    """Names and values, one for each line."""
    from importlib.metadata import PackageNotFoundError, version

    from ..engine.software import describe_software

    yield "system", f"{platform.platform()}, {platform.machine()}"
    for name, text in describe_software().items():
        yield name, text
    for name in ("slicer-core", "vtk", "lightning", "pydicom"):
        with suppress(PackageNotFoundError):
            yield name, version(name)
    yield "processor cores", str(os.cpu_count() or "unknown")
    yield "memory", _memory()
    yield "device", _device()
    yield from _models()
    yield from _folders()


def _device() -> str:
    try:
        from ..engine.inference.device import make_plan
        from ..engine.parameters import Parameters

        plan = make_plan(Parameters(), bfloat16_allowed=True)
    except CovidLesionSegError as error:
        return str(error)
    except (ImportError, OSError):  # OSError: a build for another computer
        return "unknown, as PyTorch cannot be loaded"
    precision = "bfloat16" if plan.bfloat16 else "float32"
    return f"{plan.device} ({plan.name}), fastest precision {precision}"


def _models() -> Iterator[tuple[str, str]]:
    from ..engine.models.catalogue import load_catalogue
    from ..engine.models.user_models import default_model

    catalogue = load_catalogue()
    present = sum(model.weights_present for model in catalogue.models)
    yield "models", f"{len(catalogue.models)}, {present} with weights"
    yield "default model", default_model()
    for problem in catalogue.problems:
        yield "model left out", problem


def _folders() -> Iterator[tuple[str, str]]:
    from ..engine.models.downloads_folder import downloads_folder, downloads_size
    from ..engine.models.user_models import user_folder
    from ..engine.review.folder import reviews_folder

    yield "your models", _place(user_folder())
    yield "downloaded weights", f"{_place(downloads_folder())}, {megabytes(downloads_size())} MB"
    yield "reviewed cases", _place(reviews_folder())
    temporary = Path(tempfile.gettempdir())
    free = shutil.disk_usage(temporary).free / 1e9
    yield "temporary files", f"{_place(temporary)}, {free:.0f} GB free"


def _place(folder: Path) -> str:
    """A folder without the name of the user, which is often in the path of the home."""
    with suppress(ValueError, RuntimeError):
        folder = Path("~") / folder.resolve().relative_to(Path.home().resolve())
    return (
        folder.as_posix() if folder.exists() or folder.parts[:1] == ("~",) else f"{folder}, absent"
    )


def _memory() -> str:
    """Of all memory, and what programs can get without others being swapped out; on Linux."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        kib = {
            name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)
        }
        total, free = (kib[name] / 2**20 for name in ("MemTotal", "MemAvailable"))
    except (OSError, ValueError, KeyError, IndexError):
        return "unknown"
    return f"{total:.1f} GiB, {free:.1f} GiB free"
