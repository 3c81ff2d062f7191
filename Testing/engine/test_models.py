"""The catalogue: cards are complete, weights are verified, every mismatch is one clear sentence."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace

import pytest
import torch

from COVIDLesionSegLib.engine.errors import ModelError
from COVIDLesionSegLib.engine.models.card import Score
from COVIDLesionSegLib.engine.models.card_json import card_from_json
from COVIDLesionSegLib.engine.models.catalogue import (
    PACKAGED_FOLDER,
    check_models,
    load_catalogue,
    read_models,
)
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.models.scores import summarise_scores
from COVIDLesionSegLib.engine.models.weights import load_network, save_weights
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from engine.model_cards import packaged_card, write_user_card

PACKAGED = tuple(m for m in load_catalogue().models if m.folder == PACKAGED_FOLDER)


@pytest.fixture
def user_models(user_folder):
    """A folder of the user's own models, with one complete AMC-Net in it."""
    torch.manual_seed(0)
    network = build_network("AMCNet", {})
    card = packaged_card() | {"id": "mine", "title": "Mine"}
    card["weights"] |= {
        "file": "mine.safetensors",
        "sha256": save_weights(network, user_folder / "mine.safetensors", torch.float32),
    }
    (user_folder / "mine.json").write_text(json.dumps(card), encoding="utf-8")
    return user_folder


def rewrite_card(folder, **changes):
    path = folder / "mine.json"
    card = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(card), encoding="utf-8")


@pytest.mark.parametrize("model", PACKAGED, ids=lambda model: model.id)
def test_every_packaged_card_states_its_networks_own_parameter_count(model):
    with torch.device("meta"):  # counts need no numbers
        network = build_network(model.card.network, model.card.arguments)
    assert model.card.parameters == count_parameters(network)


@pytest.mark.parametrize("model", PACKAGED, ids=lambda model: model.id)
def test_every_packaged_card_survives_a_round_trip_through_json(model):
    assert card_from_json(json.loads(json.dumps(asdict(model.card)))) == model.card


def test_every_packaged_card_has_an_id_of_its_own(user_folder):
    cards = [model.id for path in PACKAGED_FOLDER.glob("*.json") for model in read_models(path)]
    assert sorted(cards) == sorted(model.id for model in load_catalogue().models)
    assert len(set(cards)) == len(cards)


def test_trained_models_come_first_then_the_others_in_the_order_of_their_files(user_models):
    catalogue = load_catalogue()
    trained = [model.id for model in catalogue.models if model.card.weights]
    assert [model.id for model in catalogue.models[: len(trained)]] == trained
    assert trained[-1] == "mine" and "amc-net" in trained
    untrained = [
        model.id
        for path in sorted(PACKAGED_FOLDER.glob("*.json"), key=lambda path: path.stem)
        for model in read_models(path)
        if model.card.weights is None
    ]
    assert [model.id for model in catalogue.models[len(trained) :]] == untrained


def test_packaged_weights_load_and_say_where_they_come_from():
    model = load_catalogue().get("amc-net")
    load_network(model)
    assert model.card.weights.licence == "CC-BY-NC-SA-4.0"
    assert "research" in model.card.weights.licence_note.lower()
    training = model.card.training
    assert training["command"].startswith("covid-lesion-seg train amc-net ")
    assert training["recipe"]["seed"] > 0
    data = training["data"]
    assert sum(data["training"].values()) == 942 + 68
    assert data["validation"] == {} and len(data["outside"]) == 5
    assert not set(data["training"]) & set(data["outside"])


def test_packaged_scores_state_patient_and_protocol_and_reach_what_the_project_promises():
    scores = load_catalogue().get("amc-net").card.scores
    assert all(len(score.data) > 10 and len(score.protocol) > 10 for score in scores)
    dice = {score.data: score.value for score in scores if score.metric == "Dice"}
    assert len(dice) == 5 and all(data.startswith("radiopaedia") for data in dice)
    # One slice is no measure of a patient.
    several = [value for data, value in dice.items() if not data.endswith(", 1 slices")]
    assert len(several) == 4
    assert sum(several) / 4 >= 0.75


def test_an_unknown_model_is_refused_with_similar_ids_and_the_trained_models(user_folder):
    trained = "eamc, affinity-8-infected, amc-net, capsule-classifier-small, "
    trained += "covid-rate-patches, drsegunet-patches, eamc-1, eamc-4, eamc-5, lungs-lite0, "
    trained += "unet-lite0, unet-lite0-classes"
    message = rf"no model 'resnet'; did you mean .*resnet\d+.*\? Trained models: {trained}\.$"
    with pytest.raises(ModelError, match=message):
        load_catalogue().get("resnet")


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("amc-nte", "amc-net"),
        ("AMC-Net", "amc-net"),
        ("amc_net", "amc-net"),
        ("eacm", "eamc"),
        ("drsegnet", "drsegunet"),
        ("lungs-unet-resnet", "lungs-unet-resnet18"),
    ],
)
def test_a_misspelt_id_is_answered_by_the_one_that_was_meant(user_folder, misspelt, meant):
    with pytest.raises(ModelError, match=rf"did you mean (.*[, ])?{meant}([, ].*)?\?"):
        check_models([misspelt])


