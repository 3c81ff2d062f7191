"""Two stages of training: what learns in which, instances as targets, resuming, other classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from COVIDLesionSegLib.engine.data.labelled import class_of
from COVIDLesionSegLib.engine.detection.dataset import DetectionDataset, prepare_instances
from COVIDLesionSegLib.engine.detection.instances import (
    boxes_of,
    components,
    labels_on_grid,
    targets_of,
)
from COVIDLesionSegLib.engine.detection.module import DetectionModule
from COVIDLesionSegLib.engine.detection.training import (
    DETECTION,
    check_detector_slices,
    detector_recipe,
    start_from,
)
from COVIDLesionSegLib.engine.errors import Cancelled, InputError, ModelError, ParameterError
from COVIDLesionSegLib.engine.inference.frame import frame_of
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.training.recipe_settings import change_recipe
from COVIDLesionSegLib.engine.training.trainer import fit
from engine.detector_slices import CLASSES, blobs, save_detector, some, tiny_detector

pytestmark = pytest.mark.slow

PREPARED = Preprocessing((-1024.0, 200.0), input_size=(64, 64))


def module_of(slices):
    torch.manual_seed(0)
    return DetectionModule(tiny_detector(slices), 2)


def parts_with_gradients(network):
    return {
        name.split(".")[0]
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and parameter.grad.any()
    }


def test_each_stage_teaches_the_parts_that_the_paper_lists_and_no_others():
    slices = some()
    network = module_of(slices).network.train()
    images, targets = DetectionDataset(slices, tiny_detector(slices))[(0, 0)]
    losses = network.losses(images[1:], [targets_of(targets[1])])
    torch.stack(list(losses.values())).sum().backward()
    assert parts_with_gradients(network) == {"body", "fpn", "rpn", "roi"}
    network.zero_grad(set_to_none=True)
    network(images[:1]).sum().backward()
    assert parts_with_gradients(network) == {"body", "fpn", "affinity", "classifier"}


def test_each_optimiser_has_its_stages_parameters_with_the_papers_decay():
    module = module_of(some())
    detector, classifier = (one["optimizer"] for one in module.configure_optimizers())
    network = module.network

    def parameters(*parts):
        return {id(p) for part in parts for p in part.parameters()}

    def held(optimizer):
        return {id(p) for group in optimizer.param_groups for p in group["params"]}

    shared = (network.body, network.fpn)
    assert held(detector) == parameters(*shared, network.rpn, network.roi)
    assert held(classifier) == parameters(*shared, network.affinity, network.classifier)
    groups = [*detector.param_groups, *classifier.param_groups]
    assert {group["weight_decay"] for group in groups} == {0.001}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU")
def test_validating_does_not_change_what_a_gpu_draws_next():
    module = module_of(some()).to("cuda").eval()
    torch.cuda.manual_seed(7)
    before = torch.cuda.get_rng_state()
    image, labels = (
        one[None].to("cuda") for one in prepare_instances(blobs("p2", 2, 50), module.recipe)
    )
    module.on_validation_epoch_start()
    module.validation_step((image, labels), 3)
    assert torch.equal(torch.cuda.get_rng_state(), before)


def test_components_connect_by_diagonals_and_stay_apart_else():
    mask = np.zeros((5, 6), bool)
    mask[0, 0] = mask[1, 1] = mask[4, 5] = True
    found = components(mask)
    assert found[0, 0] == found[1, 1] == 1 and found[4, 5] == 2
    assert found.max() == 2 and found.dtype == np.int32


def test_targets_are_boxes_around_masks():
    labels = torch.zeros(6, 8, dtype=torch.int32)
    labels[1:3, 2:7] = 4
    labels[5, 0] = 9
    found = targets_of(labels)
    assert found["boxes"].tolist() == [[2.0, 1.0, 7.0, 3.0], [0.0, 5.0, 1.0, 6.0]]
    assert found["labels"].tolist() == [1, 1]
    assert found["masks"].sum(dim=(1, 2)).tolist() == [10, 1]
    assert boxes_of(found["masks"].bool()).tolist() == found["boxes"].tolist()
    assert targets_of(torch.zeros(4, 4, dtype=torch.int32))["boxes"].shape == (0, 4)


def test_a_lesion_of_one_pixel_stays_one_on_a_coarser_grid():
    lesion = np.zeros((256, 256), bool)
    lesion[101, 103] = True
    lesion[10:40, 10:40] = True
    frame = frame_of((256, 256), None, PREPARED)
    labels = labels_on_grid(lesion, frame)
    assert labels.shape == (64, 64)
    assert torch.unique(labels).tolist() == [0, 1, 2]
    assert torch.nonzero(labels == 2).tolist() == [[101 // 4, 103 // 4]]


def test_the_frame_holds_the_lungs_with_a_margin_and_gives_masks_back():
    lungs = np.zeros((200, 300), bool)
    lungs[50:150, 60:260] = True
    frame = frame_of((200, 300), lungs, PREPARED)
    assert (frame.rows, frame.columns) == (slice(42, 158), slice(44, 276))
    lesion = np.zeros((200, 300), bool)
    lesion[80:120, 100:160] = True
    image = frame.image(lesion.astype(np.float32))
    assert image.shape == (1, 64, 64)
    restored = frame.restore(image)[0] > 0.5
    overlap = (restored & lesion).sum() / (restored | lesion).sum()
    assert overlap > 0.9
    whole = frame_of((200, 300), np.zeros((200, 300)), PREPARED)
    assert (whole.rows, whole.columns) == (slice(0, 200), slice(0, 300))


def test_a_slices_class_is_its_own_or_follows_from_its_lesions():
    clean, infected = some(number=2)
    assert class_of(clean, CLASSES) == 0 and class_of(infected, CLASSES) == 1
    named = replace(clean, slice_class="common pneumonia")
    assert class_of(named, ("normal", "common pneumonia", "COVID-19")) == 1
    assert class_of(infected, ("normal", "common pneumonia", "COVID-19")) == 2
    with pytest.raises(InputError, match="is of the class 'common pneumonia', but the network"):
        class_of(named, CLASSES)


def test_an_epoch_holds_every_class_as_often_and_every_pair_shows_a_lesion():
    slices = [*some(number=6), *(blobs("p2", 3, 20 + n) for n in range(8))]
    dataset = DetectionDataset(slices, tiny_detector(slices))
    samples = [dataset[(0, place)] for place in range(len(dataset))]
    numbers = [int(targets[0].unique()) for _, targets in samples]
    assert len(numbers) == len(slices) and numbers.count(0) == numbers.count(1)
    assert all(targets[1].any() for _, targets in samples)
    again = dataset[(0, 3)]
    assert torch.equal(again[0], samples[3][0]) and torch.equal(again[1], samples[3][1])
    other = [int(dataset[(1, place)][1][1].sum()) for place in range(4)]
    assert other != [int(targets[1].sum()) for _, targets in samples[:4]]


def test_slices_without_lung_are_left_out_of_training():
    slices = some(number=4)
    without = replace(slices[0], lungs=np.zeros_like(slices[0].lungs))
    dataset = DetectionDataset([without, *slices[1:]], tiny_detector(slices))
    assert without not in dataset.slices and len(dataset.slices) == 3


def test_the_network_gets_the_global_mean_and_deviation_of_what_it_sees():
    slices = some(number=4)
    recipe = tiny_detector(slices)
    seen = torch.stack([prepare_instances(item, recipe)[0] for item in slices])
    assert recipe.network_arguments["mean"] == pytest.approx(seen.mean().item(), abs=1e-4)
    assert recipe.network_arguments["std"] == pytest.approx(seen.std(correction=0).item(), abs=1e-4)


@pytest.mark.parametrize(
    ("slices", "role", "message"),
    [
        ([], "training", "There are no training slices"),
        ([blobs(lesions=0)], "training", "No training slice shows a lesion"),
        ([blobs(lesions=1)], "training", "No training slice is of the class clean"),
        ([*some(), replace(blobs(), windowed=True)], "training", "learns from slices in HU"),
        ([replace(blobs(), pseudo=True)], "validation", "has pseudo-labels, which nobody checked"),
    ],
)
def test_slices_that_a_detector_cannot_learn_from_are_refused(slices, role, message):
    with pytest.raises(InputError, match=message):
        check_detector_slices(slices, tiny_detector(some()), role)


def test_recipes_hold_the_papers_numbers():
    card = load_catalogue().get("affinity-16").card
    recipe = detector_recipe(card, some(), CLASSES)
    assert (recipe.learning_rate, recipe.weight_decay) == (1e-5, {"*": 0.001})
    assert (recipe.batch_size, recipe.epochs, recipe.schedule) == (1, 100, "constant")
    assert recipe.preprocessing.input_size == (512, 512)
    assert recipe.augmentation == type(recipe.augmentation)()
    assert recipe.network_arguments["affinities"] == 16
    tuned = detector_recipe(card, some(), CLASSES, fine_tune=True)
    assert (tuned.epochs, tuned.steps, tuned.average_decay) == (10, None, 0.0)
    with pytest.raises(ParameterError, match="keeps the network and its input size"):
        detector_recipe(card, some(), CLASSES, fine_tune=True, input_size=64)
    with pytest.raises(ModelError, match="does not find lesions one by one"):
        detector_recipe(load_catalogue().get("amc-net").card, some(), CLASSES)


def test_a_training_that_was_cancelled_goes_on_as_if_it_had_not_been(tmp_path):
    slices, held_out = some(number=4), [blobs("p2", 2, 50), blobs("p2", 0, 51)]
    recipe = replace(tiny_detector(slices, steps=3), validation_steps=2, checkpoint_steps=1)
    options = {"validation": held_out, "method": DETECTION}
    whole = fit(recipe, slices, tmp_path / "whole", **options).state_dict()
    token = CancelToken()

    def cancel(progress):
        if progress.message.startswith("step 1 "):
            token.cancel()

    with pytest.raises(Cancelled):
        fit(recipe, slices, tmp_path / "parts", token, progress=cancel, **options)
    resumed = fit(recipe, slices, tmp_path / "parts", resume=True, **options).state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    curve = (tmp_path / "parts" / "metrics.csv").read_text()
    assert curve == (tmp_path / "whole" / "metrics.csv").read_text()
    assert [line.split(",")[0] for line in curve.splitlines()] == ["step", "2", "3"]


@pytest.mark.parametrize("fixed", [False, True])
def test_fixed_statistics_of_the_affinity_layer_stay_in_a_whole_training(tmp_path, fixed):
    """Validated halfway, as Lightning changes the modes of networks then."""
    slices = some(number=4)
    recipe = replace(tiny_detector(slices, steps=3), validation_steps=1)
    recipe = change_recipe(recipe, [("network_arguments.fixed_statistics", fixed)])
    trained = fit(recipe, slices, tmp_path, validation=[blobs("p2", 2, 50)], method=DETECTION)
    counted = {
        int(value)
        for name, value in trained.affinity.state_dict().items()
        if name.endswith("num_batches_tracked")
    }
    assert counted == ({0} if fixed else {3})


def test_other_classes_get_a_new_last_layer_and_keep_the_rest(tmp_path):
    recipe = tiny_detector(some())
    parent = save_detector(tmp_path, recipe, seed=1, dtype=torch.float32)
    weights = load_network(parent).state_dict()
    same = start_from(parent, detector_recipe(parent.card, some(), CLASSES, fine_tune=True))
    assert all(torch.equal(value, weights[n]) for n, value in same.state_dict().items())
    names = ("normal", "common pneumonia", "COVID-19")
    three = start_from(parent, detector_recipe(parent.card, some(), names, fine_tune=True))
    changed = {n for n, v in three.state_dict().items() if not torch.equal(v, weights[n])}
    assert changed == {"classifier.4.weight", "classifier.4.bias"}
    assert three.eval()(torch.zeros(1, 1, 64, 64)).shape == (1, 3)


def test_a_detectors_card_names_its_classes_of_slices():
    card = load_catalogue().get("affinity-8").card
    assert card.outputs == ("normal", "common pneumonia", "COVID-19")
    with pytest.raises(ModelError, match="must name the classes of slices"):
        replace(card, arguments={"affinities": 8})
