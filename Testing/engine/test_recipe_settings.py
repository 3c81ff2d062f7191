"""Values of a recipe that a user sets: every one can be, and a wrong one is one clear sentence."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.losses import build_loss, loss_names
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.training.augmentation import Augmentation
from COVIDLesionSegLib.engine.training.members import Members
from COVIDLesionSegLib.engine.training.recipe import Recipe
from COVIDLesionSegLib.engine.training.recipe_settings import (
    OF_THE_MODEL,
    change_recipe,
    choose_recipe,
    parse_setting,
)
from COVIDLesionSegLib.engine.training.recipes import make_recipe
from COVIDLesionSegLib.engine.training.trainer import fit
from engine.training_slices import labelled, tiny_recipe

pytestmark = pytest.mark.slow

CATALOGUE = load_catalogue()
OWN = make_recipe(CATALOGUE.get("amc-net").card)

SET = {
    "network_arguments.dropout=0.3": ("network_arguments", {"dropout": 0.3}),
    "preprocessing.window_hu=[-1000, 300]": ("preprocessing", None),
    "steps=7": ("steps", 7),
    "epochs=3": ("epochs", 3),
    "batch_size=2": ("batch_size", 2),
    "learning_rate=0.01": ("learning_rate", 0.01),
    "weight_decay.head.*=0.1": ("weight_decay", {"head.*": 0.1}),
    "schedule=constant": ("schedule", "constant"),
    "schedule_steps=99": ("schedule_steps", 99),
    "loss=EamcDiceLoss": ("loss", "EamcDiceLoss"),
    "loss_arguments.gamma=3": ("loss_arguments", {"alpha": 0.8, "gamma": 3, "balance": "printed"}),
    "clean_patches=5": ("clean_patches", 5),
    "augmentation.zoom=0.1": ("augmentation", replace(OWN.augmentation, zoom=0.1)),
    "precision=32-true": ("precision", "32-true"),
    "average_decay=0.9": ("average_decay", 0.9),
    "average_warm_up=false": ("average_warm_up", False),
    "validation_steps=null": ("validation_steps", None),
    "watched=validation_loss": ("watched", "validation_loss"),
    "early_stop=4": ("early_stop", 4),
    "plateau_factor=0.5": ("plateau_factor", 0.5),
    "keep=best": ("keep", "best"),
    "checkpoint_steps=9": ("checkpoint_steps", 9),
    "seed=5": ("seed", 5),
    "start=imagenet": ("start", "imagenet"),
    'frozen=["stem"]': ("frozen", ("stem",)),
    "members.dropout=[0.1, 0.2]": ("members", replace(OWN.members, dropout=(0.1, 0.2))),
    "members=null": ("members", Members()),
    "augmentation=null": ("augmentation", Augmentation()),
    'augmentation={"zoom": 0.1}': ("augmentation", replace(OWN.augmentation, zoom=0.1)),
}


def changed(*texts, recipe=OWN):
    return change_recipe(recipe, [parse_setting(text) for text in texts])


@pytest.mark.parametrize("text", SET)
def test_a_value_that_is_set_is_the_recipes_and_nothing_else_changes(text):
    name, value = SET[text]
    recipe = changed(text)
    if value is not None or text.endswith("null"):
        assert getattr(recipe, name) == value
    also = {
        "loss": "loss_arguments",
        "steps": "epochs",
        "epochs": "steps",
        "learning_rate": "members",
        "network_arguments": "members",
    }.get(name)
    differing = {
        one.name
        for one in dataclasses.fields(Recipe)
        if getattr(recipe, one.name) != getattr(OWN, one.name)
    }
    assert differing - {also} == {name}


def test_sampling_is_set_together_with_the_preprocessing_that_it_needs():
    recipe = changed(
        "sampling=slices",
        'preprocessing={"patch_size": null, "pixel_mm": null, "input_size": [64, 64]}',
    )
    assert (recipe.sampling, recipe.preprocessing.input_size) == ("slices", (64, 64))
    assert recipe.preprocessing.window_hu == OWN.preprocessing.window_hu


def test_a_plateau_is_set_together_with_the_constant_learning_rate_that_it_lowers():
    assert changed("plateau=4", "schedule=constant").plateau == 4


def test_a_learning_rate_or_dropout_that_is_set_is_every_members():
    def of_members(*texts):
        members = [changed(*texts).of_member(number) for number in (1, 2, 3)]
        return {(member.learning_rate, member.network_arguments["dropout"]) for member in members}

    assert of_members("learning_rate=1e-05", "network_arguments.dropout=0.5") == {(1e-5, 0.5)}
    assert of_members("learning_rate=1e-05", 'network_arguments={"dropout": 0.5}') == {(1e-5, 0.5)}
    dropouts = {dropout for _, dropout in of_members("learning_rate=1e-05")}
    assert len(dropouts) == 3
    both = of_members("learning_rate=1e-05", "members.learning_rate=[0.001, 0.002]")
    assert min(rate for rate, _ in both) >= 0.001


def test_every_value_of_a_recipe_can_be_set():
    names = {name for name, _ in SET.values()} | {"sampling", "plateau"}
    assert names | set(OF_THE_MODEL) == {one.name for one in dataclasses.fields(Recipe)}


def test_the_values_of_every_recipe_can_be_given_again():
    for model in CATALOGUE.models:
        recipe = make_recipe(model.card)
        values = {k: v for k, v in recipe.to_dict().items() if k not in OF_THE_MODEL}
        assert change_recipe(recipe, [*values.items()]) == recipe, model.id


def test_steps_and_epochs_take_each_others_place():
    assert (changed("epochs=3").steps, changed("epochs=3").epochs) == (None, 3)
    again = changed("steps=7", recipe=changed("epochs=3"))
    assert (again.steps, again.epochs) == (7, None)


def test_another_loss_begins_with_its_own_arguments():
    assert changed("loss=EamcTverskyLoss").loss_arguments == {}
    recipe = changed("loss=EamcTverskyLoss", "loss_arguments.misses=0.8")
    assert recipe.loss_arguments == {"misses": 0.8}
    # Whichever is named first.
    assert changed("loss_arguments.misses=0.8", "loss=EamcTverskyLoss") == recipe
    hybrid = CATALOGUE.get("covid-rate").card
    settings = [("loss_arguments.kappa", 0.5), ("loss_arguments.lesion_weight", 2)]
    arguments = choose_recipe(hybrid, settings=settings).loss_arguments
    assert arguments == {"kappa": 0.5, "lesion_weight": 2}
    assert build_loss("CovidRateHybridLoss", arguments)._kappa == 0.5


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["batch_sze=3"], "no recipe value 'batch_sze': did you mean batch_size"),
        (["augmentation.zom=3"], "no recipe value 'augmentation.zom': .*augmentation.zoom"),
        (["colour=3"], "no recipe value 'colour': known: augmentation, average_decay, .*weight_d"),
        (["batch_size"], "'batch_size' sets nothing: write NAME=VALUE"),
        (["=3"], "'=3' sets nothing"),
        (["batch_size=3", "batch_size=4"], "batch_size is set twice"),
        (["batch_size=many"], "batch_size is 'many', but must be a whole number"),
        (["batch_size=2.5"], "batch_size is 2.5, but must be a whole number"),
        (["batch_size=true"], "batch_size is True, but must be a whole number"),
        (["batch_size=0"], "batch_size is 0, but must be 1 or more"),
        (["batch_size.x=0"], "batch_size is a single value"),
        (["steps=7", "epochs=7"], "in steps or in epochs"),
        (["learning_rate=2"], "learning_rate is 2.0, but must be a number between 0 and 1"),
        (["learning_rate=NaN"], "learning_rate is 'NaN', but must be a number"),
        (["average_warm_up=1"], "average_warm_up is 1, but must be true or false"),
        (["average_decay=1"], "average_decay is 1.0, but must be at least 0 and below 1"),
        (["seed=-1"], "seed is -1, but must be 0 to"),
        (["schedule=linear"], "schedule is 'linear', but must be one of: constant, cosine"),
        (["precision=16"], "precision is 16, but must be text"),
        (["precision=16-true"], "precision is '16-true', but must be one of"),
        (["weight_decay.head=-1"], "weight_decay of head is -1.0"),
        (["weight_decay=3"], "weight_decay is 3, but must be a JSON object"),
        (["augmentation.scale=0.5"], "augmentation.scale is 0.5, but must be a list of 2 numbers"),
        (["augmentation.scale=[1.4, 0.6]"], r"augmentation.scale is \[1.4, 0.6\], .* lowest first"),
        (["augmentation.flip=2"], "augmentation.flip is 2.0, but must be 0 to 1"),
        (["augmentation=3"], "augmentation is 3, but must be a JSON object of its values"),
        (["frozen=stem"], "frozen is 'stem', but must be a list of texts"),
        (["preprocessing.window_hu=[5, 1]"], "The recipe's HU window 5.0 to 1.0 is empty"),
        (["preprocessing.patch_size=[100, 100]"], "The recipe's patch_size is not a multiple"),
        (["preprocessing.window_hu=[-160, 240]"], r"is \[-160.0, 240.0\], but .* or to null"),
        (["augmentation.window_high_hu=[-950, 250]"], "the first all below the second"),
        (["augmentation.margin=0.5"], "augmentation.margin changes nothing .* lesions from patch"),
        (["augmentation.quarter_turns=true"], "augmentation.quarter_turns changes nothing"),
        (["plateau=4"], "schedule is cosine: set schedule=constant, or plateau=null"),
        (["preprocessing=null"], "preprocessing is None, but must be a JSON object"),
        (["loss=Dice"], "no loss 'Dice': did you mean .*EamcDiceLoss"),
        (["loss=LogSoftmaxNLLLoss"], "does not fit a network of 1 output channels, lesion"),
        (["loss_arguments.gama=2"], "no argument 'gama': did you mean gamma"),
        (["loss_arguments.gamma=0"], "gamma of the loss EamcFocalLoss is 0, .* above 0"),
        (
            ["network_arguments.dropuot=0.1"],
            "AMCNet has no argument 'dropuot': did you mean dropou",
        ),
        (["network_arguments.dropout=3"], "AMCNet cannot be built: dropout probability"),
        (["members.learning_rate=[0.1, 0.01]"], "members.learning_rate is .* lowest first"),
        (["members.dropout=[0, 1]"], "members.dropout is .* 0 to 0.9"),
        (["network=R2UNet"], "network follows from the model whose network is trained"),
        (["channels=[]"], "channels follows from the model"),
    ],
)
def test_a_value_that_cannot_be_set_is_one_clear_sentence(texts, message):
    with pytest.raises(ParameterError, match=message):
        changed(*texts)


def test_dropout_of_members_needs_a_network_that_has_dropout():
    card = CATALOGUE.get("r2unet").card
    assert choose_recipe(card).members.dropout is None
    with pytest.raises(ParameterError, match="R2UNet has no dropout"):
        choose_recipe(card, settings=[("members.dropout", [0.1, 0.2])])


@pytest.mark.parametrize("wrapped", [None, "recipe", "card"])
def test_a_file_holds_some_values_or_is_the_recipe_of_an_earlier_training(wrapped, tmp_path):
    card = CATALOGUE.get("amc-net").card
    whole = changed("loss=EamcIoULoss", "epochs=4", "members=null").to_dict()
    content = {
        None: {"loss": "EamcIoULoss", "epochs": 4, "members": None},
        "recipe": {"recipe": whole, "training": "fingerprint", "start": None},
        "card": {"id": "mine", "training": {"recipe": whole, "data": {}}},
    }[wrapped]
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    recipe = choose_recipe(card, recipe=str(file))
    assert recipe == changed("loss=EamcIoULoss", "epochs=4", "members=null")
    # A value that is set goes before the file's.
    assert choose_recipe(card, recipe=str(file), settings=[("steps", 5)]).epochs is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "mine.json is not understood"),
        ("[]", "holds no JSON object"),
        ('{"batch_sze": 1}', "did you mean batch_size"),
        ('{"network": "R2UNet"}', "network is 'R2UNet', but model amc-net has 'AMCNet'"),
        (None, r"cannot be read \(No such file.*amc-net, amc-net-published, "),
    ],
)
def test_a_file_that_is_no_recipe_of_this_network_is_refused(content, message, tmp_path):
    file = tmp_path / "mine.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(ParameterError, match=message):
        choose_recipe(CATALOGUE.get("amc-net").card, recipe=str(file))


def test_fine_tuning_keeps_the_layers_that_the_weights_are_of():
    card = CATALOGUE.get("amc-net").card
    own = choose_recipe(card, fine_tune=True, settings=[("network_arguments.dropout", 0.1)])
    assert own.network_arguments["dropout"] == 0.1
    with pytest.raises(ParameterError, match="Fine-tuning keeps the layers"):
        choose_recipe(card, fine_tune=True, settings=[("network_arguments.cascaded", True)])


def test_fine_tuning_keeps_the_window_that_the_weights_know():
    card = CATALOGUE.get("amc-net").card
    published = choose_recipe(card, recipe="amc-net-published").preprocessing
    parent = replace(card, id="mine", preprocessing=published)
    for named in (None, "amc-net-published"):
        recipe = choose_recipe(parent, fine_tune=True, recipe=named)
        assert recipe.preprocessing == published
        assert recipe.augmentation.window_low_hu is recipe.augmentation.window_high_hu is None
    own = choose_recipe(card, fine_tune=True)
    assert own.augmentation.window_high_hu == (50.0, 350.0)
    with pytest.raises(ParameterError, match="keeps the preprocessing of model mine"):
        choose_recipe(parent, fine_tune=True, settings=[("preprocessing.window_hu", [-1024, 200])])


@pytest.mark.parametrize(
    ("model", "name", "value"),
    [
        ("covid-rate", "scale", [0.7, 1.4]),
        ("covid-rate", "window_low_hu", [-1100, -900]),
        ("capsule-classifier", "circle", 0.5),
        ("affinity-8", "quarter_turns", True),
    ],
)
def test_an_augmentation_that_such_samples_do_not_have_is_refused(model, name, value):
    card = CATALOGUE.get(model).card
    with pytest.raises(ParameterError, match=f"augmentation.{name} changes nothing"):
        choose_recipe(card, settings=[(f"augmentation.{name}", value)])
    windows = [("augmentation.window_high_hu", [100, 4000])]
    assert model == "covid-rate" or choose_recipe(card, settings=windows)


def test_fine_tuning_says_that_it_does_not_start_from_imagenet(tmp_path):
    card = CATALOGUE.get("unet-lite0").card
    file = tmp_path / "recipe.json"
    file.write_text(json.dumps(choose_recipe(card).to_dict()), encoding="utf-8")
    assert choose_recipe(card, recipe=str(file)).start == "imagenet"
    assert choose_recipe(card, fine_tune=True, recipe=str(file)).start == "random"
    set_anyway = [("start", "imagenet")]
    assert choose_recipe(card, fine_tune=True, settings=set_anyway).start == "random"


def test_a_window_without_random_ones_around_it_is_trained_on_as_it_is():
    recipe = changed(
        "preprocessing.window_hu=[-160, 240]",
        "augmentation.window_low_hu=null",
        "augmentation.window_high_hu=[200, 300]",
    )
    low, high = recipe.augmentation.window(recipe.preprocessing.window_hu, np.random.default_rng(0))
    assert low == -160 and 200 <= high <= 300


@pytest.mark.parametrize("loss", loss_names(1))
def test_a_network_learns_by_every_loss_of_the_papers(loss, tiny_network, tmp_path):
    recipe = change_recipe(tiny_recipe(learning_rate=0.02), [("loss", loss), ("steps", 16)])
    slices = [labelled("p1", seed=1, shape=(64, 64)), labelled("p2", seed=2, shape=(64, 64))]
    fit(recipe, slices, tmp_path)
    first = change_recipe(recipe, [("steps", 1)])
    fit(first, slices, tmp_path / "first")
    assert _loss(tmp_path) < _loss(tmp_path / "first")


def _loss(folder):
    rows = (folder / "metrics.csv").read_text(encoding="utf-8").splitlines()
    return float(rows[-1].split(",")[2])
