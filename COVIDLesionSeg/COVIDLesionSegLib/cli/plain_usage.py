"""Typer's commands, whose usage errors and help are in this software's own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

_BEGINNINGS = {"Value error, ": "", "Input should be": "it must be"}
"""Of what the library that checks values says."""


_Function = TypeVar("_Function", bound=Callable[..., Any])


class _Plain:
    """Errors without the words of the library that checks values; ``--help`` without a type."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            parsed: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
            return parsed
        except typer.BadParameter as error:
            error.message = plain_sentence(error.message)
            raise

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.metavar = ""
        return option


class _PlainCommand(_Plain, TyperCommand):
    pass


class PlainGroup(_Plain, TyperGroup):
    """A group of commands; give it to :class:`Commands` as ``cls``."""


class Commands(typer.Typer):
    """An application or a group, all of whose commands speak plainly."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[_Function], _Function]:
        return super().command(name, cls=_PlainCommand, **settings)


def plain_sentence(text: str) -> str:
    """What is wrong with a value, for people: ``it must be a valid number``."""
    for beginning, plain in _BEGINNINGS.items():
        if text.startswith(beginning):
            text = plain + text.removeprefix(beginning)
    return text.split(", unable to parse")[0]
