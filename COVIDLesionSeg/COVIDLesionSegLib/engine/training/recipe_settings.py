"""Values of a recipe that a user sets: by name, or by a file; every one checked."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from reprlib import repr as shown  # short, whatever a file holds
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from ..errors import ModelError, ParameterError
from ..losses import build_loss, loss_names
from ..models.card import SLICE_CLASSES, ModelCard
from ..models.json_file import parse_json, read_json
from ..networks import build_network, has_dropout, network_arguments
from ..text import near_names
from .augmentation import Augmentation
from .members import Members
from .recipe import Recipe
from .recipes import make_recipe, recipe_names

OF_THE_MODEL = ("network", "task", "classes", "channels")
"""Values that follow from the model whose network is trained."""

_TAKEN_AWAY: dict[str, Any] = {"augmentation": Augmentation(), "members": Members()}
"""Nested values that ``null`` takes away."""

_WINDOWS = ("window_low_hu", "window_high_hu")

_Value = TypeVar("_Value")


def choose_recipe(
    card: ModelCard,
    *,
    fine_tune: bool = False,
    recipe: str | None = None,
    settings: Sequence[tuple[str, Any]] = (),
) -> Recipe:
    """The recipe that trains the network of ``card``, as the user wants it.

    Args:
        card: Of the model whose network is trained.
        fine_tune: Start from the model's weights.
        recipe: Name of a recipe of this software, or a JSON file, see :func:`read_recipe_file`;
            None for the network's own.
        settings: Names, dotted for nested values, and values; see :func:`change_recipe`.

    Raises:
        ModelError: No recipe trains this network for this task.
        ParameterError: A recipe or value is unknown, of the wrong kind, or out of range.
    """
    if recipe is None or recipe in recipe_names():
        made = make_recipe(card, fine_tune=fine_tune, name=recipe)
    else:
        values = read_recipe_file(Path(recipe).expanduser())
        made = make_recipe(card, fine_tune=fine_tune)
        for name in OF_THE_MODEL:
            own = getattr(made, name)
            value = values.pop(name, own)
            if value not in (own, list(own)):
                raise ParameterError(
                    f"The recipe's {name} is {shown(value)}, but model {card.id} has {shown(own)}: "
                    "choose the model that the recipe is for, or leave these values out: "
                    f"{', '.join(OF_THE_MODEL)}."
                )
        made = change_recipe(made, [*values.items()])
    changed = change_recipe(made, settings)
    own_arguments = {k: v for k, v in changed.network_arguments.items() if k != "dropout"}
    if fine_tune and own_arguments != {k: v for k, v in card.arguments.items() if k != "dropout"}:
        raise ParameterError(
            "Fine-tuning keeps the layers of the model that it starts from: of network_arguments "
            "only dropout can be set."
        )
    if fine_tune and changed.preprocessing != card.preprocessing:
        raise ParameterError(
            f"Fine-tuning keeps the preprocessing of model {card.id}, whose weights know no other "
            "input: leave preprocessing out."
        )
    # A file may be of a training that started otherwise.
    return dataclasses.replace(changed, start="random") if fine_tune else changed


def read_recipe_file(path: Path) -> dict[str, Any]:
    """Values of a recipe in a JSON file.

    It may be an object of values, all or some; the ``training.json`` of a training; or the card of
    a trained model, whose recipe is then used again.

    Raises:
        ParameterError: It cannot be read, or is no such file.
    """
    known = f"give a JSON file, or the name of a recipe: {', '.join(recipe_names())}."
    try:
        content = read_json(path)
    except OSError as error:
        raise ParameterError(
            f"The recipe {path.name} cannot be read ({error.strerror}): {known}", option="recipe"
        ) from error
    except ValueError as error:
        raise ParameterError(
            f"The recipe {path.name} is not understood, as {error}: {known}", option="recipe"
        ) from error
    if isinstance(content, dict) and isinstance(content.get("training"), dict):
        content = content["training"]
    if isinstance(content, dict) and isinstance(content.get("recipe"), dict):
        content = content["recipe"]
    if not isinstance(content, dict):
        raise ParameterError(
            f"The recipe {path.name} holds no JSON object of values: {known}", option="recipe"
        )
    return content


def parse_setting(text: str) -> tuple[str, Any]:
    """Name and value of ``NAME=VALUE``; the value is JSON, or else text.

    Raises:
        ParameterError: There is no name or no ``=``.
    """
    name, sign, value = text.partition("=")
    if not name.strip() or not sign:
        raise ParameterError(f"{text!r} sets nothing: write NAME=VALUE, as in batch_size=8.")
    try:
        return name.strip(), parse_json(value.strip().encode())
    except ValueError:
        return name.strip(), value.strip()


def change_recipe(recipe: Recipe, settings: Sequence[tuple[str, Any]]) -> Recipe:
    """A recipe with other values.

    Another ``loss`` begins with its own arguments; ``steps`` take the place of ``epochs``, and the
    other way round. A ``learning_rate`` or ``network_arguments.dropout`` takes the place of the
    range in ``members``, unless that is named, too. Of nested values those that are named change:
    an object for ``augmentation``, ``members`` or ``preprocessing`` leaves the others as they are,
    and null for one of the first two takes all of it away.

    Args:
        recipe: Is not changed.
        settings: Names, dotted for nested values such as ``augmentation.scale`` or
            ``loss_arguments.gamma``, and values as JSON has them.

    Raises:
        ParameterError: A name is unknown or named twice, or a value is of the wrong kind, out of
            range, or contradicts another.
    """
    names = [name for name, _ in settings]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ParameterError(f"The recipe's {twice[0]} is set twice: give one value.")
    values = dict(settings)
    if "loss" in values and values["loss"] != recipe.loss:
        recipe = dataclasses.replace(recipe, loss_arguments={})
    for name, other in (("steps", "epochs"), ("epochs", "steps")):
        if values.get(name) is not None:
            values.setdefault(other, None)
    for name, of_members in (("learning_rate",) * 2, ("network_arguments.dropout", "dropout")):
        if _names(values, name) and not _names(values, f"members.{of_members}"):
            values[f"members.{of_members}"] = None
    try:
        changed = _changed(recipe, values, "")
    except ModelError as error:  # of the preprocessing, which cards have as well
        raise ParameterError(str(error).replace("The model's", "The recipe's")) from error
    _check_fitting(recipe, changed)
    return changed


def _names(values: Mapping[str, Any], dotted: str) -> bool:
    """Whether a value is named, by itself or within the whole that it is a part of."""
    whole, _, part = dotted.partition(".")
    if not part or whole not in values:
        return dotted in values
    return values[whole] is None or (isinstance(values[whole], dict) and part in values[whole])


def _unused_augmentation(recipe: Recipe) -> set[str]:
    """Values of the augmentation that the recipe's samples are not changed by."""
    of_classes = recipe.task in ("instances", SLICE_CLASSES)
    unused: set[str] = set()
    if of_classes or recipe.sampling == "patches":
        unused |= {"quarter_turns", "margin", "crop_margin", "circle"}
    if recipe.sampling == "slices":
        unused |= {"scale"} if of_classes else {"scale", *_WINDOWS}
    return unused


