"""Training: the paper's patches, no patient on both sides, a network that learns and exports."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import asdict, replace

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from COVIDLesionSegLib.engine.data.slice_folder import read_slice_folder
from COVIDLesionSegLib.engine.data.training_data import TrainingData, read_training_data
from COVIDLesionSegLib.engine.errors import InputError, ModelError
from COVIDLesionSegLib.engine.evaluation.card_scores import score_patients
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue, read_models
from COVIDLesionSegLib.engine.models.weights import load_network
from COVIDLesionSegLib.engine.networks import build_network
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.training.augmentation import Augmentation, crop
from COVIDLesionSegLib.engine.training.dataset import PatchDataset
from COVIDLesionSegLib.engine.training.patches import PatchSite, border_tiles, patch_sites
from COVIDLesionSegLib.engine.training.recipe import Recipe
from COVIDLesionSegLib.engine.training.recipes import make_recipe
from COVIDLesionSegLib.engine.training.trainer import fit
from COVIDLesionSegLib.engine.volume import AIR_HU, write_volume
from engine.training_slices import TinyNetwork, export_tiny, labelled, tiny_recipe

pytestmark = pytest.mark.slow

AMC_NET = load_catalogue().get("amc-net").card


EAMC = Recipe(augmentation=Augmentation(rotation_degrees=10.0, shift=0.2, zoom=0.2))


def test_boxes_of_clean_slices_lie_anywhere_and_rarely_touch_the_border():
    """Of 385 places along a side of 512 pixels two touch the border: 1 % of all boxes."""
    clean = labelled(infected=False, shape=(512, 512))
    sites = patch_sites([clean], np.random.default_rng(0), clean_patches=4000)
    places = np.array([(site.row, site.column) for site in sites])
    assert places.min() >= 64 and places.max() <= 512 - 64
    touching = np.isin(places, (64, 512 - 64)).any(axis=1).mean()
    assert touching == pytest.approx(1 - (383 / 385) ** 2, abs=0.005)
    quarters, _ = np.histogram(places[:, 0], bins=4, range=(64, 448))
    assert quarters.min() > 900


def test_a_clean_slice_smaller_than_a_patch_has_one_place():
    clean = labelled(infected=False, shape=(100, 90))
    (site,) = patch_sites([clean], np.random.default_rng(0))
    assert (site.row, site.column) == (50, 45)


def test_patches_of_an_epoch_are_32_per_infected_and_1_per_clean_slice():
    """EAMC Table 10: 1351 infected and 1230 clean slices give 44,462 patches."""
    slices = [labelled(seed=i) for i in range(5)] + [
        labelled(infected=False, seed=i) for i in range(3)
    ]
    assert len(patch_sites(slices, np.random.default_rng(0))) == 32 * 5 + 3
    assert 32 * 1351 + 1230 == 29_397 + 15_065


def test_lesion_boxes_hold_lesion_and_lie_on_the_slice():
    item = labelled()
    sites = patch_sites([item], np.random.default_rng(0))
    assert len(sites) == 32
    for site in sites[:20]:
        assert 64 <= site.row <= 160 - 64 and 64 <= site.column <= 200 - 64
        rows = slice(site.row - 64, site.row + 64)
        columns = slice(site.column - 64, site.column + 64)
        assert item.lesion[rows, columns].any()


@pytest.mark.parametrize("patch", [2, 3])
def test_a_box_over_a_lesion_holds_the_pixel_that_it_was_drawn_for(patch):
    """At every place of it, each as likely."""
    item = labelled(infected=False)
    item.lesion[80, 100] = True
    sites = patch_sites([item], np.random.default_rng(0), patch=patch)[:20]
    boxes = [crop(item.lesion, site.row, site.column, patch, 0) for site in sites]
    assert all(box.any() for box in boxes)
    assert len({tuple(np.argwhere(box)[0]) for box in boxes}) > patch


def test_border_tiles_of_a_512_slice_are_the_12_outer_of_its_16_tiles():
    grid = {(64 + 128 * i, 64 + 128 * j) for i in range(4) for j in range(4)}
    inner = {(64 + 128 * i, 64 + 128 * j) for i in (1, 2) for j in (1, 2)}
    assert set(border_tiles((512, 512))) == grid - inner
    assert len(border_tiles((150, 300))) == 12


def test_crop_beyond_the_image_is_filled():
    window = crop(np.ones((10, 10), np.float32), row=0, column=9, size=8, fill=AIR_HU)
    assert window.shape == (1, 8, 8)
    assert (window[0, 4:, :5] == 1).all()
    assert (window[0, :4] == AIR_HU).all() and (window[0, :, 5:] == AIR_HU).all()


def test_patches_are_in_range_reproducible_and_new_every_epoch():
    slices = [labelled(seed=i) for i in range(2)]

    def images(seed, epoch):
        dataset = PatchDataset(slices, replace(make_recipe(AMC_NET), seed=seed))
        return torch.stack([dataset[epoch, i][0] for i in range(6)])

    first = images(seed=1, epoch=0)
    assert first.shape == (6, 1, 128, 128)
    assert first.min() >= 0.0 and first.max() <= 1.0
    assert torch.equal(first, images(seed=1, epoch=0))
    assert not torch.equal(first, images(seed=1, epoch=1))
    assert not torch.equal(first, images(seed=2, epoch=0))


def test_a_sample_does_not_depend_on_those_before_it():
    dataset, fresh = (PatchDataset([labelled()], EAMC) for _ in range(2))
    for place in range(5):
        dataset[0, place]
    assert torch.equal(dataset[1, 7][0], fresh[1, 7][0])


def test_labels_move_with_their_image():
    """Lesions are the only bright thing, so a bright pixel is a labelled one."""
    dataset = PatchDataset([labelled(seed=3)], EAMC)
    agreement = []
    for index in range(10):
        image, lesion = dataset[0, index]
        bright = image > (image.min() + image.max()) / 2
        if lesion.any():
            agreement.append(((bright & (lesion > 0)).sum() / lesion.sum()).item())
    assert min(agreement) > 0.9


def test_patches_are_shifted_and_zoomed_along_rows_and_columns():
    """EAMC section 2.2: horizontal and vertical shift."""
    item = labelled()
    lesion = np.zeros_like(item.lesion)
    lesion[70:90, 90:110] = True
    item = replace(item, lesion=lesion)
    for changed in (Augmentation(shift=0.2), Augmentation(zoom=0.3)):
        dataset = PatchDataset([item], replace(EAMC, augmentation=changed))
        plain = PatchDataset([item], replace(EAMC, augmentation=Augmentation()))
        rows, columns = set(), set()
        for place in range(32):
            places = [np.argwhere(data[0, place][1][0].numpy() > 0) for data in (plain, dataset)]
            if all(len(one) == 400 or changed.zoom and len(one) for one in places):
                row, column = (
                    (places[1].max(0) - places[1].min(0))
                    if changed.zoom
                    else (places[1].min(0) - places[0].min(0))
                )
                rows.add(int(row))
                columns.add(int(column))
        assert len(rows) > 3 and len(columns) > 3


def test_windowed_slices_are_refused_by_recipes_of_whole_slices(tmp_path):
    recipe = make_recipe(load_catalogue().get("covid-rate").card)
    with pytest.raises(InputError, match="COVIDRate learns from slices in HU"):
        fit(recipe, [replace(labelled(lungs=True), windowed=True)], tmp_path)


def test_patches_of_a_windowed_slice_are_those_of_its_hu_in_the_networks_window():
    in_hu = labelled()
    low, high = EAMC.preprocessing.window_hu
    unit = np.clip((in_hu.image - low) / (high - low), 0, 1)
    windowed = replace(in_hu, windowed=True, image=unit)
    pairs = zip(
        *(
            [PatchDataset([item], EAMC)[0, place] for place in range(4)]
            for item in (in_hu, windowed)
        ),
        strict=True,
    )
    for (image, target), (from_unit, same_target) in pairs:
        # What lies beyond the network's window is lost, and the random window may be wider.
        assert torch.median((image - from_unit).abs()) < 1e-5
        assert torch.equal(target, same_target)


@pytest.mark.parametrize(("scale", "area"), [(0.5, 0.25), (1.0, 1.0), (1.5, 2.25)])
def test_a_scale_enlarges_what_a_patch_shows_along_both_axes(scale, area):
    item = labelled()
    item.lesion[:] = False
    item.lesion[70:90, 85:115] = True  # in the middle, and 128 pixels show all of it
    item.image[item.lesion] = -300
    augmentation = Augmentation(scale=(scale, scale))
    recipe = replace(EAMC, augmentation=augmentation)
    dataset = PatchDataset([item], recipe)
    site = PatchSite(0, 80, 100)
    image, target = dataset._sample(site, np.random.default_rng(0))
    assert float(target.sum()) == pytest.approx(600 * area, rel=0.1)
    rows, columns = (np.flatnonzero(target[0].numpy().any(axis=1 - axis)) for axis in (0, 1))
    assert np.ptp(columns) / np.ptp(rows) == pytest.approx(1.5, rel=0.1)
    assert float(image[target > 0].median()) > float(image[target == 0].median())


def test_patches_of_a_network_of_the_lungs_only_show_nothing_else():
    """What noise, kernel and movement leave outside the lungs is what a CT's will be: exactly 0."""
    strong = Augmentation(
        rotation_degrees=30.0,
        shift=0.2,
        zoom=0.2,
        scale=(0.7, 1.4),
        flip=0.5,
        noise=0.3,
        kernel=1.0,
    )
    recipe = replace(EAMC, augmentation=strong)
    lungs_only = replace(recipe, preprocessing=replace(recipe.preprocessing, lung_mask=True))
    item = labelled(lungs=True)
    pairs = [
        (PatchDataset([item], recipe)[0, place], PatchDataset([item], lungs_only)[0, place])
        for place in range(12)
    ]
    hidden = []
    for (image, target), (masked, same_target) in pairs:
        assert masked.shape == image.shape and torch.equal(target, same_target)
        shown = masked > 0
        assert torch.equal(masked[shown], image[shown])
        assert shown[target > 0].float().mean() > 0.9  # lesions lie within these lungs
        hidden.append(((masked == 0) & (image > 0)).float().mean().item())
    assert max(hidden) > 0.2


