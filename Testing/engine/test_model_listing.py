"""The list of models that people choose from, and how long each takes on this computer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from COVIDLesionSegLib.engine.models.card import Score
from COVIDLesionSegLib.engine.models.catalogue import Catalogue, Model, load_catalogue
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
    return [one.id for one in list_models(catalogue)]


def test_the_models_that_ship_are_ranked_by_their_dice_on_the_same_data():
    listed = [one for one in list_models(load_catalogue()) if one.trained]
    data = {one.dice.data for one in listed}
    values = [one.dice.value for one in listed]

    assert data == {"radiopaedia_org_covid-19-pneumonia"}
    assert values == sorted(values, reverse=True)


def test_no_model_that_ships_is_clearly_better_than_the_default():
    """At equal Dice the faster one is the default."""
    values = {one.id: one.dice.value for one in list_models(load_catalogue()) if one.trained}

    assert max(values.values()) - values[DEFAULT_MODEL] < 0.01


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
    (eamc,) = (one for one in list_models(catalogue) if one.id == "eamc")

    assert eamc.is_ensemble and len(eamc.models) == 5
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
