"""What a model descends from, as the cards tell."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ModelError
from .card import ModelCard
from .catalogue import Catalogue


@dataclass(frozen=True)
class Ancestor:
    """One model of a line of descent.

    Attributes:
        id: Of the model.
        weights_sha256: Of the weights that were passed on; None if they were never trained.
        card: Its card; None where the catalogue no longer has that model, or has it with other
            weights.
    """

    id: str
    weights_sha256: str | None
    card: ModelCard | None


def parent_of(card: ModelCard) -> dict[str, str]:
    """What the card of a model that is trained further says of its parent."""
    return {"id": card.id, "weights_sha256": card.weights.sha256}


def lineage_of(catalogue: Catalogue, model_id: str) -> list[Ancestor]:
    """The model, the one its training began with, and so on.

    Raises:
        ModelError: There is no such model, or a card names its parent in another way.
    """
    card = catalogue.get(model_id).card
    line = [Ancestor(card.id, card.weights.sha256 if card.weights else None, card)]
    by_weights = {
        model.card.weights.sha256: model.card for model in catalogue.models if model.card.weights
    }
    while line[-1].card is not None and "parent" in line[-1].card.training:
        parent = line[-1].card.training["parent"]
        try:
            parent_id, sha256 = str(parent["id"]), str(parent["weights_sha256"])
        except (TypeError, KeyError) as error:
            raise ModelError(
                f"The card of model {line[-1].id} does not name its parent by id and "
                "weights_sha256: correct its training."
            ) from error
        if any(ancestor.weights_sha256 == sha256 for ancestor in line):
            raise ModelError(f"The card of model {line[-1].id} names its own descendant as parent.")
        line.append(Ancestor(parent_id, sha256, by_weights.get(sha256)))
    return line
