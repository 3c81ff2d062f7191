"""Models as files: imported, exported, verified, made the default, each as a job."""

from __future__ import annotations

import json
import shutil

import pytest

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.errors import InputError, ModelError
from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER, WeightsPlace, load_catalogue
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE, default_model
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL
from COVIDLesionSegLib.jobs.model_store import load_model_ids


@pytest.fixture(autouse=True)
def user_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


def write_theirs(folder, weights: bool = True, **fields):
    """The card of another user's model, with or without its weights beside it."""
    folder.mkdir(exist_ok=True)
    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
    card |= {"id": "theirs", "title": "Theirs"}
    card["weights"] |= fields
    if weights:
        shutil.copy(PACKAGED_FOLDER / "amc-net.safetensors", folder)
    path = folder / "theirs.json"
    path.write_text(json.dumps(card))
    return path


def import_into(tmp_path, file, **options) -> list[str]:
    options = jobs.ImportModelOptions(file=file, **options)
    added = jobs.import_model(options, tmp_path / "added")
    assert load_model_ids(tmp_path / "added") == added
    return added


def test_an_exported_model_is_imported_under_another_id(tmp_path, user_folder):
    archive = tmp_path / "model.zip"
    jobs.export_model(jobs.StoredModelOptions(model_id="amc-net"), archive)

    assert import_into(tmp_path, archive, model_id="theirs") == ["theirs"]
    assert load_catalogue().get("theirs").place is WeightsPlace.OWN


def test_a_taken_id_is_refused_and_names_the_option_that_mends_it(tmp_path):
    archive = tmp_path / "model.zip"
    jobs.export_model(jobs.StoredModelOptions(model_id="amc-net"), archive)
    with pytest.raises(ModelError, match="model amc-net already") as refused:
        import_into(tmp_path, archive)

    assert refused.value.option == "model_id"


@pytest.mark.parametrize("of", ["card", "folder"])
def test_a_card_with_its_weights_beside_it_is_imported(tmp_path, of):
    card = write_theirs(tmp_path / "given")

    assert import_into(tmp_path, card if of == "card" else card.parent) == ["theirs"]
    model = load_catalogue().get("theirs")
    assert model.place is WeightsPlace.OWN
    assert model.weights_path.name == "theirs.safetensors"


def test_a_card_without_its_weights_is_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        import_into(tmp_path, write_theirs(tmp_path / "given", weights=False))


def test_a_card_alone_is_imported_if_its_weights_can_be_downloaded(tmp_path):
    card = write_theirs(
        tmp_path / "given", weights=False, url="https://example.org/weights", size=7_000_000
    )

    assert import_into(tmp_path, card) == ["theirs"]
    model = load_catalogue().get("theirs")
    assert model.place is WeightsPlace.MISSING
    assert model.card.weights.host == "example.org" and model.card.weights.size == 7_000_000


def test_a_card_that_states_a_wrong_number_of_parameters_is_refused_without_weights_too(tmp_path):
    path = write_theirs(tmp_path / "given", weights=False, url="https://example.org/weights")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"parameters": 5}))
    with pytest.raises(ModelError, match="states 5 parameters"):
        import_into(tmp_path, path)


def test_an_untrained_card_is_nothing_to_import(tmp_path):
    path = write_theirs(tmp_path / "given")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"weights": None}))
    with pytest.raises(InputError, match="no trained model"):
        import_into(tmp_path, path)


def test_weights_are_verified_by_their_checksum(tmp_path, user_folder):
    import_into(tmp_path, write_theirs(tmp_path / "given"))
    theirs = jobs.StoredModelOptions(model_id="theirs")
    assert jobs.verify_model(theirs, tmp_path / "verified") == ["theirs"]

    weights = user_folder / "theirs.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(ModelError, match="checksum"):
        jobs.verify_model(theirs, tmp_path / "again")
    with pytest.raises(ModelError, match="checksum"):
        jobs.make_default(theirs, tmp_path / "default")
    assert default_model() == DEFAULT_MODEL


def test_a_verified_model_becomes_the_default(tmp_path):
    import_into(tmp_path, write_theirs(tmp_path / "given"))
    jobs.make_default(jobs.StoredModelOptions(model_id="theirs"), tmp_path / "default")

    assert default_model() == "theirs"


@pytest.mark.slow
def test_nothing_of_torch_is_loaded_to_verify_or_to_download(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from COVIDLesionSegLib import jobs\n"
        "options = jobs.StoredModelOptions(model_id='amc-net')\n"
        f"jobs.verify_model(options, Path({str(tmp_path / 'verified')!r}))\n"
        "from COVIDLesionSegLib.engine.models import weights_download\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
