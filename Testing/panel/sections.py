"""The sections of the panel by name."""

from __future__ import annotations


def section_of(panel, name: str):
    """The section with this ``.ui`` file."""
    return next(section for section in panel.sections if name == section.UI_FILE)
