"""Why something cannot be done with a stored model: a sentence for its button's tooltip, or ""."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from ..engine.models.catalogue import PACKAGED_FOLDER
from ..engine.models.user_models import default_model
from .preparing.weights_download import may_be_downloaded
from .retraining.model_decision import promoted_models

if TYPE_CHECKING:
    from ..engine.models.catalogue import Model


def why_no_default(chosen: Model | None) -> str:
    """Why a model cannot become the default."""
    if chosen is None or chosen.card.task != "lesions":
        return str(_("Only a model for lesions can be the default."))
    is_default = chosen.id == default_model()
    return str(_("This model is the default already.")) if is_default else ""


def why_no_roll_back(chosen: Model | None) -> str:
    """Why a model cannot cease to be the default."""
    promoted = promoted_models()
    if not promoted:
        return str(_("No model was made the default, so there is none before."))
    if chosen is None or chosen.id not in promoted:
        return str(
            _("This model was not made the default; the last one was {model}: choose that.").format(
                model=promoted[-1]
            )
        )
    return ""


def why_no_download(chosen: Model | None) -> str:
    """Why the weights of a model cannot be downloaded."""
    if chosen is not None and chosen.weights_present:
        return str(_("The weights of this model are on this computer already."))
    if chosen is None or not may_be_downloaded(chosen.card):
        return str(_("The card of this model names no address to download from."))
    return ""


def why_not_removed(chosen: Model | None) -> str:
    """Why a model cannot be removed."""
    if chosen is None or chosen.folder == PACKAGED_FOLDER:
        return str(_("Models that ship with this software stay."))
    if chosen.id == default_model():
        return str(_("This model is the default: roll back, or set another one as default, first."))
    return ""
