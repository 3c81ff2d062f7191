"""The list of models that people choose from, and how long each takes on this computer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from COVIDLesionSegLib.engine.models.card import Score
from COVIDLesionSegLib.engine.models.catalogue import Catalogue, Model, load_catalogue
from COVIDLesionSegLib.engine.models.development_scores import (
    OUTSIDE_SET,
    DevelopmentScore,
    read_development_scores,
    weights_key,
    write_development_scores,
)
from COVIDLesionSegLib.engine.models.listing import list_models
from COVIDLesionSegLib.engine.models.speed import read_speeds, remember_speed, speed_of
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL, Parameters


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


def catalogue_of(**scores: list[Score]) -> Catalogue:
    """Trained models with these scores, in this order."""
    model = load_catalogue().get("amc-net")
    cards = [replace(model.card, id=name, scores=tuple(own)) for name, own in scores.items()]
    return Catalogue(tuple(Model(card, model.folder) for card in cards))


def dice(value: float, data: str = "public_1, 10 slices") -> Score:
    """Measured on these data by a protocol of their own."""
    return Score("Dice", value, data, f"pooled, {data}")


def ids(catalogue: Catalogue) -> list[str]:
    return [model.id for model in list_models(catalogue)]


def row(model: str, dice: float, cards: list, data: str = OUTSIDE_SET) -> DevelopmentScore:
    """A row of the table that ships."""
    weights = weights_key(cards)
    return DevelopmentScore(
        model, data, 5, 135, dice, 0.8, 0.7, 0.8, 0.8, 0.1, "outside", "pooled", weights
    )


def test_the_models_that_ship_are_ranked_by_their_pooled_dice_on_the_outside_set():
    """Members of an ensemble follow: they are not in the table."""
    catalogue = load_catalogue()
    members = {member for ensemble in catalogue.ensembles for member in ensemble.members}
    listed = [
        model for model in list_models(catalogue) if model.trained and model.id not in members
    ]
    values = [one.dice.value for one in listed]

    assert all(one.dice.pooled and one.dice.data == OUTSIDE_SET for one in listed)
    assert values == sorted(values, reverse=True)
    assert [model.id for model in list_models(catalogue)][: len(listed)] == [
        one.id for one in listed
    ]


def test_no_model_that_ships_is_clearly_better_than_the_default():
    """At equal Dice the faster one is the default."""
    listed = [one for one in list_models(load_catalogue()) if one.trained and one.dice.pooled]
    values = {one.id: one.dice.value for one in listed}

    assert max(values.values()) - values[DEFAULT_MODEL] < 0.01


def test_a_pooled_dice_outranks_scores_on_cards_and_belongs_to_its_weights_alone(monkeypatch):
    catalogue = catalogue_of(
        shipped=[dice(0.5)],
        better=[dice(0.4)],
        own=[dice(0.99)],
        trained_anew=[dice(0.3)],
    )
    cards = [model.card for model in catalogue.models]
    other = replace(cards[0], weights=replace(cards[0].weights, sha256="0" * 64))
    rows = (
        row("shipped", 0.6, cards[:1]),
        row("shipped", 0.9, cards[:1], "another set"),
        row("better", 0.7, cards[:1]),
        row("trained_anew", 0.95, [other]),
    )
    monkeypatch.setattr(
        "COVIDLesionSegLib.engine.models.listing.read_development_scores", lambda: rows
    )
    assert ids(catalogue) == ["better", "shipped", "own", "trained_anew"]
    first = list_models(catalogue)[1]
    assert (first.dice.value, first.dice.pooled, len(first.development)) == (0.6, True, 2)


def test_the_table_comes_back_as_it_was_written(tmp_path):
    cards = [load_catalogue().get("amc-net").card]
    rows = [
        replace(row("b", 0.5, cards), lowest_dice=None, seconds_per_slice=None),
        row("a", 0.75, cards),
        row("a", 0.25, cards, "Another"),
    ]
    write_development_scores(rows, tmp_path / "scores.csv")
    assert read_development_scores(tmp_path / "scores.csv") == (rows[2], rows[1], rows[0])
    assert read_development_scores(tmp_path / "none.csv") == ()


def test_untrained_models_come_last_and_none_has_a_dice():
    listed = list_models(load_catalogue())
    trained = [one.trained for one in listed]

    assert trained == sorted(trained, reverse=True) and set(trained) == {True, False}
    assert all(one.dice is None for one in listed if not one.trained)


def test_a_score_on_other_data_does_not_outrank_the_shared_data():
    catalogue = catalogue_of(
        unmeasured=[],
        elsewhere=[dice(0.99, "mine_1, 500 slices")],
        lowest=[dice(0.4)],
        low=[dice(0.5)],
        high=[dice(0.6), dice(0.1, "mine_1, 900 slices")],
    )

    assert ids(catalogue) == ["high", "low", "lowest", "elsewhere", "unmeasured"]


def test_an_ensemble_is_listed_with_its_members_and_its_own_scores():
    catalogue = load_catalogue()
    (eamc,) = (model for model in list_models(catalogue) if model.id == "eamc")

    assert eamc.is_ensemble and len(eamc.models) == 3
    assert eamc.scores == catalogue.ensemble("eamc").scores
    assert eamc.papers == (catalogue.get("amc-net").card.paper,)
    assert list(eamc.licences) == ["CC-BY-NC-SA-4.0"]


def test_lung_models_have_a_list_of_their_own():
    catalogue = load_catalogue()
    lungs = {one.id for one in list_models(catalogue, "lungs")}

    assert lungs == {model.id for model in catalogue.models if model.card.task == "lungs"}
    assert not lungs & set(ids(catalogue))


def test_a_speed_is_remembered_for_models_in_any_order_and_scaled_by_slices(user_folder):
    remember_speed(["b", "a"], "cpu", "CPU", "threshold", slices=50, seconds=25.0)

    speed = speed_of(read_speeds(), ["a", "b"], "auto")
    assert speed.seconds_for(100) == 50.0
    assert speed_of(read_speeds(), ["a"], "auto") is None
    assert speed_of(read_speeds(), ["a", "b"], "cuda") is None


def test_a_new_run_replaces_the_one_before_on_the_same_device(user_folder):
    for device, seconds in (("cpu", 10.0), ("cuda", 1.0), ("cpu", 20.0)):
        remember_speed(["a"], device, device.upper(), "threshold", slices=1, seconds=seconds)

    assert {(one.device, one.seconds) for one in read_speeds()} == {("cpu", 20.0), ("cuda", 1.0)}
    assert speed_of(read_speeds(), ["a"], "auto").device == "cpu"  # of the last run


@pytest.mark.parametrize(
    "content", ["", "[", "{}", "[1]", '[{"models": "a"}]', '[{"slices": 0, "seconds": "x"}]']
)
def test_a_damaged_file_of_speeds_is_as_good_as_none(user_folder, content):
    user_folder.mkdir()
    (user_folder / "speed.list").write_text(content)
    assert read_speeds() == []

    remember_speed(["a"], "cpu", "CPU", "threshold", slices=1, seconds=2.0)
    assert [one.seconds for one in read_speeds()] == [2.0]


def test_a_folder_that_cannot_be_written_fails_no_run(user_folder, tmp_path, caplog):
    user_folder.write_text("a file, not a folder")
    remember_speed(["a"], "cpu", "CPU", "threshold", slices=1, seconds=2.0)

    assert "not kept" in caplog.text
    assert read_speeds() == []


def test_a_run_measures_its_own_time(user_folder, tmp_path, phantom):
    from COVIDLesionSegLib import jobs
    from COVIDLesionSegLib.engine.volume.exact import save_volume

    (tmp_path / "ct").mkdir()
    save_volume(phantom.volume, tmp_path / "ct")
    parameters = Parameters(model="amc-net", device="cpu")
    jobs.segment_volume(
        jobs.SegmentVolumeOptions(volume=tmp_path / "ct", parameters=parameters), tmp_path / "out"
    )

    (speed,) = read_speeds()
    assert (speed.models, speed.device, speed.slices) == ("amc-net", "cpu", 40)
    assert speed.seconds > 0 and "CPU" in speed.hardware
