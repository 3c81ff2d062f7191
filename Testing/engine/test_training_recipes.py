"""The recipes of the papers: their numbers, what they need of the data, and that they learn."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from COVIDLesionSegLib.engine.errors import InputError, ModelError, ParameterError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.training.augmentation import Augmentation
from COVIDLesionSegLib.engine.training.dataset import PatchDataset, SliceDataset, prepare
from COVIDLesionSegLib.engine.training.module import SegmentationModule
from COVIDLesionSegLib.engine.training.recipe import Recipe
from COVIDLesionSegLib.engine.training.recipes import make_recipe, read_recipe, recipe_names
from COVIDLesionSegLib.engine.training.targets import channels_of
from COVIDLesionSegLib.engine.training.trainer import fit
from engine.training_slices import labelled, tiny_recipe

pytestmark = pytest.mark.slow

CATALOGUE = load_catalogue()
BACKGROUND_LAST = ("ground-glass opacity", "consolidation", "lung", "background")


def recipe_of(model, **values):
    return replace(make_recipe(CATALOGUE.get(model).card), **values)


def several_classes(**values):
    """A slice with ground-glass opacity above and consolidation below, in lungs."""
    item = labelled(**{"lungs": True} | values)
    rows = np.flatnonzero(item.lesion.any(axis=1))
    classes = item.lesion.astype(np.uint8)
    classes[int(rows.mean()) :] *= 2
    return replace(item, lesion=classes, image=item.image + 300 * (classes == 2))


def ground_glass():
    """The same of ground-glass opacity alone."""
    item = several_classes()
    return replace(item, lesion=(item.lesion > 0).astype(np.uint8))


def test_every_model_of_the_catalogue_has_a_recipe():
    recipes = {model.id: make_recipe(model.card) for model in CATALOGUE.models}
    assert recipe_names() == [
        "affinity",
        "amc-net",
        "amc-net-published",
        "capsule-classifier",
        "cascade-lesions",
        "cascade-lungs",
        "covid-rate",
        "covid-rate-patches",
        "drsegunet",
        "drsegunet-patches",
        "encoder-patches",
        "lite0-classes",
        "lite0-lungs",
        "lite0-unet",
    ]
    for model in CATALOGUE.models:
        assert recipes[model.id].channels == model.card.channels
        assert model.card.arguments.items() <= recipes[model.id].network_arguments.items()
    assert all(read_recipe(name)["paper"] for name in recipe_names())


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (
            "amc-net",  # EAMC section 2.2 and 5.1; window, steps and average as shipped
            {
                "sampling": "patches",
                "loss": "EamcFocalLoss",
                "batch_size": 16,
                "learning_rate": 1e-3,
                "steps": 2500,
                "clean_patches": 32,
                "average_decay": 0.998,
                "network_arguments": {"dropout": 0.0},
            },
        ),
        (
            "unet-densenet161",  # cascade Table 3
            {
                "task": "lesions",
                "sampling": "slices",
                "loss": "LogSoftmaxNLLLoss",
                "batch_size": 4,
                "learning_rate": 1e-3,
                "epochs": 50,
                "plateau": 5,
                "plateau_factor": 0.2,
                "early_stop": 10,
                "watched": "validation_loss",
                "augmentation": Augmentation(quarter_turns=True, crop_margin=0.45),
            },
        ),
        ("lungs-fpn-resnet18", {"task": "lungs", "epochs": 50, "early_stop": 10, "batch_size": 4}),
        (
            "covid-rate",  # COVID-Rate, Methods
            {
                "loss": "CovidRateHybridLoss",
                "learning_rate": 1e-3,
                "epochs": 100,
                "early_stop": 10,
                "plateau": None,
                "weight_decay": {"context.branches.*.weight": 0.02},
            },
        ),
        (
            "drsegunet",  # thesis section 5.1
            {"loss": "CategoricalCrossEntropyLoss", "learning_rate": 9.8e-6, "epochs": 30},
        ),
    ],
)
def test_a_recipe_holds_its_papers_numbers(model, values):
    recipe = recipe_of(model)
    assert {name: getattr(recipe, name) for name in values} == values


def test_the_same_network_learns_from_patches_where_its_card_has_a_patch_size():
    slices, patches = recipe_of("unet-resnet18"), recipe_of("unet-resnet18-patches")
    assert slices.network == patches.network == "EncoderUNet"
    assert (slices.sampling, patches.sampling) == ("slices", "patches")
    assert (slices.loss, patches.loss) == ("LogSoftmaxNLLLoss", "EamcCrossEntropyDiceLoss")


def test_the_published_recipe_of_eamc_holds_what_the_paper_prints():
    """Section 2.2: batch 16, 70 epochs, learning rate 0.001, dropout 0.2, rotation 10 degrees,
    shifts and zoom 0.2; section 5: [-1024, 3071] as [0, 255]; Eq. 3."""
    recipe = make_recipe(CATALOGUE.get("amc-net").card, name="amc-net-published")
    assert (recipe.batch_size, recipe.epochs, recipe.steps) == (16, 70, None)
    assert (recipe.learning_rate, recipe.schedule) == (0.001, "constant")
    assert recipe.network_arguments == {"dropout": 0.2}
    assert recipe.augmentation == Augmentation(rotation_degrees=10.0, shift=0.2, zoom=0.2)
    assert recipe.preprocessing.window_hu == (-1024.0, 3071.0)
    assert (recipe.loss, recipe.loss_arguments["alpha"]) == ("EamcFocalLoss", 0.8)
    assert recipe.loss_arguments["gamma"] == 2.0 and recipe.average_decay == 0.0
    infected, clean = labelled(seed=1), labelled("p2", infected=False)
    dataset = PatchDataset([infected, clean], recipe)
    assert len(dataset) == 32 + 1  # Table 10
    levels = dataset[0, 0][0] * 255
    assert torch.allclose(levels, levels.round(), atol=1e-3)


def test_a_recipe_is_asked_for_by_name_only_where_it_trains_the_network():
    assert recipe_of("amc-net").steps == 2500
    with pytest.raises(ParameterError, match="does not train the network COVIDRate .*: covid-rate"):
        make_recipe(CATALOGUE.get("covid-rate").card, name="amc-net-published")


def test_the_window_on_every_card_is_the_one_that_its_network_is_trained_with():
    for model in CATALOGUE.models:
        assert make_recipe(model.card).preprocessing == model.card.preprocessing, model.id


def test_steps_that_are_asked_for_take_the_place_of_epochs():
    recipe = make_recipe(CATALOGUE.get("covid-rate").card, steps=7)
    assert (recipe.steps, recipe.epochs) == (7, None)
    assert recipe_of("covid-rate").total_steps(batches_per_epoch=3) == 300


def test_a_network_without_a_recipe_is_refused():
    card = CATALOGUE.get("covid-rate").card
    card = replace(card, task="lungs", classes=("lung",), channels=("background", "lung"))
    with pytest.raises(ModelError, match="No recipe trains the network COVIDRate .* find lungs"):
        make_recipe(card)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": None}, "in steps or in epochs"),
        ({"epochs": 3}, "in steps or in epochs"),
        ({"sampling": "cubes"}, "sampling is 'cubes'"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"sampling": "slices"}, "needs a preprocessing with an input size"),
        ({"preprocessing": Preprocessing((-1000, 0), normalisation="z-score")}, "square patch"),
        ({"channels": ("lesion", "lung")}, "one called background"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(values, message):
    with pytest.raises(ParameterError, match=message):
        Recipe(**values)


def test_the_learning_rate_stays_at_zero_beyond_the_end_of_its_schedule(tiny_network):
    module = SegmentationModule(tiny_recipe(schedule_steps=20, learning_rate=1.0), steps=60)
    optimizer = module.configure_optimizers()
    (factor,) = optimizer["lr_scheduler"]["scheduler"].lr_lambdas
    assert factor(5) > factor(19) > 0
    assert [factor(step) for step in (20, 40, 60)] == [0.0] * 3


def test_weight_decay_meets_the_kernels_of_context_boosting_alone():
    """The released code's L2 penalty: five kernels, no bias."""
    task = SegmentationModule(recipe_of("covid-rate"), steps=1)
    found = task.parameter_groups(task.network.named_parameters())
    groups = {group["weight_decay"]: group["params"] for group in found}
    assert [kernel.ndim for kernel in groups[0.02]] == [4] * 5
    assert sum(len(group) for group in groups.values()) == len([*task.network.parameters()])


