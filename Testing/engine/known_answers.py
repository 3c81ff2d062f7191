"""A model whose answers are known beforehand, and slices made for it."""

from __future__ import annotations

import numpy as np

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.evaluation.counts import Counts
from COVIDLesionSegLib.engine.evaluation.evaluated_model import EvaluatedModel
from COVIDLesionSegLib.engine.evaluation.measures import MEASURES
from COVIDLesionSegLib.engine.parameters import Parameters
from engine.crafted import Pixelwise, make_card

CPU = Parameters(device="cpu", precision="float32")


def brightness_model(parameters: Parameters = CPU, **card) -> EvaluatedModel:
    """A network that calls bright pixels lesion."""
    return EvaluatedModel([(make_card(**card), Pixelwise())], parameters)


def sample(predicted_and_true: list[tuple[int, int]], lungs: int | None = 1000) -> LabelledImage:
    """Slices of 1000 pixels; in each, so many from the left look like lesion, so many are."""
    count = len(predicted_and_true)
    image = np.full((count, 1, 1000), -1000.0, np.float32)
    lesion = np.zeros(image.shape, bool)
    for index, (bright, true) in enumerate(predicted_and_true):
        image[index, :, :bright], lesion[index, :, :true] = 0.0, True
    inside = None if lungs is None else np.arange(1000)[None, None] < np.full((count, 1, 1), lungs)
    return LabelledImage("s", "p", image, False, lesion, inside, None)


def values(*samples: LabelledImage, lung_mask: bool = False) -> dict[str, float | None]:
    one, counts = brightness_model(), Counts()
    for item in samples:
        counts.add(item, one.predict(item, lung_mask))
    return {measure.key: measure.of(counts) for measure in MEASURES}


class ThreeSlices:
    """Data of one patient."""

    samples_of = {"p": 3}
    classes = ("lesion",)
    unit, lungs, mask_by_default = "px", "experts", False

    def read(self, patient, cancel):
        yield from (sample([one]) for one in ((100, 200), (4, 8), (0, 0)))
