"""Result folders of nnU-Net v2 become models: read as data, run by nnunetv2's own predictor."""

from __future__ import annotations

import hashlib
import json
import os
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest
from torch import nn
from typer.testing import CliRunner

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine import pipeline
from COVIDLesionSegLib.engine.errors import DependencyError, InputError, ModelError
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.monai_bundle import export_bundle
from COVIDLesionSegLib.engine.models.nnunet_folder import read_nnunet_folder
from COVIDLesionSegLib.engine.models.nnunet_labels import lesion_classes
from COVIDLesionSegLib.engine.models.registry import add_folder
from COVIDLesionSegLib.engine.networks.nnunet import (
    NnUNet,
    _check_architecture,
    reader_reorients,
)
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.volume import AxialOrder, read_volume, write_volume
from engine.directions import DIRECTIONS
from engine.nnunet_folders import CONFIGURATION, NAME, crafted_folder, plans, trained_folder
from engine.reviewed_cohort import CHEST

INSTALLED = find_spec("nnunetv2") is not None
needs_nnunet = pytest.mark.skipif(not INSTALLED, reason="NNUNETV2 ABSENT: pip install nnunetv2")
MODEL = f"{NAME}-{CONFIGURATION}"


class Trap:
    """Leaves a trace when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("trust", [False, True])
def test_a_checkpoint_that_holds_code_is_refused_unless_it_is_trusted(tmp_path, user_folder, trust):
    trace = tmp_path / "attacked"
    folder = crafted_folder(tmp_path / "folder", extra=Trap(trace))
    arguments = ["registry", "add", str(folder), *(["--trust"] if trust else [])]
    answer = CliRunner().invoke(app, arguments)

    assert answer.exit_code == 1 and trace.exists() == trust
    assert ("could run code" in answer.stderr and "--trust" in answer.stderr) != trust
    assert not list(user_folder.glob("*.json"))


@pytest.mark.skipif(INSTALLED, reason="nnunetv2 is installed")
def test_without_nnunetv2_one_sentence_says_what_to_install(tmp_path, user_folder):
    folder = crafted_folder(tmp_path / "folder", extra=[np.float64(0.5), np.float32(1.0)])
    with pytest.raises(DependencyError, match="needs the Python package nnunetv2"):
        add_folder(folder)


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"channel_names": {"0": "CT", "1": "PET"}}, ModelError, "take one image"),
        ({"labels": {"background": 0, "a": [1, 2], "b": 2}}, ModelError, "overlap"),
        ({"labels": {"background": 0, "lung": 1}}, ModelError, "finds lungs"),
        ({"labels": {"background": 0, "lesion": 2}}, InputError, "number its labels"),
        ({"labels": ["lesion"]}, InputError, "names no labels"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(tmp_path, changes, error, sentence):
    with pytest.raises(error, match=sentence):
        read_nnunet_folder(crafted_folder(tmp_path / "folder", **changes))


@pytest.mark.parametrize(
    "name",
    [
        *("lesion", "Infection", "ground-glass opacity", "GGO", "ggo_consolidation", "COVID-19"),
        *("Lung_Lesions", "pulmonary opacities", "Crazy Paving", "pneumonia", "GroundGlass"),
    ],
)
def test_a_label_whose_name_says_lesion_is_one_and_lungs_are_none(name):
    assert lesion_classes(("background", "left_lung", name, "Lungs", "lung right")) == (name,)


@pytest.mark.parametrize(
    "name",
    [
        *("trachea", "heart", "nodule", "tumor", "class 1", "lung_upper_lobe_left", "effusion"),
        *("no lesion", "non-infected", "healthy lung", "covid lung", "liver lesion", "and"),
    ],
)
def test_a_label_that_may_be_no_lesion_is_never_taken_for_one_unasked(tmp_path, name):
    folder = crafted_folder(tmp_path / "folder", labels={"background": 0, "lesion": 1, name: 2})
    with pytest.raises(ModelError, match=f"neither lung nor lesion: '{name}'; say which") as error:
        read_nnunet_folder(folder)
    assert error.value.option == "lesion_labels" and "('lesion', " in str(error.value)


def test_who_adds_a_model_says_which_labels_are_lesions():
    labels = ("background", "left_lung", "trachea", "Nodule", "infection")
    assert lesion_classes(labels, ["nodule"]) == ("Nodule",)
    assert lesion_classes(labels, ["infection", "Left lung"]) == ("left_lung", "infection")
    for absent in ("background", "nodules"):
        with pytest.raises(InputError, match=f"no label '{absent}'.*'Nodule', 'infection'"):
            lesion_classes(labels, ["nodule", absent])


def test_the_command_says_how_to_tell_which_labels_are_lesions(tmp_path, user_folder):
    labels = {"background": 0, "trachea": 1, "nodule": 2}
    folder = crafted_folder(tmp_path / "folder", labels=labels)
    answer = CliRunner().invoke(app, ["registry", "add", str(folder)])
    assert answer.exit_code == 1 and "'trachea', 'nodule'" in answer.stderr
    assert "Option: --lesion-label." in answer.stderr

    wrong = ["registry", "add", str(folder), "--lesion-label", "nodule", "--lesion-label", "heart"]
    assert "no label 'heart'" in CliRunner().invoke(app, wrong).stderr


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_labels_of_what_is_no_nnunet_cannot_be_chosen(tmp_path, kind):
    path = tmp_path / "model"
    path.mkdir() if kind == "folder" else path.touch()
    options = jobs.ImportModelOptions(file=path, lesion_labels=("lesion",))
    with pytest.raises(InputError, match="model is no result folder of nnU-Net") as error:
        jobs.import_model(options, tmp_path / "out")
    assert error.value.option == "lesion_labels"


def test_a_folder_without_a_finished_fold_is_refused(tmp_path):
    folder = crafted_folder(tmp_path / "folder")
    (folder / "fold_0" / "checkpoint_final.pth").rename(folder / "fold_0" / "checkpoint_best.pth")
    with pytest.raises(InputError, match="finished"):
        add_folder(folder)


@pytest.mark.parametrize(
    "named",
    [
        {"network_class_name": "subprocess.Popen"},
        {"network_class_name": "dynamic_network_architectures.architectures.os.system"},
        {"arch_kwargs": {"conv_op": "os.system"}, "_kw_requires_import": ["conv_op"]},
        {"arch_kwargs": {"conv_op": "torch.nn.init.ones_"}, "_kw_requires_import": ["conv_op"]},
    ],
)
def test_plans_that_name_anything_but_layers_are_refused(named):
    """nnunetv2 would call whatever they name."""
    architecture = plans(**named)["configurations"][CONFIGURATION]["architecture"]
    configuration = SimpleNamespace(
        network_arch_class_name=architecture["network_class_name"],
        network_arch_init_kwargs=architecture["arch_kwargs"],
        network_arch_init_kwargs_req_import=architecture["_kw_requires_import"],
    )
    with pytest.raises(ModelError, match="not one of nnU-Net's own"):
        _check_architecture(configuration)


def test_which_way_round_a_network_takes_a_ct_follows_from_its_reader_or_it_is_refused():
    assert reader_reorients("SimpleITKIOWithReorient") and reader_reorients("NibabelIOWithReorient")
    assert not reader_reorients("SimpleITKIO") and not reader_reorients("NibabelIO")
    for other in ("Tiff3DIO", "SimpleITKIOWithMoreOfIt"):
        with pytest.raises(ModelError, match="which way round"):
            reader_reorients(other)


@needs_nnunet
@pytest.mark.filterwarnings("ignore")
def test_nnunetv2s_readers_of_a_flipped_ct_reorient_as_is_assumed(tmp_path):
    from nnunetv2.imageio.reader_writer_registry import recursive_find_reader_writer_by_name

    volume = generate_chest_ct(5, **CHEST, orientation="RIP").volume
    ct = tmp_path / "ct_0000.nii.gz"
    write_volume(volume.array, volume.geometry, ct)
    for name in (
        "SimpleITKIO",
        "NibabelIO",
        "SimpleITKIOWithReorient",
        "NibabelIOWithReorient",
    ):
        array, facts = recursive_find_reader_writer_by_name(name)().read_images([str(ct)])
        ras = reader_reorients(name)
        expected = volume.axial[:, ::-1, ::-1] if ras else volume.array
        spacing = volume.axial_spacing if ras else volume.geometry.spacing[::-1]
        assert np.array_equal(array[0], expected), name
        assert np.allclose(facts["spacing"], spacing), name


class DenseParts(NnUNet):
    """In place of nnU-Net's networks: what is denser than aerated lung is lesion."""

    outputs = 1

    def __init__(self, reorients):
        nn.Module.__init__(self)
        self.reorients = reorients
        self.seen = []

    def probabilities(self, hu, spacing, device):
        self.seen.append((hu, spacing))
        return (hu > -650).astype(np.float32)[None]


