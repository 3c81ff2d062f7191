"""Files are written beside the scene, and every error of either reaches the job."""

from __future__ import annotations

import threading

import pytest

from COVIDLesionSegLib.engine.errors import Cancelled, OutputError
from COVIDLesionSegLib.engine.progress import CancelToken, ignore_progress
from COVIDLesionSegLib.report import result_files, segmentation, slices_figure

_LONG = 60.0


@pytest.fixture
def write(phantom, result, tmp_path):
    """Writes the fabricated result into ``tmp_path``."""
    return lambda cancel=None: segmentation.write_segmentation(
        phantom.volume, result, tmp_path, ignore_progress, cancel or CancelToken()
    )


def test_slices_are_drawn_while_the_scene_is_made(write, tmp_path, monkeypatch):
    making, drawn = threading.Event(), threading.Event()

    def make_scene(*_):
        making.set()
        if not drawn.wait(_LONG):
            pytest.fail("The scene is made, and nothing is drawn.")
        raise OutputError("the scene")

    def draw_slices(*_):
        if making.wait(_LONG):
            drawn.set()

    monkeypatch.setattr(segmentation, "write_scene_files", make_scene)
    monkeypatch.setattr(slices_figure, "write_slices_figure", draw_slices)
    with pytest.raises(OutputError, match="the scene"):
        write()
    assert (tmp_path / result_files.PROBABILITY).is_file()


def test_slices_that_cannot_be_written_are_an_error_although_the_scene_was(write, monkeypatch):
    def draw_slices(*_):
        raise OutputError("the slices")

    monkeypatch.setattr(segmentation, "write_scene_files", lambda *_: None)
    monkeypatch.setattr(slices_figure, "write_slices_figure", draw_slices)
    with pytest.raises(OutputError, match="the slices"):
        write()


def test_cancelling_while_the_scene_is_made_draws_nothing_more(write, tmp_path, monkeypatch):
    cancel = CancelToken()
    wrote = threading.Event()

    def make_scene(volume, result, folder, step, with_scene):
        cancel.cancel()
        wrote.set()
        step(0.5, "scene")

    def write_volume(*_):
        wrote.wait(_LONG)

    monkeypatch.setattr(segmentation, "write_scene_files", make_scene)
    monkeypatch.setattr("COVIDLesionSegLib.engine.volume.writing.write_volume", write_volume)
    with pytest.raises(Cancelled):
        write(cancel)
    assert not (tmp_path / result_files.SLICES_PICTURE).exists()
