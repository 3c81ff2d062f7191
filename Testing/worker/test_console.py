"""The console API: a worker process does the work; what comes back is what the engine gives."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import (
    Cancelled,
    CovidLesionSegError,
    DependencyError,
    InputError,
    ModelError,
)
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import CancelToken

pytest.importorskip("slicer")

LIBRARY = Path(__file__).parents[2] / "COVIDLesionSeg"
PHANTOM = {"seed": 3, "size": (96, 96, 4), "spacing": (3.4, 3.4, 60.0)}
# Low enough for the network to mark something on a generated CT.
THRESHOLD = 0.02
SEGMENT_AND_SAVE = f"""
import sys
import numpy as np
from COVIDLesionSegLib.headless.bootstrap import boot
boot()
from slicer.util import arrayFromSegmentBinaryLabelmap, arrayFromVolume
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.logic import COVIDLesionSegLogic
from COVIDLesionSegLib.scene.volumes import volume_to_node
ct = volume_to_node(generate_chest_ct(**{PHANTOM}).volume, "CT")
shown = COVIDLesionSegLogic().segment(ct, threshold={THRESHOLD})
np.savez(
    sys.argv[1],
    probability=arrayFromVolume(shown.probabilityNode),
    lesion=arrayFromSegmentBinaryLabelmap(shown.segmentationNode, "lesion", ct),
    heavy=sorted({{"torch", "torchvision", "monai"}} & set(sys.modules)),
)
"""


def run_without_application(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def ct(scene, tmp_path, monkeypatch):
    """A generated CT in the scene; no run may leave a folder or a node behind."""
    import slicer

    from COVIDLesionSegLib.scene.volumes import volume_to_node

    monkeypatch.setattr(slicer.app, "temporaryPath", str(tmp_path), raising=False)
    return volume_to_node(generate_chest_ct(**PHANTOM).volume, "CT")


@pytest.fixture
def segment(ct, tmp_path):
    """A call that must fail; afterwards scene and disk have to be as before."""
    from COVIDLesionSegLib.logic import COVIDLesionSegLogic

    def call(**arguments) -> None:
        scene = ct.GetScene()
        try:
            COVIDLesionSegLogic().segment(ct, **arguments)
        finally:
            assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
            assert not list(tmp_path.glob("COVIDLesionSeg-*"))

    return call


def test_without_the_application_there_is_no_main_window():
    # In a process of its own: in this one the panel's tests may have made a window.
    code = """
