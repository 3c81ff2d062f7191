"""The button that saves a copy without patient data."""

from __future__ import annotations

import zipfile

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(panel):
    return next(section for section in panel.sections if section.UI_FILE == "Results").clean_copy


def is_idle(copy) -> bool:
    from COVIDLesionSegLib.panel.run import RunState

    return copy.run.state is RunState.IDLE


def test_it_saves_the_case_on_show_in_the_background(panel, shown, ct, copy, bench, tmp_path):
    ct.SetName("Doe, John")
    copy.ask_path = lambda: str(tmp_path / "copy")
    panel.ui.cleanCopyButton.click()
    assert panel.ui.cleanCopyButton.text.startswith("Cancel")
    bench.wait_until(lambda: is_idle(copy), 120)

    assert panel.ui.statusLabel.text == "The copy without patient data was saved."
    assert panel.ui.cleanCopyButton.text == "Save a copy without patient data..."
    with zipfile.ZipFile(tmp_path / "copy.mrb") as bundle:
        assert not any(b"Doe" in bundle.read(name) for name in bundle.namelist())
    assert ct.GetName() == "Doe, John"


def test_without_a_file_nothing_happens(panel, shown, copy):
    copy.ask_path = lambda: ""
    panel.ui.cleanCopyButton.click()

    assert is_idle(copy)
    assert panel.ui.cleanCopyButton.text == "Save a copy without patient data..."


def test_a_folder_that_cannot_be_written_is_said(panel, shown, copy, bench, tmp_path):
    copy.ask_path = lambda: str(tmp_path / "absent" / "copy.mrb")
    panel.ui.cleanCopyButton.click()
    bench.wait_until(lambda: is_idle(copy), 120)

    assert "copy.mrb cannot be written" in panel.ui.statusLabel.text
