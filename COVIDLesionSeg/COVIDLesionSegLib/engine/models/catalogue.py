"""Every model and ensemble that can be selected: those that ship, then the user's own models."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

from ..errors import ModelError
from ..parameters import LUNG_METHODS, NO_CLASSIFIER, NO_OPINION, Parameters
from ..text import printable, similar_names
from .card import SLICE_CLASSES, ModelCard, Score
from .card_json import read_cards
from .downloads_folder import downloaded_weights
from .user_models import read_promotions, user_folder, warn_once

PACKAGED_FOLDER = Path(__file__).parent / "packaged"
_ENSEMBLES = Path(__file__).parent / "ensembles.json"
_LONGEST_ID = 64


class WeightsPlace(Enum):
    """Where the weights of a model are."""

    PACKAGED = "packaged"
    OWN = "own"
    DOWNLOADED = "downloaded"
    MISSING = "missing"
    NOT_TRAINED = "not trained"


@dataclass(frozen=True)
class Model:
    """A card and the folder it was found in."""

    card: ModelCard
    folder: Path

    @property
    def id(self) -> str:
        """The card's id."""
        return self.card.id

    @property
    def title(self) -> str:
        """The card's title."""
        return self.card.title

    @property
    def weights_path(self) -> Path | None:
        """Path of the weights file, or None for a network without trained weights.

        It is beside the card, or among the downloads where it is not there.
        """
        if self.card.weights is None:
            return None
        beside = self.folder / self.card.weights.file
        downloaded = downloaded_weights(self.card.weights.sha256)
        return downloaded if downloaded.is_file() and not beside.is_file() else beside

    @property
    def weights_present(self) -> bool:
        """Whether there is a weights file; it is verified when it is loaded."""
        path = self.weights_path
        return path is not None and path.is_file()

    @property
    def place(self) -> WeightsPlace:
        """Where the weights are."""
        path = self.weights_path
        if path is None:
            return WeightsPlace.NOT_TRAINED
        if not path.is_file():
            return WeightsPlace.MISSING
        if path.parent == PACKAGED_FOLDER:
            return WeightsPlace.PACKAGED
        return WeightsPlace.OWN if path.parent == self.folder else WeightsPlace.DOWNLOADED


