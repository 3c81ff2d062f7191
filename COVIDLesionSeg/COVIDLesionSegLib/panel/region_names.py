"""Names of lungs, lobes and lesion classes in the user's language."""

from __future__ import annotations

from slicer.i18n import tr as _


def region_text(name: str) -> str:
    """A name of the engine's for people; one that is not known here, as it is."""
    # Not at file scope: Slicer's translations are loaded later than this file may be.
    known = {
        "right lung": _("right lung"),
        "left lung": _("left lung"),
        "both lungs": _("both lungs"),
        "right upper lobe": _("right upper lobe"),
        "right middle lobe": _("right middle lobe"),
        "right lower lobe": _("right lower lobe"),
        "left upper lobe": _("left upper lobe"),
        "left lower lobe": _("left lower lobe"),
        "lesion": _("lesion"),
        "ground-glass opacity": _("ground-glass opacity"),
        "consolidation": _("consolidation"),
    }
    return str(known.get(name, name))
