"""The child process itself: heard line by line, ended with everything it started."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from COVIDLesionSegLib.engine.errors import DependencyError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX process groups"),
]

TESTS_FOLDER = Path(__file__).parent


@pytest.fixture
def process_module(bench):
    from COVIDLesionSegLib.worker import process

    return process


@pytest.fixture
def stubborn(process_module, tmp_path, monkeypatch):
    """A running worker that ignores SIGTERM, and the pid of its child."""
    monkeypatch.setattr(process_module, "WORKER_MODULE", "stubborn_worker")
    monkeypatch.setenv("PYTHONPATH", str(TESTS_FOLDER))
    worker = process_module.ChildProcess(tmp_path / "request.json")
    heard = []
    wait_for(lambda: heard.extend(worker.messages()) or heard)
    yield worker, heard
    worker.kill()
    worker.wait(10)


def wait_for(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_only_complete_json_objects_are_heard(stubborn):
    worker, heard = stubborn

    assert [message["stage"] for message in heard] == ["child"]
    assert worker.messages() == []


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_kill_ends_the_worker_and_its_children(stubborn):
    worker, heard = stubborn
    child = int(heard[0]["message"])
    assert worker.exit_code() is None and is_running(child)

    worker.kill()
    worker.wait(10)

    assert worker.exit_code() == -signal.SIGKILL
    wait_for(lambda: not is_running(child))


def test_killing_twice_is_harmless(stubborn):
    worker, _ = stubborn
    worker.kill()
    worker.wait(10)
    worker.kill()

    assert worker.exit_code() == -signal.SIGKILL


def test_the_interpreter_is_slicers_own_inside_slicer(process_module, tmp_path, monkeypatch):
    assert process_module.python_executable() == sys.executable
    launcher = tmp_path / "PythonSlicer"
    launcher.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert process_module.python_executable() == str(launcher)


@pytest.mark.parametrize("code", [-9, 137])
def test_death_for_want_of_memory_is_told_from_a_crash(process_module, code):
    assert "memory" in process_module.unexpected_end(code, spoke=False)
    assert "memory" not in process_module.unexpected_end(-11, spoke=True)
    assert "memory" not in process_module.unexpected_end(1, spoke=False)


def test_without_its_own_interpreter_slicer_starts_nothing(process_module, monkeypatch):
    import slicer

    monkeypatch.setattr(slicer.app, "slicerHome", "/opt/Slicer", raising=False)
    with pytest.raises(DependencyError, match="PythonSlicer"):
        process_module.python_executable()


def test_a_death_that_a_launcher_hides_is_told_as_one(
    process_module, bench, phantom, tmp_path, monkeypatch
):
    """CTK's launcher ends with 1 when its child is killed."""
    from COVIDLesionSegLib.engine.parameters import Parameters
    from COVIDLesionSegLib.engine.result import load_result_in_steps
    from COVIDLesionSegLib.engine.steps import at_once
    from COVIDLesionSegLib.panel.running.run import Run, RunState
    from COVIDLesionSegLib.worker.segmentation import segment_in_background

    launcher = tmp_path / "PythonSlicer"
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "$@" || exit 1\n')
    launcher.chmod(0o755)
    (tmp_path / "killed_worker.py").write_text(
        "import os, signal\n"
        """print('{"stage": "Loading", "fraction": 0.0, "message": ""}', flush=True)\n"""
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(process_module, "WORKER_MODULE", "killed_worker")
    errors, unexpected = [], []
    run = Run(
        on_progress=lambda progress: None,
        on_result=unexpected.append,
        on_error=errors.append,
        on_cancelled=unexpected.append,
    )
    ct = at_once(phantom.volume)
    run.start(segment_in_background(ct, Parameters(), load_result_in_steps))
    bench.wait_until(lambda: run.state is RunState.IDLE)

    assert not unexpected
    assert "memory ran out" in errors[0]
