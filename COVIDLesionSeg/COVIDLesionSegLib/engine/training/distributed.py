"""Several processes that train one network together, each on its share of every batch."""

from __future__ import annotations

import os
from typing import TypeVar

import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.utilities.rank_zero import rank_zero_only
from torch import distributed

from ..errors import DeviceError, ParameterError

Value = TypeVar("Value")


def is_first_process(processes: int) -> bool:
    """Whether this process is the one that writes files and reports to the user.

    Lightning, torchrun and SLURM say it by variables of the environment, which mean nothing where
    one process trains alone, as on a Dask worker that SLURM started.
    """
    if processes == 1:
        return True
    # An attribute of the function, which its type does not know.
    return getattr(rank_zero_only, "rank", 0) == 0 and os.environ.get("NODE_RANK", "0") == "0"


def check_processes(batch_size: int, device: str, devices: int, nodes: int) -> None:
    """Make sure that every process is there and has a device and a share of the batch.

    Args:
        batch_size: The recipe's, of all processes together.
        device: ``"cpu"``, ``"cuda"`` or ``"mps"``; available.
        devices: Processes on each node.
        nodes: Computers.

    Raises:
        ParameterError: The batch cannot be shared evenly, or SLURM or torchrun started another
            number of processes.
        DeviceError: There are not so many devices here.
    """
    processes = devices * nodes
    if batch_size % processes:
        raise ParameterError(
            f"The recipe's batch of {batch_size} cannot be shared by {processes} processes evenly: "
            "choose a number of devices that divides it."
        )
    there = {"cuda": torch.cuda.device_count(), "mps": 1}.get(device, devices)
    if devices > there:
        raise DeviceError(
            f"{devices} devices were asked for, but PyTorch finds {there} here: ask for fewer."
        )
    if processes > 1:
        _check_started(devices, nodes)


def _check_started(devices: int, nodes: int) -> None:
    for environment in (TorchElasticEnvironment, SLURMEnvironment):
        if environment.detect():
            try:
                environment().validate_settings(devices, nodes)
            except (RuntimeError, ValueError) as error:
                raise ParameterError(
                    "Other processes were started than devices and nodes ask for; make the "
                    f"number of processes per node of torchrun or SLURM the same. {error}"
                ) from error
            return


def from_all_processes(value: Value) -> list[Value]:
    """The value of every process, in their order; all must call this."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return [value]
    values = [value] * distributed.get_world_size()
    distributed.all_gather_object(values, value)
    return values
