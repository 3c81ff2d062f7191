"""The panel on the Qt bench, loaded unmodified."""

from __future__ import annotations

from pathlib import Path

import pytest

from panel.workers import ScriptedWorker, finished_with, known_result

MODULE_FILE = Path(__file__).parents[2] / "COVIDLesionSeg" / "COVIDLesionSeg.py"


@pytest.fixture(scope="session")
def bench(mrml):
    """Qt on an offscreen screen; skips where PySide6 or a library it needs is missing."""
    try:
        from bench import Bench
    except ImportError as error:
        pytest.skip(f"QT ABSENT: {error}")
    return Bench()


@pytest.fixture
def loaded(bench, scene, tmp_path, monkeypatch):
    """The module as Slicer holds it; any error in a slot or an observer fails the test."""
    import slicer

    monkeypatch.setattr(slicer.app, "temporaryPath", str(tmp_path), raising=False)
    monkeypatch.setenv("COVIDLESIONSEG_REVIEWS", str(tmp_path / "reviews"))
    monkeypatch.setenv("COVIDLESIONSEG_RETRAININGS", str(tmp_path / "retrainings"))
    slicer.app.userSettings().remove("COVIDLesionSeg/ShowModelsWithoutWeights")
    module = bench.load(MODULE_FILE)
    answer_first_questions()
    yield module
    bench.unload(module)
    assert not bench.slot_errors, bench.slot_errors
    assert not list(tmp_path.glob("COVIDLesionSeg-*")), "a run left its private folder behind"


def answer_first_questions() -> None:
    """As if the user had run a model on this computer before."""
    from COVIDLesionSegLib.panel.preparing import first_use, licences

    licences.approve("CC-BY-NC-SA-4.0")
    first_use.remember_torch_works()


@pytest.fixture
def panel(loaded):
    """The module's widget object."""
    return loaded.widget


@pytest.fixture(scope="session")
def phantom():
    """A generated chest CT of four thick slices, with its truth."""
    from COVIDLesionSegLib.engine.phantom import generate_chest_ct

    return generate_chest_ct(seed=3, size=(96, 96, 4), spacing=(3.4, 3.4, 60.0))


@pytest.fixture
def ct(panel, phantom):
    """The generated CT in the scene, selected in the panel."""
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    node = volume_to_node(phantom.volume, "CT")
    panel.ui.ctSelector.setCurrentNode(node)
    return node


@pytest.fixture
def apply(panel, ct, bench):
    """Press Apply with a given worker and wait for the end."""
    from COVIDLesionSegLib.panel.running.run import RunState

    def press(worker: ScriptedWorker) -> None:
        panel.run.start_process = worker
        panel.ui.applyButton.click()
        bench.wait_until(lambda: panel.run.state is RunState.IDLE)

    return press


@pytest.fixture
def shown(apply, panel, phantom):
    """A known result, shown."""
    result = known_result(phantom)
    apply(finished_with(result))
    return result


@pytest.fixture
def correct(panel, ct):
    """Edits the lesion of the case on show; a second edit takes the first back."""

    def edit() -> None:
        from slicer.util import arrayFromSegmentBinaryLabelmap as array_of
        from slicer.util import updateSegmentBinaryLabelmapFromArray as update

        segmentation = panel.result.segmentationNode
        array = array_of(segmentation, "lesion", ct).copy()
        array[1, 30:40, 30:40] = 1 - array[1, 30:40, 30:40]
        update(array, segmentation, "lesion", ct)

    return edit


@pytest.fixture
def red(scene):
    """A slice view and its layers."""
    view = scene.AddNewNodeByClass("vtkMRMLSliceNode")
    composite = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    for node in (view, composite):
        node.SetSingletonTag("Red")
        node.SetLayoutName("Red")
    yield view
    for node in (view, composite):
        scene.RemoveNode(node)
