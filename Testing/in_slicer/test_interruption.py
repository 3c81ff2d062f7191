"""Whatever ends a run before its result: the scene stays, one sentence says why."""

from __future__ import annotations

import os
import signal
import time
import unittest

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

    @unittest.skipUnless(hasattr(signal, "SIGSEGV"), "no such signal")
    def test_a_crash_of_the_process_is_one_sentence(self) -> None:
        pid = self.start()
        with self.logging_expected("background process"):
            _kill_all(pid, signal.SIGSEGV)
            self.wait_until_idle(30)
        self.assertIn("ended unexpectedly", self.ui.statusLabel.text)
        self.assert_scene_is_unchanged()

    @unittest.skipUnless(hasattr(signal, "SIGKILL"), "no such signal")
    def test_memory_that_ran_out_is_named_as_the_cause(self) -> None:
        pid = self.start()
        with self.logging_expected("background process"):
            _kill_all(pid, signal.SIGKILL)
            self.wait_until_idle(30)
        self.assertIn("memory ran out", self.ui.statusLabel.text)
        self.assert_scene_is_unchanged()

    def test_closing_the_scene_ends_the_run(self) -> None:
        pid = self.start()
        slicer.mrmlScene.Clear(False)
        self.wait_until_idle(10)
        self.process_events(0.5)
        self.assertFalse(_is_alive(pid))
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
        self.assertTrue(self.ui.severityLabel.text.startswith("CT-"))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _kill_all(pid: int, number: int) -> None:
    """Send a signal to the worker and its launcher, which are a group."""
    os.killpg(pid, number)
