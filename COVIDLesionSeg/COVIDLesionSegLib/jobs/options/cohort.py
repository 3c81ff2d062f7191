"""The options of jobs on many CTs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...engine.errors import ParameterError
from ...engine.options import Options, nested, option
from ...engine.parameters import Parameters
from . import shared


@dataclass(frozen=True, kw_only=True)
class BatchOptions(Options):
    """The CTs of a cohort, and everything that decides their results."""

    sources: tuple[Path, ...] = option(
        "CT files, folders that hold CT files or DICOM series, or CSV files with the columns ct "
        "and perhaps case and series.",
        positional=True,
        metavar="SOURCE...",
        shown_as="SOURCE",
    )
    with_scene: bool = option(
        "Also write the scene and the picture of the 3D model of each case, which takes longer.",
        False,
        flag="scene",
    )
    pdf: str | None = shared.pdf()
    retry_failed: bool = option("Try cases again that failed.", False, recorded=False)
    parameters: Parameters = nested(Parameters())

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sources:
            raise ParameterError("Name at least one CT, folder or table.")
