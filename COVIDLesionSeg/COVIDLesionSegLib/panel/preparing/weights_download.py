"""The question before weights are downloaded: how much, from where, under which licence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import slicer
from slicer.i18n import tr as _

from ...engine.text import megabytes, printable

if TYPE_CHECKING:
    from ...engine.models.card import ModelCard


def may_be_downloaded(card: ModelCard) -> bool:
    """Whether the card names an address for the weights."""
    return card.weights is not None and bool(card.weights.url)


def ask_to_download(card: ModelCard) -> bool:
    """Ask whether the weights may be downloaded; nothing is sent before."""
    weights = card.trained_weights
    question = _(
        "Download the weights of {title}?\n\nSize: {size}\nFrom: {host}\nLicence: {licence}\n\n"
        "{note}\n\nOnly the request itself is sent to that computer. The file is used only if it "
        "has the checksum on the model's card."
    ).format(
        title=card.title,
        size=size_text(weights.size),
        host=weights.host,
        licence=printable(weights.licence),
        note=printable(weights.licence_note),
    )
    return bool(
        slicer.util.confirmOkCancelDisplay(
            question, _("Download weights"), detailedText=weights.url
        )
    )


def size_text(size: int | None) -> str:
    """A file's size for people; ``n/a`` where it is unknown."""
    if size is None:
        return str(_("n/a"))
    return str(_("{size} MB")).format(size=megabytes(size))
