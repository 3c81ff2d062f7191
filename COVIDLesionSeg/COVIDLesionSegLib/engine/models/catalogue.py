"""Every model and ensemble a user can select: those that ship, then the user's own models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelError
from .card import ModelCard
from .ensembles import Ensemble, read_ensembles
from .promotion import read_promotions
from .user_folder import user_folder

PACKAGED_FOLDER = Path(__file__).parent / "packaged"


@dataclass(frozen=True)
class Model:
    """A card and the folder it was found in."""

    card: ModelCard
    folder: Path

    @property
    def id(self) -> str:
        return self.card.id

    @property
    def title(self) -> str:
        return self.card.title

    @property
    def weights_path(self) -> Path | None:
        """Path of the weights file, or None for a network without trained weights."""
        return self.folder / self.card.weights.file if self.card.weights else None

    @property
    def weights_present(self) -> bool:
        path = self.weights_path
        return path is not None and path.is_file()


@dataclass(frozen=True)
class Catalogue:
    """All models that can be read, trained ones first, and the ensembles that ship.

    Attributes:
        models: Ids are unique, among the ensembles, too.
        problems: One sentence for each card of the user's that had to be left out, and for a
            damaged list of promotions.
    """

    models: tuple[Model, ...]
    problems: tuple[str, ...] = ()
    ensembles: tuple[Ensemble, ...] = ()

    def get(self, model_id: str) -> Model:
        """The model called ``model_id``; raises ModelError naming those there are."""
        if ensemble := self.ensemble(model_id):
            raise ModelError(
                f"{model_id} is an ensemble, and this takes a single model: name one of its "
                f"members, {', '.join(ensemble.members)}."
            )
        for model in self.models:
            if model.id == model_id:
                return model
        known = ", ".join(model.id for model in self.models)
        left_out = "".join(f" {problem}" for problem in self.problems)
        raise ModelError(f"There is no model {model_id!r}; choose one of: {known}.{left_out}")

    def ensemble(self, name: str) -> Ensemble | None:
        """The ensemble of this id, if it is one's."""
        return next((one for one in self.ensembles if one.id == name), None)

    def expand(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        """The same ids, those of ensembles replaced by their members'; each only once."""
        expanded: dict[str, None] = {}
        for name in ids:
            ensemble = self.ensemble(name)
            expanded |= dict.fromkeys(ensemble.members if ensemble else (name,))
        return tuple(expanded)

    def members(self, ids: tuple[str, ...]) -> tuple[Model, ...]:
        """The lesion models of these ids, one or those of an ensemble.

        Raises:
            ModelError: There is no such model, it finds lungs, or the models tell other classes.
        """
        found = tuple(self.get(model_id) for model_id in self.expand(ids))
        for model in found:
            if model.card.task != "lesions":
                raise ModelError(
                    f"Model {model.id} finds {model.card.task}, not lesions: choose it for the "
                    "lungs, and another model for the lesions."
                )
            if model.card.classes != found[0].card.classes:
                raise ModelError(
                    f"Models {found[0].id} and {model.id} cannot vote together: one tells "
                    f"{', '.join(found[0].card.classes)}, the other "
                    f"{', '.join(model.card.classes)}."
                )
        return found


def load_catalogue() -> Catalogue:
    """Read every card in the ``*.json`` files of the packaged and the user's model folder.

    Trained models come first, then networks without weights, each in the order of their files. A
    damaged file of the user's, or a card whose id is taken, is left out and named among the
    problems: it must not keep anybody from the other models.

    Raises:
        ModelError: A packaged card is damaged: the installation is.
    """
    ensembles = read_ensembles()
    taken = {ensemble.id for ensemble in ensembles}
    models: dict[str, Model] = {}
    for path in _files(PACKAGED_FOLDER):
        models |= {model.id: model for model in read_models(path)}
    problems = []
    for path in _files(user_folder()):
        try:
            found = read_models(path)
        except ModelError as error:
            problems.append(str(error))
            continue
        for model in found:
            if model.id in models or model.id in taken:
                problems.append(
                    f"Two model cards are called {model.id!r}: change the id inside {path.name}, "
                    "or remove that file."
                )
            else:
                models[model.id] = model
    try:
        read_promotions()
    except ModelError as error:
        problems.append(str(error))
    ordered = sorted(models.values(), key=lambda model: model.card.weights is None)
    return Catalogue(tuple(ordered), tuple(problems), ensembles)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda card: card.stem)


def read_models(path: Path) -> list[Model]:
    """Read a file of one card, or of a family of cards.

    A family is ``{"shared": {...}, "models": [{...}, ...]}``: each of its cards is what they share,
    and over that its own fields.

    Raises:
        ModelError: The file, or one of its cards, cannot be read or understood.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"The model card {path.name} cannot be read: {error}.") from error
    try:
        return [Model(ModelCard.from_dict(values), path.parent) for values in _cards(content)]
    except ModelError as error:
        raise ModelError(f"{path.name}: {error}") from error


def _cards(content: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(content, dict):
        raise ModelError("A model card is a JSON object, and this file holds none.")
    if "models" not in content:
        yield content
        return
    shared, models = content.get("shared", {}), content["models"]
    if set(content) - {"shared", "models"} or not isinstance(models, list):
        raise ModelError("A family of model cards has the fields 'shared' and 'models' only.")
    for values in models:
        if not isinstance(shared, dict) or not isinstance(values, dict):
            raise ModelError("The cards of a family, and what they share, are JSON objects.")
        yield {**shared, **values}
