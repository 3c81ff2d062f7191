"""The training lineage of a model: the models whose weights its training began with."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import ModelError
from .card import ModelCard
from .catalogue import Catalogue


@dataclass(frozen=True)
class Ancestor:
    """One model of a training lineage.

    Attributes:
        id: Id of the model.
        weights_sha256: Of the weights that were trained further; None if there were none.
        card: Its card; None where the catalogue no longer has that model, or has it with other
            weights.
    """

    id: str
    weights_sha256: str | None
    card: ModelCard | None

    def facts(self) -> list[str]:
        """What is known of its training, one line each: date, data, patients, scores."""
        if self.card is None:
            return ["no longer in the catalogue"]
        training, lines = self.card.training, []
        if isinstance(training.get("date"), str):
            lines.append(f"trained on {training['date']}")
        if "data_fingerprint" in training:
            lines.append(f"data {training['data_fingerprint'][:16]}")
        if patients := self.card.learned_from:
            lines.append(f"trained on {sum(patients.values())} slices of {len(patients)} patients")
        lines += [
            f"Dice {score.value:.4f} on {score.data}"
            for score in self.card.scores
            if score.metric == "Dice"
        ]
        return lines


def parent_facts(card: ModelCard) -> dict[str, str]:
    """How the card of a fine-tuned model names its parent, the model of ``card``.

    Raises:
        ModelError: That model has no trained weights.
    """
    return {"id": card.id, "weights_sha256": card.trained_weights.sha256}


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
    while (last := line[-1].card) is not None and "parent" in last.training:
        parent = last.training["parent"]
        try:
            parent_id, sha256 = str(parent["id"]), str(parent["weights_sha256"])
        except (TypeError, KeyError) as error:
            raise ModelError(
                f"The card of model {last.id} does not name its parent by id and "
                "weights_sha256: correct its training."
            ) from error
        if any(ancestor.weights_sha256 == sha256 for ancestor in line):
            raise ModelError(f"The card of model {last.id} names its own descendant as parent.")
        line.append(Ancestor(parent_id, sha256, by_weights.get(sha256)))
    return line