def test_networks_of_the_lungs_only_do_not_learn_from_slices_without_lung():
    with_lung = labelled(lungs=True)
    without = replace(labelled("p2", lungs=True), lungs=np.zeros_like(with_lung.lungs))
    recipe = replace(EAMC, preprocessing=replace(EAMC.preprocessing, lung_mask=True))
    assert PatchDataset([with_lung, without], recipe).slices == [with_lung]


def test_a_scale_is_drawn_evenly_between_smaller_and_larger():
    rng = np.random.default_rng(0)
    drawn = np.array([Augmentation(scale=(0.5, 2.0)).random_scale(rng) for _ in range(2000)])
    assert 0.5 <= drawn.min() < 0.51 and 1.96 < drawn.max() <= 2.0
    assert np.mean(drawn < 1) == pytest.approx(0.5, abs=0.05)
    untouched = np.random.default_rng(0)
    assert Augmentation().random_scale(untouched) == 1.0
    assert untouched.random() == np.random.default_rng(0).random()


def test_a_patient_on_both_sides_is_refused():
    with pytest.raises(InputError, match="both trained on and held out: p1"):
        TrainingData([labelled("p1")], [labelled("p2"), labelled("p1")], [])


@pytest.mark.parametrize("wrong", [{"frozen": ("nonsense",)}, {"start": "imagenet"}])
def test_a_training_that_cannot_begin_leaves_no_folder(wrong, tiny_network, tmp_path):
    with pytest.raises(ModelError, match="no stage 'nonsense'|no ImageNet weights"):
        fit(tiny_recipe(**wrong), [labelled()], tmp_path / "training")
    assert not (tmp_path / "training").exists()


