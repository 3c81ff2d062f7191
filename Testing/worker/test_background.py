"""A job that crashes: tried again with less, its log kept, and told in one sentence."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from COVIDLesionSegLib.engine.errors import (
    Cancelled,
    CovidLesionSegError,
    InputError,
    OutputError,
)
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import Progress
from COVIDLesionSegLib.engine.result import load_result_in_steps
from COVIDLesionSegLib.engine.steps import at_once
from COVIDLesionSegLib.jobs import StoredModelOptions
from COVIDLesionSegLib.worker import background, segmentation
from COVIDLesionSegLib.worker.failure_log import FOLDER_VARIABLE, KEPT, keep_log
from COVIDLesionSegLib.worker.job import Retry, WorkerJob, job_in_background
from COVIDLesionSegLib.worker.process import ChildProcess
from COVIDLesionSegLib.worker.request import RESULT_FOLDER, load_request

pytestmark = pytest.mark.slow

KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
SPEAKS = """print('{"stage": "At work", "fraction": 0.4, "message": ""}', flush=True)"""


@pytest.fixture(autouse=True)
def logs(tmp_path, monkeypatch):
    """The folder of kept logs."""
    folder = tmp_path / "logs"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Makes a worker that runs these lines of Python."""

    def make(*lines: str):
        folder = tmp_path / f"script-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        (folder / "scripted_worker.py").write_text("\n".join(lines))

        def start(request: Path) -> ChildProcess:
            monkeypatch.setenv("PYTHONPATH", str(folder))
            return ChildProcess(request, "scripted_worker")

        return start

    return make


def run(job: background.BackgroundJob, seconds: float = 240.0):
    deadline = time.monotonic() + seconds
    while (result := job.poll()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return result


def job_of(start_process, progress=lambda report: None, retries=()):
    job = WorkerJob(
        "a-job",
        attempt("first"),
        Path.read_text,
        retries=tuple(Retry(f"Trying {name}", name, attempt(name)) for name in retries),
    )
    return background.BackgroundJob(job, progress, start_process=start_process)


def attempt(name: str):
    return lambda folder, progress: StoredModelOptions(model_id=name)


DONE_UNLESS = (
    "import json, sys, pathlib, os, signal",
    "request = json.loads(pathlib.Path(sys.argv[1]).read_text())",
    "name = request['options']['model_id']",
    "print('attempt', name, file=sys.stderr, flush=True)",
    SPEAKS,
    "if name != '{}': os.kill(os.getpid(), signal.SIGKILL)",
    "pathlib.Path(request['out']).write_text(name)",
)


def done_only_if(name: str) -> list[str]:
    return [line.replace("'{}'", repr(name)) for line in DONE_UNLESS]


def test_a_killed_worker_is_tried_again_with_less_and_that_is_announced(script):
    reports: list[Progress] = []
    job = job_of(script(*done_only_if("third")), reports.append, retries=("second", "third"))

    assert run(job) == "third"
    stages = [report.stage for report in reports]
    assert stages == ["At work", "Trying second", "At work", "Trying third", "At work"]
    fractions = [report.fraction for report in reports]
    assert fractions == sorted(fractions) and fractions[-1] < 1.0
    assert "attempt second" in job.kept_log.read_text()


def test_when_nothing_helps_one_sentence_says_what_was_tried(script):
    job = job_of(script(*done_only_if("never")), retries=("less", "least"))

    with pytest.raises(CovidLesionSegError) as failure:
        run(job)
    assert "memory ran out" in str(failure.value)
    assert "tried again with less and then least, in vain" in str(failure.value)


def test_out_of_memory_that_the_worker_tells_is_tried_again_and_other_errors_are_not(script):
    told = """print('{"error": "NAME", "message": "Too bad."}', flush=True)"""
    fails = [*done_only_if("second")]
    fails[5] = f"if name != 'second': {told.replace('NAME', 'MemoryError')}; sys.exit(1)"
    assert run(job_of(script(*fails), retries=("second",))) == "second"

    fails[5] = fails[5].replace("MemoryError", "InputError")
    job = job_of(script(*fails), retries=("second",))
    with pytest.raises(InputError, match="^Too bad.$"):
        run(job)
    assert job.kept_log is None


def test_the_log_of_a_crash_is_kept_and_names_neither_the_folder_nor_the_home(
    script, logs, monkeypatch, tmp_path
):
    monkeypatch.setenv("HOME", str(tmp_path / "jane-doe"))
    lines = (
        "import sys, pathlib, os",
        "print('opened', sys.argv[1], 'of', pathlib.Path.home(), file=sys.stderr, flush=True)",
        KILLED,
    )
    job = job_of(script(*lines))
    with pytest.raises(CovidLesionSegError):
        run(job)
    text = job.kept_log.read_text()

    assert job.kept_log.parent == logs
    assert "opened <job>/request.json of ~" in text and "jane-doe" not in text
    assert "a-job" in text and "exit code -9" in text


def test_the_log_of_a_failure_names_the_job_that_the_worker_was_asked_for():
    job = job_in_background("verify_model", StoredModelOptions(model_id="any"), lambda out: None)
    running = background.BackgroundJob(
        job, lambda report: None, start_process=lambda request: Dead()
    )
    with pytest.raises(CovidLesionSegError):
        run(running)

    assert running.kept_log.read_text().splitlines()[1].endswith("  job verify_model")


def test_only_the_last_logs_are_kept(logs, tmp_path):
    paths = [keep_log("a-job", f"ended {n}", "", tmp_path / "private") for n in range(KEPT + 3)]

    assert len(list(logs.iterdir())) == KEPT
    assert paths[-1].exists()


def test_a_log_that_cannot_be_written_is_no_second_failure(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "file"))

    assert keep_log("a-job", "ended", "", tmp_path) is None