def test_an_epoch_of_quarter_turns_holds_every_slice_turned_four_ways():
    """Cascade Table 4: 2253 slices become 9012."""
    recipe = recipe_of("fpn-resnet18")
    recipe = replace(recipe, preprocessing=replace(recipe.preprocessing, input_size=(64, 64)))
    recipe = replace(recipe, augmentation=Augmentation(quarter_turns=True))
    slices = [labelled(seed=n, shape=(64, 64), lungs=True) for n in range(3)]
    dataset = SliceDataset(slices, recipe)
    assert len(dataset) == 12
    given = {dataset[0, place][1].numpy().tobytes() for place in range(12)}
    expected = {
        np.rot90(prepare(item, recipe)[1][0].numpy(), turn).copy().tobytes()
        for item in slices
        for turn in range(4)
    }
    assert given == expected


def test_slices_without_lung_are_left_out_where_the_network_sees_the_lungs_only():
    item = labelled(lungs=True)
    without = replace(item, lungs=np.zeros_like(item.lungs))
    assert len(SliceDataset([item, without], recipe_of("covid-rate"))) == 1


@pytest.mark.parametrize("model", ["covid-rate", "drsegunet", "lungs-unet-resnet18"])
def test_slices_are_prepared_as_the_trained_network_will_get_them(model):
    """What the main job's own preprocessing gives."""
    from COVIDLesionSegLib.engine.inference.field_of_view import FieldOfView

    recipe = recipe_of(model)
    item = several_classes(shape=(96, 128))
    prepared = recipe.preprocessing
    unit = prepared.normalise(prepared.to_unit(item.image[None]), item.lungs[None])
    field = FieldOfView((96, 128), (0.75, 0.75), prepared, (prepared.multiple,) * 2)
    image, target = prepare(item, recipe)
    assert torch.equal(image, field.resample(torch.from_numpy(unit)[None])[0])
    assert image.shape == target.shape == (1, *prepared.input_size)


