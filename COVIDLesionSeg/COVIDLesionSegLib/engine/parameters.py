"""The one parameter object: panel state, console arguments, CLI options, and manifest content."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import ParameterError
from .options import Options, option

DEFAULT_MODEL = "unet-lite0"
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
TILINGS = ("whole-slice", "overlapping", "non-overlapping")
COMBINATIONS = ("majority-vote", "mean", "mean-by-class")
NO_OPINION = NO_CLASSIFIER = "none"
LUNG_METHODS = ("threshold", "lungmask-r231", "lungmask-r231covidweb")
"""Besides these, any model of the catalogue that finds lungs."""


@dataclass(frozen=True)
class Parameters(Options):
    """Everything that decides a result, besides the CT itself: a pure value.

    A model that the user made the default is known to ``engine.models`` only: who wants it asks
    there and passes its id.

    Attributes:
        model: Id of a model or ensemble of the catalogue, or several joined by ``+``, which vote.
        combination: How an ensemble decides: ``majority-vote`` of its members, a tie by the mean
            of their probabilities; or ``mean``, by the mean alone. With ``mean-by-class`` a voxel
            is lesion only where the mean probability of a single class exceeds the threshold, as
            in the DRSegUNet thesis; the others take the classes together.
        lungs: Lung extractor, one of ``LUNG_METHODS``, or the id of a model that finds lungs.
        second_opinion: Id of a model that finds lungs, which looks at every n-th slice, too: where
            it differs from the lungs by more than 30 ml in one place, a flag says where. ``none``
            for no such look.
        slice_classifier: Id of a model that tells infected from clean slices: those that it calls
            clean are not segmented, as a flag, the provenance and the table of slices say
            (COVID-Rate, Fig. 14). ``none``: every slice with lung is.
        device: ``auto`` takes the first of cuda, mps, cpu that works.
        precision: ``auto`` takes bfloat16 where the processor or GPU computes it natively and the
            model's card says its scores do not move, else float32.
        tiling: ``whole-slice`` passes each slice through the fully convolutional network at once;
            ``overlapping`` blends half-overlapping patches; ``non-overlapping`` is the EAMC paper's
            test protocol (section 5.1): 16 patches of 128x128 for a 512x512 slice. Networks that
            learned from whole slices take whole slices only.
        threshold: Voxels whose lesion probability exceeds this are lesion, 0 to 1 exclusive.
        smallest_lesion_ml: Connected areas of lesion below this volume, in ml, are left out; 0
            keeps everything.
        lesion_free_ml: A CT with no more lesion than this in all, in ml, is graded CT-0: so much
            is found in CTs without COVID-19, too. 0 calls a CT with any lesion CT-1 at least.
        batch_size: Patches per forward pass; 0 chooses from the device; 1 takes least memory.
        allow_untrained: Run networks that have no trained weights with random ones, for timing and
            to test the workflow; severity is then not graded.

    Raises:
        ParameterError: A value is outside its allowed set or range.
    """

    model: str = option(
        "Model id, or several joined by +, which vote: amc-net+unet; eamc is an ensemble of three. "
        "By default your own default model, or unet-lite0.",
        DEFAULT_MODEL,
        names_model=True,
    )
    combination: str = option(
        "Ensemble rule: majority vote, ties decided by the mean probability; or the mean alone; or "
        "the mean of each class by itself (DRSegUNet), where there are several.",
        "majority-vote",
        choices=COMBINATIONS,
    )
    lungs: str = option(
        f"Lung extractor: {', '.join(LUNG_METHODS)}, or the id of a model for lungs.", "threshold"
    )
    second_opinion: str = option(
        "Id of a model for lungs that looks at some slices, too; a flag says where it differs by "
        "more than 30 ml in one place. none: no such look.",
        NO_OPINION,
    )
    slice_classifier: str = option(
        "Id of a model that tells infected from clean slices; those called clean are not "
        "segmented, and a flag names them. none: every slice is.",
        NO_CLASSIFIER,
    )
    device: str = option(
        "auto takes the first of cuda, mps, cpu that works.", "auto", choices=DEVICES
    )
    precision: str = option(
        "auto takes bfloat16 where it costs no accuracy.", "auto", choices=PRECISIONS
    )
    tiling: str = option(
        "How slices are passed to the network: whole, or as patches.",
        "whole-slice",
        choices=TILINGS,
    )
    threshold: float = option("Probability above which a voxel is lesion, 0 to 1.", 0.5)
    smallest_lesion_ml: float = option(
        "Areas of lesion smaller than this are left out, in ml; 0 keeps all.", 0.25, minimum=0
    )
    lesion_free_ml: float = option(
        "Lesion volume up to which a CT counts as free of lesions and is graded CT-0, in ml.",
        3.0,
        minimum=0,
    )
    batch_size: int = option(
        "Patches per forward pass; 0 chooses for the device, 1 takes least memory.", 0, minimum=0
    )
    allow_untrained: bool = option(
        "Run networks that have no trained weights, with random ones; the result means nothing.",
        False,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(self.members):
            raise ParameterError(
                "model must be the id of a model in the catalogue, or several joined by '+'."
            )
        if len(set(self.members)) < len(self.members):
            raise ParameterError(f"model is {self.model!r}, but names a member twice.")
        if not self.lungs:
            raise ParameterError("lungs must be the name of a lung extractor.")
        if not self.second_opinion:
            raise ParameterError(
                f"second_opinion must be the id of a model for lungs, or {NO_OPINION!r}."
            )
        if not self.slice_classifier:
            raise ParameterError(
                f"slice_classifier must be the id of a model, or {NO_CLASSIFIER!r}."
            )
        if not 0 < self.threshold < 1:
            raise ParameterError(
                f"threshold is {self.threshold!r}, but must be a number between 0 and 1."
            )

    @property
    def members(self) -> tuple[str, ...]:
        """Ids of the models and ensembles that :attr:`model` names."""
        return tuple(name.strip() for name in self.model.split("+"))
