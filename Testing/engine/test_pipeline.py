"""The main job on a generated chest CT: one answer however it is stored, honest on bad input."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from COVIDLesionSegLib.engine.errors import (
    Cancelled,
    InputError,
    LungsNotFoundError,
    ModelError,
    ParameterError,
)
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL, Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.pipeline import segment
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.volume import read_volume, write_volume

pytestmark = pytest.mark.slow

CHEST = {"seed": 2, "size": (112, 88, 16), "spacing": (2.9, 2.9, 15.0)}
CPU = Parameters(device="cpu", smallest_lesion_ml=0.0)


@pytest.fixture(scope="module")
def chest():
    return generate_chest_ct(**CHEST)


@pytest.fixture(scope="module")
def result(chest):
    return segment(chest.volume, CPU)


def test_the_result_lies_on_the_cts_own_grid(chest, result):
    assert result.geometry == chest.volume.geometry
    for array, dtype in (
        (result.lungs, np.uint8),
        (result.lesions, np.uint8),
        (result.probability, np.float32),
    ):
        assert array.shape == chest.volume.array.shape and array.dtype == dtype
    assert set(np.unique(result.lungs)) == {0, 1, 2}
    assert not result.probability[result.lungs == 0].any()
    np.testing.assert_array_equal(result.lesions > 0, result.probability > np.float32(0.5))
    assert result.disagreement is None


def test_a_calibrated_model_states_confidence_and_an_uncalibrated_one_and_an_ensemble_do_not(
    chest, result
):
    calibration = load_catalogue().get(DEFAULT_MODEL).card.calibration
    found = calibration.frequency(result.probability[result.lesions > 0])
    assert result.severity.confidence == pytest.approx(float(found.mean()))
    assert all(
        (slice_.confidence is None) == (not slice_.lesion_mm2) for slice_ in result.severity.slices
    )
    for model in ("amc-net", f"{DEFAULT_MODEL}+amc-net"):
        severity = segment(chest.volume, replace(CPU, model=model)).severity
        assert severity.lesions and severity.confidence is None


def test_areas_below_the_smallest_lesion_are_left_out_and_stated(chest, result):
    areas, count = ndimage.label(result.lesions > 0, np.ones((3, 3, 3)))
    ml = np.bincount(areas.ravel())[1:] * result.geometry.voxel_volume_ml
    limit = float(np.median(ml)) + 0.001

    without = segment(chest.volume, replace(CPU, smallest_lesion_ml=limit))

    small = ml < limit
    assert small.any() and not small.all()
    np.testing.assert_array_equal(without.lesions > 0, np.isin(areas, 1 + np.flatnonzero(~small)))
    np.testing.assert_array_equal(without.probability, result.probability)
    (flag,) = [flag for flag in without.flags if flag.code == "small-lesions-left-out"]
    assert flag.level == "note" and f"{ml[small].sum():.2f} ml" in flag.message
    assert not [flag for flag in result.flags if flag.code == "small-lesions-left-out"]


def test_a_ct_with_no_more_lesion_than_healthy_people_show_is_ct0(chest, result):
    lesion_ml = result.severity.region("both lungs").lesion_ml
    graded = segment(chest.volume, replace(CPU, lesion_free_ml=lesion_ml + 1.0))
    assert result.severity.category != "CT-0" and graded.severity.category == "CT-0"
    assert graded.severity.region("both lungs") == result.severity.region("both lungs")
    assert "lesion-volume-as-without-covid" in {flag.code for flag in graded.flags}


def test_each_lung_is_found_on_its_own_side(chest, result):
    for label in (1, 2):
        ours, truth = result.lungs == label, chest.lungs == label
        assert 2 * (ours & truth).sum() / (ours.sum() + truth.sum()) > 0.9


def test_provenance_holds_what_it_takes_to_run_again(result):
    provenance = result.provenance
    assert Parameters.from_dict(provenance["parameters"]) == CPU
    assert list(provenance["models"]) == [DEFAULT_MODEL]
    model = provenance["models"][DEFAULT_MODEL]
    assert len(model["weights_sha256"]) == 64 and model["weights"] == "trained"
    assert model["device"] == "cpu" and model["precision"] in ("float32", "bfloat16")
    assert provenance["lungs"]["method"] == "threshold"
    assert {"torch", "monai", "segmentation-models-pytorch"} <= set(provenance["software"])
    assert set(provenance["seconds"]) == {"check", "model", "lungs", "lesions", "severity"}
    assert json.loads(json.dumps(provenance)) == provenance
    assert "not" in provenance["notice"].lower()


@pytest.mark.parametrize("orientation", ["RAS", "LAI", "PSR", "SPL"])
def test_the_same_ct_stored_along_other_axes_gives_the_same_voxels(result, chest, orientation):
    other = generate_chest_ct(**CHEST, orientation=orientation).volume
    answer = segment(other, CPU)
    for name in ("lungs", "lesions", "probability"):
        np.testing.assert_array_equal(
            other.order.to_axial(getattr(answer, name)),
            chest.volume.order.to_axial(getattr(result, name)),
        )
    assert answer.severity.category == result.severity.category


def test_an_oblique_ct_read_from_nifti_and_nrrd_gives_the_same_voxels(tmp_path, result, chest):
    angle = np.deg2rad(12.0)
    direction = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    geometry = replace(chest.volume.geometry, direction=tuple(float(d) for d in direction.ravel()))
    for name in ("oblique.nrrd", "oblique.nii.gz"):
        write_volume(chest.volume.array, geometry, tmp_path / name)
        answer = segment(read_volume(tmp_path / name), CPU)
        np.testing.assert_array_equal(answer.lungs, result.lungs)
        np.testing.assert_array_equal(answer.probability, result.probability)


def test_running_twice_gives_identical_voxels(chest, result):
    again = segment(chest.volume, CPU)
    np.testing.assert_array_equal(again.probability, result.probability)
    assert again.severity == result.severity


def test_progress_names_its_stages_and_never_falls(chest):
    seen = []
    segment(chest.volume, CPU, progress=seen.append)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    stages = list(dict.fromkeys(progress.stage for progress in seen))
    assert stages[0] == "Loading the model" and stages[-1] == "Grading severity"
    assert "Finding lesions" in stages


@pytest.mark.parametrize("stage", ["Loading the model", "Finding lesions"])
def test_cancelling_at_any_stage_ends_the_run(chest, stage):
    cancel = CancelToken()

    def cancel_at(progress):
        if progress.stage == stage:
            cancel.cancel()

    with pytest.raises(Cancelled):
        segment(chest.volume, CPU, progress=cancel_at, cancel=cancel)


def test_a_higher_threshold_keeps_fewer_voxels(chest, result):
    strict = segment(chest.volume, replace(CPU, threshold=0.8))
    assert not (strict.lesions & ~result.lesions).any()
    np.testing.assert_array_equal(strict.lesions > 0, result.probability > np.float32(0.8))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (Parameters(model="nothing"), ModelError, "no model 'nothing'"),
        (Parameters(model="amc-net+nothing"), ModelError, "no model 'nothing'"),
        (Parameters(model="amc-net+lungs-cascade-unet"), ModelError, "finds lungs, not lesions"),
        (Parameters(model="amc-net+drsegunet"), ModelError, "cannot vote together"),
        (Parameters(lungs="nothing"), ParameterError, "no lung extractor 'nothing'"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_computed(chest, parameters, error, message):
    seen = []
    with pytest.raises(error, match=message):
        segment(chest.volume, parameters, progress=seen.append)
    assert seen == []


def test_a_volume_of_nan_is_refused(chest):
    volume = replace(
        chest.volume, array=np.full(chest.volume.array.shape, np.nan, dtype=np.float32)
    )
    with pytest.raises(InputError, match="NaN|not a number|infinite|finite"):
        segment(volume, CPU)


def test_a_ct_without_lungs_is_refused(chest):
    """A head: a ball of tissue in a shell of bone, air around, small air sinuses."""
    z, y, x = np.indices(chest.volume.array.shape, dtype=np.float32)
    radius = np.sqrt(((z - 8) / 7) ** 2 + ((y - 44) / 30) ** 2 + ((x - 56) / 26) ** 2)
    head = np.where(radius < 1.0, 900.0, -1000.0)
    head[radius < 0.92] = 35.0
    head[7:9, 20:26, 52:60] = -950.0
    head += np.random.default_rng(0).normal(0, 12, head.shape)
    with pytest.raises(LungsNotFoundError):
        segment(replace(chest.volume, array=head.round().astype(np.int16)), CPU)
