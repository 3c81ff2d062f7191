"""A cohort on a Dask cluster: the results of a run here, each once, whatever workers are lost."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from benchmarks.cohort_inputs import BAD, write_cohort
from distributed import Client, LocalCluster

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.cluster import gpus, take_gpu
from COVIDLesionSegLib.engine.cohort.record import MANIFEST_FOLDER, read_records
from COVIDLesionSegLib.engine.cohort.sources import find_cases
from COVIDLesionSegLib.engine.errors import Cancelled, ParameterError
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.jobs.cohort_case import CaseWork
from COVIDLesionSegLib.jobs.cohort_cluster import do_alone
from COVIDLesionSegLib.report import result_files as names
from jobs.cohorts import PARAMETERS, run

GOOD = {"case-000", "case-001", "case-002"}

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mrml")]
linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells which worker is at a case")

QUIET = {"memory_limit": 0, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}


@pytest.fixture(scope="module")
def cts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cts")
    write_cohort(folder, good=3)
    return folder


@pytest.fixture(scope="module")
def here(cts, tmp_path_factory):
    """The folder of a run without a cluster."""
    out = tmp_path_factory.mktemp("here") / "cohort"
    run(cts, out)
    return out


@pytest.fixture(scope="module")
def client():
    """Of a cluster that stays, whose one worker is in this process."""
    with (
        LocalCluster(processes=False, n_workers=1, threads_per_worker=1, **QUIET) as started,
        Client(started) as client,
    ):
        yield client


def results_of(out):
    """Every array of every case, and the summary."""
    files = [out / names.COHORT_CSV]
    for case in sorted((out / names.CASE_FOLDER).iterdir()):
        files += [case / names.SEGMENTATION, case / names.PROBABILITY]
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


@contextmanager
def beside(watch):
    """Call ``watch`` again and again in a thread, until it returns True or the block ends."""
    ended = threading.Event()

    def loop():
        while not ended.wait(0.01) and not watch():
            pass

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@linux
@pytest.mark.timeout(600)
def test_a_killed_workers_case_is_done_once_more_and_all_is_as_of_a_run_here(cts, here, tmp_path):
    out = tmp_path / "cohort"

    def kill_one_in_the_middle():
        if any(record.status == "running" for record in read_records(out)):
            for process in multiprocessing.active_children():
                if holds_a_case(process.pid, out):
                    os.kill(process.pid, signal.SIGKILL)
                    return True

    told = []
    with beside(kill_one_in_the_middle):
        cohort = run(cts, out, workers=2, progress=told.append)
    assert [record.attempts for record in read_records(out)].count(2) == 1
    assert {case.case for case in cohort.cases if case.status == "done"} == GOOD
    assert len(cohort.failed) == len(BAD)
    assert results_of(out) == results_of(here)
    assert not list((out / MANIFEST_FOLDER).glob(".*"))
    assert any(", about " in progress.message for progress in told)
    assert run(cts, out, workers=2).skipped == len(cohort.cases)


def holds_a_case(pid, out):
    """Whether a process has the lock of a case open."""
    with suppress(OSError):
        return any(
            os.readlink(file).startswith(str(out / MANIFEST_FOLDER))
            for file in Path(f"/proc/{pid}/fd").iterdir()
        )


def test_a_running_cluster_gives_the_same(cts, here, client, tmp_path):
    out = tmp_path / "cohort"
    run(cts, out, scheduler=client.scheduler.address)
    assert results_of(out) == results_of(here)


def test_a_case_at_which_two_workers_ended_has_failed(cts, here, tmp_path):
    """What the task says that Dask repeats a second time."""
    options = jobs.BatchOptions(sources=(cts,), parameters=PARAMETERS)
    shutil.copytree(here, tmp_path / "cohort")
    work = CaseWork(options, tmp_path / "cohort")
    (case,) = [one for one in find_cases(options.sources)[0] if one.case == "case-000"]
    first = replace(work.earlier("case-000"), status="running", attempts=1)
    work.keep(replace(first, attempts=2))
    failed = do_alone(work, case, first, CancelToken())
    assert failed.status == "failed" and "ended in the middle of this CT twice" in str(failed.error)
    assert do_alone(work, case, first, CancelToken()) == failed


def test_a_finished_case_is_not_done_again_where_dask_lost_its_result(cts, here, tmp_path):
    options = jobs.BatchOptions(sources=(cts,), parameters=PARAMETERS)
    out = tmp_path / "cohort"
    shutil.copytree(here, out)
    work = CaseWork(options, out)
    (case,) = [one for one in find_cases(options.sources)[0] if one.case == "case-000"]
    done = work.earlier("case-000")
    before = (out / names.CASE_FOLDER / "case-000" / names.REPORT_JSON).stat().st_mtime_ns
    assert do_alone(work, case, replace(done, status="running"), CancelToken()) == done
    assert (out / names.CASE_FOLDER / "case-000" / names.REPORT_JSON).stat().st_mtime_ns == before


def test_cancelling_leaves_no_begun_case(cts, client, tmp_path):
    cancel = CancelToken()
    out = tmp_path / "cohort"

    def cancel_in_the_middle():
        if any(record.status == "running" for record in read_records(out)):
            cancel.cancel()
            return True

    options = jobs.BatchOptions(
        sources=(cts,), parameters=PARAMETERS, scheduler=client.scheduler.address
    )
    with beside(cancel_in_the_middle), pytest.raises(Cancelled):
        jobs.batch(options, out, cancel=cancel)
    while any(client.run(lambda dask_worker: dask_worker.state.executing_count).values()):
        time.sleep(0.05)
    assert all(record.status != "running" for record in read_records(out))


def test_workers_that_take_several_tasks_at_a_time_are_refused(cts, tmp_path):
    with (
        LocalCluster(processes=False, n_workers=1, threads_per_worker=2, **QUIET) as started,
        pytest.raises(ParameterError, match="start workers with one thread each"),
    ):
        run(cts, tmp_path / "cohort", scheduler=started.scheduler_address)
    assert not any(one.status == "running" for one in read_records(tmp_path / "cohort"))


def test_a_running_cluster_and_a_local_one_exclude_each_other(cts):
    with pytest.raises(ParameterError, match="not both"):
        jobs.BatchOptions(sources=(cts,), workers=2, scheduler="tcp://host:8786")


def test_workers_share_out_the_gpus(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with (
        LocalCluster(processes=False, n_workers=3, threads_per_worker=1, **QUIET) as started,
        Client(started) as client,
    ):

        def gpu_of_worker():
            take_gpu(("3", "5"))
            return os.environ["CUDA_VISIBLE_DEVICES"]

        found = [
            client.submit(gpu_of_worker, workers=[name], pure=False).result()
            for name in client.scheduler_info()["workers"]
        ]
    assert sorted(found) == ["3", "3", "5"]


def test_gpus_have_the_names_that_the_user_left_visible(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus() == ("0", "1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-6")
    assert gpus() == ("4", "GPU-6")
