"""The worker process: what it says, how it ends, and that it never outlives its parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import Volume
from COVIDLesionSegLib.engine.volume.exact import save_volume
from COVIDLesionSegLib.jobs import SegmentVolumeOptions
from COVIDLesionSegLib.worker.parent_watch import when_gone
from COVIDLesionSegLib.worker.request import INPUT_FOLDER, RESULT_FOLDER, STOP_FILE, save_request
from engine.saved_results import load_result

pytestmark = pytest.mark.slow

LIBRARY = Path(__file__).parents[2] / "COVIDLesionSeg"
WORKER = [sys.executable, "-m", "COVIDLesionSegLib.worker.main"]


def start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [*WORKER, *arguments],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str) -> tuple[int, list[dict], str]:
    """Exit code, messages, and everything else that was printed."""
    process = start(*arguments)
    said, printed = process.communicate(timeout=240)
    messages = [json.loads(line) for line in said.splitlines()]
    return process.returncode, [message for message in messages if "alive" not in message], printed


@pytest.fixture
def phantom_request(tmp_path) -> Path:
    volume = generate_chest_ct(seed=5, size=(96, 96, 4), spacing=(3.4, 3.4, 60.0)).volume
    return request_for(volume, tmp_path)


def request_for(volume: Volume, folder: Path) -> Path:
    given = folder / INPUT_FOLDER
    given.mkdir()
    save_volume(volume, given)
    options = SegmentVolumeOptions(volume=given)
    return save_request(folder, "segment_volume", options.to_dict())


def test_a_request_becomes_a_result_with_rising_progress(phantom_request):
    code, messages, _ = run(str(phantom_request))
    fractions = [message["fraction"] for message in messages]

    assert code == 0
    assert all(set(message) == {"stage", "fraction", "message"} for message in messages)
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    result = load_result(phantom_request.parent / RESULT_FOLDER)
    assert {*np.unique(result.lungs)} == {0, 1, 2}


def test_what_the_engine_refuses_is_one_json_line_and_exit_code_1(tmp_path):
    phantom = generate_chest_ct(size=(32, 32, 8), spacing=(10.0, 10.0, 32.0))
    empty = Volume(np.zeros_like(phantom.volume.array), phantom.volume.geometry)
    code, messages, _ = run(str(request_for(empty, tmp_path)))

    assert code == 1
    assert messages[-1]["error"] == "InputError"
    assert messages[-1]["message"].endswith(".")
    assert [message for message in messages if "error" in message] == messages[-1:]
    assert not (tmp_path / RESULT_FOLDER).exists()


def test_a_damaged_request_is_exit_code_1(tmp_path):
    (tmp_path / "request.json").write_text("{")
    code, messages, _ = run(str(tmp_path / "request.json"))

    assert code == 1
    assert messages[-1]["error"] == "InputError"


def test_any_job_can_be_asked_for_by_its_name(phantom_request):
    folder = phantom_request.parent
    request = save_request(
        folder, "pseudo_label", {"ct": str(folder / INPUT_FOLDER / "ct.nrrd")}, folder / "p.nrrd"
    )
    code, messages, printed = run(str(request))

    assert code == 0, printed
    assert messages[-1]["stage"] == "Done" and (folder / "p.nrrd").is_file()


def test_wrong_usage_is_exit_code_2():
    code, messages, printed = run()

    assert code == 2
    assert messages == [] and "request" in printed


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_polite_stop_is_exit_code_130_and_leaves_no_result(phantom_request):
    process = start(str(phantom_request))
    assert json.loads(process.stdout.readline())["fraction"] == 0.0
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=240)

    assert process.returncode == 130
    assert json.loads(said.splitlines()[-1])["error"] == "Cancelled"
    assert not (phantom_request.parent / RESULT_FOLDER).exists()


def test_a_stop_that_a_file_asks_for_is_one_too(phantom_request):
    process = start(str(phantom_request))
    assert json.loads(process.stdout.readline())["fraction"] == 0.0
    phantom_request.with_name(STOP_FILE).touch()
    said, _ = process.communicate(timeout=240)

    assert process.returncode == 130
    assert json.loads(said.splitlines()[-1])["error"] == "Cancelled"
    assert not (phantom_request.parent / RESULT_FOLDER).exists()


def test_an_orphaned_worker_ends_and_takes_the_ct_with_it(phantom_request):
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    worker = start(str(phantom_request), "--parent", str(parent.pid))
    assert worker.stdout.readline()
    parent.kill()
    parent.wait()
    worker.communicate(timeout=60)

    assert worker.returncode == 130
    deadline = time.monotonic() + 10
    while phantom_request.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not phantom_request.parent.exists()


@pytest.fixture
def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_an_orphan_removes_nothing_that_is_not_part_of_its_job(phantom_request, dead_process):
    folder = phantom_request.parent
    (folder / "thesis.docx").write_text("precious")
    (folder / ".result-partial").mkdir()
    code, *_ = run(str(phantom_request), "--parent", str(dead_process))

    assert code == 130
    assert [path.name for path in folder.iterdir()] == ["thesis.docx"]


@pytest.mark.parametrize(
    "content",
    ["{", "{}", '{"job": "erase", "options": {}, "out": "x"}', '{"job": "demo", "options": 1}'],
)
def test_a_folder_without_a_valid_request_is_never_touched(tmp_path, dead_process, content):
    (tmp_path / "request.json").write_text(content)
    (tmp_path / "ct.nrrd").write_text("somebody's")
    code, messages, _ = run(str(tmp_path / "request.json"), "--parent", str(dead_process))

    assert code == 1 and messages[-1]["error"] == "InputError"
    assert {path.name for path in tmp_path.iterdir()} == {"request.json", "ct.nrrd"}


def test_a_job_that_ends_before_the_next_look_still_notices_that_nobody_waits_for_it():
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    acted = threading.Event()
    watch = when_gone(parent.pid, acted.set)
    watch.act_if_gone()
    assert not acted.is_set(), "it is alive"

    parent.kill()
    parent.wait()
    watch.act_if_gone()

    assert acted.is_set() and watch.orphaned.is_set()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="told on Linux only")
def test_a_process_that_ended_is_gone_although_nobody_asked_how():
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    acted = threading.Event()
    watch = when_gone(parent.pid, acted.set)
    parent.kill()
    os.waitid(os.P_PID, parent.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie

    watch.act_if_gone()

    assert acted.is_set()
    parent.wait()
