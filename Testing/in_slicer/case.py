"""Base class of the suites: the real window, with the module open on an empty scene."""

from __future__ import annotations

import time
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import dialogs
import driver
import slicer
import worker_python

from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.panel.preparing import licences
from COVIDLesionSegLib.panel.review.saving import CONSENT_SETTING

MODULE = "COVIDLesionSeg"
RUN_SECONDS = 300
"""Longest wait for a run on a small CT, on any machine."""
SMALL = {"seed": 3, "size": (96, 96, 4), "spacing": (3.4, 3.4, 60.0)}
"""A whole chest in four thick slices: a run takes seconds."""


class Case(unittest.TestCase):
    """Opens the module on an empty scene; whatever a test leaves open ends with it.

    Errors in slots, in observers and in the application's log fail a test, and so does a dialog
    that no one expected, see driver.py and dialogs.py.
    """

    def setUp(self) -> None:
        slicer.mrmlScene.Clear(False)
        # Answered, as after the first verdict.
        slicer.app.userSettings().setValue(CONSENT_SETTING, "false")
        slicer.util.selectModule(MODULE)
        self.dialogs = dialogs.Dialogs()
        self.addCleanup(self._end)

    def _end(self) -> None:
        if self.busy:
            self.ui.applyButton.click()
            self.wait_until_idle()
        slicer.mrmlScene.Clear(False)
        self.process_events()
        unexpected = self.dialogs.stop()
        if unexpected:
            self.fail("Unexpected dialogs: " + "; ".join(unexpected))

    # The panel

    @property
    def panel(self) -> Any:
        """The module's widget object; another one after a reload."""
        return slicer.util.getModuleWidget(MODULE)

    @property
    def ui(self) -> Any:
        return self.panel.ui

    @property
    def busy(self) -> bool:
        return bool(self.panel.busy)

    def needs_packages(self) -> None:
        """Skip the test where no interpreter has the packages of a run.

        The licence of the weights that ship counts as approved, as after the first run.
        """
        missing = worker_python.missing_packages()
        if missing:
            self.skipTest(
                f"No run without {', '.join(missing)}: install them into Slicer's Python, or name "
                "another interpreter with SLICER_PYTHON."
            )

        licences.approve("CC-BY-NC-SA-4.0")
        worker_python.use(self)
        for model in load_catalogue().models:
            if model.card.weights is not None:
                licences.approve(model.card.weights.licence)

    def load_ct(self, name: str = "Chest", **options: Any) -> Any:
        """A generated chest CT as a volume node, chosen in the panel."""
        from COVIDLesionSegLib.scene.volumes import volume_to_node

        node = volume_to_node(phantom(**{**SMALL, **options}).volume, name)
        self.process_events()
        self.ui.ctSelector.setCurrentNode(node)
        return node

    def apply(self) -> None:
        """Press Apply and wait for the end of the run."""
        self.click(self.ui.applyButton)
        self.assertTrue(self.busy, f"No run began: {self.ui.statusLabel.text}")
        self.wait_until_idle()

    def wait_until_idle(self, seconds: float = RUN_SECONDS) -> None:
        self.wait_until(lambda: not self.busy, seconds, "The run did not end")
        self.process_events()

    def click(self, button: Any) -> None:
        """Press a button as a person could: it must be there and enabled."""
        self.assertTrue(button.visible, f"{button.name} is not visible")
        self.assertTrue(button.enabled, f"{button.name} is disabled: {button.toolTip}")
        button.click()
        self.process_events()

    # The event loop

    def process_events(self, seconds: float = 0.0) -> None:
        """Let the window live for a while."""
        deadline = time.monotonic() + seconds
        slicer.app.processEvents()
        while time.monotonic() < deadline:
            time.sleep(0.01)
            slicer.app.processEvents()

    def wait_until(
        self, condition: Callable[[], bool], seconds: float = 30, what: str = "It did not happen"
    ) -> None:
        """Process events until ``condition()`` is true; fail after ``seconds``."""
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what} within {seconds} s.")
            self.process_events(0.02)

    # The views, as arrays of rows, columns and colours from 0 to 255, the top row first

    def slice_pixels(self, name: str = "Red") -> Any:
        return _pixels(slicer.app.layoutManager().sliceWidget(name).sliceView())

    def three_d_pixels(self) -> Any:
        return _pixels(slicer.app.layoutManager().threeDWidget(0).threeDView())

    # The log

    @contextmanager
    def logging_expected(self, *patterns: str) -> Iterator[None]:
        """Errors in the application's log that match one of ``patterns`` fail nothing."""
        driver.log.allowed += patterns
        yield


def _pixels(view: Any) -> Any:
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    view.forceRender()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(view.renderWindow())
    grab.ReadFrontBufferOff()
    grab.Update()
    image = grab.GetOutput()
    columns, rows, _ = image.GetDimensions()
    pixels = vtk_to_numpy(image.GetPointData().GetScalars())
    return pixels.reshape(rows, columns, -1)[::-1, :, :3].copy()


@lru_cache(maxsize=4)
def phantom(**options: Any) -> Any:
    """A generated chest CT with its truth; each is made once."""
    from COVIDLesionSegLib.engine.phantom import generate_chest_ct

    return generate_chest_ct(**options)
