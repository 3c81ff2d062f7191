"""Keyboard shortcuts of the panel: registered by the sections, active while the module is open.

None is one that Slicer takes itself in its windows, its views or its Segment Editor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from typing import Any

NEXT_FLAGGED = "Ctrl+Shift+N"
PREVIOUS_FLAGGED = "Ctrl+Shift+B"  # beside N, and B is "back" in slice views
TOGGLE_OVERLAY = "Ctrl+Shift+O"
NEXT_TO_REVIEW = "Ctrl+Shift+K"
PREVIOUS_TO_REVIEW = "Ctrl+Shift+J"
ACCEPT = "Ctrl+Shift+E"  # A is taken by Markups


@dataclass(frozen=True)
class Shortcut:
    """One shortcut.

    Attributes:
        key: As Qt writes it, ``"Ctrl+Shift+N"``.
        description: What it does, for people.
    """

    key: str
    description: str

    @property
    def text(self) -> str:
        """The keys as this system writes them."""
        return str(qt.QKeySequence(self.key).toString(qt.QKeySequence.NativeText))


class Shortcuts:
    """All shortcuts of the panel.

    They work wherever the focus is in the main window, so that a user in a slice view need not
    click the panel first.
    """

    def __init__(self) -> None:
        self._registered: list[Shortcut] = []
        self._objects: list[Any] = []

    def register(self, key: str, description: str, action: Callable[[], None]) -> Shortcut:
        """Have ``action`` called when ``key`` is pressed while the module is open.

        Returns:
            The shortcut, for a tooltip: ``shortcut.text``.

        Raises:
            ValueError: The key is registered already.
        """
        if any(one.key == key for one in self._registered):
            raise ValueError(f"{key} is registered twice.")
        shortcut = Shortcut(key, description)
        key_object = qt.QShortcut(qt.QKeySequence(key), slicer.util.mainWindow())
        key_object.enabled = False
        key_object.connect("activated()", action)
        self._registered.append(shortcut)
        self._objects.append(key_object)
        return shortcut

    def set_active(self, active: bool) -> None:
        """Whether the keys do anything: while the module is open."""
        for one in self._objects:
            one.enabled = active

    def close(self) -> None:
        """Give the keys back."""
        for one in self._objects:
            one.enabled = False
            # Its parent stays: without one, PythonQt would delete it a second time.
            one.deleteLater()
        self._objects.clear()
        self._registered.clear()

    @property
    def help_text(self) -> str:
        """All shortcuts, one a line."""
        return "\n".join(f"{one.text}: {one.description}" for one in self._registered)


def with_shortcut(tooltip: str, shortcut: Shortcut) -> str:
    """A tooltip that names the keys, too."""
    return str(_("{tooltip} ({keys})").format(tooltip=tooltip, keys=shortcut.text))
