"""What is counted of predictions, slice by slice; every score follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..data.labelled import LabelledImage
from ..inference.ensemble import LabelledSlices
from ..metrics.decisions import called_infected, counted
from ..metrics.infection import SLICE_RULES, Involvement, any_pixel, infection_rate, involvement
from ..metrics.overlap import Confusion, ProbabilityHistogram
from ..metrics.surface import hausdorff95, normalised_surface_dice

SURFACE_TOLERANCE = 2.0
"""Of the surface Dice, in mm, or in pixels where their size is not known."""


@dataclass(frozen=True)
class MeasuredOn:
    """On how many slices or CTs a distance is measured.

    Attributes:
        count: Those in which both the expert and the model marked lesion.
        of: Those in which either did.
    """

    count: int = 0
    of: int = 0


@dataclass(frozen=True)
class SliceCount:
    """One slice.

    Attributes:
        pixels: Counts of its pixels.
        found: Whether any pixel is called lesion.
        true_rate, predicted_rate: Infection rates; None without lung.
        name: Name of the slice.
        true_involvement, predicted_involvement: Which lungs are involved, and how much of them;
            None without lung, or where right and left are not told apart, as in slice folders.
        pixel_ml: Volume of a voxel; None where it is not known.
        lungless: The lungs are known, and none is in it.
        image: Number of the slice or CT that it is of, among those counted together.
    """

    pixels: Confusion
    found: bool
    true_rate: float | None
    predicted_rate: float | None
    name: str = ""
    true_involvement: Involvement | None = None
    predicted_involvement: Involvement | None = None
    pixel_ml: float | None = None
    lungless: bool = False
    image: int = 0

    @property
    def infected(self) -> bool:
        """Whether the expert marked a lesion in it."""
        return self.pixels.tp + self.pixels.fn > 0

    @property
    def is_beside_lungs(self) -> bool:
        """Whether all of the expert's lesion in it lies outside its lungs.

        It is then of no size by the infection rate, neither small nor large.
        """
        return self.infected and self.true_rate == 0.0

    @property
    def is_judged(self) -> bool:
        """Whether it counts where slices are counted.

        A CT may go on far above and below the lungs. Slices there that nobody marks would be
        called clean rightly, and make every interval narrow, by as many as were scanned.
        """
        return not self.lungless or self.infected or self.found


class Counts:
    """Everything that is counted of one model on some slices or CTs.

    Attributes:
        slices: Every slice.
        hd95: 95th percentile Hausdorff distance of every slice or CT, or None where undefined.
        surface_dice: Normalised surface Dice of every slice or CT, or None where undefined.
        probabilities: Probabilities of all pixels.
        windowed: Some image was windowed by its publisher.
        decisions: Which slices each rule calls infected, by the rule's id; those alone that are
            judged and that it can decide.
    """

    def __init__(self) -> None:
        self.slices: list[SliceCount] = []
        self.hd95: list[float | None] = []
        self.surface_dice: list[float | None] = []
        self.probabilities = ProbabilityHistogram()
        self.windowed = False
        self.decisions = {rule.rule: Confusion() for rule in SLICE_RULES}

    @property
    def pixels(self) -> Confusion:
        """Counts of all pixels of all slices together."""
        return sum((slice_.pixels for slice_ in self.slices), Confusion())

    @property
    def hd95_on(self) -> MeasuredOn:
        """What the mean of the Hausdorff distance is of.

        Where a model finds nothing there is no distance: the mean is over the others, and small.
        """
        found, either = (
            sum(value is not None for value in values) for values in (self.hd95, self.surface_dice)
        )
        return MeasuredOn(found, either)

    def add(self, sample: LabelledImage, decision: LabelledSlices) -> None:
        """Count a slice or CT and its prediction."""
        sample = sample.as_stack()
        predicted = decision.labels > 0
        pixel_ml = None if sample.spacing_mm is None else math.prod(sample.spacing_mm) / 1000
        sides = sample.lungs is not None and sample.lungs.dtype != bool
        for index, (found, truth) in enumerate(zip(predicted, sample.lesion, strict=True)):
            rates: tuple[float | None, float | None] = (None, None)
            involved: tuple[Involvement | None, Involvement | None] = (None, None)
            if sample.lungs is not None:
                lungs = sample.lungs[index]
                rates = infection_rate(truth, lungs), infection_rate(found, lungs)
                if sides:
                    involved = involvement(truth, lungs), involvement(found, lungs)
            pixels, name = Confusion.of(found, truth), sample.slice_name(index)
            slice_ = SliceCount(
                *(pixels, any_pixel(pixels.tp + pixels.fp), *rates, name, *involved, pixel_ml),
                lungless=sample.lungs is not None and rates[0] is None,
                image=len(self.hd95),
            )
            self.slices.append(slice_)
            called = called_infected(pixels.tp + pixels.fp, slice_.predicted_rate)
            for rule, answer in called.items() if slice_.is_judged else ():
                self.decisions[rule] += counted([(answer, slice_.infected)])
        self.probabilities.add(decision.probability, sample.lesion)
        self.windowed |= sample.windowed
        # A single slice has no extent along the patient, so its border is a line.
        flat = 0 if len(predicted) == 1 else slice(None)
        both = predicted[flat], sample.lesion[flat]
        spacing = (sample.spacing_mm or (1.0, 1.0, 1.0))[-both[0].ndim :]
        self.hd95.append(hausdorff95(*both, spacing))
        self.surface_dice.append(normalised_surface_dice(*both, spacing, SURFACE_TOLERANCE))

    def merge(self, other: Counts) -> None:
        """Add what ``other`` counted."""
        self.slices += other.slices
        self.hd95 += other.hd95
        self.surface_dice += other.surface_dice
        self.probabilities.merge(other.probabilities)
        self.windowed |= other.windowed
        for rule, found in other.decisions.items():
            self.decisions[rule] += found
