"""Unsupervised enhancement: confidence, selection, and corrections that always win."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.data.ct_table import VolumeData
from COVIDLesionSegLib.engine.data.labelled import LabelledImage, fingerprint_of_slices
from COVIDLesionSegLib.engine.data.slice_folder import SliceData, write_slice_folder
from COVIDLesionSegLib.engine.errors import Cancelled, InputError
from COVIDLesionSegLib.engine.evaluation.evaluated_model import EvaluatedModel
from COVIDLesionSegLib.engine.models.calibration import Calibration, ReliabilityBin
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.self_training.confidence import (
    choose_predictions,
    read_selection,
    with_corrections,
    write_selection,
)
from COVIDLesionSegLib.engine.self_training.selection import measure_for
from COVIDLesionSegLib.engine.volume import write_volume
from engine.crafted import Pixelwise, make_card

pytestmark = pytest.mark.slow


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
    done = choose_predictions(data_of(SLICES, tmp_path / "data"), crafted())
    assert [slice_.name for slice_ in done.slices] == ["a3", "a1"]
    lesion = np.zeros((32, 32), bool)
    lesion[LESION] = True
    for one, before in zip(done.slices, (SLICES[3], SLICES[1]), strict=True):
        np.testing.assert_array_equal(one.lesion, lesion)
        np.testing.assert_array_equal(one.image, before.image)
        np.testing.assert_array_equal(one.lungs, before.lungs)
        assert one.patient == "p1" and one.weight == 1 and one.pseudo


def test_the_report_has_every_slice_with_its_confidence_and_why_it_was_not_chosen(tmp_path):
    done = choose_predictions(data_of(SLICES, tmp_path / "data"), crafted())
    assert [(row.name, row.outcome) for row in done.candidates] == [
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


def test_a_calibrated_model_chooses_by_expected_precision_and_learns_what_it_calls_lesion(tmp_path):
    """Calibrated by 4 (x - 0.5): 0.86 and 0.83 where sure; experts marked 0.6 of 0.5, 1 of 1."""
    bins = (ReliabilityBin(0.5, 0.6, 9), ReliabilityBin(1.0, 1.0, 9))
    card = make_card(calibration=Calibration(2.5, 0.0, 0.1, 0.01, bins, "p2"))
    model = EvaluatedModel([(card, Pixelwise())], Parameters(device="cpu", precision="float32"))
    data = data_of(SLICES, tmp_path / "data")
    done = choose_predictions(data, model, fraction=0.5, measure=measure_for(card))
    assert [slice_.name for slice_ in done.slices] == ["a3", "a1", "b0"]
    assert [
        round(candidate.confidence, 2) for candidate in done.candidates if candidate.confidence
    ] == [
        pytest.approx(0.6 + 0.8 * (1 / (1 + np.exp(-logit / 2.5)) - 0.5), abs=0.006)
        for logit in (1.0, 4.0, 4.5, 4.0, 1.0)
    ]
    assert done.candidates[0].outcome == "not confident enough"  # 0.68
    assert done.slices[0].lesion.sum() == 64


def test_what_a_person_marked_is_no_candidate(tmp_path):
    corrected = replace(SLICES[3], lesion=np.ones((32, 32), bool))
    done = choose_predictions(data_of(SLICES, tmp_path / "data"), crafted(), [corrected])
    assert [slice_.name for slice_ in done.slices] == ["a1"]  # 1 of the 7 that are left
    assert "a3" not in {row.name for row in done.candidates}


def test_a_mark_on_another_patients_slice_of_the_same_name_changes_nothing(tmp_path):
    done = choose_predictions(
        data_of(SLICES, tmp_path / "data"), crafted(), [replace(SLICES[3], patient="p9")]
    )
    assert [slice_.name for slice_ in done.slices] == ["a3", "a1"]


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

    done = choose_predictions(Given(), crafted())
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
    done = choose_predictions(data, model)
    (sample,) = data.read("p7", CancelToken())
    with_lung = np.flatnonzero(sample.lungs.any(axis=(1, 2)))
    assert [row.name for row in done.candidates] == [f"scan.nrrd_{n:03d}" for n in with_lung]
    assert done.slices
    for slice_ in done.slices:
        assert slice_.patient == "p7"
        index = int(slice_.name.removeprefix("scan.nrrd_"))
        np.testing.assert_array_equal(slice_.image, phantom.volume.axial[index])
        assert not slice_.lesion[~slice_.lungs].any()


def test_cancelling_stops(tmp_path):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        choose_predictions(data_of(SLICES, tmp_path / "data"), crafted(), cancel=cancel)


def test_chosen_slices_come_back_from_their_file_for_the_same_choice_only(tmp_path):
    slices = [replace(SLICES[3], pseudo=True), replace(SLICES[1], lungs=None, pseudo=True)]
    path = tmp_path / "selection.npz"
    write_selection(slices, {"model": "m", "samples": {"p1": 4}}, path)
    again = read_selection({"model": "m", "samples": {"p1": 4}}, path)
    assert fingerprint_of_slices(again) == fingerprint_of_slices(slices) and all(
        item.pseudo for item in again
    )
    with pytest.raises(InputError, match="chosen from other data, or by another model"):
        read_selection({"model": "m", "samples": {"p1": 5}}, path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="damaged"):
        read_selection({"model": "m", "samples": {"p1": 4}}, path)
