"""Starts Slicer's MRML without the Slicer application.

The ``slicer-core`` wheel has Slicer's own MRML nodes, module logics and ``slicer.util``, but no
scene and no application. :func:`boot` makes both, so that code written for Slicer's Python runs
unchanged in a terminal.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..engine.errors import Cancelled, DependencyError, OutputError

if TYPE_CHECKING:
    from slicer import (
        vtkDataIOManagerLogic,
        vtkMRMLAbstractLogic,
        vtkMRMLRemoteIOLogic,
        vtkMRMLScene,
        vtkSlicerApplicationLogic,
    )

_MODULE_LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "VolumeRendering": "vtkSlicerVolumeRenderingLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Models": "vtkSlicerModelsLogic",
    "Transforms": "vtkSlicerTransformLogic",
    "Cameras": "vtkSlicerCamerasModuleLogic",
    "Units": "vtkSlicerUnitsLogic",
}

# Libraries that Slicer's Python finds at top level and the wheel keeps inside its package.
_TOP_LEVEL_LIBRARIES = {
    "vtkSegmentationCore": "vtkSegmentationCore",
    "vtkSegmentationCorePython": "vtkSegmentationCore",
    "vtkITK": "vtkITK",
    "vtkTeem": "vtkTeem",
    "mrml": "MRMLCore",
}

# No more of VTK than a frame takes: all of it takes twice as long.
_RENDER_PROBE = (
    "import vtkmodules.vtkRenderingOpenGL2; "
    "from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow; "
    "w = vtkRenderWindow(); w.SetOffScreenRendering(1); w.SetSize(8, 8); "
    "w.AddRenderer(vtkRenderer()); w.Render()"
)
_RENDER_PROBE_SECONDS = 120

_NO_MRML = (
    "Scenes and pictures need Slicer's MRML, which is not installed: run 'pip install "
    "slicer-core', or use the extension in 3D Slicer on Intel Macs and on Linux on ARM."
)


@dataclass(frozen=True)
class MrmlSession:
    """A running MRML: Slicer's, or the one :func:`boot` made.

    Attributes:
        scene: The MRML scene, also ``slicer.mrmlScene``.
        application_logic: Slicer's application logic on that scene.
    """

    scene: vtkMRMLScene
    application_logic: vtkSlicerApplicationLogic


def boot(folder: Path | None = None) -> MrmlSession:
    """Start MRML, or give the one that runs already, inside Slicer the application's own.

    Nothing is left on disk, even if the process is killed, unless it is killed while it starts
    or after it read a bundle.

    Args:
        folder: Where temporary files go from now on, e.g. the folder that a job writes into; the
            system's if None. Slicer's own MRML keeps its own.

    Raises:
        DependencyError: ``slicer-core`` is not installed.
        OutputError: The folder cannot be written.
    """
    try:
        import slicer
        import slicer.util
    except ImportError as error:
        raise DependencyError(_NO_MRML) from error
    from .application import HeadlessApplication

    if getattr(slicer, "mrmlScene", None) is None:
        with _session_folder(folder) as own:
            _start(own)
    elif folder is not None and isinstance(slicer.app, HeadlessApplication):
        with _session_folder(folder) as own:
            slicer.app.use_temporary_folder(own)
    return MrmlSession(slicer.mrmlScene, slicer.app.applicationLogic())


@lru_cache(maxsize=1)
def require_rendering() -> None:
    """Make sure that pictures can be rendered, with or without a display.

    Without a working OpenGL library VTK ends the whole process at its first frame, so the first
    frame is tried in another process. On Linux without a display VTK is told to use EGL, unless
    ``VTK_DEFAULT_OPENGL_WINDOW`` says otherwise.

    Raises:
        DependencyError: A package is not installed, or OpenGL is absent or does not work.
        Cancelled: The trial was ended from outside, so nothing is known.
    """
    if not _is_installed("slicer"):
        raise DependencyError(_NO_MRML)
    if not _is_installed("vtkmodules"):
        raise DependencyError("Pictures need VTK, which is not installed: run 'pip install vtk'.")
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _RENDER_PROBE],
            capture_output=True,
            timeout=_RENDER_PROBE_SECONDS,
            check=False,
            start_new_session=True,  # Ctrl-C is for this process, which then ends as it should
        )
    except subprocess.TimeoutExpired as error:
        raise DependencyError(
            "Pictures need OpenGL, which does not answer: check the graphics driver and the "
            "display, or unset DISPLAY to render without one."
        ) from error
    if probe.returncode == 0:
        return
    if -probe.returncode in (signal.SIGINT, signal.SIGTERM):
        raise Cancelled
    if sys.platform == "darwin":
        raise DependencyError(
            "Pictures need OpenGL, which macOS offers only in a desktop session: "
            "log in at the screen and run again."
        )
    if sys.platform == "linux":
        raise DependencyError(
            "Pictures need an OpenGL library, which is missing: install it, on Debian or Ubuntu "
            "with 'sudo apt-get install libegl1 libgl1-mesa-dri'."
        )
    raise DependencyError("Pictures need OpenGL: install this computer's graphics driver.")


def _is_installed(module: str) -> bool:
    """Without importing it, which takes seconds."""
    return sys.modules.get(module) is not None or importlib.util.find_spec(module) is not None


@contextmanager
def _session_folder(parent: Path | None) -> Iterator[Path]:
    """A folder of this session's own inside ``parent``, removed at the end of the block.

    What MRML puts there afterwards, it makes the folder for anew; that goes when Python ends.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="slicer-headless-", dir=parent))
    except OSError as error:
        raise OutputError(
            f"Temporary files cannot be written to {parent or tempfile.gettempdir()} "
            f"({error.strerror}): free some space there, or choose a folder you may write to."
        ) from error
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path) -> None:
    import slicer

    from .application import HeadlessApplication, HeadlessModules

    for name, library in _TOP_LEVEL_LIBRARIES.items():
        sys.modules.setdefault(name, importlib.import_module(f"slicer_core.{library}"))
    (folder / "share" / "ColorFiles").mkdir(parents=True)

    scene = slicer.vtkMRMLScene()
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    application_logic = _start_application_logic(scene, folder)

    slicer.mrmlScene = scene
    remote_io = _start_remote_io(scene, application_logic)
    slicer.app = HeadlessApplication(scene, application_logic, remote_io)
    slicer.app.use_temporary_folder(folder)
    slicer.modules = HeadlessModules()
    for name, class_name in _MODULE_LOGICS.items():
        _start_module(name, getattr(slicer, class_name)(), scene, application_logic)


