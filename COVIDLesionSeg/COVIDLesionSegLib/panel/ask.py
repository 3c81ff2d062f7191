"""A question with answers in words."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import ctk
import qt
import slicer
from slicer.i18n import tr as _


def choose(title: str, question: str, answers: Sequence[str]) -> int | None:
    """Which of ``answers`` the user gives; None for Cancel, which is always offered.

    Where Slicer runs tests nobody is there to answer: as in Slicer's own questions, it is the
    default.

    Args:
        title: Of the window.
        question: What is asked, and what each answer does.
        answers: Labels of the buttons; the first one is the default.
    """
    if slicer.app.testingEnabled():
        logging.info("Not asked in testing mode [%s]: %s", title, answers[0])
        return 0
    box = ctk.ctkMessageBox(slicer.util.mainWindow())
    box.windowTitle = title
    box.text = question
    box.icon = qt.QMessageBox.Question
    buttons = [box.addButton(answer, qt.QMessageBox.AcceptRole) for answer in answers]
    cancel = box.addButton(_("Cancel"), qt.QMessageBox.RejectRole)
    box.setDefaultButton(buttons[0])
    box.setEscapeButton(cancel)
    box.exec_()
    clicked = box.clickedButton()
    text = clicked.text if clicked is not None else ""
    return list(answers).index(text) if text in answers else None
