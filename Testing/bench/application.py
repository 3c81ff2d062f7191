"""``slicer.app`` with a window system, over the headless one."""

from __future__ import annotations

import os
import tempfile
import types
from pathlib import Path

from PySide6 import QtCore, QtWidgets
from PySide6.QtCore import Signal

from .ctk_module import ctk
from .events import process_events
from .pythonqt import PythonQtManners
from .qt_module import qt


def start_qt() -> QtWidgets.QApplication:
    """The one QApplication of this process, with settings of its own that nobody keeps.

    The screen is offscreen unless ``QT_QPA_PLATFORM`` names another.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["bench"])
    application.setStyle("fusion")
    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
    for scope in (QtCore.QSettings.Scope.UserScope, QtCore.QSettings.Scope.SystemScope):
        QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, scope, tempfile.mkdtemp())
    return application


class ModuleManager(PythonQtManners, QtCore.QObject):
    """``slicer.app.moduleManager()``."""

    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self) -> None:
        QtCore.QObject.__init__(self)
        self._panels = {}

    def add(self, name: str, panel) -> None:
        self._panels[name] = panel

    def module(self, name: str):
        """An object with ``widgetRepresentation()``, as ``slicer.util.getModuleWidget`` asks."""
        panel = self._panels[name]
        return types.SimpleNamespace(name=name, widgetRepresentation=lambda: panel)


class BenchApplication(PythonQtManners, QtCore.QObject):
    """Adds what needs Qt; everything else is answered by the headless application."""

    startupCompleted = Signal()
    lastWindowClosed = Signal()
    paletteChanged = Signal(object)  # Qt 6 has none: who changes the palette emits it

    def __init__(self, headless, qt_application: QtWidgets.QApplication) -> None:
        QtCore.QObject.__init__(self)
        self._headless = headless
        self._qt_application = qt_application
        self._module_manager = ModuleManager()
        self._translators: list[QtCore.QTranslator] = []
        self._main_window = qt.QMainWindow()
        self._main_window.objectName = "qSlicerMainWindow"

    applicationName = "Slicer"
    applicationLocaleName = "en_US"

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._headless, name)

    def testingEnabled(self) -> bool:
        return False  # message boxes are recorded by the bench, not skipped

    def moduleManager(self):
        return self._module_manager

    def layoutManager(self):
        return None

    def topLevelWidgets(self) -> list:
        return [self._main_window]

    def processEvents(self) -> None:
        process_events()

    def setOverrideCursor(self, cursor) -> None:
        self._qt_application.setOverrideCursor(cursor)

    def restoreOverrideCursor(self) -> None:
        self._qt_application.restoreOverrideCursor()

    def errorLogModel(self):
        """An object with the path of the log, as Slicer's."""
        return types.SimpleNamespace(filePath=os.path.join(tempfile.gettempdir(), "Slicer.log"))

    def userSettings(self):
        return qt.QSettings()

    settings = userSettings

    def loadTranslations(self, folder: str) -> None:
        """Install the ``.qm`` files of the application's language, as Slicer does."""
        for file in sorted(Path(folder).glob(f"*_{self.applicationLocaleName.split('_')[0]}.qm")):
            translator = QtCore.QTranslator()
            assert translator.load(str(file)), file
            QtCore.QCoreApplication.installTranslator(translator)
            self._translators.append(translator)

    def unloadTranslations(self) -> None:
        """Back to English; Slicer itself has to be restarted for that."""
        while self._translators:
            QtCore.QCoreApplication.removeTranslator(self._translators.pop())

    def translate(self, context: str, text: str) -> str:
        return QtCore.QCoreApplication.translate(context, text)


def message_boxes() -> list[str]:
    """The text of every message box that would have been shown, oldest first."""
    return ctk.ctkMessageBox.shown


def reset_message_boxes() -> None:
    """Forget what was shown; the answer is OK again."""
    ctk.ctkMessageBox.shown.clear()
    answer_message_boxes(QtWidgets.QMessageBox.StandardButton.Ok)


def answer_message_boxes(button) -> None:
    """What a person would press on every message box from now on."""
    ctk.ctkMessageBox.answer = button
