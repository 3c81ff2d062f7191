"""Reports for people: one HTML file each, without scripts, links or other files."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .. import RESEARCH_USE_NOTICE, __version__
from ..engine.files import write_bytes
from ..engine.text import (
    confidence_text,
    index_ranges,
    millilitres,
    percent,
    printable,
    signed_millilitres,
    signed_percent,
    thousands,
)


def render_page(template: str, **content: Any) -> str:
    """Fill a template of this package; every value is escaped unless the template says otherwise.

    Besides ``content`` templates know ``notice``, ``version``, and the filters ``percent``,
    ``millilitres``, ``signed_percent``, ``signed_millilitres``, ``confidence``, ``index_ranges``,
    ``thousands`` and ``number``. Characters that cannot be printed are shown as U+FFFD.
    """
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent,
        millilitres=millilitres,
        signed_percent=signed_percent,
        signed_millilitres=signed_millilitres,
        confidence=confidence_text,
        index_ranges=index_ranges,
        thousands=thousands,
        number=lambda value: "n/a" if value is None else str(value),
    )
    return environment.get_template(template).render(
        notice=RESEARCH_USE_NOTICE, version=__version__, **content
    )


def write_page(template: str, path: Path, **content: Any) -> None:
    """Write what :func:`render_page` gives.

    Raises:
        OutputError: The file cannot be written.
    """
    write_bytes(render_page(template, **content).encode(), path)


def _printable(value: Any) -> Any:
    """Text as it can be shown; elements of a page, such as a chart, as they are."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def data_uri(png: bytes) -> Markup:
    """A PNG picture as the address of an ``img`` element."""
    return Markup("data:image/png;base64," + base64.b64encode(png).decode("ascii"))


def groups(facts: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Facts as ``(heading, rows)`` for each group of them; single facts come last, as ``run``."""
    named = [(name, flatten(value)) for name, value in facts.items() if isinstance(value, dict)]
    single = {name: value for name, value in facts.items() if not isinstance(value, dict)}
    return [*named, ("run", flatten(single))] if single else named


def flatten(facts: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested facts as rows ``("torch / version", "2.13")``, in their own order."""
    rows = []
    for key, value in facts.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            rows += flatten(value, f"{name} / ")
        else:
            rows.append((name, _as_text(value)))
    return rows


def _as_text(value: Any) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_as_text, value))
    return str(value)