from COVIDLesionSegLib.headless.bootstrap import boot
boot()
import slicer
print(slicer.util.mainWindow())
"""
    asked = run_without_application(code)
    assert asked.stdout.split()[-1] == "None"


@pytest.mark.slow
def test_the_result_is_the_engines_own_and_torch_stays_out_of_this_process(tmp_path):
    from COVIDLesionSegLib.engine.parameters import Parameters
    from COVIDLesionSegLib.engine.pipeline import segment

    path = tmp_path / "arrays.npz"
    run_without_application(SEGMENT_AND_SAVE, str(path))
    found = np.load(path)
    expected = segment(generate_chest_ct(**PHANTOM).volume, Parameters(threshold=THRESHOLD))

    assert found["heavy"].size == 0
    assert expected.lesions.any()
    np.testing.assert_array_equal(found["lesion"], expected.lesions)
    np.testing.assert_array_equal(found["probability"], expected.probability)


def test_cancelling_from_a_callback_ends_the_process_and_changes_nothing(segment):
    cancel, stages = CancelToken(), []

    def stop(progress) -> None:
        stages.append(progress.stage)
        cancel.cancel()

    with pytest.raises(Cancelled):
        segment(progress=stop, cancel=cancel)
    assert len(stages) == 1


def test_what_a_callback_raises_ends_the_process_and_is_passed_on(segment):
    def fail(progress) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        segment(progress=fail)


def test_a_token_that_is_set_already_starts_nothing(segment):
    cancel, heard = CancelToken(), []
    cancel.cancel()

    with pytest.raises(Cancelled):
        segment(progress=heard.append, cancel=cancel)
    assert heard == []


@pytest.mark.slow
def test_an_error_of_the_engine_keeps_its_class_and_its_sentence(segment):
    with pytest.raises(ModelError, match="someone-elses"):
        segment(model="someone-elses")


def test_a_missing_package_is_named_with_the_way_to_get_it(segment, tmp_path, monkeypatch):
    missing = "raise ModuleNotFoundError('No module named torch', name='torch')"
    (tmp_path / "torch.py").write_text(missing)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)

    with pytest.raises(DependencyError, match="torch .* press Apply"):
        segment()


@pytest.mark.slow
def test_a_ct_that_leaves_the_scene_meanwhile_gets_no_result(ct, scene, monkeypatch):
    import slicer

    from COVIDLesionSegLib.logic import COVIDLesionSegLogic

    # Slicer's events are processed while the call waits, so a person may remove the CT.
    monkeypatch.setattr(slicer.app, "processEvents", lambda: scene.RemoveNode(ct), raising=False)
    with pytest.raises(InputError, match="removed"):
        COVIDLesionSegLogic().segment(ct)
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


@pytest.mark.slow
def test_lungs_alone_are_the_engines_own_and_once_corrected_lesions_are_found_in_them(ct, scene):
    from slicer.util import arrayFromSegmentBinaryLabelmap, updateSegmentBinaryLabelmapFromArray

    from COVIDLesionSegLib.engine.parameters import Parameters
    from COVIDLesionSegLib.engine.pipeline import find_lungs
    from COVIDLesionSegLib.logic import COVIDLesionSegLogic

    found = COVIDLesionSegLogic().findLungs(ct)
    node = found.segmentationNode
    expected = find_lungs(generate_chest_ct(**PHANTOM).volume, Parameters())
    right, left = (
        arrayFromSegmentBinaryLabelmap(node, name, ct) for name in ("right-lung", "left-lung")
    )
    np.testing.assert_array_equal(right + 2 * left, expected.lungs)
    assert node.GetSegmentation().GetNumberOfSegments() == 2
    assert [flag.code for flag in found.flags] == [flag.code for flag in expected.flags]

    corrected = right.copy()
    corrected[:2] = 0
    updateSegmentBinaryLabelmapFromArray(corrected, node, "right-lung", ct)
    segmented = COVIDLesionSegLogic().segment(ct, lungsNode=node, threshold=THRESHOLD)
    kept = arrayFromSegmentBinaryLabelmap(segmented.segmentationNode, "right-lung", ct)
    np.testing.assert_array_equal(kept, corrected)


@pytest.mark.parametrize(
    ("told", "kind", "option"),
    [
        ({"error": "LungsNotFoundError", "message": "m"}, "LungsNotFoundError", None),
        (
            {"error": "ParameterError", "message": "m", "option": "tiling"},
            "ParameterError",
            "tiling",
        ),
        ({"error": "ModuleNotFoundError", "message": "m"}, "DependencyError", None),
        ({"error": "MemoryError", "message": "m"}, "CovidLesionSegError", None),
        ({"error": "in_one_sentence", "message": "m"}, "CovidLesionSegError", None),
    ],
)
def test_an_error_that_a_worker_tells_is_one_of_this_package(told, kind, option):
    from COVIDLesionSegLib.worker.background import error_from

    error = error_from({**told, "message": "m"})
    assert (type(error).__name__, str(error), error.option) == (kind, "m", option)


def kinds_of(error: type[CovidLesionSegError]) -> list[type[CovidLesionSegError]]:
    return [error, *(kind for one in error.__subclasses__() for kind in kinds_of(one))]


def test_every_error_of_this_package_keeps_its_class_from_process_to_process():
    from COVIDLesionSegLib import engine
    from COVIDLesionSegLib.worker.background import error_from

    for module in pkgutil.walk_packages(engine.__path__, f"{engine.__name__}."):
        importlib.import_module(module.name)
    for kind in kinds_of(CovidLesionSegError):
        error = error_from({"error": kind.__name__, "message": "m"})
        assert (type(error), str(error)) == (kind, "m")


@pytest.mark.slow
def test_a_cohort_from_the_console_leaves_the_scene_alone_and_is_not_done_twice(
    scene, tmp_path, monkeypatch
):
    import slicer

    from COVIDLesionSegLib.engine.volume import write_volume
    from COVIDLesionSegLib.logic import COVIDLesionSegLogic

    monkeypatch.setattr(slicer.app, "temporaryPath", str(tmp_path), raising=False)
    monkeypatch.setenv("PYTHONPATH", str(LIBRARY))
    volume = generate_chest_ct(**PHANTOM).volume
    ct = tmp_path / "ct.nii.gz"
    write_volume(volume.array, volume.geometry, ct)
    before = scene.GetNumberOfNodes()
    out = tmp_path / "out"
    (case,) = COVIDLesionSegLogic().batch([ct], out, device="cpu")
    assert (case.case, case.status) == ("ct", "done"), case.error
    assert case.numbers["both_lungs_ml"] > 0
    assert (out / "cases" / "ct" / "report.json").is_file()
    assert scene.GetNumberOfNodes() == before
    report = (out / "cases" / "ct" / "report.json").stat().st_mtime_ns
    assert COVIDLesionSegLogic().batch([ct], out, device="cpu") == (case,)
    assert (out / "cases" / "ct" / "report.json").stat().st_mtime_ns == report
    assert not list(tmp_path.glob("COVIDLesionSeg-*"))
