"""Training that begins with the weights of another model, as on an annotator's corrections."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..errors import InputError
from ..models.card import ModelCard
from ..models.lineage import parent_of


def check_may_judge(parent: ModelCard, patients: Collection[str]) -> None:
    """Make sure that nobody judges weights whose parent learned from them.

    Raises:
        InputError: Somebody would; or the parent's card does not tell whom it learned from.
    """
    learned = parent.learned_from
    if learned is None:
        raise InputError(
            f"The card of model {parent.id} does not tell which patients it learned from, so "
            "nobody can judge what is trained from it: begin with random weights."
        )
    if shared := sorted(set(patients) & set(learned)):
        raise InputError(
            f"Model {parent.id} learned from {', '.join(shared)}, who cannot judge what is trained "
            "from it: name other patients for validation."
        )


def descent(parent: ModelCard | None, described: dict[str, Any]) -> dict[str, Any]:
    """What a card says of its training's beginning and data.

    Args:
        parent: Whose weights the training began with; None for random ones.
        described: Of the data, see :meth:`~.data.TrainingData.describe`. Who the parent learned
            from was learned from, too, and whose labels nobody checked.
    """
    if parent is None:
        return {"data": described}
    data = {**described, "training": {**parent.learned_from, **described["training"]}}
    inherited = parent.training["data"].get("pseudo_labels", {})
    if pseudo := {**inherited, **described.get("pseudo_labels", {})}:
        data["pseudo_labels"] = pseudo
    return {"parent": parent_of(parent), "data": data}
