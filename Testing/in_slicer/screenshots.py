"""The pictures of docs/tutorial.md and docs/correct-and-retrain.md, of the real window.

Not a suite of its own: `make screenshots` runs it, with the sample CT and a real model.
"""

from __future__ import annotations

import os
from typing import Any
from unittest import mock

import case
import corrected_cases
import mouse
import numpy as np
import pictures
import slicer

from COVIDLesionSegLib.engine.review.folder import REVIEWS_FOLDER_VARIABLE

TIMEOUT_SECONDS = 1800
RUN_SECONDS = 300
RETRAIN_STEPS = 12
RETRAIN_SECONDS = 900


class Screenshots(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()
        # The usual place, in the home that is the suite's own: a picture shows it.
        without = {k: v for k, v in os.environ.items() if k != REVIEWS_FOLDER_VARIABLE}
        environment = mock.patch.dict(os.environ, without, clear=True)
        environment.start()
        self.addCleanup(environment.stop)
        pictures.size_window()
        self.process_events(1)

    def test_tutorial(self) -> None:
        pictures.save_window("open")
        self.click(self.ui.sampleButton)
        self.wait_until(lambda: self.panel.ct is not None, RUN_SECONDS)
        self.process_events(1)
        pictures.save_window("ct")

        self.click(self.ui.applyButton)
        self.wait_until_idle(RUN_SECONDS)
        self.assertEqual(self.ui.statusLabel.text, "Done.")
        self.process_events(2)
        pictures.save_window("result")

        self.scroll_to("resultsSection")
        self.click(self.ui.chartButton)
        self.process_events(1)
        pictures.save_window("chart")
        self.click(self.ui.chartButton)
        self.scroll_to("displaySection")
        pictures.save_window("display")

        self.unfold("reviewSection")
        self.wait_until(lambda: self.ui.reviewTable.rowCount > 0)
        self.click(self.ui.nextSliceButton)
        self.process_events(1)
        pictures.save_window("review")

        self.unfold("correctionSection")
        self.click(self.ui.groundGlassButton)
        editor = slicer.util.findChild(self.ui.correctionSection, "qMRMLSegmentEditorWidget")
        editor.setActiveEffectByName("Paint")
        self.process_events(0.5)
        self.ui.keepCheckBox.checked = True
        mouse.stroke(self.doubtful_points())
        self.wait_until(lambda: not self.panel.corrections.pending, RUN_SECONDS)
        self.click(self.ui.compareButton)
        self.process_events(1)
        self.assertTrue(self.panel.corrections.corrected)
        pictures.save_window("correct")

        self.scroll_to("reviewSection")
        self.click(self.ui.correctedButton)
        self.wait_until(
            lambda: self.ui.keptLabel.text.startswith("Saved at"), 90, self.ui.keptLabel.text
        )
        self.process_events(0.5)
        pictures.save_window("verdict")

    def test_lungs_first(self) -> None:
        self.click(self.ui.sampleButton)
        self.wait_until(lambda: self.panel.ct is not None, RUN_SECONDS)
        self.click(self.ui.lungsButton)
        self.wait_until_idle(RUN_SECONDS)
        self.process_events(2)
        self.assertIsNotNone(self.ui.lungsSelector.currentNode())
        pictures.save_window("lungs")

    def test_retraining(self) -> None:
        corrected_cases.save_corrected_cases(range(1, 6))
        self.unfold("retrainSection")
        self.wait_until(lambda: "5 corrected" in self.ui.casesLabel.text, 30)
        self.ui.stepsSpinBox.value = RETRAIN_STEPS
        self.click(self.ui.trainButton)
        self.wait_until(lambda: self.ui.resultFrame.visible, RETRAIN_SECONDS)
        self.process_events(1)
        self.scroll_to("retrainSection")
        pictures.save_window("retrain")

    def doubtful_points(self) -> list[Any]:
        """A short line over what the model was in doubt about in the slice on show, in RAS mm."""
        from COVIDLesionSegLib.scene.slice_views import slice_seen
        from COVIDLesionSegLib.scene.volumes import world_geometry

        ct, result = self.panel.ct, self.panel.result
        k = slice_seen(ct)
        probability = slicer.util.arrayFromVolume(result.probabilityNode)[k]
        hu = slicer.util.arrayFromVolume(ct)[k]
        wanted = (probability > 0.2) & (probability < 0.5) & (hu > -700) & (hu < -300)
        # Where most of the neighbours are in doubt, too.
        reach = 4
        sums = np.pad(wanted, reach).astype(int).cumsum(axis=0).cumsum(axis=1)
        size = 2 * reach
        count = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size]
        count += sums[:-size, :-size]
        j, i = np.unravel_index(count.argmax(), count.shape)
        matrix = world_geometry(ct).ijk_to_ras
        return [(matrix @ [i + step, j, k, 1])[:3] for step in np.linspace(-5, 5, 20)]

    # The panel

    def fold(self, name: str) -> None:
        getattr(self.ui, name).collapsed = True
        self.process_events(0.2)

    def unfold(self, name: str) -> None:
        getattr(self.ui, name).collapsed = False
        self.process_events(0.2)
        self.scroll_to(name)

    def scroll_to(self, name: str) -> None:
        """Bring the top of a section to the top of the panel."""
        section = getattr(self.ui, name)
        area = self._scroll_area(section)
        top = section.mapTo(area.widget(), section.rect.topLeft()).y()
        area.verticalScrollBar().setValue(top)
        self.process_events(0.3)

    def _scroll_area(self, widget: Any) -> Any:
        while not widget.inherits("QScrollArea"):
            widget = widget.parentWidget()
        return widget
