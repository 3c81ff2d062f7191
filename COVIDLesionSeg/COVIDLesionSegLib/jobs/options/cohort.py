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
        "and perhaps case, series and lobes.",
        positional=True,
        metavar="SOURCE",
        shown_as="SOURCE",
    )
    with_scene: bool = option(
        "Also write the scene and the picture of the 3D model of each case, which takes longer.",
        False,
        flag="scene",
    )
    lobe_labels: str | None = shared.lobe_labels()
    pdf: str | None = shared.pdf()
    dicom: bool = shared.dicom()
    dicom_slices: bool = shared.dicom_slices()
    retry_failed: bool = option("Try cases again that failed.", False, recorded=False)
    workers: int = option(
        "Processes side by side on this computer, a case each: a local Dask cluster. They share "
        "the processor's cores and the GPUs; 0 means one for each GPU.",
        1,
        minimum=0,
        recorded=False,
    )
    scheduler: str | None = option(
        "Address of a running Dask cluster to do the cases on, such as tcp://host:8786; its "
        "workers with one thread each, and with CTs and output folder under the same path.",
        None,
        shown_as="SCHEDULER",
        recorded=False,
    )
    parameters: Parameters = nested(Parameters())

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sources:
            raise ParameterError("Name at least one CT, folder or table.")
        shared.check_lobe_labels(self.lobe_labels)
        shared.check_dicom(self.dicom, self.dicom_slices, self.parameters)
        if self.scheduler is not None and self.workers != 1:
            raise ParameterError(
                "Use a local cluster (workers) or a running one (scheduler), not both."
            )

    @property
    def on_cluster(self) -> bool:
        """Whether the cases are done on a Dask cluster."""
        return self.scheduler is not None or self.workers != 1


@dataclass(frozen=True, kw_only=True)
class OpenCaseOptions(Options):
    """A case of a cohort that is to be shown."""

    sources: tuple[Path, ...] = option(
        "The CTs that the cohort was made of, as for batch.", shown_as="SOURCE"
    )
    cohort: Path = option("Folder of the cohort.", shown_as="DIR")
    case: str = option("Name of the case.")
