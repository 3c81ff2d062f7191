"""Every model a user can select: cards that ship with the software, then the user's own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError
from .card import ModelCard

PACKAGED_FOLDER = Path(__file__).parent / "packaged"
USER_FOLDER_VARIABLE = "COVIDLESIONSEG_MODELS"


def user_folder() -> Path:
    """Where the user's own models live: ``$COVIDLESIONSEG_MODELS`` or a folder in their home."""
    chosen = os.environ.get(USER_FOLDER_VARIABLE)
    return Path(chosen) if chosen else Path.home() / ".covid-lesion-seg" / "models"


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
    """All models that can be read, packaged ones first.

    Attributes:
        models: Ids are unique.
        problems: One sentence for each card of the user's that had to be left out.
    """

    models: tuple[Model, ...]
    problems: tuple[str, ...] = ()

    def get(self, model_id: str) -> Model:
        """The model called ``model_id``; raises ModelError naming those there are."""
        for model in self.models:
            if model.id == model_id:
                return model
        known = ", ".join(model.id for model in self.models)
        left_out = "".join(f" {problem}" for problem in self.problems)
        raise ModelError(f"There is no model {model_id!r}; choose one of: {known}.{left_out}")


def load_catalogue() -> Catalogue:
    """Read every card ``*.json`` of the packaged and the user's model folder.

    A damaged card of the user's, or one whose id is taken, is left out and named among the
    problems: it must not keep anybody from the other models.

    Raises:
        ModelError: A packaged card is damaged: the installation is.
    """
    models = {model.id: model for model in map(read_model, _cards(PACKAGED_FOLDER))}
    problems = []
    for path in _cards(user_folder()):
        try:
            model = read_model(path)
        except ModelError as error:
            problems.append(str(error))
            continue
        if model.id in models:
            problems.append(
                f"Two model cards are called {model.id!r}: change the id inside {path.name}, or "
                "remove that file."
            )
            continue
        models[model.id] = model
    return Catalogue(tuple(models.values()), tuple(problems))


def _cards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda card: card.stem)


def read_model(card_path: Path) -> Model:
    """Read one card; raises ModelError when it cannot be read or understood."""
    try:
        values = json.loads(card_path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"The model card {card_path.name} cannot be read: {error}.") from error
    try:
        return Model(ModelCard.from_dict(values), card_path.parent)
    except ModelError as error:
        raise ModelError(f"{card_path.name}: {error}") from error