def _check_augmentation(before: Augmentation, recipe: Recipe) -> None:
    """Make sure that the augmentation changes samples as it says."""
    window, augmentation = recipe.preprocessing.window_hu, recipe.augmentation
    unused = _unused_augmentation(recipe)
    for name in sorted(unused):
        value = getattr(augmentation, name)
        if value not in (getattr(before, name), getattr(Augmentation(), name)):
            raise ParameterError(
                f"The recipe's augmentation.{name} changes nothing where a network learns "
                f"{recipe.task} from {recipe.sampling}: leave it out."
            )
    if unused.isdisjoint(_WINDOWS) and not augmentation.fits_window(window):
        lows, highs = map(json.dumps, (augmentation.window_low_hu, augmentation.window_high_hu))
        raise ParameterError(
            f"The recipe's preprocessing.window_hu is {json.dumps(window)}, but windows are drawn "
            f"from augmentation.window_low_hu, {lows}, and window_high_hu, {highs}: set these to "
            "ranges around its two ends, the first all below the second, or to null."
        )


def _check_fitting(before: Recipe, recipe: Recipe) -> None:
    """Make sure that the values that were set make sense, and fit each other."""
    for name in ("learning_rate", "plateau_factor"):
        if not 0 < getattr(recipe, name) < 1:
            raise ParameterError(
                f"The recipe's {name} is {getattr(recipe, name)}, but must be a number between 0 "
                "and 1."
            )
    build_loss(recipe.loss, recipe.loss_arguments)
    fitting = loss_names(len(recipe.channels))
    if recipe.loss != before.loss and recipe.loss not in fitting:
        raise ParameterError(
            f"The loss {recipe.loss} does not fit a network of {len(recipe.channels)} output "
            f"channels, {', '.join(recipe.channels)}: choose one of {', '.join(fitting)}."
        )
    _check_augmentation(before.augmentation, recipe)
    if recipe.members.dropout is not None and not has_dropout(recipe.network):
        raise ParameterError(
            f"The network {recipe.network} has no dropout, so set no members.dropout."
        )
    if recipe.network_arguments != before.network_arguments:
        known = network_arguments(recipe.network)
        for name in recipe.network_arguments:
            if known is not None and name not in known:
                raise ParameterError(
                    f"The network {recipe.network} has no argument {name!r}: "
                    + (near_names(name, known) if known else "it has none.")
                )
        try:
            build_network(recipe.network, recipe.network_arguments)
        except ModelError as error:
            raise ParameterError(str(error)) from error


