"""What an nnU-Net's labels stand for: which of them are lesions, as far as their names say it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..errors import InputError, ModelError
from ..text import printable

DATASET = "dataset.json"

_LUNGS = re.compile(r"((right|left) )?lungs?( (right|left))?")
_FINDING = re.compile(
    r"lesions?|infections?|opacit(y|ies)|opacifications?|(ground)?glass|ggos?|consolidations?|"
    r"infiltrat(es?|ions?)|(crazy)?paving"
)
_DISEASE = re.compile(r"covid(19)?|pneumonia")
_LUNG = re.compile(r"lungs?|pulmonary")
_BESIDE = re.compile(r"19|ground|crazy|and|or|left|right|viral|areas?|regions?")
"""What may stand beside them: any other word could turn the meaning round, as in "no lesion"."""
_NAMED = 20
"""Labels in a message, at most; some networks have a hundred."""


def read_labels(dataset: dict[str, Any]) -> tuple[str, ...]:
    """Names of what the network tells apart, in the order of its channels, background first.

    Args:
        dataset: ``dataset.json``.

    Raises:
        InputError: The labels are missing, or not numbered as nnU-Net v2 does.
        ModelError: The model takes several images, or tells overlapping regions apart.
    """
    channels = dataset.get("channel_names", dataset.get("modality"))
    if not isinstance(channels, dict) or len(channels) != 1:
        raise ModelError(
            "This nnU-Net does not take one image: only models that learned from CT alone can be "
            "used."
        )
    labels = dataset.get("labels")
    if not isinstance(labels, dict):
        raise InputError(f"{DATASET} names no labels.")
    if dataset.get("regions_class_order") or any(isinstance(n, list) for n in labels.values()):
        raise ModelError(
            "This nnU-Net tells regions apart that overlap: only models whose labels exclude each "
            "other can be used."
        )
    try:
        by_number = {int(n): str(name) for name, n in labels.items() if name != "ignore"}
    except (TypeError, ValueError) as error:
        raise InputError(f"{DATASET} numbers its labels in another way than nnU-Net v2.") from error
    if sorted(by_number) != list(range(len(by_number))) or len(by_number) < 2:
        raise InputError(f"{DATASET} does not number its labels from 0, the background, up.")
    return tuple(by_number[n] for n in range(len(by_number)))


def lesion_classes(labels: Sequence[str], chosen: Sequence[str] = ()) -> tuple[str, ...]:
    """The labels that are lesions.

    Args:
        labels: All of them, background first.
        chosen: Those that are lesions, as the user says; upper and lower case, and what separates
            words, make no difference. Without any, the names must say it of every label.

    Raises:
        InputError: The model has no label of a chosen name.
        ModelError: Nothing was chosen, and a name says neither lung nor lesion; or there are lungs
            alone.
    """
    found = labels[1:]
    if chosen:
        wanted = {_plain(name) for name in chosen}
        if missing := wanted - {_plain(name) for name in found}:
            raise InputError(
                f"This nnU-Net has no label {_listed(sorted(missing))}: its labels are "
                f"{_listed(found)}.",
                option="lesion_labels",
            )
        return tuple(name for name in found if _plain(name) in wanted)
    lesions = tuple(name for name in found if _says_lesion(name))
    unclear = [name for name in found if name not in lesions and not _LUNGS.fullmatch(_plain(name))]
    if unclear:
        raise ModelError(
            f"By their names these labels of this nnU-Net are neither lung nor lesion: "
            f"{_listed(unclear)}; say which of its labels ({_listed(found)}) are lesions, the "
            "others are left out.",
            option="lesion_labels",
        )
    if not lesions:
        raise ModelError("This nnU-Net finds lungs, and no lesions: it cannot be used here.")
    return lesions


def _says_lesion(name: str) -> bool:
    """Whether a name says lesion, infection, opacity or the like, and nothing that is unknown."""
    words = _plain(name).split()
    known = [_FINDING, _DISEASE, _BESIDE]
    if any(map(_FINDING.fullmatch, words)):
        known.append(_LUNG)
    elif not any(map(_DISEASE.fullmatch, words)):
        return False
    # Without a finding "covid lung" may be the whole lung.
    return all(any(pattern.fullmatch(word) for pattern in known) for word in words)


def _plain(name: str) -> str:
    """Its words in lower case, with one blank between them; signs between words do not count."""
    return " ".join(re.findall(r"\w+", name.lower().replace("_", " ")))


def _listed(names: Sequence[str]) -> str:
    shown = [printable(repr(name), 60) for name in names[:_NAMED]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
