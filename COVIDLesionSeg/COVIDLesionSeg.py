"""Registers the module with Slicer; everything it does is in COVIDLesionSegLib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

from COVIDLesionSegLib import HOMEPAGE
from COVIDLesionSegLib.panel.parameter_node import COVIDLesionSegLogic
from COVIDLesionSegLib.panel.sample_data import register_sample_data
from COVIDLesionSegLib.panel.self_test import COVIDLesionSegTest
from COVIDLesionSegLib.panel.widget import COVIDLesionSegWidget, research_use_notice

if TYPE_CHECKING:
    from slicer import qSlicerScriptedLoadableModule

RESOURCES = Path(__file__).parent / "Resources"

__all__ = [
    "COVIDLesionSeg",
    "COVIDLesionSegLogic",
    "COVIDLesionSegTest",
    "COVIDLesionSegWidget",
]


class COVIDLesionSeg(ScriptedLoadableModule):
    """Title, category, help and thanks, as Slicer shows them."""

    def __init__(self, parent: qSlicerScriptedLoadableModule) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        # Of Slicer's language; before the first string is shown.
        slicer.app.loadTranslations(str(RESOURCES / "Translations"))
        parent.title = _("COVID-19 Lesion Segmentation")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.dependencies = ["Plots", "Segmentations", "VolumeRendering"]
        parent.contributors = ["COVIDLesionSeg contributors"]
        parent.helpText = _(
            "<p>From one chest CT: right and left lung, COVID-19 lesions, a severity category from "
            "CT-0 to CT-4, a probability overlay and a 3D model of the infection.</p>"
            "<ol>"
            "<li>Load a chest CT (in Hounsfield units) or the sample CT, and select it.</li>"
            "<li>Press <b>Apply</b>. Before the first run, Slicer asks whether you accept the "
            "licence of the weights, and whether to install the required Python packages. You can "
            "go on working during the run; <b>Cancel</b> stops it.</li>"
            "<li>Read the severity and the quality flags below it.</li>"
            "<li><b>Correction</b>: edit lesions inside the lungs; severity follows.</li>"
            "<li><b>Review</b>: look at doubtful slices first, then accept, correct or reject the "
            "case.</li>"
            "</ol>"
            "<p>Another run on the same CT updates its nodes. Corrected segments are kept as "
            "copies.</p>"
            "<p>From the Python console: "
            "<code>from COVIDLesionSeg import COVIDLesionSegLogic; "
            "COVIDLesionSegLogic().segment(getNode('CT'))</code></p>"
            "<p><b>{notice}</b></p>"
            '<p>More in the <a href="{homepage}/blob/main/docs/tutorial.md">tutorial</a> and in '
            '<a href="{homepage}/blob/main/docs/troubleshooting.md">troubleshooting</a>.</p>'
        ).format(notice=research_use_notice(), homepage=HOMEPAGE)
        parent.acknowledgementText = _(
            "The networks, losses and severity rules follow published work, cited in the "
            '<a href="{homepage}">documentation</a>. Code: Apache-2.0. Weights carry the licence '
            "of their training data, stated on each model's card."
        ).format(homepage=HOMEPAGE)
        slicer.app.connect("startupCompleted()", self.register_sample_data)

    @staticmethod
    def register_sample_data() -> None:
        """Add the generated chest CT to Slicer's Sample Data module."""
        register_sample_data(RESOURCES / "Icons")
