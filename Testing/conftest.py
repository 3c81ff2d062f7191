"""What every suite shares: a booted MRML scene and the folder of real CTs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

# A busy machine is slow; that is no failure of the code. The same examples in every run: one that
# failed by chance would fail whoever changes something else.
settings.register_profile(
    "any-machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")
# Numbers in the modules that are loaded would be among the draws, so these would depend on the
# tests before. Hypothesis has no setting for it.
providers._get_local_constants = Constants

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(config, items):
    """With several processes, slow files first: what is dealt last should end at about once."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def models_of_nobody(tmp_path_factory):
    """An empty folder of the user's own models: not that of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COVIDLESIONSEG_MODELS", str(tmp_path_factory.mktemp("models")))
        yield


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real CTs: ``COVIDLESIONSEG_DATA``, or ``shared/data`` beside the repository."""
    folder = Path(
        os.environ.get("COVIDLESIONSEG_DATA", REPOSITORY.parent / "shared" / "data")
    ).resolve()
    if not folder.is_dir():
        pytest.skip(f"REAL DATA ABSENT: {folder} (set COVIDLESIONSEG_DATA)")
    return folder


@pytest.fixture(scope="session")
def phantom():
    """A generated chest CT in an unusual orientation, with its truth."""
    from COVIDLesionSegLib.engine.phantom import generate_chest_ct

    return generate_chest_ct(seed=3, size=(96, 96, 40), spacing=(3.6, 3.6, 7.0), orientation="RIP")


@pytest.fixture(scope="session")
def mrml():
    """The running MRML session, started once."""
    from COVIDLesionSegLib.engine.errors import DependencyError
    from COVIDLesionSegLib.headless.bootstrap import boot

    try:
        return boot()
    except DependencyError as error:
        pytest.skip(f"MRML ABSENT: {error}")


@pytest.fixture
def scene(mrml):
    """An empty MRML scene."""
    mrml.scene.SetUndoOff()
    mrml.scene.Clear(False)
    # Views survive when a scene is closed; another test's would be found beside this one's.
    for class_name in ("vtkMRMLSliceNode", "vtkMRMLSliceCompositeNode"):
        while node := mrml.scene.GetFirstNodeByClass(class_name):
            mrml.scene.RemoveNode(node)
    # Another test's saved scene would decide where this one's files go.
    mrml.scene.SetURL("")
    mrml.scene.SetRootDirectory("")
    yield mrml.scene
    mrml.scene.Clear(False)


@pytest.fixture(scope="session")
def rendering():
    """Skips where OpenGL is missing, and says so."""
    from COVIDLesionSegLib.engine.errors import DependencyError
    from COVIDLesionSegLib.headless.bootstrap import require_rendering

    try:
        require_rendering()
    except DependencyError as error:
        pytest.skip(f"RENDERING ABSENT: {error}")
