"""Reports for people: one HTML file each, without scripts, links or other files."""

from __future__ import annotations

import base64
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from .. import RESEARCH_USE_NOTICE, __version__
from ..engine.text import millilitres, percent


def render_page(template: str, **content: Any) -> str:
    """Fill a template of this package; every value is escaped unless the template says otherwise.

    Besides ``content`` templates know ``notice``, ``version``, and the filters ``percent`` and
    ``millilitres``.
    """
    environment = Environment(
        loader=PackageLoader(__package__, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=percent, millilitres=millilitres)
    return environment.get_template(template).render(
        notice=RESEARCH_USE_NOTICE, version=__version__, **content
    )


def data_uri(png: bytes) -> str:
    """A PNG picture as the address of an ``img`` element."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
