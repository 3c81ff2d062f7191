"""Approval of the licences of weights: asked once for each, remembered in Slicer's settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ..engine.errors import ModelError
from ..engine.models.licences import licences_to_approve
from ..engine.text import printable

if TYPE_CHECKING:
    from ..engine.models.catalogue import Model

_SETTINGS = "COVIDLesionSeg/ApprovedLicences"


def is_approved(licence: str) -> bool:
    """Whether the user of this computer has approved a licence before."""
    return bool(slicer.util.settingsValue(_key(licence), False, slicer.util.toBool))


def approve(licence: str) -> None:
    """Remember that the user has approved a licence."""
    qt.QSettings().setValue(_key(licence), "true")


def forget_approvals() -> None:
    """Ask about every licence again."""
    qt.QSettings().remove(_SETTINGS)


def ask_about_licences(models: Iterable[Model]) -> None:
    """Ask about each licence that these models need and that was not approved before.

    Raises:
        ModelError: The user did not approve; nothing is remembered.
    """
    for licence, its_models in licences_to_approve(models).items():
        if is_approved(licence):
            continue
        if not _ask(licence, its_models):
            raise ModelError(
                _(
                    "The licence {licence} was not accepted, so nothing was run: try again to be "
                    "asked again, or choose a model with another licence."
                ).format(licence=printable(licence))
            )
        approve(licence)


def _ask(licence: str, models: list[Model]) -> bool:
    question = _(
        "The weights of {models} are under the licence {licence}.\n\n{note}\n\nDo you accept "
        "these terms? You are asked once."
    ).format(
        models=", ".join(model.title for model in models),
        licence=printable(licence),
        note=printable(models[0].card.trained_weights.licence_note),
    )
    title = _("Licence of the model")
    link = f"https://spdx.org/licenses/{printable(licence)}.html"
    return bool(slicer.util.confirmOkCancelDisplay(question, title, detailedText=link))


def _key(licence: str) -> str:
    # A slash would begin a group of settings.
    return f"{_SETTINGS}/{licence.replace('/', '-')}"
