import importlib
import sys
import threading
import types
import warnings

import pytest

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.errors import Cancelled, DependencyError
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.volume import write_volume
from COVIDLesionSegLib.headless import bootstrap
from COVIDLesionSegLib.jobs import segmentation
from COVIDLesionSegLib.jobs.preloading import loading_beside

_LONG = 60.0  # seconds after which what never comes is a failure


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Makes a library of one module, whose code has the events and ``threading`` at hand."""
    events = types.SimpleNamespace(begun=threading.Event(), release=threading.Event(), thread=None)
    monkeypatch.setitem(sys.modules, "library_events", events)
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(name, code):
        (tmp_path / f"{name}.py").write_text(f"import threading, library_events\n{code}\n")
        made.append(name)
        importlib.invalidate_caches()
        return events

    yield make
    for name in made:
        sys.modules.pop(name, None)


def test_a_library_loads_while_the_block_runs(library):
    events = library(
        "library_used",
        "library_events.thread = threading.current_thread()\nlibrary_events.begun.set()",
    )
    with loading_beside("library_used"):
        assert events.begun.wait(_LONG)
        assert events.thread is not threading.current_thread()


def test_who_needs_a_library_waits_for_the_rest_of_it(library):
    events = library(
        "library_slow",
        f"library_events.begun.set()\nlibrary_events.release.wait({_LONG})\nanswer = 42",
    )
    with loading_beside("library_slow"):
        assert events.begun.wait(_LONG)
        events.release.set()
        assert importlib.import_module("library_slow").answer == 42


def test_a_broken_library_is_reported_where_it_is_needed(library):
    library("library_broken", "raise RuntimeError('broken')")
    with loading_beside("library_broken", "no_such_library"):
        pass
    with pytest.raises(RuntimeError, match="broken"):
        importlib.import_module("library_broken")


def test_a_block_that_ends_early_waits_for_no_further_library(library, monkeypatch):
    events = library(
        "library_first", f"library_events.begun.set()\nlibrary_events.release.wait({_LONG})"
    )
    library("library_second", "")
    join = threading.Thread.join

    def release_and_join(thread, *arguments):
        events.release.set()
        join(thread, *arguments)

    monkeypatch.setattr(threading.Thread, "join", release_and_join)
    with loading_beside("library_first", "library_second"):
        assert events.begun.wait(_LONG)
    assert "library_first" in sys.modules
    assert "library_second" not in sys.modules


def test_warnings_that_a_library_silences_are_heard_again(library):
    library("library_quiet", "import warnings\nwarnings.simplefilter('ignore')")
    before = list(warnings.filters)
    with loading_beside("library_quiet"):
        pass
    assert "library_quiet" in sys.modules
    assert warnings.filters == before


def test_a_computer_that_draws_no_pictures_is_refused_before_anything_is_computed(
    tmp_path, phantom, monkeypatch
):
    def refuse():
        raise DependencyError("no OpenGL")

    monkeypatch.setattr(bootstrap, "require_rendering", refuse)
    monkeypatch.setattr(segmentation, "_run_pipeline", lambda *_: pytest.fail("computed"))
    ct = tmp_path / "ct.nrrd"
    write_volume(phantom.volume.array, phantom.volume.geometry, ct)
    with pytest.raises(DependencyError, match="no OpenGL"):
        jobs.segment(jobs.SegmentOptions(ct=ct), tmp_path / "result")
    assert [path.name for path in tmp_path.iterdir()] == ["ct.nrrd"]


def test_a_run_that_was_cancelled_before_its_first_frame_says_nothing_about_opengl(
    tmp_path, phantom, monkeypatch
):
    def refuse():
        raise DependencyError("no OpenGL")

    monkeypatch.setattr(bootstrap, "require_rendering", refuse)
    ct = tmp_path / "ct.nrrd"
    write_volume(phantom.volume.array, phantom.volume.geometry, ct)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled, match="nothing was changed"):
        jobs.segment(jobs.SegmentOptions(ct=ct), tmp_path / "result", cancel=cancel)
