"""Small generated slices to learn from, and a recipe that learns from them in seconds."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.evaluation.card_scores import evaluate_held_out
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.training.augmentation import Augmentation
from COVIDLesionSegLib.engine.training.export import export_model
from COVIDLesionSegLib.engine.training.new_model import NewModel
from COVIDLesionSegLib.engine.training.recipe import Recipe


class TinyNetwork(nn.Module):
    """As small as a network with batch normalisation and dropout can be."""

    def __init__(self, channels: int = 1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv2d(4, channels, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Stemmed(nn.Module):
    """Knows lung, ground glass and consolidation by grey level from the start, as if half trained.

    Soft tissue, which is beyond the lungs, it takes for consolidation.
    """

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
        self.head = nn.Conv2d(1, 4, 1)
        with torch.no_grad():
            self.stem[0].weight.fill_(1.0)
            self.stem[0].bias.fill_(0.0)
            # Lung up to 0.36, ground glass to 0.73, consolidation to 0.97, then background.
            self.head.weight[:, 0, 0, 0] = torch.tensor([60.0, 120.0, 0.0, 180.0])
            self.head.bias[:] = -60.0 * torch.tensor([0.36, 1.09, 0.0, 2.06])

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stem(x))


def labelled(patient="p1", infected=True, shape=(160, 200), seed=0, lungs=False):
    """Noisy lung, in it a bright rectangle of lesion, and around it soft tissue if ``lungs``."""
    random = np.random.default_rng(seed)
    image = random.normal(-850, 20, shape).astype(np.float32)
    lesion = np.zeros(shape, bool)
    if infected:
        row, column = random.integers(shape[0] // 8, shape[0] // 2, 2)
        lesion[row : row + shape[0] // 4, column : column + shape[1] // 4] = True
        image[lesion] += 500
    inside = np.zeros(shape, bool)
    inside[shape[0] // 16 : -shape[0] // 16, shape[1] // 16 : -shape[1] // 16] = True
    if lungs:
        image[~inside] = 40
        lesion &= inside
    return LabelledImage(
        f"{patient}_{seed}", patient, image, False, lesion, inside if lungs else None
    )


def tiny_recipe(**values):
    """The EAMC way on 32-pixel patches: 12 steps of the tiny network, averaged weights."""
    return Recipe(
        **{
            "network": "TinyNetwork",
            "preprocessing": Preprocessing((-1024.0, 200.0), patch_size=(32, 32)),
            "steps": 12,
            "batch_size": 4,
            "average_decay": 0.9,
            "augmentation": Augmentation(rotation_degrees=10.0, noise=0.03, flip=0.5),
        }
        | values
    )


def export_tiny(
    network, own, model_id, recipe, folder, *, evaluate=evaluate_held_out, parent=None, **more
):
    """Write a model, as a command would."""
    new = NewModel(
        model_id, "Tiny", "none", "CC0-1.0", "A test.", "covid-lesion-seg train", parent=parent
    )
    return export_model(network, recipe, own, folder, new, evaluate, **more)