def _start_application_logic(scene: vtkMRMLScene, folder: Path) -> vtkSlicerApplicationLogic:
    import slicer
    import vtk

    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetHomeDirectory(str(folder))
    logic.SetShareDirectory("share")
    logic.SetMRMLScene(scene)
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance().SetMRMLApplicationLogic(logic)
    slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance().SetMRMLApplicationLogic(logic)
    return logic


def _start_module(
    name: str,
    logic: vtkMRMLAbstractLogic,
    scene: vtkMRMLScene,
    application_logic: vtkSlicerApplicationLogic,
) -> None:
    import slicer

    from .application import HeadlessModule

    logic.SetMRMLApplicationLogic(application_logic)
    if name == "Colors":
        application_logic.SetColorLogic(logic)
    with _without_vtk_messages():
        logic.SetMRMLScene(scene)
    application_logic.SetModuleLogic(name, logic)
    setattr(slicer.modules, name.lower(), HeadlessModule(name, logic))


@contextmanager
def _without_vtk_messages() -> Iterator[None]:
    """The wheel lacks the application's terminology files; logics that look for them complain."""
    import vtk

    shown = vtk.vtkObject.GetGlobalWarningDisplay()
    vtk.vtkObject.GlobalWarningDisplayOff()
    try:
        yield
    finally:
        vtk.vtkObject.SetGlobalWarningDisplay(shown)


def _start_remote_io(
    scene: vtkMRMLScene, application_logic: vtkSlicerApplicationLogic
) -> tuple[vtkMRMLRemoteIOLogic, vtkDataIOManagerLogic]:
    """Reading a bundle unpacks it into the cache folder that these logics name."""
    import slicer

    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.SetMRMLScene(scene)
    remote.SetMRMLApplicationLogic(application_logic)
    data = slicer.vtkDataIOManagerLogic()
    data.SetMRMLScene(scene)
    data.SetMRMLApplicationLogic(application_logic)
    data.SetAndObserveDataIOManager(remote.GetDataIOManager())
    remote.AddDataIOToScene()
    return remote, data
