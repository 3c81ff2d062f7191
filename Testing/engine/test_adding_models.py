"""Models of others or of a training become the user's own completely, or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import zipfile

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.errors import CovidLesionSegError, InputError, ModelError, OutputError
from COVIDLesionSegLib.engine.models import monai_bundle
from COVIDLesionSegLib.engine.models.card_json import write_card
from COVIDLesionSegLib.engine.models.catalogue import Model, load_catalogue, read_models
from COVIDLesionSegLib.engine.models.monai_bundle import export_bundle, import_bundle
from COVIDLesionSegLib.engine.models.registry import add_folder
from COVIDLesionSegLib.engine.models.weights import load_network
from engine.crafted import make_card
from engine.crafted import write_model as write_crafted
from engine.training_slices import TinyNetwork

pytestmark = pytest.mark.usefixtures("tiny_network")


@pytest.fixture
def folder(tmp_path):
    """What a training wrote: files of its own, beside the model or the models."""
    folder = tmp_path / "trained"
    folder.mkdir()
    (folder / "training.json").write_text('{"recipe": {}, "training": "", "start": null}')
    (folder / "last.ckpt").write_bytes(b"checkpoint")
    return folder


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def write_model(folder, model_id="mine", seed=0) -> Model:
    torch.manual_seed(seed)
    write_crafted(TinyNetwork(), make_card(id=model_id, network="TinyNetwork"), folder)
    return next(model for model in models_in(folder) if model.id == model_id)


def models_in(folder):
    paths = sorted(folder.glob("*.json"))
    return [m for path in paths if path.name != "training.json" for m in read_models(path)]


def names(folder):
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def archive_of(model, path, **card):
    """The model's archive, with other values on its card."""
    export_bundle(model, path)
    change_card(path, card)
    return path


def change_card(path, values):
    change_members(
        path,
        lambda name, data: (
            (name, json.dumps(json.loads(data) | values).encode())
            if name.endswith("card.json")
            else (name, data)
        ),
    )


def change_members(path, change):
    with zipfile.ZipFile(path) as old:
        members = [change(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in members:
            new.writestr(name, data)


@pytest.fixture
def archive(folder, tmp_path):
    return archive_of(write_model(folder), tmp_path / "mine.zip")


def test_the_folder_of_a_training_becomes_a_model_that_can_be_used(folder, user_folder):
    trained = write_model(folder)
    (added,) = add_folder(folder)
    assert names(user_folder) == {"mine.json", "mine.safetensors"}
    assert load_catalogue().get("mine") == added == Model(trained.card, user_folder)
    load_network(added)


def test_all_folds_of_a_cross_validation_are_added(folder, user_folder):
    for number in (1, 2):
        write_model(folder, f"mine-{number}", seed=number)
    assert [model.id for model in add_folder(folder)] == ["mine-1", "mine-2"]
    with pytest.raises(InputError, match="one id cannot name them all"):
        add_folder(folder, "other")


def test_an_interrupted_adding_is_finished_by_adding_again(folder, user_folder):
    write_model(folder, "mine-1", seed=1)
    add_folder(folder)
    write_model(folder, "mine-2", seed=2)
    assert [model.id for model in add_folder(folder)] == ["mine-2"]
    with pytest.raises(ModelError, match="already among the models: mine-1, mine-2"):
        add_folder(folder)


def test_of_several_models_none_is_added_if_one_is_damaged(folder, user_folder):
    write_model(folder, "mine-1", seed=1)
    write_model(folder, "mine-2", seed=2).weights_path.write_bytes(b"damaged")
    with pytest.raises(ModelError, match="mine-2.*checksum"):
        add_folder(folder)
    assert names(user_folder) == set()


def test_a_folder_without_a_trained_model_is_refused(folder, tmp_path, user_folder):
    with pytest.raises(InputError, match="holds no trained model"):
        add_folder(folder)
    write_card(make_card(), folder)  # a network without weights
    with pytest.raises(InputError, match="holds no trained model"):
        add_folder(folder)
    with pytest.raises(InputError, match="absent cannot be read: No such file"):
        add_folder(tmp_path / "absent")
    (folder / "mine.json").write_text("{")
    with pytest.raises(InputError, match="mine.json cannot be read"):
        add_folder(folder)


@pytest.mark.parametrize("left", ["the same weights", "other weights", "an unfinished file"])
def test_what_a_killed_import_left_does_not_block_the_id(archive, folder, user_folder, left):
    user_folder.mkdir()
    if left == "the same weights":
        data = (folder / "mine.safetensors").read_bytes()
        (user_folder / "mine.safetensors").write_bytes(data)
    elif left == "other weights":
        (user_folder / "mine.safetensors").write_bytes(b"of an earlier version")
    else:
        (user_folder / ".mine.safetensors.partial").write_bytes(b"unfinished")
    import_bundle(archive)
    load_network(load_catalogue().get("mine"))
    if left == "other weights":
        # They may be the weights of another card.
        assert (user_folder / "mine.safetensors").read_bytes() == b"of an earlier version"


def test_a_card_that_cannot_be_written_leaves_no_weights_and_the_id_free(
    archive, user_folder, monkeypatch
):
    replace = os.replace

    def full(source, target):
        if os.path.basename(target) == "mine.json":
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="mine.json cannot be written"):
        import_bundle(archive)
    assert names(user_folder) == set()
    monkeypatch.undo()
    monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(user_folder))
    assert import_bundle(archive).id == "mine"