@pytest.mark.parametrize("reorients", [False, True])
@pytest.mark.parametrize("orientation", ["LPS", "RIP", "oblique"])
def test_what_a_whole_ct_gives_lies_where_it_was_found(monkeypatch, orientation, reorients):
    direction = DIRECTIONS["oblique"] if orientation == "oblique" else orientation
    volume = generate_chest_ct(5, **CHEST, orientation=direction).volume
    network = DenseParts(reorients)
    monkeypatch.setattr(pipeline, "load_network", lambda *_: network)
    result = pipeline.segment(volume, Parameters(smallest_lesion_ml=0))

    wrong = (result.lesions > 0) != ((volume.array > -650) & (result.lungs > 0))
    assert result.lesions.any() and not wrong.any()
    ((hu, spacing),) = network.seen
    if reorients:  # RAS, see nibabel.orientations
        order = AxialOrder.of(volume.geometry)
        assert np.array_equal(hu, order.to_axial(volume.array)[:, ::-1, ::-1])
        assert spacing == volume.axial_spacing
    else:
        assert np.array_equal(hu, volume.array) and spacing == volume.geometry.spacing[::-1]


@pytest.fixture(scope="module")
def result_folder(tmp_path_factory):
    """What nnunetv2's own trainer wrote: two folds."""
    folder = tmp_path_factory.mktemp("results")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("raw", "preprocessed", "results"):
            patch.setenv(f"nnUNet_{name}", str(folder / name))
        yield trained_folder(folder / "model")


