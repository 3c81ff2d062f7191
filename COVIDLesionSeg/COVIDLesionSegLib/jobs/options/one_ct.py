"""The options of jobs on one CT."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine.errors import ParameterError
from ...engine.options import Options, nested, option
from ...engine.parameters import Parameters
from . import shared

_CT_HELP = "NIfTI, NRRD or MHA file, or DICOM folder."


def _ct() -> Any:
    return option(_CT_HELP, positional=True, metavar="CT", shown_as="CT")


def _surfaces_on() -> Any:
    return option(
        "Also make the 3D surfaces of lungs and lesions: the 16 numbers of the matrix from the "
        "CT's voxels (i, j, k) to the surfaces' mm, row by row.",
        (),
    )


def _check_matrix(numbers: tuple[float, ...]) -> None:
    if len(numbers) not in (0, 16):
        raise ParameterError("surfaces_on must be the 16 numbers of a matrix.")


def _series() -> Any:
    return option("SeriesInstanceUID, where a folder has several.", None)


def _check_lobes(lobes_file: Path | None, lobe_labels: str | None) -> None:
    if lobe_labels is not None and lobes_file is None:
        raise ParameterError("lobe_labels says what labels mean: name the lobes_file, too.")
    shared.check_lobe_labels(lobe_labels)


@dataclass(frozen=True, kw_only=True)
class SegmentOptions(Options):
    """One CT and everything that decides its result."""

    ct: Path = _ct()
    series: str | None = _series()
    lungs_file: Path | None = option(
        "Right and left lung of this CT, which are then not looked for: a segmentation saved in 3D "
        "Slicer (.seg.nrrd), whose lungs or lobes are known by their codes; or a label map on the "
        "CT's grid: 1 right, 2 left, 3 lesions that were painted over them.",
        None,
        shown_as="LUNGS",
    )
    lobes_file: Path | None = option(
        "Lobes of this CT, for the severity of each and the CT severity score: a segmentation "
        "saved in 3D Slicer (.seg.nrrd), whose lobes are known by their codes; or a label map.",
        None,
        shown_as="LOBES",
    )
    lobe_labels: str | None = shared.lobe_labels()
    pdf: str | None = shared.pdf()
    report_title: str = option(
        "A line of your own on the report, such as a name; without it nothing there names the "
        "patient.",
        "",
        recorded=False,
    )
    dicom: bool = shared.dicom()
    dicom_slices: bool = shared.dicom_slices()
    parameters: Parameters = nested(Parameters())

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_lobes(self.lobes_file, self.lobe_labels)
        shared.check_dicom(self.dicom, self.dicom_slices, self.parameters)


@dataclass(frozen=True, kw_only=True)
class ExportDicomOptions(Options):
    """A result, and the DICOM series that its CT came from."""

    result: Path = option(
        "Result folder of segment, or of a case of a cohort.",
        positional=True,
        metavar="RESULT",
        shown_as="RESULT",
    )
    ct: Path = option("DICOM folder of its CT.", shown_as="CT")
    series: str | None = _series()
    dicom_slices: bool = option(
        "Also write the slices with lesion as pictures (secondary capture).", False, flag="slices"
    )


@dataclass(frozen=True, kw_only=True)
class DetectOptions(Options):
    """A CT, and the model whose lesions are told apart."""

    ct: Path = _ct()
    series: str | None = _series()
    least_score: float = option(
        "Of a detector: lesions of a slice below this score are left out.",
        0.5,
        minimum=0.05,
        maximum=1.0,
    )
    lobes_file: Path | None = option(
        "Lobes of this CT, to put each lesion into one: a segmentation saved in 3D Slicer "
        "(.seg.nrrd), whose lobes are known by their codes; or a label map.",
        None,
        shown_as="LOBES",
    )
    lobe_labels: str | None = shared.lobe_labels()
    parameters: Parameters = nested(
        Parameters(),
        "model",
        "lungs",
        "device",
        "precision",
        "threshold",
        "smallest_lesion_ml",
        "allow_untrained",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_lobes(self.lobes_file, self.lobe_labels)


@dataclass(frozen=True, kw_only=True)
class SegmentVolumeOptions(Options):
    """A CT that another process of this software wrote, and everything that decides its result."""

    volume: Path = option("Folder that holds the CT, exact to the last bit.", shown_as="CT")
    surfaces_on: tuple[float, ...] = _surfaces_on()
    lungs_file: Path | None = option(
        "Label map of the lungs, 1 right and 2 left, which are then not looked for.", None
    )
    only_lungs: bool = option("Look for the lungs only.", False)
    note: str = option("What becomes a note among the flags of the result.", "")
    parameters: Parameters = nested(Parameters())

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_matrix(self.surfaces_on)
        if self.only_lungs and self.lungs_file is not None:
            raise ParameterError("The lungs are given already: look for lesions, too.")


@dataclass(frozen=True, kw_only=True)
class DetectVolumeOptions(Options):
    """A CT that another process of this software wrote, and the model that finds its lesions."""

    volume: Path = option("Folder that holds the CT, exact to the last bit.", shown_as="CT")
    lungs_file: Path | None = option(
        "Label map of the lungs, 1 right and 2 left, which are then not looked for.", None
    )
    parameters: Parameters = nested(Parameters())


@dataclass(frozen=True, kw_only=True)
class RestoreCaseOptions(Options):
    """A reviewed case, for another process of this software that has its CT."""

    case: Path = option("Folder of the reviewed case.")
    grid: Path = option("JSON file with the CT's grid as that process has it.")
    surfaces_on: tuple[float, ...] = _surfaces_on()

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_matrix(self.surfaces_on)


@dataclass(frozen=True, kw_only=True)
class DemoOptions(Options):
    """The model that is tried on a generated chest CT."""

    parameters: Parameters = nested(Parameters(), "model", "allow_untrained")


@dataclass(frozen=True, kw_only=True)
class BundleSceneOptions(Options):
    """A scene that another process of this software wrote."""

    scene: Path = option("Folder that holds the scene and its data.", shown_as="SCENE")


@dataclass(frozen=True, kw_only=True)
class SampleCtOptions(Options):
    """Which generated chest CT."""

    seed: int = option("Decides the invented patient and the lesions.", 0, minimum=0)


@dataclass(frozen=True, kw_only=True)
class ExplainOptions(Options):
    """A slice, and the network to look into."""

    ct: Path = _ct()
    slice_index: int | None = option(
        "From 0 at the inferior end; by default the one with the most lesion.", None, flag="slice"
    )
    series: str | None = _series()
    parameters: Parameters = nested(
        Parameters(), "model", "lungs", "device", "precision", "allow_untrained"
    )


@dataclass(frozen=True, kw_only=True)
class PseudoLabelOptions(Options):
    """A CT, and how its lungs are found; or slices whose lesions experts outlined."""

    ct: Path = option(
        f"{_CT_HELP} Or a slice folder in HU: the experts' outlines stay, and are sorted into "
        "ground glass and consolidation.",
        positional=True,
        metavar="CT",
        shown_as="CT",
    )
    series: str | None = _series()
    thesis_lungs: bool = shared.thesis_lungs()
    rule: str = shared.pseudo_rule()
    parameters: Parameters = nested(Parameters(), "lungs")
