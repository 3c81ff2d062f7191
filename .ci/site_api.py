"""Hook of MkDocs: the page of the Python API lists jobs, options and errors, from the code."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "COVIDLesionSeg"))

from COVIDLesionSegLib import jobs  # noqa: E402
from COVIDLesionSegLib.engine.options import Option, Options, options_of  # noqa: E402
from COVIDLesionSegLib.engine.parameters import Parameters  # noqa: E402

PAGE = "python-api.md"
PLACE = "<!-- jobs -->"
SHARED = """
## What decides a result

::: COVIDLesionSegLib.engine.parameters.Parameters
    options:
      members: false
      show_bases: false
      show_docstring_attributes: false

{parameters}

## Progress, and how to cancel

::: COVIDLesionSegLib.engine.progress
    options:
      show_root_heading: false
      show_root_toc_entry: false
      members: [Progress, CancelToken]
      filters: ["!^_", "!^(stage|fraction|message)$"]

## Errors

::: COVIDLesionSegLib.engine.errors
    options:
      show_root_heading: false
      show_root_toc_entry: false
      filters: ["^[A-Z]"]

## Slicer's logic

::: COVIDLesionSegLib.logic.COVIDLesionSegLogic
"""
"""What follows the jobs; the fields of Parameters have a table, as those of jobs have."""
_ROLE = re.compile(r":(?:attr|class|func|meth|mod):<code>~?([^<]+)</code>")
"""A name in a docstring, in Sphinx's form."""


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put the jobs, and what they share, in their place."""
    if page.file.src_uri != PAGE:
        return markdown
    before, place, after = markdown.partition(PLACE)
    if not place:
        raise ValueError(f"docs/{PAGE} has no line {PLACE}.")
    shared = SHARED.format(parameters=_table(Parameters))
    return before + "\n\n".join([*map(_job, jobs.OPTIONS), shared]) + after


def on_page_content(html: str, page: Page, **_: Any) -> str:
    """Names in docstrings without Sphinx's roles, and without the package where it is `~`."""
    return _ROLE.sub(lambda role: f"<code>{role[1].rsplit('.', 1)[-1]}</code>", html)


def _job(name: str) -> str:
    """A job, its docstring and its options."""
    return f"::: COVIDLesionSegLib.jobs.{name}\n\n{_table(jobs.OPTIONS[name])}"


def _table(options: type[Options]) -> str:
    rows = [_row(option) for option in options_of(options)]
    if not rows:
        return f"`{options.__name__}` has no fields."
    head = f"Fields of `{options.__name__}`:\n\n| Field | Type | Default | |\n|---|---|---|---|\n"
    return head + "\n".join(rows)


def _row(one: Option) -> str:
    kind = f"{one.type.__name__}, several" if one.many else one.type.__name__
    if one.default is dataclasses.MISSING:
        default = "required"
    elif issubclass(one.type, Options):
        default = f"`{one.type.__name__}()`"
    elif one.default == ():
        default = "none"
    else:
        default = f"`{one.default!r}`"
    choices = ", ".join(f"`{choice}`" for choice in one.info.choices)
    text = (one.info.help + (f" One of {choices}." if choices else "")).replace("|", "\\|")
    if issubclass(one.type, Options):
        text = ", ".join(f"`{name}`" for name in one.info.exposed)
        text = f"Used: {text}." if text else "All of them are used."
    return f"| `{one.name}` | {kind} | {default} | {text} |"
