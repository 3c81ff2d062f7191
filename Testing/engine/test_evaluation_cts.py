"""Models judged on tables of CTs and their masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.data.ct_table import VolumeData
from COVIDLesionSegLib.engine.errors import InputError
from COVIDLesionSegLib.engine.evaluation.evaluated_model import (
    load_evaluated_models,
)
from COVIDLesionSegLib.engine.evaluation.run import evaluate_models
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.pipeline import segment
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.volume import read_volume, write_volume
from engine.known_answers import CPU, brightness_model
from engine.volume_files import segmentation


@pytest.fixture(scope="module")
def chest():
    """The smallest generated CT that goes through the main job, stored in an unusual order."""
    return generate_chest_ct(seed=5, size=(88, 72, 14), spacing=(3.8, 3.8, 18.0), orientation="PIR")


@pytest.fixture(scope="module")
def table(chest, tmp_path_factory):
    """A CSV file of the CT and its true lesions."""
    folder = tmp_path_factory.mktemp("cts")
    geometry = chest.volume.geometry
    write_volume(chest.volume.array, geometry, folder / "ct.nrrd")
    write_volume((chest.lesions > 0).astype(np.uint8), geometry, folder / "lesion.nrrd")
    (folder / "cts.csv").write_text("ct,mask,patient\nct.nrrd,lesion.nrrd,miller\n")
    return folder / "cts.csv"


@pytest.mark.slow
def test_cts_are_answered_as_by_the_main_job_and_judged_on_its_lungs(table, chest):
    (brightness_model,) = load_evaluated_models(["amc-net"], CPU, load_catalogue(), CancelToken())
    (item,) = VolumeData(table, CPU).read("miller", CancelToken())
    decision = brightness_model.predict(item, lung_mask=True)
    volume = read_volume(table.parent / "ct.nrrd")
    result = segment(volume, replace(CPU, model="amc-net"))
    to_axial = volume.order.to_axial
    np.testing.assert_array_equal(decision.labels, to_axial(result.lesions))
    np.testing.assert_array_equal(decision.probability, to_axial(result.probability))
    np.testing.assert_array_equal(item.lungs, to_axial(result.lungs))
    np.testing.assert_array_equal(item.lesion, to_axial(chest.lesions > 0))
    assert item.spacing_mm == volume.axial_spacing


def test_an_evaluation_of_cts_states_lungs_and_millimetres(table):
    evaluation = evaluate_models(VolumeData(table, CPU), [brightness_model()])
    assert evaluation.protocol.endswith(
        "p > 0.5, findings outside the lungs (threshold) dropped, areas below 0.25 ml left out"
    )
    assert (evaluation.unit, evaluation.slices) == ("mm", {"miller": 14})
    (scores,) = evaluation.models
    assert scores.protocol == evaluation.protocol
    assert evaluation.examples[0].pixel_aspect == 1.0
    assert 0 < scores.pooled["dice"] <= 1
    assert scores.pooled["rate_error_infected"] is not None


def test_the_protocol_says_whose_lungs_they_are_and_which_areas_are_left_out(chest, table):
    folder, geometry = table.parent, chest.volume.geometry
    names = ("right lung", "left lung", "lesion")
    labelled = np.where(chest.lesions > 0, 3, chest.lungs).astype(np.uint8)
    segmentation(folder / "all.seg.nrrd", labelled, names, geometry)
    texts = {
        "ct.nrrd,all.seg.nrrd,a\n": "the masks' own",
        "ct.nrrd,all.seg.nrrd,a\nct.nrrd,lesion.nrrd,b\n": "the masks' own, else threshold",
        "ct.nrrd,,b\n": "threshold",
    }
    for rows, whose in texts.items():
        (folder / "own.csv").write_text("ct,mask,patient\n" + rows)
        model = brightness_model(replace(CPU, smallest_lesion_ml=0.0))
        evaluation = evaluate_models(VolumeData(folder / "own.csv", CPU), [model])
        assert evaluation.protocol.endswith(f"findings outside the lungs ({whose}) dropped")
        assert evaluation.provenance["parameters"]["lungs"] == whose


@pytest.fixture
def case(chest, tmp_path):
    """Writes a CT, a mask made from its lesions, and their table; gives the table."""

    def write(mask=None, geometry=None, text="ct,mask\nct.nrrd,mask.nrrd\n"):
        write_volume(chest.volume.array, chest.volume.geometry, tmp_path / "ct.nrrd")
        if mask is not None:
            write_volume(mask, geometry or chest.volume.geometry, tmp_path / "mask.nrrd")
        (tmp_path / "cts.csv").write_text(text, encoding="utf-8")
        return tmp_path / "cts.csv"

    return write


def read(table):
    data = VolumeData(table, CPU)
    return [item for patient in data.samples_of for item in data.read(patient, CancelToken())]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (np.zeros_like, "is empty: leave its place in the table empty"),
        (np.ones_like, "marks every voxel"),
        (lambda mask: mask * np.arange(1, 89, dtype=np.uint8).reshape(-1, 1, 1), "holds the label"),
        (lambda mask: np.where(mask > 0, np.float32(np.nan), 0), "holds the label nan"),
    ],
)
def test_masks_that_cannot_be_lesions_are_refused_with_their_ct_named(chest, case, change, said):
    mask = (chest.lesions > 0).astype(np.uint8)
    with pytest.raises(InputError, match=rf"ct\.nrrd: The mask mask\.nrrd .*{said}"):
        read(case(change(mask)))


def test_a_mask_beside_the_grid_of_its_ct_is_refused(chest, case):
    mask, geometry = (chest.lesions > 0).astype(np.uint8), chest.volume.geometry
    shifted = replace(geometry, origin=tuple(o + 1.0 for o in geometry.origin))
    with pytest.raises(InputError, match="does not lie on the grid of its CT"):
        read(case(mask, shifted))
    rounded = replace(geometry, origin=tuple(o + 1e-3 for o in geometry.origin))
    (item,) = read(case(mask, rounded))
    assert item.lesion.any()


def test_a_mask_may_mark_lesion_by_any_one_label(chest, case):
    (item,) = read(case((chest.lesions > 0).astype(np.uint8) * 255))
    assert np.count_nonzero(item.lesion) == np.count_nonzero(chest.lesions)


def test_a_ct_without_a_mask_is_free_of_lesions(case):
    (item,) = read(case(text="ct,mask\nct.nrrd,\n"))
    assert item.patient == "ct" and not item.lesion.any()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ct,mask\nct.nrrd,absent.nrrd\n", r"absent\.nrrd is named in cts\.csv but does not exist"),
        ("ct,mask,age\nct.nrrd,,7\n", "column 'age', but its columns must be ct, mask, patient"),
        ("ct\nct.nrrd\n", "lacks the column mask"),
        ("ct,mask\n", "names no CT"),
        ("ct,mask\n,\n", "a row without a CT"),
    ],
)
def test_tables_that_cannot_be_understood_are_refused(case, text, said):
    with pytest.raises(InputError, match=said):
        read(case(text=text))