def test_an_id_like_no_other_is_shown_short_and_without_control_characters(user_folder):
    with pytest.raises(ModelError) as caught:
        check_models(["\x1b[31m" + "q" * 300])
    message = str(caught.value)
    assert "did you mean" not in message and "amc-net" in message
    assert "\x1b" not in message and len(message) < 300


def test_names_are_checked_without_reading_weights(user_folder):
    """So that a run can be refused before its CT is read."""
    write_user_card(
        user_folder, "mine", weights=packaged_card()["weights"] | {"file": "no.safetensors"}
    )
    check_models(["mine", "amc-net"])
    check_models(["eamc"])
    with pytest.raises(ModelError, match="cannot vote together"):
        check_models(["mine", "drsegunet"])


def test_a_summary_weighs_patients_by_their_slices_and_names_the_data_set():
    def score(patient, value, protocol="whole slices", metric="Dice"):
        return Score(metric, value, patient, protocol)

    scores = [
        score("set_a_01, 99 slices", 0.8),
        score("set_a_02, 1 slices", 0.0),
        score("set_a_02, 1 slices", 1.0, metric="precision"),
        score("set_b_7, 3 slices", 0.5, "lungs only"),
        score("by hand", 0.9),
        score("nobody, 0 slices", 0.9),
    ]
    first, second = summarise_scores(scores)
    assert (first.patients, first.slices, first.data) == (2, 100, "set_a")
    assert first.value == pytest.approx(0.792)
    assert (second.value, second.patients, second.slices) == (0.5, 1, 3)
    assert (second.data, second.protocol) == ("set_b_7", "lungs only")
    assert summarise_scores(scores[4:]) == []


@pytest.mark.parametrize(
    ("patients", "data"),
    [
        (("radiopaedia_org_covid-19-pneumonia-4", "radiopaedia_4_85506"), "Radiopaedia"),
        (("medseg_000", "medseg_049"), "MedSeg"),
        (("coronacases_org_001", "coronacases_org_010"), "coronacases"),
    ],
)
def test_a_public_data_set_is_called_by_its_usual_name(patients, data):
    scores = [Score("Dice", 0.5, f"{name}, 2 slices", "p") for name in patients]
    (summary,) = summarise_scores(scores)
    assert summary.data == data
    (single,) = summarise_scores(scores[:1])
    assert single.data == patients[0]


def test_patients_of_nothing_in_common_have_no_data_set():
    scores = [Score("Dice", 0.5, f"{name}, 2 slices", "p") for name in ("anna", "bert")]
    (summary,) = summarise_scores(scores)
    assert (summary.data, summary.patients) == ("", 2)


def test_weights_that_ship_are_small():
    """Together under 60 MB, so that they can be part of the software."""
    files = [model.weights_path for model in PACKAGED if model.weights_path]
    assert sum(path.stat().st_size for path in files) < 60e6


def write_family(folder, content):
    path = folder / "family.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_a_family_shares_fields_and_each_card_may_override_them(user_folder):
    shared = packaged_card() | {"weights": None, "notes": ["Shared."]}
    del shared["id"]
    own = {"id": "b", "title": "B", "notes": ["Own."], "preprocessing": {"window_hu": [-1250, 250]}}
    path = write_family(user_folder, {"shared": shared, "models": [{"id": "a"}, own]})
    a, b = read_models(path)
    assert a.card == card_from_json(shared | {"id": "a"})
    assert b.card == replace(
        a.card,
        id="b",
        title="B",
        notes=("Own.",),
        preprocessing=Preprocessing((-1250, 250)),
    )
    assert {"a", "b"} <= {model.id for model in load_catalogue().models}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "is a JSON object"),
        (7, "is a JSON object"),
        ({"models": [], "extra": 1}, "has the fields 'shared' and 'models' only"),
        ({"models": {"id": "a"}}, "has the fields 'shared' and 'models' only"),
        ({"models": ["a"]}, "are JSON objects"),
        ({"shared": [], "models": [{"id": "a"}]}, "are JSON objects"),
        ({"models": [{"id": "a", "surprise": 1}]}, "card of model a has unknown fields: surprise"),
        ({"models": [{"id": "a", "classes": ["x"]}]}, "card of model a is incomplete or damaged"),
        ({"models": [{"title": "nameless"}]}, "without an id is incomplete"),
    ],
)
def test_a_damaged_family_of_the_users_is_named_beside_the_other_models(
    user_folder, content, message
):
    write_family(user_folder, content)
    catalogue = load_catalogue()
    assert [model.id for model in catalogue.models] == [model.id for model in PACKAGED]
    (problem,) = catalogue.problems
    assert problem.startswith("family.json: ") and message in problem


