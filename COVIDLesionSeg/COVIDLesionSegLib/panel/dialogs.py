"""Questions with answers in words, dialogs that choose files, and how a folder is shown."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import ctk
import qt
import slicer
from slicer.i18n import tr as _


def choose_file_to_open(title: str, filters: str) -> Path | None:
    """A file that exists, or None if the user chose none."""
    chosen = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", filters)
    return Path(chosen) if chosen else None


def choose_file_to_save(title: str, suggestion: str, filters: str, ending: str) -> Path | None:
    """A file to be written, or None if the user chose none; it is asked before one is replaced.

    Args:
        title: Of the window.
        suggestion: Name that is filled in.
        filters: Files that are shown, as Qt writes them.
        ending: Which the name gets where it lacks it, as some systems' dialogs do not add it.
    """
    chosen = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, suggestion, filters)
    if not chosen:
        return None
    path = Path(chosen)
    if path.name.lower().endswith(ending):
        return path
    path = path.with_name(path.name + ending)
    question = _("{file} is there already. Replace it?").format(file=path.name)
    if path.exists() and not slicer.util.confirmOkCancelDisplay(question, title):
        return None
    return path


def open_folder(folder: Path) -> None:
    """Show a folder in the system's file manager."""
    qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(folder)))


def choose_folder(title: str) -> Path | None:
    """A folder, or None if the user chose none."""
    chosen = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
    return Path(chosen) if chosen else None


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
