"""Models handed on as one file, promoted, rolled back, and traced to what they descend from."""

from __future__ import annotations

import json
import socket
import zipfile
from dataclasses import replace

import pytest
import torch
from monai.bundle import ConfigParser, verify_metadata, verify_net_in_out

from COVIDLesionSegLib import RESEARCH_USE_NOTICE
from COVIDLesionSegLib.engine.errors import InputError, ModelError, OutputError
from COVIDLesionSegLib.engine.models.card import Weights
from COVIDLesionSegLib.engine.models.card_json import write_card
from COVIDLesionSegLib.engine.models.catalogue import Model, load_catalogue
from COVIDLesionSegLib.engine.models.lineage import lineage_of, parent_facts
from COVIDLesionSegLib.engine.models.monai_bundle import export_bundle, import_bundle
from COVIDLesionSegLib.engine.models.user_models import (
    USER_FOLDER_VARIABLE,
    default_model,
    promote,
    roll_back,
)
from COVIDLesionSegLib.engine.models.weights import load_network, save_weights
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL, Parameters


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(folder))
    return folder


def write_model(folder, model_id="mine", seed=0, **fields) -> Model:
    """A complete model of the user's: the smallest network of the EAMC paper."""
    torch.manual_seed(seed)
    card = load_catalogue().get("unet").card
    network = build_network(card.network, card.arguments)
    file = f"{model_id}.safetensors"
    sha256 = save_weights(network, folder / file)
    card = replace(
        card,
        id=model_id,
        title="Mine",
        parameters=count_parameters(network),
        weights=Weights(file, sha256, "CC-BY-NC-SA-4.0", "Not for profit."),
        **fields,
    )
    write_card(card, folder)
    return Model(card, folder)


