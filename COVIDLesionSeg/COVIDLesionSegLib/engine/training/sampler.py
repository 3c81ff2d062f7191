"""All batches of a training in one row, so that it can resume after any of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from ..errors import InputError
from .dataset import Key, TrainingDataset


class EpochBatches(Sampler[list[Key]]):
    """The keys of the samples of every batch; an incomplete batch at an epoch's end is left out.

    Args:
        per_epoch: Batches of one epoch.
        batch_size: Samples of a batch, of which every process gets the same number.
        total: Batches of the whole training, from :attr:`start` = 0 on.
        rank, processes: Number of this process, and of all.
    """

    def __init__(
        self, per_epoch: int, batch_size: int, total: int, rank: int = 0, processes: int = 1
    ):
        self._per_epoch = per_epoch
        share = batch_size // processes
        self._places = range(rank * share, (rank + 1) * share)
        self._batch_size = batch_size
        self._total = total
        self.start = 0

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[list[Key]]:
        for number in range(self.start, self._total):
            epoch, batch = divmod(number, self._per_epoch)
            first = batch * self._batch_size
            yield [(epoch, first + place) for place in self._places]


class ResumableLoader(DataLoader[tuple[Tensor, Tensor]]):
    """Batches of a whole training; Lightning keeps the number of them that were used."""

    def __init__(self, dataset: TrainingDataset, batches: EpochBatches, workers: int):
        super().__init__(
            dataset,
            batch_sampler=batches,
            num_workers=workers,
            # Its own, so that the network's random numbers do not depend on how often it is used.
            generator=torch.Generator().manual_seed(dataset.recipe.seed),
        )
        self._batches = batches
        self._given = 0

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:  # type: ignore[override]
        # Counted here, so not the iterator of PyTorch's own class that its stubs promise.
        self._batches.start = self._given
        for batch in super().__iter__():
            self._given += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        return {"given": self._given}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._given = state["given"]


def batches_per_epoch(dataset: TrainingDataset) -> int:
    """Full batches of one epoch.

    Raises:
        InputError: There is not even one.
    """
    samples, size = len(dataset), dataset.recipe.batch_size
    if samples < size:
        raise InputError(
            f"The training slices give {samples} samples, which do not fill a batch of {size}: add "
            "slices, or lower the recipe's batch_size.",
            option="settings",
        )
    return samples // size
