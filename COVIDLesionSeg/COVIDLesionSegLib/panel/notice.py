"""The research-use notice, translatable."""

from __future__ import annotations

from slicer.i18n import tr as _


def research_use_notice() -> str:
    """``RESEARCH_USE_NOTICE`` in the user's language; a literal, so that translators meet it."""
    return _(
        "Research software: not a medical device. Results must not be used for clinical decisions."
    )