def rewrite(archive, change):
    """The archive with every file as ``change`` gives it: (name, data) to (name, data) or None."""
    with zipfile.ZipFile(archive) as old:
        files = [change(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(archive, "w") as new:
        for name, data in filter(None, files):
            new.writestr(name, data)


@pytest.fixture
def archive(tmp_path, user_folder):
    """An exported model, which then was removed."""
    model = write_model(user_folder)
    path = tmp_path / "mine.zip"
    export_bundle(model, path)
    for file in user_folder.iterdir():
        file.unlink()
    return path


def test_a_model_comes_back_from_its_file_card_weights_and_licence(tmp_path, user_folder):
    exported = write_model(user_folder)
    weights = exported.weights_path.read_bytes()
    path = tmp_path / "mine.zip"
    export_bundle(exported, path)
    for file in user_folder.iterdir():
        file.unlink()
    imported = import_bundle(path)
    assert load_catalogue().get("mine") == imported == exported
    assert imported.weights_path.read_bytes() == weights
    load_network(imported)


def test_the_same_model_gives_the_same_file(tmp_path, user_folder):
    model = write_model(user_folder)
    for name in ("a.zip", "b.zip"):
        export_bundle(model, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_the_file_is_laid_out_as_a_monai_bundle(tmp_path, archive):
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path / "bundle")
    root = tmp_path / "bundle" / "mine"
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert found == {
        "LICENSE",
        "configs/card.json",
        "configs/inference.json",
        "configs/metadata.json",
        "docs/README.md",
        "models/mine.safetensors",
    }
    metadata = ConfigParser.load_config_file(root / "configs" / "metadata.json")
    required = {"version", "changelog", "monai_version", "pytorch_version", "numpy_version"}
    required |= {"task", "description", "authors", "copyright", "network_data_format"}
    assert required <= set(metadata)
    output = metadata["network_data_format"]["outputs"]["pred"]
    assert output["num_channels"] == 1 and output["channel_def"] == {"0": "lesion"}
    assert "CC-BY-NC-SA-4.0" in (root / "LICENSE").read_text()
    assert RESEARCH_USE_NOTICE in (root / "docs" / "README.md").read_text()


@pytest.mark.parametrize("model_id", ["unet-lite0", "lungs-lite0"])
def test_monai_verifies_the_metadata_of_the_bundle(tmp_path, model_id):
    """By the schema that MONAI publishes, and that the metadata name."""
    export_bundle(load_catalogue().get(model_id), tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as file:
        file.extractall(tmp_path)
    metadata = tmp_path / model_id / "configs" / "metadata.json"
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(10.0)
    try:
        verify_metadata(meta_file=str(metadata), filepath=tmp_path / "schema.json")
    except OSError as error:
        pytest.skip(f"MONAI's schema cannot be downloaded: {error}")
    finally:
        socket.setdefaulttimeout(before)


@pytest.mark.parametrize("model_id", ["unet-lite0", "amc-net"])  # half precision, 8 bits
def test_monai_verifies_the_network_of_the_bundle_and_builds_it_with_its_weights(
    tmp_path, model_id
):
    model = load_catalogue().get(model_id)
    export_bundle(model, tmp_path / "model.zip")
    with zipfile.ZipFile(tmp_path / "model.zip") as file:
        file.extractall(tmp_path)
    configs = tmp_path / model_id / "configs"

    verify_net_in_out(
        "network",
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
        device="cpu",
        bundle_root=str(tmp_path / model_id),
    )

    parser = ConfigParser(ConfigParser.load_config_file(configs / "inference.json"))
    parser["bundle_root"] = str(tmp_path / model_id)
    ours = load_network(model).state_dict()
    theirs = parser.get_parsed_content("network").state_dict()
    assert (
        all(torch.equal(ours[name], theirs[name]) for name in ours) and ours.keys() == theirs.keys()
    )


def test_a_network_that_was_never_trained_cannot_be_handed_on(tmp_path, user_folder):
    with pytest.raises(ModelError, match="no trained weights"):
        export_bundle(load_catalogue().get("unet"), tmp_path / "unet.zip")
    assert not (tmp_path / "unet.zip").exists()


def test_a_taken_id_is_refused_and_the_present_model_stays(archive, user_folder):
    present = write_model(user_folder, seed=1)
    weights = present.weights_path.read_bytes()
    with pytest.raises(ModelError, match="a model mine already"):
        import_bundle(archive)
    assert present.weights_path.read_bytes() == weights


def test_the_weights_of_another_model_are_never_overwritten(archive, user_folder):
    """Whatever name the archive gives them, they are filed under the model's id."""
    other = write_model(user_folder, "other", seed=1)
    weights = other.weights_path.read_bytes()

    def as_others(name, data):
        if name.endswith("card.json"):
            card = json.loads(data)
            card["weights"]["file"] = "other.safetensors"
            return name, json.dumps(card).encode()
        return name.replace("mine.safetensors", "other.safetensors"), data

    rewrite(archive, as_others)
    assert import_bundle(archive).weights_path == user_folder / "mine.safetensors"
    assert other.weights_path.read_bytes() == weights


def damaged_weights(name, data):
    return name, data[:-1] + b"?" if name.endswith(".safetensors") else data


def of_another_network(name, data):
    card = json.loads(data) if name.endswith("card.json") else None
    return name, json.dumps(card | {"arguments": {}}).encode() if card else data


def leading_out_of_the_folder(name, data):
    card = json.loads(data) if name.endswith("card.json") else None
    return name, json.dumps(card | {"id": "../mine"}).encode() if card else data


def without_card(name, data):
    return None if name.endswith("card.json") else (name, data)


def without_weights(name, data):
    return None if name.endswith(".safetensors") else (name, data)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (damaged_weights, ModelError, "checksum"),
        (of_another_network, ModelError, "not those of network"),
        (leading_out_of_the_folder, ModelError, "unsafe id"),
        (without_card, InputError, "has no configs/card.json"),
        (without_weights, InputError, "damaged"),
    ],
)
def test_an_unfit_archive_is_refused_and_leaves_nothing(
    archive, user_folder, tmp_path, change, error, message
):
    rewrite(archive, change)
    with pytest.raises(error, match=message):
        import_bundle(archive)
    assert list(user_folder.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} == {"models", "mine.zip"}


def test_a_file_that_is_no_archive_is_refused(tmp_path, user_folder):
    (tmp_path / "ct.zip").write_bytes(b"no zip")
    with pytest.raises(InputError, match="ct.zip is no model archive"):
        import_bundle(tmp_path / "ct.zip")
    with pytest.raises(InputError, match="No such file"):
        import_bundle(tmp_path / "absent.zip")


def test_the_promoted_model_is_used_until_it_is_rolled_back(user_folder):
    assert default_model() == DEFAULT_MODEL
    promote("first", "0" * 64)
    promote("second", "1" * 64)
    assert (default_model(), Parameters().model) == ("second", DEFAULT_MODEL)
    assert roll_back() == "first"
    assert roll_back() == DEFAULT_MODEL
    with pytest.raises(ModelError, match="No model was promoted"):
        roll_back()


def test_the_promotion_of_a_named_model_is_rolled_back_and_no_other(user_folder):
    for model in ("first", "second", "first", "third"):
        promote(model, "0" * 64)
    assert roll_back("first") == "third"
    assert roll_back("third") == "second"
    with pytest.raises(ModelError, match="third was not promoted: choose second"):
        roll_back("third")
    assert roll_back("first") == "second" and roll_back("second") == DEFAULT_MODEL


def test_a_folder_that_cannot_be_made_is_one_clear_error(archive, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "file" / "models"))
    for work in (lambda: import_bundle(archive), lambda: promote("mine", "0" * 64)):
        with pytest.raises(OutputError, match="cannot be made: Not a directory"):
            work()


def test_a_damaged_list_of_promotions_is_told_and_keeps_nobody_from_the_starter(user_folder):
    (user_folder / "promotions.list").write_text("[{")
    assert default_model() == DEFAULT_MODEL
    (problem,) = load_catalogue().problems
    assert "promotions.list" in problem
    with pytest.raises(ModelError, match="remove promotions.list"):
        promote("mine", "0" * 64)


def test_a_line_of_descent_ends_where_a_card_names_no_parent(user_folder):
    first = write_model(user_folder, "first", 1)
    second = write_model(user_folder, "second", 2, training={"parent": parent_facts(first.card)})
    write_model(user_folder, "third", 3, training={"parent": parent_facts(second.card)})
    line = lineage_of(load_catalogue(), "third")
    assert [ancestor.id for ancestor in line] == ["third", "second", "first"]
    assert line[-1].card == first.card


def test_a_parent_that_is_gone_or_was_trained_anew_is_named_without_its_card(user_folder):
    first = write_model(user_folder, "first", 1)
    write_model(user_folder, "second", 2, training={"parent": parent_facts(first.card)})
    write_model(user_folder, "first", 3)
    line = lineage_of(load_catalogue(), "second")
    assert (line[1].id, line[1].card) == ("first", None)
    assert line[1].weights_sha256 == first.card.weights.sha256


def test_a_circle_of_parents_is_refused(user_folder):
    model = write_model(user_folder, "first", 1)
    write_card(replace(model.card, training={"parent": parent_facts(model.card)}), user_folder)
    with pytest.raises(ModelError, match="descendant"):
        lineage_of(load_catalogue(), "first")
