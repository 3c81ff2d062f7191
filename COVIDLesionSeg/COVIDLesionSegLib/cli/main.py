"""The command line application ``covid-lesion-seg``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .. import RESEARCH_USE_NOTICE, __version__
from .demo_command import demo
from .enhance_command import enhance
from .evaluate_command import evaluate
from .explain_command import explain
from .models_command import models
from .outcome import CANCELLED
from .pseudo_label_command import pseudo_label
from .registry_command import registry
from .segment_command import segment
from .self_learn_command import self_learn
from .synthesize_command import synthesize
from .train_command import train

app = typer.Typer(
    help=f"Lungs, COVID-19 lesions and severity from a chest CT.\n\n{RESEARCH_USE_NOTICE}",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(demo)
app.command()(segment)
app.command()(models)
app.command()(train)
app.command()(enhance)
app.command()(evaluate)
app.command()(explain)
app.command()(synthesize)
app.command()(pseudo_label)
app.command()(self_learn)
app.add_typer(registry, name="registry")


def _print_version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options that need no command."""


def main() -> None:
    """Run the application and end the process with its exit code."""
    try:
        app(prog_name="covid-lesion-seg")
    except KeyboardInterrupt:
        sys.exit(CANCELLED)


if __name__ == "__main__":
    main()