def test_a_worker_that_computes_is_heard_and_one_that_sleeps_falls_silent(script):
    busy = (
        "import json, time",
        "end = time.monotonic() + 600",
        "told = 0",
        "while time.monotonic() < end:",
        "    if time.process_time() > told:",
        "        print(json.dumps({'alive': time.process_time()}), flush=True)",
        "        told = time.process_time() + 0.2",
    )
    job = job_of(script(*busy))
    silent = []
    end = time.monotonic() + 4
    while time.monotonic() < end:
        job.poll()
        silent.append(job.silent_seconds)
        time.sleep(0.01)
    job.close()
    falls = [before - after for before, after in zip(silent, silent[1:], strict=False)]
    assert any(fall > 0.05 for fall in falls)

    asleep = (
        "import json, time",
        "while True: print(json.dumps({'alive': 0.0}), flush=True); time.sleep(0.1)",
    )
    job = job_of(script(*asleep))
    end = time.monotonic() + 4
    while time.monotonic() < end:
        job.poll()
        time.sleep(0.01)
    assert job.silent_seconds > 1
    job.close()


def test_a_job_that_is_cancelled_while_the_ct_is_handed_over_starts_no_process():
    def endless(folder, progress):
        while True:
            yield

    def start(request):
        raise AssertionError("a process was started")

    endless_job = WorkerJob("a-job", endless, lambda out: None)
    job = background.BackgroundJob(endless_job, lambda report: None, start_process=start)
    assert job.poll() is None and job.hurries
    job.cancel()
    with pytest.raises(Cancelled):
        job.poll()


LAST_WORDS = (
    "import pathlib, sys, time",
    SPEAKS,
    "request = pathlib.Path(sys.argv[1])",
    "while not request.with_name('stop').exists(): time.sleep(0.01)",
    "pathlib.Path({!r}).write_text('checkpoint')",
    "sys.exit(130)",
)
DEAF = ("import time", SPEAKS, "time.sleep(600)")


def cancelled(start, stop_seconds: float) -> tuple[float, float, int]:
    """Seconds until a cancelled worker has ended, the longest of a poll, and its exit code."""
    started, heard = [], []

    def begin(request):
        started.append(start(request))
        return started[0]

    job = background.BackgroundJob(
        WorkerJob("a-job", attempt("first"), Path.read_text, stop_seconds=stop_seconds),
        heard.append,
        start_process=begin,
    )
    while not heard:
        job.poll()
        time.sleep(0.01)
    asked, longest = time.monotonic(), 0.0
    job.cancel()
    with pytest.raises(Cancelled):
        while True:
            begun = time.monotonic()
            job.poll()
            longest = max(longest, time.monotonic() - begun)
            time.sleep(0.01)
    return time.monotonic() - asked, longest, started[0].exit_code()


def test_a_job_with_last_words_is_asked_to_stop_and_may_write_them(script, tmp_path):
    words = tmp_path / "words"
    lines = [line.replace("{!r}", repr(str(words))) for line in LAST_WORDS]
    taken, longest, code = cancelled(script(*lines), 60)
    assert words.read_text() == "checkpoint" and code == 130
    assert taken < 30 and longest < 1


def test_a_job_that_does_not_stop_when_asked_is_ended_without_blocking(script):
    taken, longest, code = cancelled(script(*DEAF), 1.5)
    assert 1.5 <= taken < 30 and longest < 1
    assert code not in (0, 130)


def test_a_job_without_last_words_is_ended_at_once(script, tmp_path):
    words = tmp_path / "words"
    lines = [line.replace("{!r}", repr(str(words))) for line in LAST_WORDS]
    _, _, code = cancelled(script(*lines), 0)
    assert not words.exists() and code not in (0, 130)


UNTIL_ASKED = LAST_WORDS[:4]


