"""Colours of texts that can be read on the palette of the moment, light or dark.

Slicer's style can be changed while the panel is open: then every section is told, see
:meth:`.section.Section.palette_changed`.
"""

from __future__ import annotations

import qt

LEAST_CONTRAST = 4.5
"""Of a text and its background: WCAG 2.1, level AA."""
_WARNINGS = ("#c62828", "#ff9e9e")
_LINKS = ("#0b57a4", "#8ab9ff")


def show_sentence(label: qt.QLabel, sentence: str, warning: bool, hide_empty: bool = False) -> None:
    """Show one sentence in a label, a warning bold and red.

    Args:
        label: The label.
        sentence: The sentence, or "" for none.
        warning: Whether it is a warning.
        hide_empty: Whether a label without a sentence gives its place to others.
    """
    label.text = sentence
    if hide_empty:
        label.visible = bool(sentence)
    label.setProperty("isWarning", warning)
    color_sentence(label)


def color_sentence(label: qt.QLabel) -> None:
    """Give the sentence of :func:`show_sentence` the colour for the palette of now."""
    color = readable(_WARNINGS, _role_color(qt.QPalette.Window))
    warning = bool(label.property("isWarning"))
    label.styleSheet = f"font-weight: bold; color: {color};" if warning else ""


def show_html(browser: qt.QTextBrowser, html: str) -> None:
    """Show a page, its links in a colour for the palette of now."""
    color = readable(_LINKS, _role_color(qt.QPalette.Base))
    browser.html = html.replace("<a ", f'<a style="color: {color}" ')


def readable(colors: tuple[str, ...], background: qt.QColor) -> str:
    """The first colour with enough contrast, or else that with most."""
    enough = (color for color in colors if contrast(qt.QColor(color), background) >= LEAST_CONTRAST)
    return next(enough, max(colors, key=lambda one: contrast(qt.QColor(one), background)))


def contrast(first: qt.QColor, second: qt.QColor) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1)."""
    dark, light = sorted((_luminance(first), _luminance(second)))
    return float((light + 0.05) / (dark + 0.05))


def _role_color(role: int) -> qt.QColor:
    return qt.QApplication.palette().color(role)


def _luminance(color: qt.QColor) -> float:
    channels = (channel / 255 for channel in (color.red(), color.green(), color.blue()))
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
        for channel in channels
    )
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)
