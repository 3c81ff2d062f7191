"""The generated chest CT in Slicer's Sample Data module: no download, nothing heavy at start-up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from .. import logic
from ..engine.errors import CovidLesionSegError

if TYPE_CHECKING:
    from slicer import vtkMRMLScalarVolumeNode

    from ..engine.progress import Progress

CATEGORY = "COVIDLesionSeg"
SAMPLE_NAME = "COVIDLesionSegSampleCT"
THUMBNAIL = "SampleCT.png"


def register_sample_data(icons: Path) -> None:
    """Add the generated chest CT to the Sample Data module, once.

    Args:
        icons: Folder of the thumbnail.
    """
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataCategory(
        CATEGORY, title=_("COVID-19 lesion segmentation")
    )
    known = SampleData.SampleDataLogic.sampleDataSourcesByCategory(CATEGORY)
    if any(source.sampleName == SAMPLE_NAME for source in known):
        return
    source = SampleData.SampleDataSource(
        sampleName=SAMPLE_NAME,
        sampleDescription=_("Chest CT with COVID-19 (generated)"),
        uris="",
        fileNames="",
        nodeNames=logic.SAMPLE_CT_NAME,
        customDownloader=lambda source: load_sample_ct(),
        thumbnailFileName=str(icons / THUMBNAIL),
    )
    # registerCustomSampleDataSource has no argument for the description that people see.
    slicer.modules.sampleDataSources.setdefault(CATEGORY, []).append(source)


def load_sample_ct() -> list[vtkMRMLScalarVolumeNode]:
    """Generate the chest CT and show it in the slice views, as Slicer does with what it downloads.

    Returns:
        The CT, alone; nothing if it failed, which is then said in a dialog.
    """
    with slicer.util.tryWithErrorDisplay(_("The sample CT could not be generated.")):
        try:
            node = logic.COVIDLesionSegLogic().sampleCT(progress=_show_progress)
        except CovidLesionSegError as error:
            slicer.util.errorDisplay(str(error))
            return []
        slicer.util.setSliceViewerLayers(background=node, fit=True)
        slicer.util.showStatusMessage(_("The sample CT was loaded."), 3000)
        return [node]


def _show_progress(progress: Progress) -> Any:
    slicer.util.showStatusMessage(f"{progress.stage} ({progress.fraction:.0%})")
