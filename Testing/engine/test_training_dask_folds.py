"""Folds side by side on a Dask cluster: the same members, and nothing left running."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
import torch
from distributed import Client, LocalCluster, WorkerPlugin

from COVIDLesionSegLib.engine import cluster, networks
from COVIDLesionSegLib.engine.data.training_data import TrainingData
from COVIDLesionSegLib.engine.errors import (
    Cancelled,
    OutputError,
    ParameterError,
    TrainingError,
)
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.training import dask_folds
from COVIDLesionSegLib.engine.training.checkpoints import LAST
from COVIDLesionSegLib.engine.training.cross_validation import (
    CrossValidation,
    cross_validate,
    folds_of,
)
from COVIDLesionSegLib.engine.training.dask_folds import cross_validate_on_cluster
from engine.training_slices import TinyNetwork, export_tiny, labelled, tiny_recipe

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny_network")]

QUIET = {"memory_limit": 0, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}


class Tiny(WorkerPlugin):
    """Makes the tiny network known to every process of a cluster."""

    def setup(self, worker):
        networks._NETWORKS["TinyNetwork"] = TinyNetwork


def plan_in(folder, **values):
    recipe = tiny_recipe(**values)
    slices = [labelled(f"p{n}", seed=n, shape=(48, 48)) for n in range(3)]
    data = TrainingData(slices, [], [])
    export = partial(export_tiny, folder=folder)
    folder.mkdir(exist_ok=True)
    return CrossValidation(recipe, data, folds_of(recipe, data, "lopo"), folder, "tiny", export)


def weights_of(members, folder):
    members = sorted(members, key=lambda member: member.fold)
    files = [(folder / f"{member.model}.safetensors").read_bytes() for member in members]
    return [(member.fold, member.patients) for member in members], files


@pytest.fixture(scope="module")
def one_after_another(tiny_network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("serial")
    return weights_of(cross_validate(plan_in(folder)), folder)


@pytest.fixture
def threads(one_after_another):
    """Address of a cluster in this process, whose random numbers no other training shares."""
    with LocalCluster(processes=False, n_workers=1, threads_per_worker=1, **QUIET) as started:
        yield started.scheduler_address


@pytest.fixture(scope="module")
def processes():
    """A client of a cluster of two processes, each with as many of PyTorch's threads as this."""
    # Dask sets both to 1 otherwise; sums depend on the number of threads.
    environment = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), torch.get_num_threads())
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, env=environment, **QUIET) as started,
        Client(started) as client,
    ):
        client.register_plugin(Tiny())
        yield client


def test_members_are_those_of_one_fold_after_another_bit_for_bit(
    processes, one_after_another, tmp_path
):
    told = []
    members = [
        *cross_validate_on_cluster(
            plan_in(tmp_path), processes.scheduler.address, progress=told.append
        )
    ]
    assert weights_of(members, tmp_path) == one_after_another
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert told[-1].message == "3 of 3 folds finished"


def test_a_fold_whose_worker_was_killed_goes_on_from_its_checkpoint(
    processes, one_after_another, tmp_path
):
    workers = [*processes.run(os.getpid).values()]
    killed = []

    def kill(progress):
        if not killed and any(tmp_path.rglob(LAST)):
            os.kill(workers[0], signal.SIGKILL)
            killed.append(workers[0])

    members = [
        *cross_validate_on_cluster(plan_in(tmp_path), processes.scheduler.address, progress=kill)
    ]
    assert killed
    assert weights_of(members, tmp_path) == one_after_another


def test_a_fold_that_fails_tells_why_in_its_own_sentence(threads, tmp_path):
    plan = plan_in(tmp_path, learning_rate=1e30, average_decay=0.0, checkpoint_steps=1)
    with pytest.raises(TrainingError, match=r"no(t a| longer) numbers? at step \d+, so training"):
        [*cross_validate_on_cluster(plan, threads)]


def test_cancelling_ends_the_trainings_and_leaves_their_checkpoints(threads, tmp_path):
    token = CancelToken()

    def cancel(progress):
        if (tmp_path / "fold-1" / LAST).exists():
            token.cancel()

    # Far more steps than there is time for: a worker that was not told would stay busy.
    endless = plan_in(tmp_path, steps=100_000, schedule_steps=12, checkpoint_steps=3)
    with pytest.raises(Cancelled):
        [*cross_validate_on_cluster(endless, threads, progress=cancel, cancel=token)]
    with Client(threads) as client:
        deadline = time.monotonic() + 60
        while any(client.run(lambda dask_worker: dask_worker.state.executing_count).values()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert torch.load(tmp_path / "fold-1" / LAST, weights_only=True)["global_step"] >= 3
    assert not list(tmp_path.glob("*.safetensors"))


def test_cancelling_a_local_cluster_loses_no_step(tmp_path, monkeypatch):
    """Folds begin, and are cancelled before their first checkpoint is due."""
    started = dask_folds.cluster_client

    @contextmanager
    def with_tiny(dask, scheduler, workers):
        with started(dask, scheduler, workers) as client:
            client.register_plugin(Tiny())
            yield client

    monkeypatch.setattr(dask_folds, "cluster_client", with_tiny)
    token = CancelToken()

    def cancel(progress):
        if progress.fraction > 0:
            token.cancel()

    endless = plan_in(tmp_path, steps=100_000, schedule_steps=12, checkpoint_steps=90_000)
    with pytest.raises(Cancelled, match="can resume from where it stopped"):
        [*cross_validate_on_cluster(endless, None, progress=cancel, cancel=token)]
    stopped = list(tmp_path.rglob(LAST))
    assert stopped
    assert torch.load(stopped[0], weights_only=True)["global_step"] > 0


def test_a_folder_that_holds_a_training_is_only_resumed(threads, one_after_another, tmp_path):
    plan = plan_in(tmp_path)
    (first, *_) = cross_validate_on_cluster(plan, threads)
    with pytest.raises(OutputError, match="holds a training already"):
        [*cross_validate_on_cluster(plan, threads)]
    again = [*cross_validate_on_cluster(replace(plan, resume=True), threads)]
    assert weights_of(again, tmp_path) == one_after_another


def test_workers_that_take_several_tasks_at_a_time_are_refused(tmp_path):
    with (
        LocalCluster(processes=False, n_workers=1, threads_per_worker=2, **QUIET) as started,
        pytest.raises(ParameterError, match="start workers with one thread each"),
    ):
        [*cross_validate_on_cluster(plan_in(tmp_path), started.scheduler_address)]


def test_a_cluster_that_is_not_there_or_has_no_workers_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_WORKERS_SECONDS", 0.1)
    plan = plan_in(tmp_path)
    with pytest.raises(ParameterError, match="no Dask scheduler at nowhere: start one"):
        [*cross_validate_on_cluster(plan, "nowhere")]
    with (
        LocalCluster(processes=False, n_workers=0, **QUIET) as started,
        pytest.raises(ParameterError, match="has no workers: start some"),
    ):
        [*cross_validate_on_cluster(plan, started.scheduler_address)]