def test_targets_hold_the_channel_of_every_pixel():
    item = several_classes(shape=(64, 64))
    recipe = recipe_of("drsegunet")
    assert recipe.channels == BACKGROUND_LAST
    target = channels_of(item, recipe)
    assert (target[item.lesion == 1] == 0).all() and (target[item.lesion == 2] == 1).all()
    assert (target[item.lungs & (item.lesion == 0)] == 2).all()
    assert (target[~item.lungs & (item.lesion == 0)] == 3).all()
    lungs = channels_of(item, recipe_of("lungs-unet-resnet18"))
    assert np.array_equal(lungs, item.lungs)


def test_targets_are_resampled_by_majority_and_padded_with_background():
    item = several_classes(shape=(64, 96))
    recipe = recipe_of("drsegunet")
    recipe = replace(recipe, preprocessing=replace(recipe.preprocessing, input_size=(192, 192)))
    target = prepare(item, recipe)[1][0].numpy()
    assert np.array_equal(target[:128:2, ::2], channels_of(item, recipe))
    assert (target[128:] == 3).all()


def cut_out_of_the_lungs():
    """A slice whose lung mask leaves the lesions out, so that a network would never see them."""
    item = labelled(lungs=True)
    return replace(item, lungs=item.lungs & ~item.lesion)


@pytest.mark.parametrize(
    ("model", "slices", "message"),
    [
        ("drsegunet", [labelled(lungs=True)], "slice p1_0 holds lesions without their class"),
        ("drsegunet", [ground_glass()], "no training slice is labelled consolidation"),
        ("amc-net", [several_classes()], "hold the label 2"),
        ("amc-net", [labelled(infected=False)], "No training slice shows lesion"),
        ("amc-net", [], "There are no training slices"),
        ("covid-rate", [labelled()], "no mask of the lungs"),
        ("covid-rate", [labelled(lungs=True)], "There are no validation slices"),
        (
            "covid-rate",
            [cut_out_of_the_lungs()],
            "100 % of the lesions of the training slices",
        ),
    ],
)
def test_data_that_a_recipe_cannot_learn_from_are_refused(model, slices, message, tmp_path):
    with pytest.raises(InputError, match=message):
        fit(recipe_of(model), slices, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_validation_patient_is_never_learned_from(tmp_path):
    with pytest.raises(InputError, match="both trained on and held out: p1"):
        fit(tiny_recipe(), [labelled("p1")], tmp_path, validation=[labelled("p1", seed=2)])


def losses(folder):
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_learning_rate_drops_after_validations_without_progress(tiny_network, tmp_path):
    """So small a rate changes no answer."""
    recipe = tiny_recipe(
        learning_rate=1e-6, schedule="constant", validation_steps=3, plateau=2, plateau_factor=0.2
    )
    slices = [labelled("p1", shape=(64, 64))]
    fit(recipe, slices, tmp_path, validation=[labelled("p2", shape=(64, 64))])
    rates = [float(row["learning_rate"]) for row in losses(tmp_path)]
    assert rates == pytest.approx([1e-6, 1e-6, 1e-6, 2e-7])


@pytest.mark.parametrize(
    ("model", "channels"),
    [
        ("amc-net", 1),
        ("fpn-resnet18", 2),
        ("lungs-fpn-resnet18", 2),
        ("covid-rate", 1),
        ("drsegunet", 4),
    ],
)
def test_every_recipe_learns(model, channels, tiny_network, tmp_path):
    """Loss falls, and validation Dice rises above that of calling everything."""
    make = several_classes if channels == 4 else labelled
    recipe = recipe_of(model)
    prepared = recipe.preprocessing
    size = {"patch_size": (64, 64)} if prepared.patch_size else {"input_size": (64, 64)}
    recipe = replace(
        recipe,
        network="TinyNetwork",
        network_arguments={"channels": channels},
        # Slices of 64 pixels would be mostly margin, which so small a network learns first.
        augmentation=replace(recipe.augmentation, crop_margin=0.0),
        preprocessing=replace(prepared, **size),
        steps=60,
        epochs=None,
        batch_size=2,
        learning_rate=0.03,
        schedule="constant",
        average_decay=0.0,
        weight_decay={},
        validation_steps=20,
        precision="32-true",
    )
    slices = [make(patient="p1", seed=n, shape=(64, 64), lungs=True) for n in range(4)]
    validation = [make(patient="p2", seed=n, shape=(72, 64), lungs=True) for n in (8, 9)]
    fit(recipe, slices, tmp_path, validation=validation)
    rows = losses(tmp_path)
    assert float(rows[-1]["loss"]) < 0.8 * float(rows[0]["loss"])
    covered = np.mean(
        [(item.lungs if recipe.task == "lungs" else item.lesion > 0) for item in validation]
    )
    trivial = 2 * covered / (1 + covered)
    assert float(rows[-1]["validation_dice"]) > trivial
