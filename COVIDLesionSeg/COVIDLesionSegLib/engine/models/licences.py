"""Licences of weights: which of them a user has to approve before the weights are used."""

from __future__ import annotations

from collections.abc import Iterable

from .catalogue import Model

_WITHOUT_LIMITS_OF_USE = {
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC-BY-4.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "MIT",
    "PDDL-1.0",
    "Unlicense",
}
"""SPDX identifiers of licences that allow any use; what is not known to, is asked about."""


def needs_approval(licence: str) -> bool:
    """Whether a licence limits what its weights may be used for, such as to non-commercial use.

    Args:
        licence: SPDX identifier, as on a card.
    """
    return licence.strip() not in _WITHOUT_LIMITS_OF_USE


def licences_to_approve(models: Iterable[Model]) -> dict[str, list[Model]]:
    """The licences of these models' weights that need approval, each with its models."""
    found: dict[str, list[Model]] = {}
    for model in models:
        weights = model.card.weights
        if weights and needs_approval(weights.licence):
            found.setdefault(weights.licence, []).append(model)
    return found
