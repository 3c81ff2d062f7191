"""The tests that run inside Slicer pass on the bench, so they are known to work."""

from __future__ import annotations

import unittest
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SLICER_TESTS = Path(__file__).parents[2] / "COVIDLesionSeg" / "Testing" / "Python"


def run_named(name: str) -> unittest.TestResult:
    """As ``slicer.testing.runUnitTest`` does."""
    result = unittest.TestResult()
    unittest.TestLoader().loadTestsFromName(name).run(result)
    return result


def test_the_modules_self_test_passes(loaded):
    result = run_named("COVIDLesionSeg")

    assert result.testsRun == 1
    assert result.wasSuccessful() and not result.skipped, result.errors + result.failures


def test_the_self_test_is_skipped_in_words_where_packages_are_missing(loaded, monkeypatch):
    from COVIDLesionSegLib.panel import self_test

    said = []
    monkeypatch.setattr(self_test, "missing_packages", lambda: ["monai"])
    monkeypatch.setattr(
        self_test.COVIDLesionSegTest, "delayDisplay", lambda self, message: said.append(message)
    )
    result = run_named("COVIDLesionSeg")

    assert len(result.skipped) == 1
    assert "monai" in said[0]


def test_the_panel_test_passes(loaded, monkeypatch):
    monkeypatch.syspath_prepend(str(SLICER_TESTS))
    result = run_named("COVIDLesionSegPanelTest")

    assert result.testsRun == 3
    assert result.wasSuccessful() and not result.skipped, result.errors + result.failures
