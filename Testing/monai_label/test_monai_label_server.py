"""The server of MONAI Label, started with our app, answers MONAI Label's own client."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.volume import read_array, write_volume
from COVIDLesionSegLib.monai_label.app_folder import write_app
from COVIDLesionSegLib.monai_label.choice import DOUBT, SCORE
from COVIDLesionSegLib.monai_label.prediction import predict
from engine.reviewed_cohort import MODEL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(
        find_spec("monailabel") is None,
        reason="MONAI LABEL ABSENT: pip install monailabel, in an environment of its own",
    ),
]
STRATEGY = "most-in-doubt"
LIBRARY = Path(__file__).parents[2] / "COVIDLesionSeg"


def wait_for(what, whole=900.0):
    """What a call gives, once it gives something."""
    end = time.monotonic() + whole
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(1.0)
    raise TimeoutError("The server gave no answer.")


@pytest.fixture(scope="module")
def studies(cts, tmp_path_factory):
    """The CTs in a folder that may be changed."""
    return Path(shutil.copytree(cts, tmp_path_factory.mktemp("studies") / "cts"))


@pytest.fixture(scope="module")
def client(studies, small_model, tmp_path_factory):
    """MONAI Label's client of a server that was started with the app and a folder of CTs.

    The first in the order of their names is no CT yet.
    """
    from monailabel.client.client import MONAILabelClient

    (studies / "broken.nii.gz").write_bytes(b"no CT")
    folder = tmp_path_factory.mktemp("server")
    write_app(folder / "app")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "monailabel.main", "start_server", "--app", folder / "app"]
    command += ["--studies", studies, "--host", "127.0.0.1", "--port", port]
    command += ["--conf", "models", MODEL, "--conf", "device", "cpu"]
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(
            [str(part) for part in command],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        )
    client = MONAILabelClient(f"http://127.0.0.1:{port}", tmpdir=str(folder))

    def answers():
        assert server.poll() is None, (folder / "log.txt").read_text()[-3000:]
        try:
            return client.info()
        except OSError:
            return None

    try:
        wait_for(answers)
        yield client
    finally:
        server.terminate()
        server.wait(60)


def test_a_client_segments_labels_trains_and_is_told_what_to_label_next(
    client, cts, studies, phantoms, tmp_path
):
    from monailabel.client.client import MONAILabelClientException

    info = client.info()
    assert set(info["models"]) == {MODEL, "lungs"} and set(info["trainers"]) == {MODEL}
    assert info["models"][MODEL]["labels"] == {"lesion": 1}
    assert info["models"][MODEL]["config"]["device"][0] == "cpu"
    assert STRATEGY in info["strategies"]

    for model, only_lungs in ((MODEL, False), ("lungs", True)):
        file, said = client.infer(model, "oblique", {"result_extension": ".nrrd"})
        labels, grid = read_array(file)
        _, result = predict(cts / "oblique.nii.gz", Parameters(model=MODEL), only_lungs)
        assert np.array_equal(labels, result.lungs if only_lungs else result.lesions)
        of_ct = read_array(cts / "oblique.nii.gz")[1].ijk_to_ras
        assert np.abs(grid.ijk_to_ras - of_ct).max() < 1e-6
        assert said["label_names"] == info["models"][model]["labels"]
    file, said = client.infer(MODEL, "oblique", {"device": ["cpu", "auto"]})
    assert file.endswith(".nii.gz") and said["category"].startswith("CT-")
    assert np.array_equal(
        read_array(file)[0], predict(cts / "oblique.nii.gz", Parameters(model=MODEL))[1].lesions
    )
    with pytest.raises(MONAILabelClientException) as refused:
        client.infer(MODEL, "oblique", {"device": "cuda:7"})
    assert "must be one of" in refused.value.msg

    def known():
        objects = client.datastore()["objects"].items()
        return {name: one["image"]["info"].get(SCORE, {}) for name, one in objects}

    def scores():
        found = {name: one.get(DOUBT) for name, one in known().items() if "error" not in one}
        return found if None not in found.values() else None

    found = wait_for(scores)  # in the background, after the server started
    assert set(found) == set(phantoms) and "error" in known()["broken"]
    order = [client.next_sample(STRATEGY, {})["id"] for _ in found]
    assert order == sorted(found, key=found.get, reverse=True)
    assert client.next_sample(STRATEGY, {})["id"] == "broken"

    shutil.copy(cts / "one.nii.gz", studies / "broken.nii.gz")  # it is mended
    client.next_sample(STRATEGY, {})  # which asks for scores
    mended = wait_for(lambda: scores() if "error" not in known()["broken"] else None)
    assert mended["broken"] == mended["one"]
    (studies / "broken.nii.gz").unlink()

    for name, phantom in phantoms.items():
        label = tmp_path / f"{name}.nii.gz"
        write_volume((phantom.lesions > 0).astype(np.uint8), phantom.volume.geometry, label)
        names = {"label_info": [{"name": "lesion", "idx": 1}]}
        assert client.save_label(name, str(label), "", names)["label"] == name
    assert client.info()["datastore"]["completed"] == len(phantoms)
    assert client.next_sample(STRATEGY, {}) == {}

    client.train_start(MODEL, {"steps": 1, "new_model": "learned", "device": "cpu"})
    ended = wait_for(
        lambda: (status := client.train_status())["status"] in ("DONE", "ERROR") and status
    )
    assert ended["status"] == "DONE", ended["details"]
    assert any("learned" in line for line in ended["details"])