@pytest.fixture
def slice_folder(tmp_path):
    """A slice folder like the real one: three coronacases patients, one windowed case twice."""
    folder = tmp_path / "slices"
    for kind in ("img", "lung", "lesion"):
        (folder / kind).mkdir(parents=True)
    rows = []
    for number, case in enumerate(
        (
            "coronacases_org_001",
            "coronacases_org_002",
            "coronacases_org_003",
            "radiopaedia_10_85902_1",
            "radiopaedia_10_85902_3",
        )
    ):
        item = labelled(seed=number, shape=(140, 160))
        grey = np.clip((item.image + 1024) * 100 / 1064, 0, 255).astype(np.uint8)
        for kind, array in (
            ("img", grey),
            ("lung", np.full(grey.shape, 255, np.uint8)),
            ("lesion", item.lesion.astype(np.uint8) * 255),
        ):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / kind / f"{case}_001.png"))
        rows.append({"name": f"{case}_001", "case": case, "grey_soft_peak": "100"})
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_grey_levels_become_hu_where_the_index_says_how(slice_folder):
    by_patient = {item.patient: item for item in read_slice_folder(slice_folder)}
    healthy = by_patient["coronacases_org_001"]
    assert np.median(healthy.image[~healthy.lesion]) == pytest.approx(-850, abs=11)
    windowed = by_patient["radiopaedia_10_85902"]
    assert windowed.windowed and 0.0 <= windowed.image.min() <= windowed.image.max() <= 1.0


