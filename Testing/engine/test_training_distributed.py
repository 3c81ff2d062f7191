"""Several processes train one network as one process would, and end together."""

from __future__ import annotations

import csv
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from COVIDLesionSegLib.engine.errors import DeviceError, ParameterError
from COVIDLesionSegLib.engine.training.checkpoints import BEST, weights_in
from COVIDLesionSegLib.engine.training.distributed import check_processes, is_first_process
from COVIDLesionSegLib.engine.training.sampler import EpochBatches
from COVIDLesionSegLib.engine.training.trainer import fit
from engine.train_tiny import trained
from engine.training_slices import labelled, tiny_recipe

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("train_tiny.py")
LIBRARY = Path(__file__).parents[2] / "COVIDLesionSeg"


def in_two_processes(folder, *how):
    """What the program says; only its first process says anything."""
    return said_by(started([str(PROGRAM), str(folder), "2", *how]))


def on_two_nodes(folder, *how):
    """What the program says where torchrun starts it, once on each of two nodes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    torchrun = ["-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"]
    torchrun += ["--master-addr=127.0.0.1", f"--master-port={port}"]
    program = [str(PROGRAM), str(folder), "1", "nodes", *how]
    nodes = [started([*torchrun, f"--node-rank={rank}", *program]) for rank in range(2)]
    return [said_by(node) for node in nodes]


def started(words):
    return subprocess.Popen(
        [sys.executable, *words],
        env=os.environ | {"PYTHONPATH": str(LIBRARY), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said_by(process):
    said, complaints = process.communicate(timeout=240)
    assert process.returncode == 0, complaints
    return said


def rows_of(folder):
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return [[float(value) for value in row.values()] for row in csv.DictReader(file)]


def test_two_processes_cancelled_and_resumed_on_two_nodes_train_what_one_does(
    tiny_network, tmp_path
):
    one, two = tmp_path / "one", tmp_path / "two"
    trained(one, 1)
    said = in_two_processes(two, "cancelled")
    assert said == "Cancelled: Cancelled after step 5: training can resume from there.\n"
    assert on_two_nodes(two, "resumed") == ["Done.\n", ""]
    expected, found = (weights_in(folder / BEST) for folder in (one, two))
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight)
    assert len(rows_of(one)) == 3
    for row, other in zip(rows_of(one), rows_of(two), strict=True):
        assert row == pytest.approx(other, rel=1e-4)


def test_the_processes_share_every_batch_and_no_sample_is_seen_twice():
    whole = [*EpochBatches(3, 8, 5)]
    shares = [[*EpochBatches(3, 8, 5, rank, 4)] for rank in range(4)]
    assert [sum(batch, []) for batch in zip(*shares, strict=True)] == whole
    assert all(len(batch) == 2 for share in shares for batch in share)


def test_a_batch_that_cannot_be_shared_evenly_is_refused_before_anything_is_written(
    tiny_network, tmp_path
):
    slices = [labelled("p1", shape=(64, 64))]
    with pytest.raises(ParameterError, match="batch of 4 cannot be shared by 3 processes"):
        fit(tiny_recipe(), slices, tmp_path / "out", devices=3)
    with pytest.raises(ParameterError, match="shared by 8 processes"):
        fit(tiny_recipe(), slices, tmp_path / "out", devices=2, nodes=4)
    assert not (tmp_path / "out").exists()


def test_more_devices_than_there_are_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_processes(16, "cuda", 2, 4)
    with pytest.raises(DeviceError, match="4 devices were asked for, but PyTorch finds 2"):
        check_processes(16, "cuda", 4, 1)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SLURM_NTASKS": "2"}, "--ntasks-per-node=2"),
        ({"SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "4"}, "--ntasks-per-node=4"),
        ({"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "3"}, "world size .3."),
    ],
)
def test_another_number_of_processes_than_was_started_is_refused(environment, message, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ParameterError, match=f"Other processes were started.*{message}"):
        check_processes(16, "cpu", 2, 1)


def test_a_process_that_trains_alone_is_the_first_whatever_started_it(
    tiny_network, tmp_path, monkeypatch
):
    """As a Dask worker that SLURM started as its third task."""
    for name, value in {"PROCID": 3, "NTASKS": 4, "LOCALID": 3, "NODEID": 0, "JOB_ID": 1}.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    assert is_first_process(1)
    trained(tmp_path, 1)
    assert len(rows_of(tmp_path)) == 3