@pytest.mark.parametrize(
    ("model_id", "message"),
    [
        ("eamc", "eamc is the id of an ensemble that ships: choose another id"),
        ("EAMC", "ensemble that ships"),
        ("amc-net", "There is a model amc-net already"),
        ("AMC-Net", "There is a model AMC-Net already"),
        ("eamc-4", "There is a model eamc-4 already"),
    ],
)
def test_the_id_of_a_model_or_ensemble_that_ships_is_refused(
    archive, folder, user_folder, model_id, message
):
    change_card(archive, {"id": model_id})
    with pytest.raises(ModelError, match=message):
        import_bundle(archive)
    with pytest.raises(ModelError, match=message):
        add_folder(folder, model_id)
    assert names(user_folder) == set()
    assert import_bundle(archive, "theirs") == load_catalogue().get("theirs")


@pytest.mark.parametrize(
    "model_id",
    [
        "a\nb",
        "a\x1b[31m",
        "a\0b",
        "a" * 300,
        "a/b",
        "a\\b",
        "..",
        ".a",
        "-a",
        "a b",
        "a+b",
        "",
        "ä",
    ],
)
def test_an_id_that_is_no_safe_name_is_refused_in_one_short_line(
    archive, folder, user_folder, model_id
):
    def refused(adding, *arguments):
        with pytest.raises(ModelError, match="1 to 64 letters") as caught:
            adding(*arguments)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 300

    refused(import_bundle, archive, model_id)
    refused(add_folder, folder, model_id)
    change_card(archive, {"id": model_id})
    refused(import_bundle, archive)
    assert names(user_folder) == set()


def test_a_card_that_was_left_out_is_not_overwritten(archive, user_folder):
    user_folder.mkdir()
    (user_folder / "mine.json").write_text("precious, but damaged")
    with pytest.raises(ModelError, match="a file mine.json in the folder of your models already"):
        import_bundle(archive)
    assert (user_folder / "mine.json").read_text() == "precious, but damaged"


class _Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_named_like_safetensors_is_refused_and_never_run(archive, tmp_path, user_folder):
    attack = pickle.dumps(_Attack(tmp_path / "attacked")) + b" " * 1000
    card = json.loads(zipfile.ZipFile(archive).read("mine/configs/card.json"))
    card["weights"]["sha256"] = hashlib.sha256(attack).hexdigest()
    change_members(archive, lambda n, d: (n, attack if n.endswith(".safetensors") else d))
    change_card(archive, card)
    with pytest.raises(ModelError, match="not in safetensors format.*can run code"):
        import_bundle(archive)
    assert names(user_folder) == set() and not (tmp_path / "attacked").exists()


def test_an_archive_of_weights_that_are_pickles_by_name_is_refused(archive, user_folder):
    card = json.loads(zipfile.ZipFile(archive).read("mine/configs/card.json"))
    change_card(archive, {"weights": card["weights"] | {"file": "model.pt"}})
    with pytest.raises(ModelError, match="can run code"):
        import_bundle(archive)


def test_no_name_in_an_archive_leads_out_of_the_folder(archive, tmp_path, user_folder):
    with zipfile.ZipFile(archive, "a") as file:
        for name in ("../evil.txt", "mine/../../evil.txt", str(tmp_path / "evil.txt")):
            file.writestr(name, b"evil")
    change_members(archive, lambda name, data: (name.replace("mine/", "../../mine/", 1), data))
    import_bundle(archive)
    assert names(user_folder) == {"mine.json", "mine.safetensors"}
    assert not list(tmp_path.rglob("evil.txt")) and not (tmp_path.parent / "evil.txt").exists()


def test_an_archive_that_unpacks_to_too_much_is_refused_unread(archive, user_folder, monkeypatch):
    change_card(archive, {"notes": ["a" * 2**24]})
    assert archive.stat().st_size < 2**17
    with pytest.raises(InputError, match="card.json unpacks to more than 16 MiB"):
        import_bundle(archive)
    monkeypatch.setattr(monai_bundle, "_LARGEST", 100)
    change_card(archive, {"notes": []})
    with pytest.raises(InputError, match="mine.safetensors unpacks to more than"):
        import_bundle(archive)


def test_a_card_cannot_ask_for_more_memory_than_its_weights_hold(archive, folder, user_folder):
    """A network of 10 million times 4 filters would be built before the weights were compared."""
    change_card(archive, {"arguments": {"channels": 10_000_000}, "parameters": 370_000_048})
    with pytest.raises(ModelError, match="370\u202f000\u202f048 parameters.*the weights file has"):
        import_bundle(archive)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_archive_is_one_error_and_leaves_nothing(archive, user_folder, place, value, cut):
    data = bytearray(archive.read_bytes())
    at = int(place * len(data))
    data[at] = value
    damaged = archive.with_name("damaged.zip")
    damaged.write_bytes(data[:at] if cut else data)
    try:
        model = import_bundle(damaged)
    except CovidLesionSegError as error:
        assert str(error).isprintable()
        assert names(user_folder) == set()
    else:
        load_network(model)
        for file in user_folder.iterdir():
            file.unlink()
