"""From the class probabilities of one or several networks to labels, and to what they disagree on.

Source: EAMC paper, section 2.4: the binarised outputs of ten networks, majority vote. The paper is
silent on ties, which ten voters can have; the rule used here is stated at :func:`decide`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelledSlices:
    """What networks say about slices together; arrays of shape (n, rows, columns).

    Attributes:
        probability: float32, probability of any class; the mean over the members.
        labels: uint8; 0 nothing, n + 1 for class n.
        disagreement: float32, 0 where the members' votes are unanimous, 1 where they are evenly
            split: 2 min(v, 1 - v) for the share v of members that vote for any class. None with a
            single member.
    """

    probability: np.ndarray
    labels: np.ndarray
    disagreement: np.ndarray | None


def decide(members: list[np.ndarray], threshold: float, combination: str) -> LabelledSlices:
    """Label slices.

    A member votes for a class where the sum of its class probabilities exceeds ``threshold``, and
    then for the class that is most probable to it. With ``"majority-vote"`` a voxel is labelled
    where more than half of the members vote for any class; where exactly half do, where the mean
    probability exceeds the threshold. With ``"mean"`` it is labelled where the mean probability
    exceeds the threshold. The label is the class with the largest mean probability.

    With ``"mean-by-class"`` it is labelled where the mean probability of a single class exceeds
    the threshold, as the DRSegUNet thesis does it (section 4.5: "P_i > 0.5 = 1"). The other rules
    add the classes up: a voxel that is surely lesion, but torn between ground glass and
    consolidation, is lesion then. Of one class all networks say the same by both means.

    Args:
        members: Class probabilities of each member, float32 (n, classes, rows, columns).
        threshold: 0 to 1, exclusive.
        combination: ``"majority-vote"``, ``"mean"`` or ``"mean-by-class"``.
    """
    above = np.float32(threshold)
    count = np.float32(len(members))
    classes = _mean(members)
    probability = _any_class(classes)
    found = (classes.max(axis=1) if combination == "mean-by-class" else probability) > above
    disagreement = None
    if len(members) > 1:
        votes = sum((_any_class(member) > above).astype(np.float32) for member in members)
        disagreement = 2.0 * np.minimum(votes, count - votes) / count
        if combination == "majority-vote":
            found = np.where(2.0 * votes == count, found, 2.0 * votes > count)
    labels = found.astype(np.uint8)
    if classes.shape[1] > 1:
        labels *= classes.argmax(axis=1).astype(np.uint8) + np.uint8(1)
    return LabelledSlices(probability, labels, disagreement)


def _mean(members: list[np.ndarray]) -> np.ndarray:
    if len(members) == 1:
        return members[0]
    # In float32 the mean would depend on the order of the members.
    total = members[0].astype(np.float64)
    for member in members[1:]:
        total += member
    mean: np.ndarray = (total / len(members)).astype(np.float32)
    return mean


def _any_class(probabilities: np.ndarray) -> np.ndarray:
    """Probability of any class; the classes of a softmax may sum to a little more than 1."""
    if probabilities.shape[1] == 1:
        return probabilities[:, 0]
    clipped: np.ndarray = np.minimum(probabilities.sum(axis=1), np.float32(1.0))
    return clipped
