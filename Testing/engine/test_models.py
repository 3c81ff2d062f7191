"""The catalogue: cards are complete, weights are verified, every mismatch is one clear sentence."""

from __future__ import annotations

import json
import re
from dataclasses import asdict

import pytest
import torch

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.models.card import ModelCard
from COVIDLesionSegLib.engine.models.catalogue import (
    PACKAGED_FOLDER,
    USER_FOLDER_VARIABLE,
    load_catalogue,
    read_model,
)
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.models.weights import load_network, save_weights
from COVIDLesionSegLib.engine.networks import build_network, count_parameters


@pytest.fixture
def user_models(tmp_path, monkeypatch):
    """A folder of the user's own models, with one complete AMC-Net in it."""
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    torch.manual_seed(0)
    network = build_network("AMCNet", {})
    card = packaged_card() | {"id": "mine", "title": "Mine"}
    card["weights"] |= {
        "file": "mine.safetensors",
        "sha256": save_weights(network, tmp_path / "mine.safetensors", torch.float32),
    }
    (tmp_path / "mine.json").write_text(json.dumps(card), encoding="utf-8")
    return tmp_path


def packaged_card() -> dict:
    return json.loads((PACKAGED_FOLDER / "amc-net.json").read_text(encoding="utf-8"))


def rewrite_card(folder, **changes):
    path = folder / "mine.json"
    card = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(card), encoding="utf-8")


@pytest.mark.parametrize("model", load_catalogue().models, ids=lambda model: model.id)
def test_every_packaged_card_states_its_networks_own_parameter_count(model):
    network = build_network(model.card.network, model.card.arguments)
    assert model.card.parameters == count_parameters(network)


@pytest.mark.parametrize("model", load_catalogue().models, ids=lambda model: model.id)
def test_every_packaged_card_survives_a_round_trip_through_json(model):
    assert ModelCard.from_dict(json.loads(json.dumps(asdict(model.card)))) == model.card


def test_packaged_weights_load_and_say_where_they_come_from():
    model = load_catalogue().get("amc-net")
    load_network(model)
    assert model.card.weights.licence == "CC-BY-NC-SA-4.0"
    assert "research" in model.card.weights.licence_note.lower()
    training = model.card.training
    assert training["command"].startswith("covid-lesion-seg train amc-net ")
    assert training["recipe"]["seed"] > 0
    assert training["data"]["validation"] == {
        "coronacases_org_009": 103,
        "coronacases_org_010": 112,
    }
    assert not set(training["data"]["training"]) & set(training["data"]["validation"])


def test_packaged_scores_state_patient_and_protocol_and_reach_what_the_project_promises():
    scores = load_catalogue().get("amc-net").card.scores
    assert all(len(score.data) > 10 and len(score.protocol) > 10 for score in scores)
    validation = [
        score.value
        for score in scores
        if score.metric == "Dice" and score.data.startswith("coronacases")
    ]
    assert len(validation) == 2
    assert sum(validation) / 2 >= 0.75


def test_an_unknown_model_is_refused_and_the_known_ones_are_named():
    with pytest.raises(
        ModelError, match=r"no model 'resnet'; choose one of: amc-net, amc-net-released"
    ):
        load_catalogue().get("resnet")


def test_a_users_model_joins_the_catalogue(user_models):
    model = load_catalogue().get("mine")
    assert model.weights_present
    torch.manual_seed(0)
    expected = build_network("AMCNet", {}).eval()
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        assert torch.equal(load_network(model)(image), expected(image))


def test_half_precision_weights_come_back_as_float32_within_half_precision(tmp_path, user_models):
    network = build_network("AMCNet", {})
    digest = save_weights(network, user_models / "mine.safetensors", torch.float16)
    rewrite_card(
        user_models,
        weights=packaged_card()["weights"] | {"file": "mine.safetensors", "sha256": digest},
    )
    loaded = load_network(load_catalogue().get("mine"))
    for name, tensor in network.state_dict().items():
        assert loaded.state_dict()[name].dtype == torch.float32
        torch.testing.assert_close(loaded.state_dict()[name], tensor, rtol=1e-3, atol=1e-6)


def test_replaced_weights_are_refused(user_models):
    (user_models / "mine.safetensors").write_bytes(b"something else")
    with pytest.raises(ModelError, match="do not have the checksum on its card"):
        load_network(load_catalogue().get("mine"))


def test_one_changed_byte_is_noticed(user_models):
    path = user_models / "mine.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="checksum"):
        load_network(load_catalogue().get("mine"))


def test_absent_weights_are_named(user_models):
    (user_models / "mine.safetensors").unlink()
    model = load_catalogue().get("mine")
    assert not model.weights_present
    with pytest.raises(ModelError, match=r"cannot be read \(mine.safetensors\)"):
        load_network(model)


def test_weights_of_another_network_are_refused(user_models):
    other = build_network("AMCNet", {"upsampling": "transposed"})
    digest = save_weights(other, user_models / "mine.safetensors")
    rewrite_card(
        user_models,
        weights=packaged_card()["weights"] | {"file": "mine.safetensors", "sha256": digest},
    )
    with pytest.raises(ModelError, match="are not those of network AMCNet"):
        load_network(load_catalogue().get("mine"))


def test_a_network_without_weights_is_listed_but_refused_with_the_way_out():
    model = load_catalogue().get("amc-net-released")
    assert model.card.parameters == 4_457_101
    with pytest.raises(ModelError, match="no trained weights yet: choose another model or train"):
        load_network(model)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": None}, "incomplete or damaged"),
        ({"surprise": 1}, "unknown fields: surprise"),
        ({"preprocessing": {"window_hu": [200, -1000]}}, "window 200 to -1000 is empty"),
        ({"preprocessing": {"window": [0, 1]}}, "preprocessing record is not understood"),
        ({"id": "amc-net"}, "Two model cards are called 'amc-net'"),
    ],
)
def test_a_damaged_card_of_the_users_is_one_clear_sentence_beside_the_other_models(
    user_models, changes, message
):
    rewrite_card(user_models, **changes)
    catalogue = load_catalogue()
    assert [model.id for model in catalogue.models] == ["amc-net", "amc-net-released"]
    (problem,) = catalogue.problems
    assert message in problem and "mine.json" in problem
    with pytest.raises(ModelError, match=re.escape(message)):
        catalogue.get("mine")


def test_a_card_that_is_not_json_is_named(user_models):
    (user_models / "mine.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"card mine.json cannot be read"):
        read_model(user_models / "mine.json")


def test_preprocessing_maps_the_window_to_0_and_1_and_clips():
    unit = Preprocessing((-1000.0, 0.0)).to_unit([-2000, -1000, -250, 0, 500])
    assert unit.tolist() == [0.0, 0.0, 0.75, 1.0, 1.0]
    assert unit.dtype.name == "float32"