def stopped(start):
    """A job that takes time to stop, of which something was heard and which was then cancelled."""
    heard = []
    job = background.BackgroundJob(
        WorkerJob("a-job", attempt("first"), lambda out: "done", stop_seconds=60),
        heard.append,
        start_process=start,
    )
    while not heard:
        job.poll()
        time.sleep(0.01)
    job.cancel()
    return job


def end_of(job):
    while (result := job.poll()) is None:
        time.sleep(0.01)
    return result


def test_a_job_that_was_done_before_it_could_stop_gives_its_result(script):
    assert end_of(stopped(script(*UNTIL_ASKED))) == "done"


def test_a_job_that_fails_while_it_stops_says_why(script):
    message = json.dumps({"error": "OutputError", "message": "The disk is full."})
    start = script(*UNTIL_ASKED, f"print({message!r}, flush=True)", "sys.exit(1)")
    with pytest.raises(OutputError, match="The disk is full"):
        end_of(stopped(start))


def test_a_cancel_by_the_last_report_of_what_hands_over_starts_no_process():
    def prepare(folder, progress):
        progress(Progress("Reading the CT", 1.0))
        return attempt("first")(folder, progress)

    def start(request):
        raise AssertionError("a process was started")

    job = background.BackgroundJob(
        WorkerJob("a-job", prepare, lambda out: None, prepared=0.5),
        lambda report: job.cancel(),
        start_process=start,
    )
    with pytest.raises(Cancelled):
        end_of(job)


class Crashes:
    """A worker that is killed by the system until it gets what it can bear."""

    def __init__(self, bearable) -> None:
        self.asked: list[Parameters] = []
        self._bearable = bearable

    def __call__(self, request: Path):
        from COVIDLesionSegLib.jobs import SegmentVolumeOptions

        options = SegmentVolumeOptions.from_dict(load_request(request).options)
        self.asked.append(options.parameters)
        if self._bearable(options.parameters):
            return ChildProcess(request)
        return Dead()


class Dead:
    def messages(self):
        return []

    def exit_code(self):
        return -9

    def kill(self):
        """It is dead."""

    def wait(self, seconds):
        """It is dead."""

    def log(self):
        return ""


@pytest.fixture
def ct():
    return generate_chest_ct(seed=3, size=(96, 96, 4), spacing=(3.4, 3.4, 60.0)).volume


def test_a_segmentation_after_a_crash_is_the_same_and_says_how_it_came_about(ct):
    def segment(start_process):
        job = segmentation.segment_in_background(
            at_once(ct), Parameters(threshold=0.02), load_result_in_steps
        )
        return run(background.BackgroundJob(job, lambda report: None, start_process=start_process))

    crashes = Crashes(lambda parameters: parameters.batch_size == 1)
    expected, result = segment(ChildProcess), segment(crashes)

    assert [asdict(one)["batch_size"] for one in crashes.asked] == [0, 1]
    assert (result.lesions == expected.lesions).all() and result.lesions.any()
    assert [flag.code for flag in expected.flags] + ["another-attempt"] == [
        flag.code for flag in result.flags
    ]
    assert "one patch at a time" in result.flags[-1].message


def test_after_the_smaller_batch_the_cpu_is_tried_where_there_may_be_a_gpu(ct, monkeypatch):
    def tried(gpu: bool, **parameters) -> list[tuple[str, int]]:
        monkeypatch.setattr(segmentation, "_may_have_gpu", lambda: gpu)
        crashes = Crashes(lambda parameters: False)
        job = segmentation.segment_in_background(
            at_once(ct), Parameters(**parameters), load_result_in_steps
        )
        with pytest.raises(CovidLesionSegError):
            run(background.BackgroundJob(job, lambda report: None, start_process=crashes))
        return [(one.device, one.batch_size) for one in crashes.asked]

    assert tried(gpu=True) == [("auto", 0), ("auto", 1), ("cpu", 1)]
    assert tried(gpu=False) == [("auto", 0), ("auto", 1)]
    assert tried(gpu=True, device="cpu", batch_size=1) == [("cpu", 1)]
    assert tried(gpu=False, device="cuda", batch_size=4) == [("cuda", 4), ("cuda", 1), ("cpu", 1)]


def test_what_an_attempt_left_is_not_taken_for_the_result_of_the_next(tmp_path):
    left = []

    def prepare(folder: Path, progress) -> StoredModelOptions:
        left.append((folder / RESULT_FOLDER).exists())
        (folder / RESULT_FOLDER).mkdir()
        return StoredModelOptions(model_id="any")

    job = WorkerJob("a-job", prepare, lambda out: None, retries=(Retry("Again", "less", prepare),))
    with pytest.raises(CovidLesionSegError):
        run(
            background.BackgroundJob(job, lambda report: None, start_process=lambda request: Dead())
        )
    assert left == [False, False]
