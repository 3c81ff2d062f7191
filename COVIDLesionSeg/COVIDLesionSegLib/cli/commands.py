"""A command for each job, made from the job's options."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import MISSING, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .. import jobs
from ..engine.errors import ParameterError
from ..engine.options import Option, Options, exposed_options, options_of
from ..engine.progress import CancelToken, Progress
from .exit_codes import exit_codes, option_hint
from .progress_display import progress_display

_SHOWN = {bool: "", float: "NUMBER", int: "NUMBER", Path: "PATH", str: "TEXT"}
"""What help texts call a value of each type; a flag has none."""
Debug = Annotated[bool, typer.Option("--debug", metavar="", help="Show the traceback of an error.")]
_PROGRESS_OPTIONS: dict[str, Any] = {
    "json_progress": Annotated[
        bool,
        typer.Option(
            "--json-progress", metavar="", help="Progress as JSON lines on standard output."
        ),
    ],
    "quiet": Annotated[
        bool, typer.Option("--quiet", "-q", metavar="", help="Print nothing but errors.")
    ],
    "debug": Debug,
}
RESULT_FOLDER_HELP = "Result folder; an earlier result is replaced."

Finish = Callable[[Any, Path, bool], None]
"""Prints a job's result and the absolute path of what it wrote: as one JSON line, or for people."""
Prepare = Callable[[Any, CancelToken], tuple[CancelToken, bool]]


def add_job(
    app: typer.Typer,
    job: str,
    help: str,
    finish: Finish,
    *,
    out_help: str = RESULT_FOLDER_HELP,
    out_default: Any = inspect.Parameter.empty,
    prepare: Prepare | None = None,
) -> None:
    """Add the command that runs a job.

    Args:
        app: Gets the command.
        job: Name of the job in :mod:`~COVIDLesionSegLib.jobs`; the command has ``-`` for ``_``.
        help: What the command does, for people.
        finish: Prints the result; not called where nothing shall be printed.
        out_help: Help of ``--out``.
        out_default: Its default; required where there is none.
        prepare: Gives the token that cancels this process, and whether it may print.
    """
    options_type = jobs.OPTIONS[job]
    exposed = [option for option, _ in exposed_options(options_type)]
    flags = _flags_of(options_type)

    def command(out: Path, json_progress: bool, quiet: bool, debug: bool, **values: Any) -> None:
        options = options_from(options_type, values)
        out = out.expanduser().absolute()
        with exit_codes(debug, flags) as cancel:
            prints = True
            if prepare is not None:
                cancel, prints = prepare(options, cancel)
            json_lines, quiet = json_progress and prints, quiet or not prints
            with progress_display(json_lines, quiet) as progress:
                progress(Progress("Loading the software", 0.0))
                result = getattr(jobs, job)(options, out, progress=progress, cancel=cancel)
            if json_lines or not quiet:
                finish(result, out, json_lines)

    parameters = {
        **{option.name: _parameter(option) for option in exposed if option.info.positional},
        "out": (
            Annotated[Path, typer.Option("--out", "-o", metavar="PATH", help=out_help)],
            out_default,
        ),
        **{option.name: _parameter(option) for option in exposed if not option.info.positional},
        **{name: (annotation, False) for name, annotation in _PROGRESS_OPTIONS.items()},
    }
    # Typer reads a function's signature: this one is made from the job's options.
    command.__annotations__ = {name: annotation for name, (annotation, _) in parameters.items()}
    vars(command)["__signature__"] = inspect.Signature(
        [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
            )
            for name, (annotation, default) in parameters.items()
        ]
    )
    app.command(job.replace("_", "-"), help=help)(command)


def options_from(options_type: type[Options], values: dict[str, Any]) -> Options:
    """The options that a command line names.

    Raises:
        typer.BadParameter: A value is out of range, or two exclude each other: wrong usage.
    """
    own: dict[str, Any] = {}
    for option, place in exposed_options(options_type):
        value = values[option.name]
        if option.info.names_model and not value:
            value = (_default_model(),) if option.many else _default_model()
        if option.many:
            value = tuple(value or ())
        if place:
            own.setdefault(place, {})[option.name] = value
        else:
            own[option.name] = value
    try:
        for one in options_of(options_type):
            if isinstance(own.get(one.name), dict):
                own[one.name] = replace(one.default, **own[one.name])
        return options_type(**own)
    except ParameterError as error:
        hint = option_hint(error, _flags_of(options_type))
        raise typer.BadParameter(f"{error}{hint}") from error


def _flags_of(options_type: type[Options]) -> dict[str, str]:
    """The flag on the command line of every option, by its name."""
    return {option.name: option.flag for option, _ in exposed_options(options_type)}


def _parameter(one: Option) -> tuple[Any, Any]:
    """Annotation and default of an option, as Typer reads them."""
    info = one.info
    kind: Any = Literal[info.choices] if info.choices else one.type
    default = inspect.Parameter.empty if one.default is MISSING else one.default
    if one.many:
        kind = list[kind]
        default = None if default == () else default
    if info.names_model:
        default = None
    if default is None:
        kind = kind | None
    if info.positional:
        return Annotated[kind, typer.Argument(metavar=info.metavar, help=info.help)], default
    flag = f"--{one.flag}"
    if one.type is bool and (one.optional or one.default):
        flag = f"{flag}/--no-{one.flag}"
    low, high = (_bound(bound, one.type) for bound in (info.minimum, info.maximum))
    shown = None if info.choices else _SHOWN[one.type]
    setting = typer.Option(flag, metavar=shown, help=info.help, min=low, max=high)
    return Annotated[kind, setting], default


def _bound(bound: float | None, kind: type) -> float | None:
    """A bound as Typer shows it: None where there is none, a whole number for a whole number."""
    if bound is None or bound == math.inf:
        return None
    return int(bound) if kind is int else bound


def _default_model() -> str:
    from ..engine.models.user_models import default_model

    return default_model()
