"""MRML starts once, without the application, and says plainly what is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import Cancelled, DependencyError
from COVIDLesionSegLib.headless import bootstrap

pytestmark = pytest.mark.slow

slicer = pytest.importorskip("slicer")


def test_boot_twice_gives_the_same_scene(mrml):
    again = bootstrap.boot()
    assert again.scene is mrml.scene is slicer.mrmlScene
    assert again.application_logic is mrml.application_logic


def test_boot_inside_slicer_uses_the_applications_scene(mrml, monkeypatch):
    other = slicer.vtkMRMLScene()
    monkeypatch.setattr(slicer, "mrmlScene", other)
    assert bootstrap.boot().scene is other


def test_slicer_util_works_on_arrays_nodes_and_files(scene, tmp_path):
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    node = slicer.util.addVolumeFromArray(array, name="small")
    path = str(tmp_path / "small.nrrd")
    assert slicer.util.saveNode(node, path)
    loaded = slicer.util.loadVolume(path)
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(loaded), array)
    assert slicer.util.getNode("small").GetID() == node.GetID()


@pytest.mark.parametrize("name", ["volumes", "segmentations", "tables", "colors", "terminologies"])
def test_module_logics_are_where_slicer_has_them(mrml, name):
    logic = getattr(slicer.modules, name).logic()
    assert logic.GetMRMLScene() is mrml.scene


def test_absent_wheel_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "slicer", None)
    with pytest.raises(DependencyError, match="pip install slicer-core"):
        bootstrap.boot()


@pytest.fixture
def probe(monkeypatch):
    """Sets the code of the first frame that is tried, and forgets what was found before."""
    bootstrap.require_rendering.cache_clear()
    yield lambda code: monkeypatch.setattr(bootstrap, "_RENDER_PROBE", code)
    bootstrap.require_rendering.cache_clear()


@pytest.mark.parametrize(("module", "package"), [("slicer", "slicer-core"), ("vtkmodules", "vtk")])
def test_a_missing_package_is_not_called_a_missing_opengl(monkeypatch, probe, module, package):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DependencyError, match=f"pip install {package}'"):
        bootstrap.require_rendering()


def test_an_opengl_that_hangs_is_one_clear_error(monkeypatch, probe):
    probe("import time; time.sleep(60)")
    monkeypatch.setattr(bootstrap, "_RENDER_PROBE_SECONDS", 0.2)
    with pytest.raises(DependencyError, match="does not answer"):
        bootstrap.require_rendering()


@pytest.mark.parametrize(
    ("platform", "said"), [("win32", "graphics driver"), ("darwin", "desktop session")]
)
def test_debian_is_named_on_linux_only(monkeypatch, probe, platform, said):
    probe("import os; os.abort()")
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(DependencyError, match=said) as refusal:
        bootstrap.require_rendering()
    assert "apt-get" not in str(refusal.value)


@pytest.mark.skipif(sys.platform != "linux", reason="names Debian's packages")
def test_absent_opengl_is_named_with_the_packages_that_bring_it(probe):
    probe("import os; os.abort()")
    with pytest.raises(DependencyError, match="libegl1 libgl1-mesa-dri"):
        bootstrap.require_rendering()


@pytest.mark.skipif(os.name != "posix", reason="signals end processes otherwise on this system")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_frame_that_was_cancelled_says_nothing_about_opengl(probe, name):
    probe(f"import os, signal, time; os.kill(os.getpid(), signal.{name}); time.sleep(60)")
    with pytest.raises(Cancelled):
        bootstrap.require_rendering()


@pytest.mark.skipif(os.name != "posix", reason="only terminals of POSIX signal whole groups")
def test_ctrl_c_in_the_terminal_does_not_reach_the_frame_that_is_tried(probe):
    probe("import os, sys; sys.exit(os.getpgid(0) != os.getpid())")
    bootstrap.require_rendering()


def test_start_is_quiet_and_leaves_no_files(tmp_path):
    code = "from COVIDLesionSegLib.headless.bootstrap import boot; boot()"
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert os.listdir(tmp_path) == []


@pytest.fixture
def start(tmp_path):
    """Runs Python code that boots MRML with ``folder`` at hand; its process, and that folder."""
    folder = tmp_path / "job"
    folder.mkdir()
    (tmp_path / "system").mkdir()
    started = []

    def run(code):
        head = (
            "from pathlib import Path\nfrom COVIDLesionSegLib.headless.bootstrap import boot\n"
            f"folder = Path({str(folder)!r})\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", head + code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "TMPDIR": str(tmp_path / "system"),
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
        )
        started.append(process)
        return process, folder

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("argument", ["", "folder"])
def test_a_killed_session_leaves_no_files(start, tmp_path, argument):
    process, _ = start(f"boot({argument})\nprint('up', flush=True)\ninput()\n")
    assert process.stdout.readline() == "up\n"
    process.kill()
    process.communicate()
    assert list((tmp_path / "job").iterdir()) == list((tmp_path / "system").iterdir()) == []


def test_a_bundle_is_unpacked_in_the_folder_that_the_last_caller_gave(start, mrml, scene, tmp_path):
    from COVIDLesionSegLib.headless.saved_scene import save_scene

    slicer.util.addVolumeFromArray(np.zeros((2, 3, 4), np.int16), name="small")
    bundle = save_scene(scene, tmp_path / "a.mrb")
    process, folder = start(
        "session = boot()\nboot(folder)\n"
        f"assert session.scene.ReadFromMRB({str(bundle)!r}, True)\n"
        "assert session.scene.GetFirstNodeByName('small') is not None\n"
        "print([path.name for path in folder.rglob('*')], flush=True)\n"
    )
    assert "cache" in process.stdout.readline()
    assert process.wait() == 0
    assert list(folder.iterdir()) == list((tmp_path / "system").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(start):
    process, _ = start(
        "from COVIDLesionSegLib.engine.errors import OutputError\n"
        "boot()\n"
        "try:\n"
        "    boot(folder / 'absent')\n"
        "except OutputError as error:\n"
        "    print(error, flush=True)\n"
    )
    assert re.search("absent.*No such file", process.stdout.readline())
    assert process.wait() == 0
