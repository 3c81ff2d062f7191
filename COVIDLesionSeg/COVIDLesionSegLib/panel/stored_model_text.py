"""What the panel says about a model as a file: checksum, licence, lineage."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..engine.errors import ModelError
from ..engine.models.catalogue import WeightsPlace
from ..engine.models.lineage import lineage_of
from ..engine.text import printable

if TYPE_CHECKING:
    from ..engine.models.catalogue import Catalogue, Model


def place_text(place: WeightsPlace) -> str:
    """Where the weights are, in one word."""
    words: dict[WeightsPlace, str] = {
        WeightsPlace.PACKAGED: _("packaged"),
        WeightsPlace.OWN: _("yours"),
        WeightsPlace.DOWNLOADED: _("downloaded"),
        WeightsPlace.MISSING: _("missing"),
        WeightsPlace.NOT_TRAINED: _("not trained"),
    }
    return words[place]


def stored_model_html(catalogue: Catalogue, model: Model) -> str:
    """Id, checksum, licence, address and lineage, as HTML."""
    weights = model.card.trained_weights
    lines = [
        (_("Id"), model.id),
        (_("SHA-256"), weights.sha256),
        (_("Licence"), f"{weights.licence}. {weights.licence_note}"),
    ]
    if weights.url:
        lines.append((_("Address"), weights.url))
    lines += [(_("Lineage"), line) for line in _lineage(catalogue, model)]
    return "<br>".join(
        f"<b>{html.escape(name)}</b> {html.escape(printable(text))}" for name, text in lines
    )


def _lineage(catalogue: Catalogue, model: Model) -> list[str]:
    try:
        line = lineage_of(catalogue, model.id)
    except ModelError as error:
        return [str(error)]
    return [f"{one.id}: {'; '.join(one.facts())}" if one.facts() else one.id for one in line]