def test_two_volumes_of_one_patient_are_one_patient(slice_folder):
    patients = [item.patient for item in read_slice_folder(slice_folder)]
    assert patients.count("radiopaedia_10_85902") == 2


def test_training_data_keeps_validation_and_windowed_patients_out_of_training(
    slice_folder, tmp_path
):
    clean = generate_chest_ct(size=(64, 64, 6), spacing=(5.0, 5.0, 40.0)).volume
    write_volume(clean.array, clean.geometry, tmp_path / "clean.nrrd")
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"slices": 6, "infected": [2, 3]}), encoding="utf-8")
    data = read_training_data(
        [slice_folder], ["coronacases_org_002"], tmp_path / "clean.nrrd", labels
    )
    assert data.describe() == {
        "training": {"coronacases_org_001": 1, "coronacases_org_003": 1, "clean-ct": 4},
        "validation": {"coronacases_org_002": 1},
        "outside": {"radiopaedia_10_85902": 2},
    }
    clean_items = [item for item in data.training if item.patient == "clean-ct"]
    assert not any(item.lesion.any() for item in clean_items)
    np.testing.assert_array_equal(clean_items[2].image, clean.axial[4])


def test_windowed_slices_are_learned_from_where_their_folder_is_named_so(slice_folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(slice_folder, other)
    index = (other / "index.csv").read_text(encoding="utf-8")
    (other / "index.csv").write_text(index.replace("org", "new").replace("85902", "86490"))
    for image in other.rglob("*.png"):
        image.rename(image.with_name(image.name.replace("org", "new").replace("85902", "86490")))

    data = read_training_data([slice_folder], ["coronacases_org_002"], windowed=[other])

    assert data.describe() == {
        "training": {
            "coronacases_org_001": 1,
            "coronacases_org_003": 1,
            "coronacases_new_001": 1,
            "coronacases_new_002": 1,
            "coronacases_new_003": 1,
            "radiopaedia_10_86490": 2,
        },
        "validation": {"coronacases_org_002": 1},
        "outside": {"radiopaedia_10_85902": 2},
    }


def test_windowed_slices_with_pseudo_labels_are_refused_unless_they_are_learned_from(slice_folder):
    path = slice_folder / "index.csv"
    first, *rows = path.read_text(encoding="utf-8").splitlines()
    marked = [f"{row},{'yes' if 'radiopaedia' in row else 'no'}" for row in rows]
    path.write_text("\n".join([f"{first},pseudo", *marked]) + "\n", encoding="utf-8")

    with pytest.raises(InputError, match="radiopaedia_10_85902 are windowed.*nobody checked"):
        read_training_data([slice_folder], [])

    learned = read_training_data([], [], windowed=[slice_folder]).describe()
    assert learned["pseudo_labels"] == {"radiopaedia_10_85902": 2}


def test_a_missing_patient_image_or_list_is_one_clear_sentence(slice_folder, tmp_path):
    with pytest.raises(InputError, match="no patient coronacases_org_009"):
        read_training_data([slice_folder], ["coronacases_org_009"])
    with pytest.raises(InputError, match="in the data twice"):
        read_training_data([slice_folder, slice_folder], [])
    with pytest.raises(InputError, match="nothing to learn from"):
        read_training_data([], [])
    (slice_folder / "lesion" / "coronacases_org_001_001.png").unlink()
    with pytest.raises(InputError, match="coronacases_org_001_001.png .* missing in lesion/"):
        read_slice_folder(slice_folder)
    with pytest.raises(InputError, match="no index.csv"):
        read_slice_folder(tmp_path)


def test_a_short_training_lowers_the_loss_and_exports_a_model_that_loads(slice_folder, tmp_path):
    data = read_training_data([slice_folder], ["coronacases_org_002"])
    recipe = Recipe(
        network_arguments={"multi_scale": False, "attention": False, "dropout": 0.0},
        preprocessing=replace(EAMC.preprocessing, patch_size=(64, 64)),
        loss_arguments={"balance": "printed"},
        steps=80,
        batch_size=2,
        augmentation=make_recipe(AMC_NET).augmentation,
    )
    network = fit(recipe, data.training, tmp_path / "run")
    with (tmp_path / "run" / "metrics.csv").open(encoding="utf-8") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.6 * 0.1386  # an untrained network answers 0.5 everywhere

    exported = export_tiny(network, data, "tiny", recipe, tmp_path)
    card = exported.card
    (model,) = read_models(tmp_path / "tiny.json")
    assert json.dumps(asdict(model.card)) == json.dumps(asdict(card))
    assert model.card.training["recipe"]["seed"] == recipe.seed
    scores = score_patients(load_network(model), card, data.validation)
    dice = next(score for score in card.scores if score.metric == "Dice")
    assert dice.value == pytest.approx(scores["coronacases_org_002"].values["dice"], abs=1e-4)
    assert dice.data == "coronacases_org_002, 1 slices"


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_is_measured_only_where_the_processor_has_it(
    tiny_network, slice_folder, tmp_path, monkeypatch, native
):
    """Emulated, the scores of two patients take longer than many a training."""
    from COVIDLesionSegLib.engine.evaluation import card_scores

    monkeypatch.setattr(card_scores, "computes_bfloat16", lambda device: native)
    data = read_training_data([slice_folder], ["coronacases_org_002"])
    card = export_tiny(TinyNetwork(), data, "tiny", tiny_recipe(), tmp_path).card
    assert card.scores
    assert any(note.startswith("Under bfloat16") for note in card.notes) is native
    assert native or not card.bfloat16


def test_weights_without_held_out_patients_say_so_and_are_not_cleared_for_bfloat16(
    slice_folder, tmp_path
):
    read = read_training_data([slice_folder], [])
    exported = export_tiny(
        build_network(AMC_NET.network, AMC_NET.arguments),
        replace(read, outside=[]),
        "unknown",
        make_recipe(AMC_NET),
        tmp_path,
    )
    assert not exported.card.scores and not exported.card.bfloat16
    assert exported.card.notes[0].startswith("There were no held-out patients")
