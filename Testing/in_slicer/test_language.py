"""The panel in German, where that is Slicer's language: no English is left, and no text is cut off.

A build of Slicer without support for languages loads no translations: the test installs the file
as ``loadTranslations`` does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import case
import qt
import sections
import slicer

TRANSLATIONS = Path(slicer.util.modulePath(case.MODULE)).parent / "Resources" / "Translations"


class GermanTest(sections.Sections):
    def setUp(self) -> None:
        slicer.util.selectModule(case.MODULE)
        translator = qt.QTranslator(slicer.app)
        self.assertTrue(translator.load(str(TRANSLATIONS / "COVIDLesionSeg_de.qm")))
        slicer.app.installTranslator(translator)
        self.addCleanup(slicer.app.removeTranslator, translator)
        self.panel.onReload()
        super().setUp()

    def test_in_german(self) -> None:
        self.assertEqual(self.ui.applyButton.text, "Anwenden")
        self.look("german")
        english = {source for source, german in _messages() if source != german}
        self.assertGreater(len(english), 100)
        self.assertEqual(sorted(self.texts & english), [])


def _messages() -> Iterator[tuple[str, str]]:
    for message in ElementTree.parse(TRANSLATIONS / "COVIDLesionSeg_de.ts").iter("message"):
        yield message.findtext("source", ""), message.findtext("translation", "")
