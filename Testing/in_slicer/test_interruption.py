"""Whatever ends a run before its result: the scene stays, one sentence says why."""

from __future__ import annotations

import os
import signal
import time
import unittest
from contextlib import suppress

import case
import scene_state
import slicer


class InterruptionTest(case.Case):
    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()
        self.load_ct()
        self.process_events(0.3)
        self.before = scene_state.facts()

    def start(self) -> int:
        """Begin a run, and wait until its process works: the process's id."""
        self.click(self.ui.applyButton)
        self.wait_until(
            lambda: self.panel.run.state.name == "RUNNING" and self.ui.progressBar.value > 0,
            case.RUN_SECONDS,
            "The run did not begin to work",
        )
        return int(self.panel.run._active.job._process.pid)

    def assert_scene_is_unchanged(self) -> None:
        self.process_events(0.3)
        self.assertEqual(scene_state.facts(), self.before)
        self.assertFalse(self.ui.resultsSection.visible)

    def test_cancel_ends_the_process_within_a_second(self) -> None:
        pid = self.start()
        pressed = time.monotonic()
        self.click(self.ui.applyButton)
        self.wait_until_idle(10)
        self.assertLess(time.monotonic() - pressed, 1.0)
        self.assertFalse(_is_alive(pid))
        self.assertEqual(self.ui.statusLabel.text, "Cancelled: nothing was changed.")
        self.assertEqual(self.ui.applyButton.text, "Apply")
        self.assert_scene_is_unchanged()

    def kill_workers(self, number: int) -> None:
        """Send a signal to the run's process, and to each that is started in its place."""
        killed = None
        deadline = time.monotonic() + case.RUN_SECONDS
        while self.busy:
            self.assertLess(time.monotonic(), deadline, "The run did not end.")
            active = self.panel.run._active
            process = active.job._process if active else None  # None before it is started
            pid = process.pid if process else None
            if pid not in (None, killed):
                self.process_events(2)  # into its work
                _kill_all(pid, number)
                killed = pid
            self.process_events(0.1)

    @unittest.skipUnless(hasattr(signal, "SIGSEGV"), "no such signal")
    def test_a_process_that_crashes_whatever_is_tried_is_one_sentence(self) -> None:
        self.start()
        with self.logging_expected("background process"):
            self.kill_workers(signal.SIGSEGV)
        self.assertIn("crashed", self.ui.statusLabel.text)
        self.assert_scene_is_unchanged()

    @unittest.skipUnless(hasattr(signal, "SIGKILL"), "no such signal")
    def test_memory_that_runs_out_whatever_is_tried_is_named_as_the_cause(self) -> None:
        self.start()
        with self.logging_expected("background process"):
            self.kill_workers(signal.SIGKILL)
        self.assertIn("memory ran out", self.ui.statusLabel.text)
        self.assert_scene_is_unchanged()

    @unittest.skipUnless(hasattr(signal, "SIGKILL"), "no such signal")
    def test_a_run_whose_memory_ran_out_once_ends_well_and_says_what_was_tried(self) -> None:
        pid = self.start()
        with self.logging_expected("background process"):
            _kill_all(pid, signal.SIGKILL)
            self.wait_until_idle()
        self.assertEqual(self.ui.statusLabel.text, "Done.")
        self.assertIn("one patch at a time", self.panel.result.flags[-1].message)
        self.click(self.ui.logButton)
        self.process_events(0.2)
        window = next(w for w in slicer.app.topLevelWidgets() if w.name == "COVIDLesionSegLog")
        self.assertTrue(window.visible)
        window.close()

    def test_closing_the_scene_ends_the_run(self) -> None:
        pid = self.start()
        slicer.mrmlScene.Clear(False)
        self.wait_until_idle(10)
        self.process_events(0.5)
        self.assertFalse(_is_alive(pid))
        self.assertIn("scene was closed", self.ui.statusLabel.text)
        for kind in ("Volume", "Segmentation", "Table", "PlotChart"):
            self.assertEqual(slicer.util.getNodesByClass(f"vtkMRML{kind}Node"), [])
        self.assertFalse(self.ui.applyButton.enabled)

    def test_removing_the_ct_ends_the_run(self) -> None:
        pid = self.start()
        slicer.mrmlScene.RemoveNode(self.panel.ct)
        self.wait_until_idle(10)
        self.assertFalse(_is_alive(pid))
        self.assertIn("removed from the scene", self.ui.statusLabel.text)

    def test_reloading_the_module_ends_the_run(self) -> None:
        pid = self.start()
        self.panel.onReload()
        self.process_events(0.5)
        self.assertFalse(_is_alive(pid))
        self.assert_scene_is_unchanged()
        self.assertEqual(self.ui.applyButton.text, "Apply")

    def test_a_run_goes_on_while_the_user_is_in_another_module(self) -> None:
        self.start()
        slicer.util.selectModule("Data")
        self.wait_until_idle()
        slicer.util.selectModule(case.MODULE)
        self.process_events(0.3)
        self.assertEqual(self.ui.statusLabel.text, "Done.")
        self.assertTrue(self.ui.severityLabel.text.startswith("CT-"))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _kill_all(pid: int, number: int) -> None:
    """Send a signal to the worker and its launcher, which are a group."""
    with suppress(ProcessLookupError):
        os.killpg(pid, number)
