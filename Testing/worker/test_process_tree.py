"""The end of a worker is the end of all that it started."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from COVIDLesionSegLib.worker import process
from COVIDLesionSegLib.worker.process_tree import members

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc"),
]


@pytest.fixture
def unruly(tmp_path, monkeypatch):
    """Starts a worker whose children left it, and gives it with their process ids."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    workers = []

    def start(then: str = ""):
        monkeypatch.setenv("UNRULY", then)
        worker = process.ChildProcess(tmp_path / "request.json", "unruly_worker")
        workers.append(worker)
        heard = []
        wait_for(lambda: heard.extend(worker.messages()) or heard)
        return worker, json.loads(heard[0]["message"])

    yield start
    for worker in workers:
        worker.kill()
        worker.wait(10)


def wait_for(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != b"Z"


def test_children_that_left_group_and_parent_end_with_the_worker(unruly):
    worker, children = unruly()
    assert all(map(is_running, children))
    worker.kill()
    worker.wait(10)

    assert worker.exit_code() == -9
    wait_for(lambda: not any(map(is_running, children)))


def test_what_a_worker_left_behind_ends_when_it_is_closed(unruly):
    worker, children = unruly("end")
    wait_for(lambda: worker.exit_code() is not None)
    assert all(map(is_running, children))
    worker.kill()

    wait_for(lambda: not any(map(is_running, children)))


def test_processes_of_another_job_are_no_members(unruly):
    worker, children = unruly()
    found = members(None, worker._mark)

    assert found == {worker.pid, *children}
    assert members(None, "of nobody") == set()
    assert os.getpid() not in members(os.getppid(), worker._mark)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_dead_root_has_no_members():
    assert members(2**22 - 1, "of nobody") == set()
