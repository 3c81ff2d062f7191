"""Qt test bench: Slicer's panel without Slicer.

Loads an unmodified scripted module and its ``.ui`` file with PySide6 on an offscreen screen, over a
real MRML scene, and lets tests click it. Three layers, each in its own files:

- ``pythonqt``, ``qt_module``: PySide6 with the manners of PythonQt, the binding inside Slicer;
- ``ctk_module``, ``mrml_widgets``, ``ui_loader``, ``application``, ``layout``: the widgets, the
  application object and the views' cameras that a panel meets in Slicer;
- ``slicer_python``: Slicer's own Python (``ScriptedLoadableModule``, ``parameterNodeWrapper``,
  ``i18n``, ``packaging``) from the source checkout that ``SLICER_SOURCE`` names, or stand-ins.

What it cannot prove: the exact look in Slicer, PythonQt's ownership rules, what views draw.
"""

from .modules import Bench, LoadedModule

__all__ = ["Bench", "LoadedModule"]
