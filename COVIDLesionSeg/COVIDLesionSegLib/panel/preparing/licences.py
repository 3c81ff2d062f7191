"""Approval of the licences of weights: asked once for each, remembered in Slicer's settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ...engine.models.licences import licences_to_approve
from ...engine.text import printable

if TYPE_CHECKING:
    from ...engine.models.catalogue import Model

_SETTINGS = "COVIDLesionSeg/ApprovedLicences"


def is_approved(licence: str) -> bool:
    """Whether the user of this computer has approved a licence before."""
    return bool(slicer.util.settingsValue(_key(licence), False, slicer.util.toBool))


def approve(licence: str) -> None:
    """Remember that the user has approved a licence."""
    qt.QSettings().setValue(_key(licence), "true")


def licences_to_ask_about(models: Iterable[Model]) -> dict[str, list[Model]]:
    """Licences that these models need and that were not approved before, with their models."""
    needed = licences_to_approve(models)
    return {one: its_models for one, its_models in needed.items() if not is_approved(one)}


def terms_text(licence: str, models: list[Model]) -> str:
    """What is to be approved."""
    return str(
        _("The weights of {models} are under the licence {licence}.\n\n{note}").format(
            models=", ".join(model.title for model in models),
            licence=printable(licence),
            note=printable(models[0].card.trained_weights.licence_note),
        )
    )


def terms_link(licence: str) -> str:
    """Where the whole text of a licence is."""
    return f"https://spdx.org/licenses/{printable(licence)}.html"


def _key(licence: str) -> str:
    # A slash would begin a group of settings.
    return f"{_SETTINGS}/{licence.replace('/', '-')}"
