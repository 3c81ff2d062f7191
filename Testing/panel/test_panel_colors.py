"""Texts keep enough contrast on any palette, also when it is changed while they are shown."""

from __future__ import annotations

import re

import pytest

LIGHT, DARK = ("#efefef", "#ffffff"), ("#323232", "#1e1e1e")


@pytest.fixture
def paint(bench):
    """Give the application another window and base colour; the usual ones come back."""
    import slicer
    from PySide6 import QtGui, QtWidgets

    application = QtWidgets.QApplication.instance()
    usual = QtGui.QPalette(application.palette())

    def change(window: str, base: str) -> None:
        palette = QtGui.QPalette(usual)
        palette.setColor(QtGui.QPalette.ColorRole.Window, QtGui.QColor(window))
        palette.setColor(QtGui.QPalette.ColorRole.Base, QtGui.QColor(base))
        application.setPalette(palette)
        slicer.app.paletteChanged.emit(palette)

    yield change
    application.setPalette(usual)


def contrast(color: str, background: str) -> float:
    from PySide6.QtGui import QColor

    from COVIDLesionSegLib.panel.colors import contrast

    return contrast(QColor(color), QColor(background))


def warning_color(panel) -> str:
    return re.search(r"color: (#\w+)", panel.ui.statusLabel.styleSheet)[1]


def link_color(browser) -> str:
    document = browser.document
    block = document.begin()
    while block.isValid():
        for fragment in block.begin():
            form = fragment.fragment().charFormat()
            if form.isAnchor():
                return form.foreground().color().name()
        block = block.next()
    raise AssertionError("There is no link.")


def test_contrast_is_that_of_the_guidelines(bench):
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == 1
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_a_warning_and_links_can_be_read_before_and_after_a_change_of_the_style(panel, paint):
    paint(*LIGHT)
    panel.say("Something is wrong.", warning=True)
    shown = panel.ui.detailsBrowser
    for window, base in (LIGHT, DARK, LIGHT):
        paint(window, base)
        assert contrast(warning_color(panel), window) >= 4.5
        assert contrast(link_color(shown), base) >= 4.5
        assert panel.ui.statusLabel.text == "Something is wrong."
    panel.say("Done.")
    paint(*DARK)
    assert panel.ui.statusLabel.styleSheet == ""
