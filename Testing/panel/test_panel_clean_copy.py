"""The button that saves a copy without patient data."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def copy(panel):
    return next(section for section in panel.sections if section.UI_FILE == "Results").clean_copy


def is_idle(copy) -> bool:
    from COVIDLesionSegLib.panel.running.run import RunState

    return copy.run.state is RunState.IDLE


def test_it_saves_the_case_on_show_in_the_background(panel, shown, ct, copy, bench, tmp_path):
    ct.SetName("Doe, John")
    copy.ask_path = lambda: tmp_path / "copy.mrb"
    panel.ui.cleanCopyButton.click()
    assert panel.ui.cleanCopyButton.text.startswith("Cancel")
    bench.wait_until(lambda: is_idle(copy), 120)

    assert panel.ui.statusLabel.text == "The copy without patient data was saved."
    assert panel.ui.cleanCopyButton.text == "Save a copy without patient data..."
    with zipfile.ZipFile(tmp_path / "copy.mrb") as bundle:
        assert not any(b"Doe" in bundle.read(name) for name in bundle.namelist())
    assert ct.GetName() == "Doe, John"


def test_without_a_file_nothing_happens(panel, shown, copy):
    copy.ask_path = lambda: None
    panel.ui.cleanCopyButton.click()

    assert is_idle(copy)
    assert panel.ui.cleanCopyButton.text == "Save a copy without patient data..."


def test_a_folder_that_cannot_be_written_is_said(panel, shown, copy, bench, tmp_path):
    copy.ask_path = lambda: tmp_path / "absent" / "copy.mrb"
    panel.ui.cleanCopyButton.click()
    bench.wait_until(lambda: is_idle(copy), 120)

    assert "copy.mrb cannot be written" in panel.ui.statusLabel.text


SLAB_BYTES = 40_000
"""Of the CT of these tests one slice as 32-bit floats, or two as whole numbers."""
HEADER_BYTES = 8_000


@pytest.fixture
def step_by_step(copy, monkeypatch):
    """One short step at a time, and only when the test asks for it: gives the job's folder."""
    from COVIDLesionSegLib.engine import steps
    from COVIDLesionSegLib.scene import scene_folder
    from COVIDLesionSegLib.worker import background

    monkeypatch.setattr(steps, "SLAB_BYTES", SLAB_BYTES)
    monkeypatch.setattr(scene_folder, "SLAB_BYTES", SLAB_BYTES)
    monkeypatch.setattr(background, "STEP_SECONDS", 0.0)
    start = copy.run.start

    def start_without_timer(job):
        start(job)
        copy.run._timer.stop()

    monkeypatch.setattr(copy.run, "start", start_without_timer)
    return lambda: Path(copy.run._active.job._folder.name)


def written_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def percent(panel) -> int:
    return int("".join(filter(str.isdigit, panel.ui.cleanCopyButton.text)))


def test_it_is_written_in_short_steps_with_progress(panel, shown, copy, step_by_step, tmp_path):
    copy.ask_path = lambda: tmp_path / "copy.mrb"
    panel.ui.cleanCopyButton.click()
    job, folder = copy.run._active.job, step_by_step()
    sizes, progress = [written_bytes(folder)], []
    while job._process is None:
        copy.run._poll()
        sizes.append(written_bytes(folder))
        progress.append(percent(panel))
    copy.run.stop_now()

    # The first step is the scene without its voxels.
    longest = max(after - before for before, after in zip(sizes[1:], sizes[2:], strict=False))
    assert sizes[1] < 2 * SLAB_BYTES and longest < SLAB_BYTES + HEADER_BYTES
    assert sizes[-1] > 5 * SLAB_BYTES and len(sizes) > 8
    assert progress == sorted(progress) and len(set(progress)) > 5


def test_cancelled_while_it_is_written_nothing_is_left(panel, shown, copy, step_by_step, tmp_path):
    copy.ask_path = lambda: tmp_path / "copy.mrb"
    panel.ui.cleanCopyButton.click()
    folder = step_by_step()
    for _ in range(5):
        copy.run._poll()
    assert written_bytes(folder) > SLAB_BYTES
    panel.ui.cleanCopyButton.click()
    copy.run._poll()

    assert is_idle(copy)
    assert not folder.exists() and not (tmp_path / "copy.mrb").exists()
    assert panel.ui.cleanCopyButton.text == "Save a copy without patient data..."


def test_what_the_user_changes_meanwhile_is_not_half_in_it(
    panel, shown, ct, copy, step_by_step, tmp_path
):
    copy.ask_path = lambda: tmp_path / "copy.mrb"
    panel.ui.cleanCopyButton.click()
    folder = step_by_step()
    for _ in range(3):
        copy.run._poll()
    ct.GetImageData().Modified()
    copy.run._poll()

    assert is_idle(copy) and not folder.exists()
    assert "The case was changed while it was copied: save the copy again." in (
        panel.ui.statusLabel.text
    )
