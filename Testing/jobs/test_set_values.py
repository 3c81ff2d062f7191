"""``--set`` of jobs that go on from a model, or from level to level: it counts, or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.self_training.self_learning import LevelSettings
from COVIDLesionSegLib.engine.training.recipe_settings import choose_recipe
from COVIDLesionSegLib.jobs.fine_tuning import fine_tuning_recipe
from COVIDLesionSegLib.jobs.self_learning import LevelLearner
from COVIDLesionSegLib.jobs.training import recipe_of
from COVIDLesionSegLib.jobs.training_run import new_model

CARD = load_catalogue().get("amc-net").card
LICENCE = {"licence": "CC0-1.0", "licence_note": "A test."}


def enhancing(*settings, **values):
    return jobs.EnhanceOptions(
        model_id="mine",
        validate=("p1",),
        corrections=Path("corrections.csv"),
        slices=(Path("slices"),),
        settings=settings,
        **LICENCE,
        **values,
    )


def test_what_is_set_is_in_the_recipe_of_a_fine_tuning_and_in_the_recorded_command():
    options = enhancing("learning_rate=0.0005", "augmentation.noise=0.1", steps=7)
    recipe = fine_tuning_recipe(CARD, options)
    plain = fine_tuning_recipe(CARD, enhancing())
    assert (recipe.learning_rate, recipe.augmentation.noise, recipe.steps) == (0.0005, 0.1, 7)
    assert plain.steps == 250 and recipe.augmentation.zoom == plain.augmentation.zoom
    parent = load_catalogue().get(CARD.id)
    command = new_model("enhance", options, parent, fine_tuned=True).command
    assert "--set learning_rate=0.0005 --set augmentation.noise=0.1" in command


def training(**values):
    return jobs.TrainOptions(model_id="mine", slices=(Path("slices"),), **LICENCE, **values)


def test_a_learning_rate_of_folds_is_every_members():
    recipe = recipe_of(training(folds="5", learning_rate=1e-5), CARD)
    assert {recipe.of_member(number).learning_rate for number in range(1, 6)} == {1e-5}


def test_a_recipe_on_encoder_weights_does_not_say_that_it_starts_from_imagenet():
    card = load_catalogue().get("unet-lite0").card
    own, given = (
        recipe_of(training(no_validation=True, encoder_weights=file), card)
        for file in (None, Path("encoder.pth"))
    )
    assert (own.start, given.start) == ("imagenet", "random")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("keep=best", "nothing may be selected"),
        ("early_stop=3", "nothing may be selected"),
        ("members.seeds=true", "members are those of a cross-validation"),
        ("network_arguments.attention=false", "keeps the layers"),
        ("preprocessing.window_hu=[-1000, 300]", "keeps the preprocessing"),
        ("learning_rat=1", "did you mean learning_rate"),
        ("batch_size", "write NAME=VALUE"),
    ],
)
def test_what_does_not_fit_a_fine_tuning_is_refused(setting, message):
    with pytest.raises(ParameterError, match=message):
        fine_tuning_recipe(CARD, enhancing(setting))


def test_values_of_the_job_give_way_to_the_users():
    options = jobs.RetrainOptions(model_id="mine", settings=("validation_steps=10",))
    recipe = fine_tuning_recipe(CARD, options, validation_steps=50, checkpoint_steps=25, seed=3)
    assert (recipe.validation_steps, recipe.checkpoint_steps, recipe.seed) == (10, 25, 3)


def test_the_seed_of_a_retraining_is_given_by_its_own_option(tmp_path):
    options = jobs.RetrainOptions(model_id="mine", model="amc-net", settings=("seed=3",))
    with pytest.raises(ParameterError, match="an option of its own") as refused:
        jobs.retrain(options, tmp_path / "out")
    assert refused.value.option == "seed" and not (tmp_path / "out").exists()


def test_levels_keep_their_own_rate_and_epochs_unless_the_user_sets_them():
    card = load_catalogue().get("drsegunet").card
    level = LevelSettings(2, 9.8e-6, 20, ("stem",))
    for settings, rate, epochs in (
        ([], 9.8e-6, 20),
        ([("learning_rate", 0.001)], 0.001, 20),
        ([("epochs", 3), ("learning_rate", 0.001)], 0.001, 3),
    ):
        own = frozenset(name for name, _ in settings)
        recipe = choose_recipe(card, settings=settings)
        made = LevelLearner(recipe, [], Path("out"), None, own=own).recipe_of(level)
        assert (made.learning_rate, made.epochs, made.frozen) == (rate, epochs, ("stem",))


def test_levels_freeze_their_layers_themselves(tmp_path):
    options = jobs.SelfLearnOptions(
        model_id="mine",
        cts=(Path("ct.nii.gz"),),
        validate=("p1",),
        slices=(Path("slices"),),
        settings=('frozen=["stem"]',),
        **LICENCE,
    )
    with pytest.raises(ParameterError, match="do not set frozen"):
        jobs.self_learn(options, tmp_path / "out")
