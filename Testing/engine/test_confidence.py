"""Unsupervised enhancement: confidence, selection, and corrections that always win."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from COVIDLesionSegLib.engine.data.ct_table import VolumeData
from COVIDLesionSegLib.engine.data.labelled import LabelledImage, fingerprint
from COVIDLesionSegLib.engine.data.slice_folder import SliceData, write_slice_folder
from COVIDLesionSegLib.engine.errors import Cancelled, InputError
from COVIDLesionSegLib.engine.evaluation.evaluated_model import EvaluatedModel
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.self_training import confidence
from COVIDLesionSegLib.engine.self_training.confidence import (
    confidence_index,
    enhance,
    most_confident,
    read_selection,
    with_corrections,
    write_selection,
)
from COVIDLesionSegLib.engine.volume import write_volume
from engine.crafted import Pixelwise, make_card

pytestmark = pytest.mark.slow


def test_constants_are_those_of_the_paper_and_its_code():
    """Methods, "Unsupervised enhancement"; the cut-off is in the published code alone."""
    assert (confidence.CUT_OFF, confidence.TOP_FRACTION, confidence.MIN_CONFIDENCE) == (
        0.3,
        0.25,
        0.9,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_confidence_is_the_mean_probability_strictly_above_the_cut_off(dtype):
    """Equation 1: (0.31 + 0.9 + 0.95) / 3 = 0.72."""
    probability = np.array([[0.3, 0.31, 0.9], [0.95, 0.05, 0.0]], dtype)
    assert confidence_index(probability) == pytest.approx(0.72, abs=1e-7)


def test_confidence_is_undefined_where_no_lesion_is_predicted():
    assert confidence_index(np.full((4, 4), 0.3, np.float32)) is None


def test_the_top_quarter_is_chosen_if_its_confidence_is_at_least_nine_tenths():
    values = [0.95, 0.5, 0.91, 0.99, None, 0.9, 0.97, 0.93]
    assert most_confident(values) == [3, 6]  # 2 of 8
    assert most_confident([0.9, 0.2, 0.3, 0.4]) == [0]  # 0.9 itself is confident enough
    assert most_confident([0.8999, 0.2, 0.3, 0.4]) == []


def test_another_share_and_another_minimum_can_be_asked_for():
    """The paper chose 25 % and 90 % for its own data and network."""
    values = [0.95, 0.5, 0.66, 0.62]
    assert most_confident(values, fraction=0.75) == [0]
    assert most_confident(values, minimum=0.6) == [0]
    assert most_confident(values, fraction=0.75, minimum=0.6) == [0, 2, 3]


def test_of_equally_certain_slices_the_earlier_comes_first():
    assert most_confident([0.95] * 9) == [0, 1]
    assert most_confident([0.91, 0.95, 0.95, 0.95, 0.2, 0.2, 0.2, 0.2]) == [1, 2]


@pytest.mark.parametrize(("slices", "chosen"), [(0, []), (1, []), (3, []), (4, [0]), (7, [0])])
def test_a_quarter_of_fewer_than_four_slices_is_none(slices, chosen):
    assert most_confident([0.99] * slices) == chosen


def test_slices_without_lesion_count_in_the_quarter_but_are_never_chosen():
    assert most_confident([None, None, None, 0.95]) == [3]
    assert most_confident([None] * 8) == []


@given(st.lists(st.none() | st.floats(0.3, 1.0), max_size=40))
def test_no_slice_left_out_is_more_confident_than_one_chosen(values):
    chosen = most_confident(values)
    assert len(chosen) == len(set(chosen)) <= len(values) / 4
    left = [v for n, v in enumerate(values) if n not in chosen and v is not None]
    assert all(values[n] >= max([0.9, *left]) for n in chosen)


LUNGS = (slice(4, 28), slice(4, 28))
LESION = (slice(10, 18), slice(10, 18))
HU = {"sure": -100.0, "surer": -50.0, "unsure": -400.0, "none": -900.0}
"""Lesions whose probability is 0.98, 0.99, 0.73 and 0.02: window -1000 to 0, see ``Pixelwise``."""


def make_slice(name, look, patient="p1"):
    image = np.full((32, 32), -950.0, np.float32)
    image[LESION] = HU[look]
    image[0] = 0.0  # bright, but outside the lungs
    lungs = np.zeros(image.shape, bool)
    lungs[LUNGS] = True
    return LabelledImage(name, patient, image, False, np.zeros_like(lungs), lungs)


SLICES = [
    *(make_slice(f"a{n}", look) for n, look in enumerate(("unsure", "sure", "none", "surer"))),
    *(make_slice(f"b{n}", look, "p2") for n, look in enumerate(("sure", "unsure", "none", "none"))),
]


def crafted():
    return EvaluatedModel(
        [(make_card(), Pixelwise())], Parameters(device="cpu", precision="float32")
    )


def data_of(slices, folder):
    write_slice_folder(slices, folder)
    return SliceData(folder)


def test_the_most_confident_predictions_come_back_as_slices_to_learn_from(tmp_path):
    done = enhance(data_of(SLICES, tmp_path / "data"), crafted())
    assert [one.name for one in done.slices] == ["a3", "a1"]
    lesion = np.zeros((32, 32), bool)
    lesion[LESION] = True
    for one, before in zip(done.slices, (SLICES[3], SLICES[1]), strict=True):
        np.testing.assert_array_equal(one.lesion, lesion)
        np.testing.assert_array_equal(one.image, before.image)
        np.testing.assert_array_equal(one.lungs, before.lungs)
        assert one.patient == "p1" and one.weight == 1 and one.pseudo


def test_the_report_has_every_slice_with_its_confidence_and_why_it_was_not_chosen(tmp_path):
    done = enhance(data_of(SLICES, tmp_path / "data"), crafted())
    assert [(row.name, row.verdict) for row in done.candidates] == [
        ("a0", "not confident enough"),
        ("a1", "selected"),
        ("a2", "no lesion found"),
        ("a3", "selected"),
        ("b0", "not among the most confident"),
        ("b1", "not confident enough"),
        ("b2", "no lesion found"),
        ("b3", "no lesion found"),
    ]
    assert done.candidates[1].confidence == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-5)
    assert done.candidates[1].lesion_pixels == 64
    assert done.candidates[2].confidence is None


def test_what_a_person_marked_is_no_candidate(tmp_path):
    corrected = replace(SLICES[3], lesion=np.ones((32, 32), bool))
    done = enhance(data_of(SLICES, tmp_path / "data"), crafted(), [corrected])
    assert [one.name for one in done.slices] == ["a1"]  # 1 of the 7 that are left
    assert "a3" not in {row.name for row in done.candidates}


def test_a_mark_on_another_patients_slice_of_the_same_name_changes_nothing(tmp_path):
    done = enhance(
        data_of(SLICES, tmp_path / "data"), crafted(), [replace(SLICES[3], patient="p9")]
    )
    assert [one.name for one in done.slices] == ["a3", "a1"]


def test_a_correction_takes_the_place_of_an_earlier_label_and_has_its_own_weight():
    corrected = replace(SLICES[1], lesion=np.ones((32, 32), bool))
    learned = with_corrections(SLICES[:3], [corrected], weight=3.0)
    assert [(one.name, one.weight) for one in learned] == [("a0", 1.0), ("a2", 1.0), ("a1", 3.0)]
    assert learned[2].lesion.all()
    with pytest.raises(InputError, match="corrected twice"):
        with_corrections([], [SLICES[0], SLICES[0]])


def test_slices_without_lung_and_windowed_ones_are_left_out():
    class Given:
        samples_of = {"p1": 6}
        unit, lungs, mask_by_default = "px", None, False

        def read(self, patient, cancel):
            image = np.full((1, 32, 32), -950.0, np.float32)
            image[0, LESION[0], LESION[1]] = -50.0
            nothing = np.zeros(image.shape, bool)
            for number in range(6):
                lungs = nothing if number == 2 else None
                yield LabelledImage(f"s{number}", patient, image, number == 4, nothing, lungs, None)

    done = enhance(Given(), crafted())
    assert [row.name for row in done.candidates] == ["s0", "s1", "s3", "s5"]
    (one,) = done.slices
    assert one.name == "s0" and one.lungs is None


def test_slices_of_a_whole_ct_are_named_by_their_index(tmp_path):
    phantom = generate_chest_ct(seed=3, size=(72, 64, 12), spacing=(4.5, 4.5, 22.0))
    write_volume(phantom.volume.array, phantom.volume.geometry, tmp_path / "scan.nrrd")
    (tmp_path / "cts.csv").write_text("ct,patient\nscan.nrrd,p7\n", encoding="utf-8")
    card = make_card(replace(make_card().preprocessing, pixel_mm=None))
    model = EvaluatedModel([(card, Pixelwise())], Parameters(device="cpu", precision="float32"))
    with pytest.raises(InputError, match="lacks the column mask"):
        VolumeData(tmp_path / "cts.csv", Parameters())
    data = VolumeData(tmp_path / "cts.csv", Parameters(), labelled=False)
    done = enhance(data, model)
    (sample,) = data.read("p7", CancelToken())
    with_lung = np.flatnonzero(sample.lungs.any(axis=(1, 2)))
    assert [row.name for row in done.candidates] == [f"scan.nrrd_{n:03d}" for n in with_lung]
    assert done.slices
    for one in done.slices:
        assert one.patient == "p7"
        index = int(one.name.removeprefix("scan.nrrd_"))
        np.testing.assert_array_equal(one.image, phantom.volume.axial[index])
        assert not one.lesion[~one.lungs].any()


def test_cancelling_stops(tmp_path):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        enhance(data_of(SLICES, tmp_path / "data"), crafted(), cancel=cancel)


def test_chosen_slices_come_back_from_their_file_for_the_same_choice_only(tmp_path):
    slices = [replace(SLICES[3], pseudo=True), replace(SLICES[1], lungs=None, pseudo=True)]
    path = tmp_path / "selection.npz"
    write_selection(slices, {"model": "m", "samples": {"p1": 4}}, path)
    again = read_selection({"model": "m", "samples": {"p1": 4}}, path)
    assert fingerprint(again) == fingerprint(slices) and all(item.pseudo for item in again)
    with pytest.raises(InputError, match="chosen from other data, or by another model"):
        read_selection({"model": "m", "samples": {"p1": 5}}, path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="damaged"):
        read_selection({"model": "m", "samples": {"p1": 4}}, path)
