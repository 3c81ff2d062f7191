"""Registers the module with Slicer; everything it does is in COVIDLesionSegLib."""

from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule

from COVIDLesionSegLib.panel.logic import COVIDLesionSegLogic
from COVIDLesionSegLib.panel.notice import research_use_notice
from COVIDLesionSegLib.panel.self_test import COVIDLesionSegTest
from COVIDLesionSegLib.panel.widget import COVIDLesionSegWidget

__all__ = [
    "COVIDLesionSeg",
    "COVIDLesionSegLogic",
    "COVIDLesionSegTest",
    "COVIDLesionSegWidget",
]

HOMEPAGE = "https://github.com/COVIDLesionSeg/COVIDLesionSeg"


class COVIDLesionSeg(ScriptedLoadableModule):
    """Title, category, help and thanks, as Slicer shows them."""

    def __init__(self, parent) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("COVID-19 Lesion Segmentation")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.contributors = ["COVIDLesionSeg contributors"]
        parent.helpText = _(
            "<p>From one chest CT: right and left lung, COVID-19 lesions, a severity category from "
            "CT-0 to CT-4, a probability overlay and a 3D model of the infection.</p>"
            "<ol>"
            "<li>Load a chest CT (in Hounsfield units) and select it.</li>"
            "<li>Press <b>Apply</b>. The first time, Slicer asks before it installs the Python "
            "packages that are needed. The window stays live; <b>Cancel</b> stops at any "
            "moment.</li>"
            "<li>Read the severity and the remarks below it, check the lungs and lesions in the "
            "slices, and correct them in Segment Editor where they are wrong.</li>"
            "</ol>"
            "<p>Running again on the same CT updates the same nodes; what you corrected is kept as "
            "segments of its own.</p>"
            "<p>From the Python console: "
            "<code>from COVIDLesionSeg import COVIDLesionSegLogic; "
            "COVIDLesionSegLogic().segment(getNode('CT'))</code></p>"
            "<p><b>{notice}</b></p>"
            '<p>More in the <a href="{homepage}">documentation</a>.</p>'
        ).format(notice=research_use_notice(), homepage=HOMEPAGE)
        parent.acknowledgementText = _(
            "The networks, losses and severity rules follow published work, cited in the "
            '<a href="{homepage}">documentation</a>. Code: Apache-2.0. Weights carry the licence '
            "of the data they were trained on, stated in each model's card."
        ).format(homepage=HOMEPAGE)
