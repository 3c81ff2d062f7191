"""Dialogs that choose files, and Slicer's way to show a folder."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer


def choose_file_to_open(title: str, filters: str) -> Path | None:
    """A file that exists, or None if the user chose none."""
    chosen = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, "", filters)
    return Path(chosen) if chosen else None


def choose_file_to_save(title: str, suggestion: str, filters: str) -> Path | None:
    """A file to be written, or None if the user chose none; Qt asks before one is replaced."""
    chosen = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, suggestion, filters)
    return Path(chosen) if chosen else None


def open_folder(folder: Path) -> None:
    """Show a folder in the system's file manager."""
    qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(folder)))


def choose_folder(title: str) -> Path | None:
    """A folder, or None if the user chose none."""
    chosen = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
    return Path(chosen) if chosen else None