def _changed(current: _Value, values: Mapping[str, Any], inside: str) -> _Value:
    """A copy of a dataclass with some values changed, which may be nested by dotted names."""
    known: dict[str, Any] = get_type_hints(type(current))
    new: dict[str, Any] = {}
    for dotted, value in values.items():
        name, _, rest = dotted.partition(".")
        if name in OF_THE_MODEL and not inside:
            raise ParameterError(
                f"The recipe's {name} follows from the model whose network is trained: choose "
                "another model instead.",
                option="network",
            )
        if name not in known:
            raise ParameterError(
                f"There is no recipe value {inside + name!r}: "
                f"{near_names(inside + name, (inside + name for name in known))}"
            )
        now: Any = new.get(name, getattr(current, name))
        if dataclasses.is_dataclass(now):
            if value is None and not rest and name in _TAKEN_AWAY:
                new[name] = _TAKEN_AWAY[name]
                continue
            if not rest and not isinstance(value, dict):
                raise _wrong(inside + name, value, "a JSON object of its values")
            new[name] = _changed(now, {rest: value} if rest else value, f"{inside}{name}.")
        elif rest and isinstance(now, dict):
            of_all = get_args(known[name])[1]
            new[name] = now | {rest: _typed(value, of_all, inside + dotted)}
        elif rest:
            raise ParameterError(f"The recipe's {inside}{name} is a single value, without {rest}.")
        else:
            new[name] = _typed(value, known[name], inside + name)
    return dataclasses.replace(current, **new)  # type: ignore[type-var]


def _typed(value: Any, hint: Any, name: str) -> Any:
    """A value of JSON as the recipe holds it."""
    choices = [part for part in get_args(hint) if part is not NoneType]
    if NoneType in get_args(hint):
        return None if value is None else _typed(value, choices[0], name)
    if get_origin(hint) is tuple:
        many = choices[-1] is Ellipsis
        kind = _PLURALS[choices[0]]
        if not isinstance(value, (list, tuple)) or (not many and len(value) != len(choices)):
            wanted = f"a list of {kind}" if many else f"a list of {len(choices)} {kind}"
            raise _wrong(name, value, wanted)
        return tuple(_typed(part, choices[0], name) for part in value)
    if get_origin(hint) is dict:
        if not isinstance(value, dict):
            raise _wrong(name, value, "a JSON object")
        return {key: _typed(part, choices[1], f"{name}.{key}") for key, part in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # Python counts bool among the whole numbers.
    if hint is not Any and (
        not isinstance(value, hint) or (isinstance(value, bool) > (hint is bool))
    ):
        raise _wrong(name, value, _KINDS[hint])
    return value


def _wrong(name: str, value: Any, wanted: str) -> ParameterError:
    return ParameterError(f"The recipe's {name} is {shown(value)}, but must be {wanted}.")


_KINDS: dict[Any, str] = {
    bool: "true or false",
    float: "a number",
    int: "a whole number",
    str: "text",
}
_PLURALS: dict[Any, str] = {float: "numbers", int: "whole numbers", str: "texts"}
