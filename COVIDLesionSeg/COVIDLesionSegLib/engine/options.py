"""Typed options: what a job can be told, spelled once for Python, command line and JSON.

A set of options is a frozen dataclass that derives from :class:`Options`. Each field is made by
:func:`option`, which keeps its help text, its range and its choices beside its type and default.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, field, fields
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from .errors import ParameterError

_INFO = "option"
_Set = TypeVar("_Set", bound="Options")


@dataclass(frozen=True)
class OptionInfo:
    """What is known about one option besides its type and default.

    Attributes:
        help: What it does, for people.
        flag: Its name on the command line; by default the field's, with ``-`` for ``_``.
        positional: Given on the command line by its place, as inputs are.
        metavar: What help texts call a positional value.
        choices: Allowed values; empty where any of the type is.
        minimum, maximum: Allowed range, inclusive; any number where there is no minimum.
        shown_as: What stands for the value, a path of the user's, in a recorded command; with
            ``may_be_name`` only where it looks like a path.
        may_be_name: A value without folder and without the ending of a file is a name.
        recorded: Whether it decides the result, and so belongs in a recorded command.
        names_model: Whether surfaces put the user's default model in place of a missing value.
        exposed: Of a nested set of options: those that can be set; empty for all.
    """

    help: str = ""
    flag: str | None = None
    positional: bool = False
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float = math.inf
    shown_as: str | None = None
    may_be_name: bool = False
    recorded: bool = True
    names_model: bool = False
    exposed: tuple[str, ...] = ()


def option(help: str, default: Any = MISSING, **info: Any) -> Any:
    """A dataclass field with an :class:`OptionInfo`; without ``default`` it must be given."""
    return field(default=default, metadata={_INFO: OptionInfo(help, **info)})


def nested(default: Options, *exposed: str) -> Any:
    """A field that holds another set of options, of which ``exposed`` can be set."""
    return field(default=default, metadata={_INFO: OptionInfo(exposed=exposed)})


@dataclass(frozen=True)
class Option:
    """One option of a set, with its type resolved.

    Attributes:
        name: The field's name.
        type: Without ``None`` and without ``tuple``: ``Path`` for ``tuple[Path, ...] | None``.
        many: Whether it holds several values.
        optional: Whether it may be None.
        default: Its value where it is not given; ``dataclasses.MISSING`` where it must be.
        info: The rest.
    """

    name: str
    type: type
    many: bool
    optional: bool
    default: Any
    info: OptionInfo

    @property
    def flag(self) -> str:
        """Its name on the command line, without dashes in front."""
        return self.info.flag or self.name.replace("_", "-")


@dataclass(frozen=True)
class Options:
    """Base of all sets of options; checks types and ranges, and turns strings into paths."""

    def __post_init__(self) -> None:
        for option in options_of(type(self)):
            value = getattr(self, option.name)
            if option.many:
                if not isinstance(value, (list, tuple)):
                    raise ParameterError(f"{option.name} must be a list.")
                value = tuple(_checked(part, option) for part in value)
            elif not (value is None and option.optional):
                value = _checked(value, option)
            object.__setattr__(self, option.name, value)

    def to_dict(self) -> dict[str, Any]:
        """All options as plain values, ready for JSON."""
        return {
            option.name: _plain(getattr(self, option.name)) for option in options_of(type(self))
        }

    @classmethod
    def from_dict(cls: type[_Set], values: dict[str, Any]) -> _Set:
        """The inverse of :meth:`to_dict`.

        Raises:
            ParameterError: A name is unknown, a value is missing, or one is out of range.
        """
        known = {option.name: option for option in options_of(cls)}
        if unknown := sorted(set(values) - set(known)):
            raise ParameterError(f"Unknown parameter: {', '.join(unknown)}.")
        missing = [n for n, one in known.items() if one.default is MISSING and n not in values]
        if missing:
            raise ParameterError(f"{missing[0]} is missing.")
        return cls(**{name: _from_plain(value, known[name]) for name, value in values.items()})


def options_of(cls: type[Options]) -> tuple[Option, ...]:
    """The options of a set, in the order of their definition."""
    hints = get_type_hints(cls)
    return tuple(_resolved(field_, hints[field_.name]) for field_ in fields(cls))


def exposed_options(cls: type[Options]) -> Iterator[tuple[Option, str | None]]:
    """Every option that can be set, each with the field it is nested in or None.

    The defaults of nested options are those of the set that holds them.
    """
    for option in options_of(cls):
        if not issubclass(option.type, Options):
            yield option, None
            continue
        for inner in options_of(option.type):
            if not option.info.exposed or inner.name in option.info.exposed:
                default = getattr(option.default, inner.name)
                yield Option(**{**vars(inner), "default": default}), option.name


def recorded_command(words: str, options: Options) -> str:
    """The command that makes the same again, with names in place of the user's paths.

    Options at their defaults are left out.

    Args:
        words: The program and its command.
        options: What it was told.
    """
    parts = words.split()
    for option, place in exposed_options(type(options)):
        value = getattr(getattr(options, place) if place else options, option.name)
        if not option.info.recorded or value is None or value == option.default:
            continue
        for part in value if option.many else (value,):
            shown = _shown(part, option.info)
            if option.info.positional:
                parts.append(shown)
            elif isinstance(part, bool):
                parts.append(f"--{'' if part else 'no-'}{option.flag}")
            else:
                parts += [f"--{option.flag}", shown]
    return shlex.join(parts)


def _shown(value: Any, info: OptionInfo) -> str:
    """A value in a recorded command."""
    is_name = info.may_be_name and not any(sign in str(value) for sign in "./\\")
    return str(value) if info.shown_as is None or is_name else info.shown_as


def _resolved(one: Field[Any], hint: Any) -> Option:
    info = one.metadata.get(_INFO)
    if info is None:
        raise TypeError(f"{one.name} is not made by option().")
    optional = get_origin(hint) is UnionType and NoneType in get_args(hint)
    if optional:
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    many = get_origin(hint) is tuple
    return Option(one.name, get_args(hint)[0] if many else hint, many, optional, one.default, info)


def _checked(value: Any, one: Option) -> Any:
    info = one.info
    if one.type is Path and isinstance(value, (str, Path)):
        return Path(value).expanduser()
    is_bool = isinstance(value, bool)
    if one.type is float and isinstance(value, Real) and not is_bool:
        value = float(value)
    if one.type is int and isinstance(value, Integral) and not is_bool:
        value = int(value)  # NumPy's numbers are welcome, but JSON does not know them
    if info.choices and value not in info.choices:
        allowed = ", ".join(info.choices)
        raise ParameterError(f"{one.name} is {value!r}, but must be one of: {allowed}.")
    kind: Any = one.type  # or the type checker takes the value for an object without a size
    # Python counts bool among the whole numbers.
    if not isinstance(value, kind) or (is_bool and one.type is not bool):
        kind = _KINDS.get(one.type, one.type.__name__)
        raise ParameterError(f"{one.name} is {value!r}, but must be {kind}.")
    if one.type is float and not math.isfinite(value):
        raise ParameterError(f"{one.name} is {value!r}, but must be a finite number.")
    low, high = info.minimum, info.maximum
    if low is not None and not low <= value <= high:
        bounds = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        raise ParameterError(f"{one.name} is {value!r}, but must be {bounds}.")
    return value


_KINDS: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Path: "a path",
}


def _from_plain(value: Any, one: Option) -> Any:
    """A value as JSON holds it, as the option holds it."""
    if issubclass(one.type, Options) and isinstance(value, dict):
        return one.type.from_dict(value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Options):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Path) else value
