"""Patches of annotated slices as batches."""

from __future__ import annotations

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from ..errors import InputError
from .augmentation import AIR_HU, Augmentation, crop, patch_transform, random_window
from .patches import PATCH, patch_sites
from .slices import LabelledSlice


class PatchDataset(Dataset[tuple[Tensor, Tensor]]):
    """Augmented patches of slices in HU, in an order drawn anew by :meth:`start_epoch`.

    Each item is (image, lesion), float32 (1, 128, 128); the image lies in 0..1.

    Args:
        slices: Slices in HU; a windowed one raises InputError.
        augmentation: How far patches may be changed.
        clean_patches: Patches per clean slice and epoch.
        seed: Of the places and of every random change.
    """

    def __init__(
        self,
        slices: list[LabelledSlice],
        augmentation: Augmentation,
        clean_patches: int,
        seed: int,
    ):
        if any(item.windowed for item in slices):
            raise InputError("Training needs slices in HU; windowed slices are for evaluation.")
        self._slices = slices
        self._augmentation = augmentation
        self._clean_patches = clean_patches
        self._seed = seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draw the places of an epoch's patches and shuffle them."""
        self._rng = np.random.default_rng((self._seed, epoch))
        sites = patch_sites(self._slices, self._rng, self._clean_patches)
        self._sites = [sites[i] for i in self._rng.permutation(len(sites))]
        self._transform = patch_transform(self._augmentation, PATCH, int(self._rng.integers(2**31)))

    def __len__(self) -> int:
        return len(self._sites)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        site = self._sites[index]
        item = self._slices[site.slice_index]
        # Rotation, shift and zoom look beyond the patch: half a patch more on every side.
        image = crop(item.image, site.row, site.column, 2 * PATCH, fill=AIR_HU)
        lesion = crop(item.lesion, site.row, site.column, 2 * PATCH, fill=0.0)
        patch = self._transform(
            {"image": random_window(image, self._augmentation, self._rng), "label": lesion}
        )
        return (
            patch["image"].as_tensor().clamp(0.0, 1.0),
            (patch["label"].as_tensor() > 0.5).float(),
        )
