"""What the panel says about itself: papers to cite, licences, places of files, privacy."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from .. import HOMEPAGE, __version__
from ..engine.text import printable
from .model_text import linked_paper
from .preparing.dependencies import offline_help
from .preparing.licences import is_approved

if TYPE_CHECKING:
    from ..engine.models.catalogue import Catalogue

_LUNGMASK = "Hofmanninger et al., Eur Radiol Exp 2020, doi:10.1186/s41747-020-00173-2"


def about_html(catalogue: Catalogue, folders: dict[str, Path], keys: Iterable[str]) -> str:
    """Everything about the software, as HTML.

    Args:
        catalogue: Models, whose papers and licences are named.
        folders: Where files lie, by a word for what they are.
        keys: Every keyboard shortcut and what it does.
    """
    papers = dict.fromkeys([*(model.card.paper for model in catalogue.models), _LUNGMASK])
    documentation = html.escape(_("Documentation"))
    parts = [
        f"<p><b>COVIDLesionSeg {html.escape(__version__)}</b><br>"
        f'<a href="{HOMEPAGE}">{documentation}</a></p>',
        _heading(_("Please cite the papers whose methods you use")),
        _list(linked_paper(paper) for paper in papers),
        _heading(_("Licences")),
        _list([html.escape(_("Code: Apache-2.0.")), *map(html.escape, _licences(catalogue))]),
        _heading(_("Keyboard, while this module is open")),
        _list(map(html.escape, keys)),
        _heading(_("Privacy")),
        f"<p>{html.escape(_privacy())}</p>",
        _heading(_("Files")),
        _list(html.escape(f"{name}: {folder}") for name, folder in folders.items()),
        _heading(_("Installation without internet")),
        f"<p>{html.escape(offline_help())}</p>",
    ]
    return "".join(parts)


def _privacy() -> str:
    return str(
        _(
            "Everything runs on this computer. Nothing is uploaded and nothing is counted. The "
            "internet is used only for downloads that you were asked about."
        )
    )


def _licences(catalogue: Catalogue) -> list[str]:
    notes = {
        weights.licence: weights.licence_note
        for model in catalogue.models
        if (weights := model.card.weights) is not None
    }
    lines = []
    for licence, note in notes.items():
        state = _("Accepted on this computer.") if is_approved(licence) else ""
        line = _("Weights: {licence}. {note} {state}")
        text = line.format(licence=licence, note=note, state=state)
        lines.append(printable(text).strip())
    return lines


def _heading(text: str) -> str:
    return f"<p><b>{html.escape(text)}</b></p>"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