def test_a_taken_id_in_a_family_leaves_its_other_cards(user_folder):
    shared = packaged_card() | {"weights": None}
    write_family(user_folder, {"shared": shared, "models": [{"id": "amc-net"}, {"id": "new"}]})
    catalogue = load_catalogue()
    assert catalogue.get("amc-net").folder == PACKAGED_FOLDER
    assert catalogue.get("new").folder == user_folder
    (problem,) = catalogue.problems
    assert "Two model cards are called 'amc-net'" in problem and "family.json" in problem


def valid_card(**changes):
    return card_from_json(packaged_card() | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "heart"}, "names the task 'heart', but must name one of: lesions, lungs"),
        ({"classes": []}, "must name at least one class"),
        ({"classes": ["a", "b"]}, "a background among its channels"),
        ({"channels": ["a", "b"]}, "do not match its channels"),
        ({"channels": ["background", "lesion", "lesion"]}, "do not match its channels"),
        ({"id": "a+b"}, r"must be a name without '\+'"),
        ({"id": ""}, "must be a name"),
        ({"id": 7}, "must be a name"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(ModelError, match=message):
        valid_card(**changes)


def test_channels_are_the_classes_where_a_card_names_none_and_else_found_by_name():
    assert valid_card().channels == ("lesion",)
    assert valid_card().class_channels == (0,)
    channels = ["consolidation", "background", "lung", "ground-glass opacity"]
    card = valid_card(classes=["ground-glass opacity", "consolidation"], channels=channels)
    assert card.class_channels == (3, 0)


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
    with pytest.raises(
        ModelError,
        match="amc-net-released has no trained weights yet: choose another model, train this one, "
        "or allow untrained networks",
    ):
        load_network(model)


def test_an_untrained_network_is_always_the_same_and_leaves_other_chance_alone():
    model = load_catalogue().get("amc-net-released")
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = load_network(model, allow_untrained=True)
    assert torch.equal(torch.rand(3), expected)
    second = load_network(model, allow_untrained=True)
    assert not first.training
    for name, tensor in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], tensor)


def test_allowing_untrained_networks_does_not_untrain_the_others(user_models):
    model = load_catalogue().get("mine")
    trained, allowed = load_network(model), load_network(model, allow_untrained=True)
    for name, tensor in trained.state_dict().items():
        assert torch.equal(allowed.state_dict()[name], tensor)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": None}, "incomplete or damaged"),
        ({"surprise": 1}, "unknown fields: surprise"),
        ({"preprocessing": {"window_hu": [200, -1000]}}, "window 200 to -1000 is empty"),
        ({"preprocessing": {"window": [0, 1]}}, "preprocessing record is not understood"),
        ({"preprocessing": None}, "preprocessing record is not understood"),
        ({"preprocessing": {"window_hu": [-1000]}}, "window_hu is (-1000,)"),
        ({"preprocessing": {"window_hu": [-1000, 0], "multiple": 0}}, "multiple is 0"),
        ({"weights": "mine.safetensors"}, "incomplete or damaged"),
        ({"scores": [7]}, "incomplete or damaged"),
        ({"id": "amc-net"}, "Two model cards are called 'amc-net'"),
    ],
)
def test_a_damaged_card_of_the_users_is_one_clear_sentence_beside_the_other_models(
    user_models, changes, message
):
    rewrite_card(user_models, **changes)
    catalogue = load_catalogue()
    assert [model.id for model in catalogue.models] == [model.id for model in PACKAGED]
    (problem,) = catalogue.problems
    assert message in problem and "mine.json" in problem
    with pytest.raises(ModelError, match=re.escape(message)):
        catalogue.get("mine")


def test_a_card_that_is_not_json_is_named(user_models):
    (user_models / "mine.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"card mine.json cannot be read"):
        read_models(user_models / "mine.json")


@pytest.mark.parametrize(
    ("task", "name"),
    [("lesions", "right lung"), ("lesions", "left lung"), ("lesions", "lung"), ("lungs", "lesion")],
)
def test_a_lesion_called_lung_or_a_lung_called_lesion_is_refused(task, name):
    card = packaged_card() | {"id": "mine", "task": task, "classes": [name], "channels": [name]}
    with pytest.raises(ModelError, match=f"must not name a class '{name}'"):
        card_from_json(card)