@dataclass(frozen=True)
class Ensemble:
    """Models that vote together under one name.

    Attributes:
        id: Stands for the members wherever several models can be named.
        title: Name for people.
        members: Ids of packaged models of the same classes.
        scores: Measured scores of the ensemble.
        notes: What else users should know.
    """

    id: str
    title: str
    members: tuple[str, ...]
    scores: tuple[Score, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """All models that can be read, trained ones first, and the ensembles that ship.

    Attributes:
        models: Each with an id of its own, which is no ensemble's either.
        problems: One sentence for each file of the user's that had to be left out, and for a
            damaged list of promotions.
        ensembles: Those that ship.
    """

    models: tuple[Model, ...]
    problems: tuple[str, ...] = ()
    ensembles: tuple[Ensemble, ...] = ()

    def get(self, model_id: str) -> Model:
        """The model of this id.

        Raises:
            ModelError: There is none; the message names similar ids, and what was left out. Or it
                is the id of an ensemble.
        """
        if ensemble := self.ensemble(model_id):
            raise ModelError(
                f"{model_id} is an ensemble, and a single model is needed here: name one of its "
                f"members, {', '.join(ensemble.members)}."
            )
        for model in self.models:
            if model.id == model_id:
                return model
        raise ModelError(self._unknown(model_id))

    def ensemble(self, name: str) -> Ensemble | None:
        """The ensemble of this id, or None if it is no ensemble's."""
        return next((ensemble for ensemble in self.ensembles if ensemble.id == name), None)

    def is_taken(self, model_id: str) -> bool:
        """Whether a model or ensemble has this id, or one that differs by capital letters only.

        Ids name files, and many file systems do not tell capital letters from small ones.
        """
        return model_id.casefold() in {id_.casefold() for id_ in self._ids()}

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
            ModelError: There is no such model, it finds something else, or the models have other
                classes.
        """
        found = tuple(self.get(model_id) for model_id in self.expand(ids))
        for model in found:
            if model.card.task == SLICE_CLASSES:
                raise ModelError(
                    f"Model {model.id} tells infected from clean slices and finds no lesions: "
                    "choose it as slice classifier, and another model for the lesions."
                )
            if model.card.finds_instances:
                raise ModelError(
                    f"Model {model.id} finds instances, not lesions as a whole: use it to detect, "
                    "and another model to segment."
                )
            if model.card.task != "lesions":
                raise ModelError(
                    f"Model {model.id} finds {model.card.task}, not lesions: choose it for the "
                    "lungs, and another model for the lesions."
                )
            if model.card.classes != found[0].card.classes:
                raise ModelError(
                    f"Models {found[0].id} and {model.id} cannot vote together, for their classes "
                    f"differ: {', '.join(found[0].card.classes)}; and "
                    f"{', '.join(model.card.classes)}."
                )
        return found

    def models_of(self, parameters: Parameters) -> tuple[Model, ...]:
        """Every model that a run uses, each once; whether they can be used together is not asked.

        The one that gives a second opinion is among them where its weights are there, for a run
        goes on without it.

        Raises:
            ModelError: There is no such model.
        """
        ids = [*self.expand(parameters.members)]
        if parameters.lungs not in LUNG_METHODS:
            ids.append(parameters.lungs)
        if parameters.slice_classifier != NO_CLASSIFIER:
            ids.append(parameters.slice_classifier)
        models = [self.get(model_id) for model_id in ids]
        if parameters.second_opinion != NO_OPINION:
            opinion = self.get(parameters.second_opinion)
            models += [opinion] if opinion.weights_present else []
        return tuple({model.id: model for model in models}.values())

    def _ids(self) -> list[str]:
        return [*(ensemble.id for ensemble in self.ensembles), *(model.id for model in self.models)]

    def _unknown(self, model_id: str) -> str:
        similar = similar_names(model_id[:_LONGEST_ID], self._ids())
        trained = [ensemble.id for ensemble in self.ensembles]
        trained += [model.id for model in self.models if model.card.weights]
        sentence = f"There is no model {printable(repr(model_id[:_LONGEST_ID]))}"
        if similar:
            sentence += f"; did you mean {_either(similar)}?"
        else:
            sentence += " or one with a similar id."
        sentence += f" Trained models: {', '.join(trained)}."
        return " ".join([sentence, *self.problems])


def load_catalogue() -> Catalogue:
    """Read every card in the ``*.json`` files of the packaged and the user's model folder.

    Trained models come first, then networks without weights, each in the order of their files. A
    damaged file of the user's, or a card whose id is taken, is left out and named among the
    problems and in the log: it must not keep anybody from the other models. Weights are not read.

    Raises:
        ModelError: A packaged card is damaged: the installation is.
    """
    ensembles = _read_ensembles()
    taken = {ensemble.id for ensemble in ensembles}
    models: dict[str, Model] = {}
    for path in _files(PACKAGED_FOLDER):
        models |= {model.id: model for model in _read_unless_known(path)}
    problems = []
    for path in _files(user_folder()):
        try:
            found = _read_unless_known(path)
        except ModelError as error:
            problems.append(str(error))
            continue
        for model in found:
            if model.id in models or model.id in taken:
                problems.append(
                    f"Two model cards are called {model.id!r}: change the id inside "
                    f"{printable(path.name)}, or remove that file."
                )
            else:
                models[model.id] = model
    try:
        promoted = [promotion["model"] for promotion in read_promotions()]
    except ModelError as error:
        problems.append(str(error))
    else:
        if promoted and promoted[-1] not in models:
            problems.append(
                f"The default model {promoted[-1]} is not among the models: promote another one, "
                "or roll that promotion back."
            )
    for problem in problems:
        warn_once(problem)
    ordered = sorted(models.values(), key=lambda model: model.card.weights is None)
    return Catalogue(tuple(ordered), tuple(problems), ensembles)


def check_models(ids: Iterable[str]) -> None:
    """Make sure that these lesion models and ensembles exist and can be used together.

    Reads cards only, in milliseconds: call it before a CT is read.

    Raises:
        ModelError: As for :meth:`Catalogue.members`; a misspelt id is answered by similar ones.
    """
    load_catalogue().members(tuple(ids))


def check_trained(ids: Iterable[str]) -> None:
    """The same, and that all of them have weights, or can download them.

    Raises:
        ModelError: As for :func:`check_models`, or one is not trained.
    """
    for model in load_catalogue().members(tuple(ids)):
        if model.card.weights is None:
            raise not_trained(model.id)


def not_trained(model_id: str) -> ModelError:
    """The error for a network without weights."""
    return ModelError(
        f"Model {model_id} has no trained weights yet: choose another model, train this one, or "
        "allow untrained networks if its results do not matter.",
        option="allow_untrained",
    )


def read_models(path: Path) -> list[Model]:
    """The models of a file of one card, or of a family; raises as ``read_cards`` does."""
    return [Model(card, path.parent) for card in read_cards(path)]


def _read_unless_known(path: Path) -> tuple[Model, ...]:
    """As :func:`read_models`, but a file that has not changed is read once in a process."""
    try:
        state = path.stat()
    except OSError as error:
        raise ModelError(
            f"The model card {printable(path.name)} cannot be read: {error.strerror}."
        ) from error
    return _read_once(path, state.st_mtime_ns, state.st_size, state.st_ino)


@lru_cache(maxsize=256)
def _read_once(path: Path, *_state: int) -> tuple[Model, ...]:
    return tuple(read_models(path))


def _either(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _read_ensembles() -> tuple[Ensemble, ...]:
    return tuple(
        Ensemble(
            values["id"],
            values["title"],
            tuple(values["members"]),
            tuple(Score(**score) for score in values["scores"]),
            tuple(values["notes"]),
        )
        for values in json.loads(_ENSEMBLES.read_text(encoding="utf-8"))
    )


def _files(folder: Path) -> list[Path]:
    cards = (path for path in folder.glob("*.json") if path.is_file())
    return sorted(cards, key=lambda card: card.stem)
