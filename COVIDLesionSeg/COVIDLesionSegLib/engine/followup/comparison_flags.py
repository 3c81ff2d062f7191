"""Quality flags of two compared studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..flags import CLEAN_SLICES, LUNGS_CUT_OFF, Flag, is_untrained
from ..labels import BOTH_LUNGS, LUNG_LABELS
from ..text import share_text
from .changes import RegionChange
from .matching import Matching
from .quality import RegistrationQuality
from .study import DECIDING, Study

POOR_DICE, DOUBTFUL_DICE = 0.85, 0.93
POOR_FOLDED, DOUBTFUL_FOLDED = 0.01, 0.0
POOR_STRUCTURE, DOUBTFUL_STRUCTURE = 0.25, 0.5
POOR_SURFACE_MM, DOUBTFUL_SURFACE_MM = 4.0, 2.0
"""Beyond the first of each, lesions are not matched; beyond the second, matches are doubtful."""
UNUSUAL_SCALING = 1.6
"""Factor, or one divided by it, beyond which the affine part changes volumes too much."""
BREATHING = 0.2
"""Relative change of the volume of both lungs from which on breathing is pointed out."""
DOUBTFUL, POOR = "registration-doubtful", "registration-poor"
SAME_STUDY = "same-study-twice"


class FollowUpFlags:
    """Collects the flags of one pair of studies."""

    def __init__(self, earlier: int, later: int) -> None:
        """Take the numbers of the studies, from 1."""
        self._pair = f"Studies {earlier} and {later}"
        self._flags: list[Flag] = []

    @property
    def found(self) -> tuple[Flag, ...]:
        """All flags so far."""
        return tuple(self._flags)

    def same_study(self) -> None:
        """Both are one and the same CT."""
        self._add(
            SAME_STUDY,
            "are one and the same CT, so nothing but the segmentation can have changed: check "
            "which files were chosen.",
        )

    def of_studies(self, earlier: Study, later: Study, changes: Sequence[RegionChange]) -> None:
        """What makes studies hard to compare: patients, models, classes, lungs, breathing."""
        self._of_patients(earlier.patient, later.patient)
        if is_untrained(earlier.flags) or is_untrained(later.flags):
            self._add(
                "study-untrained",
                "hold lesions of a network with random weights: all that "
                "is said of lesions means nothing.",
            )
        if earlier.classes != later.classes:
            self._add(
                "classes-differ",
                "tell different lesion classes apart, so these cannot be compared one by one: "
                "segment both with the same model.",
            )
        if earlier.models and later.models and earlier.models != later.models:
            self._add(
                "models-differ",
                "were segmented by different models or weights, so a change may come from the "
                "model: segment both with the same model.",
            )
        self._of_parameters(earlier.parameters, later.parameters)
        missing = [
            change.region
            for change in changes
            if change.region in LUNG_LABELS
            and (change.ratio.earlier is None) != (change.ratio.later is None)
        ]
        for lung in missing:
            self._add(
                "lung-in-one-only",
                f"do not both have a {lung}, so what is said of both lungs compares different "
                "lungs: correct them, or look at each lung alone.",
            )
        codes = {flag.code for flag in (*earlier.flags, *later.flags)}
        if CLEAN_SLICES in codes:
            self._add(
                "slices-not-segmented",
                "have slices that a slice classifier called clean, so that no lesion was looked "
                "for in them: what is new or resolved there may be so by its word alone.",
            )
        both = next(change for change in changes if change.region == BOTH_LUNGS)
        if LUNGS_CUT_OFF in codes:
            self._add(
                "study-cut-off",
                "do not both show the whole lungs, so changes of volumes and shares come from what "
                "was scanned, too: do not take them for changes of the disease.",
            )
        elif (
            not missing
            and both.lung_ml.relative is not None
            and abs(both.lung_ml.relative) > BREATHING
        ):
            self._add(
                "inspiration-differs",
                f"differ by {100 * both.lung_ml.relative:+.0f} % in the volume of the lungs, "
                "perhaps from breathing: that changes density, volume and share of lesions.",
            )

    def _of_parameters(self, earlier: Mapping[str, Any], later: Mapping[str, Any]) -> None:
        differing = [
            text
            for name, text in DECIDING.items()
            if name in earlier and name in later and earlier[name] != later[name]
        ]
        if differing:
            self._add(
                "parameters-differ",
                f"were segmented with different parameters ({', '.join(differing)}), so a change "
                "may come from these: segment both with the same ones.",
            )

    def _of_patients(self, earlier: str | None, later: str | None) -> None:
        if earlier and later and earlier != later:
            self._add(
                "patients-differ",
                "state different patients in their DICOM files: compare studies of one patient.",
            )
        if not (earlier and later) and all(flag.code != SAME_STUDY for flag in self._flags):
            self._add(
                "patients-unknown",
                "do not both come from DICOM files that state a patient, so nobody has checked "
                "that they are of one: check it.",
                "note",
            )

    def by_shape(self) -> None:
        """A CT is missing."""
        self._add(
            "registration-by-shape",
            "were registered by the shape of the lungs alone, as a CT is missing: lesions inside "
            "the lungs may be several mm off. Give the CTs as well.",
        )

    def of_registration(self, quality: RegistrationQuality, both_cts: bool) -> bool:
        """Judge the registration; False where lesions must not be matched by it.

        Args:
            quality: Quality of the registration.
            both_cts: Whether both CTs were there; a flag of its own says where one was not.
        """
        poor = list(_complaints(quality, POOR_DICE, POOR_SURFACE_MM, POOR_FOLDED, POOR_STRUCTURE))
        doubtful = [
            *_complaints(
                quality, DOUBTFUL_DICE, DOUBTFUL_SURFACE_MM, DOUBTFUL_FOLDED, DOUBTFUL_STRUCTURE
            ),
            *_scaling(quality),
        ]
        if both_cts and quality.structure_correlation is None:
            # Lungs of different patients fit, too: only their vessels tell them apart.
            doubtful.append("too little aerated lung to compare vessels")
        if poor:
            self._add(
                POOR,
                f"do not fit after registration ({'; '.join(poor)}), so lesions are not matched: "
                "check that both are of one patient and show the whole lungs.",
            )
        elif doubtful:
            self._add(
                DOUBTFUL,
                f"fit only in part after registration ({'; '.join(doubtful)}), so matched lesions "
                "are doubtful: look at each, and check that both are of one patient.",
            )
        return not poor

    def of_matching(self, matching: Matching, smallest_ml: float) -> None:
        """Lesions that were left out, and those that one CT does not cover."""
        (earlier, earlier_ml), (later, later_ml) = matching.left_out
        if earlier or later:
            self._add(
                "small-lesions-not-matched",
                f"hold {earlier} and {later} lesions without a partner below {smallest_ml:g} ml "
                f"({earlier_ml:.2f} and {later_ml:.2f} ml together): they are counted neither as "
                "resolved nor as new.",
                "note",
            )
        apart = [lesion for lesion in matching.lesions if lesion.kind == "not covered"]
        if apart:
            self._add(
                "lesions-not-covered",
                f"do not show the same part of the lungs: {len(apart)} of the lesions lie where "
                "one of them shows no lung, so they are called neither new nor resolved.",
            )

    def _add(self, code: str, what: str, level: str = "warning") -> None:
        self._flags.append(Flag(code, f"{self._pair} {what}", level))


def _complaints(
    quality: RegistrationQuality, dice: float, surface_mm: float, folded: float, structure: float
) -> list[str]:
    """What is worse than these bounds, for people."""
    found = []
    if quality.lung_dice < dice:
        found.append(f"Dice of the lungs {quality.lung_dice:.2f}")
    if quality.surface_mm is None or quality.surface_mm > surface_mm:
        distance = "n/a" if quality.surface_mm is None else f"{quality.surface_mm:.1f} mm"
        found.append(f"distance of their borders {distance}")
    if quality.folded_share > folded:
        found.append(f"{share_text(quality.folded_share, 2)} of the lungs folded")
    if quality.structure_correlation is not None and quality.structure_correlation < structure:
        found.append(f"correlation of vessels {quality.structure_correlation:.2f}")
    return found


def _scaling(quality: RegistrationQuality) -> list[str]:
    factor = quality.affine_determinant
    if 1 / UNUSUAL_SCALING <= factor <= UNUSUAL_SCALING:
        return []
    return [f"volume scaled by {factor:.2f}"]