@needs_nnunet
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_result_folder_gives_what_nnunets_own_prediction_of_the_file_gives(
    result_folder, tmp_path, monkeypatch, user_folder
):
    (model,) = add_folder(result_folder)
    card = model.card
    assert model.id == MODEL and card.classes == ("infection",) and len(card.channels) == 4
    assert card.weights.licence == "CC-BY-4.0" and "left_lung" in card.notes[-1]
    text = (user_folder / f"{MODEL}.json").read_text()
    assert str(tmp_path) not in text and '"2d"' not in text

    phantom = generate_chest_ct(5, **CHEST, orientation="RIP")
    ct = tmp_path / "ct_0000.nii.gz"
    write_volume(phantom.volume.array, phantom.volume.geometry, ct)
    parameters = Parameters(model=MODEL, smallest_lesion_ml=0, device="cpu")
    result = pipeline.segment(read_volume(ct), parameters)

    own = own_prediction(result_folder, ct)[3]
    inside = result.lungs > 0
    assert np.abs(result.probability - np.where(inside, own, 0)).max() < 1e-6
    assert result.probability[inside].std() > 0
    assert np.array_equal(result.lesions > 0, inside & (own > 0.5))

    facts = result.provenance["models"][MODEL]
    assert facts["weights_sha256"] == card.weights.sha256
    for fold in ("0", "1"):
        data = (result_folder / f"fold_{fold}" / "checkpoint_final.pth").read_bytes()
        assert facts["checkpoint_sha256"][fold] == hashlib.sha256(data).hexdigest()
    json.dumps(result.provenance)

    for refused in (
        lambda: export_bundle(load_catalogue().get(MODEL), tmp_path / "bundle.zip"),
        lambda: CliRunner().invoke(
            app,
            ["explain", str(ct), "--model", MODEL, "--out", str(tmp_path / "out"), "--debug"],
            catch_exceptions=False,
        ),
    ):
        with pytest.raises(ModelError, match="is an nnU-Net"):
            refused()


@needs_nnunet
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_card_says_which_labels_were_called_lesions(result_folder, user_folder):
    (model,) = add_folder(result_folder, lesion_labels=("right lung",))
    assert model.card.classes == ("Right Lung",) and model.card.class_channels == (2,)
    called, left_out = model.card.notes[-2:]
    assert called.endswith("are lesions: Right Lung.") and "left_lung, infection" in left_out


def own_prediction(folder, ct):
    """Probabilities (labels, k, j, i) as nnunetv2 reads the folder and predicts the file."""
    import torch
    from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    predictor = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
    predictor.initialize_from_trained_model_folder(str(folder), None)
    image, properties = SimpleITKIO().read_images([str(ct)])
    return predictor.predict_single_npy_array(image, properties, None, None, True)[1]
