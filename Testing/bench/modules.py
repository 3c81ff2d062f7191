"""The bench itself: boots a scene with a window system and loads scripted modules into it."""

from __future__ import annotations

import importlib.util
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6 import QtWidgets

from .application import BenchApplication, reset_message_boxes, start_qt
from .ctk_module import ctk
from .events import keep_constants_alive, wait_for_events
from .mrml_widgets import SceneWidget
from .pythonqt import forget_all
from .qt_module import qt
from .slicer_python import provide_slicer_python


@dataclass(frozen=True)
class LoadedModule:
    """A scripted module as Slicer holds it.

    Attributes:
        instance: The module object (title, help, ...), with ``instance.parent``.
        widget: The module's widget object.
        panel: The Qt widget that Slicer shows for it.
    """

    instance: object
    widget: object
    panel: object


class Bench:
    """One per process: Qt and the ``slicer`` namespace are global."""

    def __init__(self) -> None:
        keep_constants_alive()
        self._qt_application = start_qt()
        sys.modules.setdefault("qt", qt)
        sys.modules.setdefault("ctk", ctk)
        self._boot_scene()
        provide_slicer_python()
        #: What was raised in slots and observers since the last :meth:`load`.
        self.slot_errors: list[BaseException] = []

    def _boot_scene(self) -> None:
        import slicer

        from COVIDLesionSegLib.headless.bootstrap import boot

        from . import ui_loader

        boot()
        for name, cls in ui_loader.MRML_CLASSES.items():
            setattr(slicer, name, cls)
        slicer.app = BenchApplication(slicer.app, self._qt_application)

    def load(self, path: Path) -> LoadedModule:
        """Load a scripted module file as Slicer does, and set up its widget."""
        import slicer

        self.slot_errors.clear()
        reset_message_boxes()
        # Both PySide6 and VTK report an exception in a callback here, and go on.
        sys.excepthook = lambda kind, error, trace: self.slot_errors.append(error)
        name = path.stem
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(name, path)
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        instance = getattr(module, name)(types.SimpleNamespace(path=str(path)))
        setattr(slicer.modules, name.lower(), types.SimpleNamespace(path=str(path), name=name))
        panel = slicer.qSlicerScriptedLoadableModuleWidget()
        panel.setLayout(qt.QVBoxLayout())
        panel.setMRMLScene(slicer.mrmlScene)
        widget = getattr(module, name + "Widget")(panel)
        panel.set_self(widget)
        slicer.app.moduleManager().add(name, panel)
        widget.setup()
        return LoadedModule(instance, widget, panel)

    def unload(self, loaded: LoadedModule) -> None:
        """Close the panel as Slicer does at exit, and empty the scene."""
        import slicer

        loaded.widget.cleanup()
        for widget in QtWidgets.QWidget.findChildren(loaded.panel, SceneWidget):
            widget.setMRMLScene(None)
        loaded.panel.close()
        slicer.mrmlScene.Clear(False)
        forget_all()
        sys.excepthook = sys.__excepthook__

    def wait_until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Keep the window alive until the condition holds.

        Raises:
            TimeoutError: It did not in time.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError("The condition did not come true in time.")
            wait_for_events()
