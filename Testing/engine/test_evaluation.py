"""Models against experts: scores by hand, one answer with the main job, honest on bad data."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest

from COVIDLesionSegLib.engine.data.ct_table import VolumeData
from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.data.slice_folder import SliceData, read_slice_folder
from COVIDLesionSegLib.engine.errors import Cancelled, InputError, ModelError, ParameterError
from COVIDLesionSegLib.engine.evaluation.card_scores import score_patients
from COVIDLesionSegLib.engine.evaluation.counts import Counts, MeasuredOn
from COVIDLesionSegLib.engine.evaluation.evaluated_model import (
    EvaluatedModel,
    load_evaluated_models,
)
from COVIDLesionSegLib.engine.evaluation.measures import MEASURES
from COVIDLesionSegLib.engine.evaluation.run import evaluate_models
from COVIDLesionSegLib.engine.evaluation.scores import PatientScores, summarise
from COVIDLesionSegLib.engine.inference.ensemble import LabelledSlices
from COVIDLesionSegLib.engine.metrics.overlap import wilson_interval
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.pipeline import segment
from COVIDLesionSegLib.engine.progress import CancelToken
from COVIDLesionSegLib.engine.volume import read_volume, write_volume
from COVIDLesionSegLib.report.evaluation import write_evaluation_html, write_scores_csv
from engine.crafted import Pixelwise, make_card
from engine.labelled_data import write_slice_folder
from engine.test_masks import segmentation

CPU = Parameters(device="cpu", precision="float32")


def brightness_model(parameters: Parameters = CPU, **card) -> EvaluatedModel:
    """A network that calls bright pixels lesion."""
    return EvaluatedModel([(make_card(**card), Pixelwise())], parameters)


def sample(predicted_and_true: list[tuple[int, int]], lungs: int | None = 1000) -> LabelledImage:
    """Slices of 1000 pixels; in each, so many from the left look like lesion, so many are."""
    count = len(predicted_and_true)
    image = np.full((count, 1, 1000), -1000.0, np.float32)
    lesion = np.zeros(image.shape, bool)
    for index, (bright, true) in enumerate(predicted_and_true):
        image[index, :, :bright], lesion[index, :, :true] = 0.0, True
    inside = None if lungs is None else np.arange(1000)[None, None] < np.full((count, 1, 1), lungs)
    return LabelledImage("s", "p", image, False, lesion, inside, None)


class VolumesOfSlices:
    """Labelled CTs; a test derives from it to say which."""

    classes, unit, lungs, mask_by_default = ("lesion",), "mm", "experts", True


def values(*samples: LabelledImage, lung_mask: bool = False) -> dict[str, float | None]:
    one, counts = brightness_model(), Counts()
    for item in samples:
        counts.add(item, one.predict(item, lung_mask))
    return {measure.key: measure.of(counts) for measure in MEASURES}


# Scores


def test_pixels_are_pooled_and_dice_is_also_meant_over_the_slices_where_it_is_defined():
    found = values(sample([(100, 200)]), sample([(50, 25)]), sample([(0, 0)]))
    assert found["dice"] == pytest.approx(2 * 125 / (150 + 225))
    assert found["precision"] == pytest.approx(125 / 150)
    assert found["sensitivity"] == pytest.approx(125 / 225)
    assert found["specificity"] == pytest.approx(1 - 25 / (3000 - 225))
    assert found["mae"] == pytest.approx(125 / 3000)
    assert found["slice_dice"] == pytest.approx((200 / 300 + 50 / 75) / 2)


def test_small_and_large_lesions_are_told_apart_by_the_true_infection_rate():
    """Below 0.015 of the lungs is small, exactly 0.015 is large; lesion-free is neither."""
    found = values(sample([(7, 14)]), sample([(15, 15)]), sample([(300, 100)]), sample([(9, 0)]))
    assert found["slice_dice_small"] == pytest.approx(14 / 21)
    assert found["slice_dice_large"] == pytest.approx((1 + 200 / 400) / 2)


def test_infection_rates_are_compared_apart_for_infected_and_lesion_free_slices():
    found = values(sample([(100, 200)]), sample([(50, 20)]), sample([(40, 0)]), sample([(0, 0)]))
    assert found["rate_error_infected"] == pytest.approx((0.1 + 0.03) / 2)
    assert found["rate_error_lesion_free"] == pytest.approx(0.04 / 2)
    assert found["rate_correlation"] == pytest.approx(1.0)


def test_slices_are_detected_by_any_pixel_or_by_more_than_half_a_percent():
    slices = [(4, 10), (30, 10), (0, 10), (4, 0), (0, 0), (6, 0)]
    found = values(*(sample([slice_]) for slice_ in slices))
    assert found["detection_sensitivity"] == pytest.approx(2 / 3)
    assert found["detection_specificity"] == pytest.approx(1 / 3)
    assert found["detection_precision"] == pytest.approx(2 / 4)
    assert found["detection_accuracy"] == pytest.approx(3 / 6)
    assert found["rate_detection_sensitivity"] == pytest.approx(1 / 3)
    assert found["rate_detection_specificity"] == pytest.approx(2 / 3)


def test_slices_beyond_the_lungs_are_neither_called_clean_nor_make_intervals_narrow():
    def scored(*samples: LabelledImage):
        one, counts = brightness_model(), Counts()
        for item in samples:
            counts.add(item, one.predict(item, False))
        found = {measure.key: measure.of(counts) for measure in MEASURES}
        ends = {measure.key: measure.interval(counts, found[measure.key]) for measure in MEASURES}
        return found, ends, counts.decisions

    chest, beyond = sample([(10, 10), (20, 0), (0, 30), (0, 0)]), sample([(0, 0)] * 60, lungs=0)
    (found, ends, decisions), (longer, longer_ends, same) = scored(chest), scored(chest, beyond)
    slicewise = [key for key in found if "detection" in key or "slice" in key]
    assert {key: longer[key] for key in slicewise} == {key: found[key] for key in slicewise}
    assert ends["dice"] and same == decisions and longer_ends["dice"] == ends["dice"]
    assert longer_ends["detection_specificity"] == ends["detection_specificity"]

    marked = sample([(0, 5), (5, 0)], lungs=0)  # what is marked there counts: a miss, a false alarm
    any_pixel = scored(chest, beyond, marked)[2]["cascade-any-pixel"]
    assert any_pixel.fn == decisions["cascade-any-pixel"].fn + 1
    assert any_pixel.fp == decisions["cascade-any-pixel"].fp + 1
    unknown = sample([(0, 0)] * 60, lungs=None)
    assert scored(chest, unknown)[2]["cascade-any-pixel"].tn == 61


def test_without_lungs_only_what_needs_them_is_undefined():
    found = values(sample([(100, 200)], lungs=None))
    assert found["rate_error_infected"] is found["slice_dice_large"] is None
    assert found["rate_detection_accuracy"] is None
    assert found["dice"] is not None and found["detection_accuracy"] == 1.0


def test_a_perfect_model_has_perfect_scores():
    found = values(sample([(100, 100), (0, 0), (10, 10)]))
    for key in ("dice", "iou", "auc", "specificity", "slice_dice_small", "surface_dice"):
        assert found[key] == 1.0, key
    assert (found["mae"], found["hd95"], found["rate_error_infected"]) == (0.0, 0.0, 0.0)


def test_scores_do_not_depend_on_the_order_of_the_samples_or_on_how_they_are_pooled():
    samples = [sample([(100, 200)]), sample([(50, 25)]), sample([(3, 5)])]
    backwards = values(*reversed(samples))
    counts = Counts()
    for item in samples:
        part = Counts()
        part.add(item, brightness_model().predict(item, False))
        counts.merge(part)
    for measure in MEASURES:
        assert measure.of(counts) == pytest.approx(values(*samples)[measure.key])
        assert backwards[measure.key] == pytest.approx(measure.of(counts))


def test_distances_are_in_mm_where_the_size_of_voxels_is_known():
    lesion = np.zeros((3, 8, 8), bool)
    lesion[1, 2:5, 2:5] = True
    answer = np.roll(lesion, 2, axis=2)
    decision = LabelledSlices(answer.astype(np.float32), answer.astype(np.uint8), None)
    item = LabelledImage("s", "p", answer, True, lesion, None, (5.0, 0.5, 0.5))
    counts = Counts()
    counts.add(item, decision)
    assert counts.hd95 == [pytest.approx(1.0)]


def test_a_distance_says_of_how_many_cts_it_is_as_there_is_none_where_nothing_is_found(tmp_path):
    class Three(VolumesOfSlices):
        samples_of: ClassVar = {"p": 3, "q": 1}

        def read(self, patient, cancel):
            found, missed = [(50, 50), (50, 50)], [(0, 50), (0, 50)]
            for slices in (found, missed, [(0, 0)] * 2) if patient == "p" else (missed,):
                yield replace(sample(slices), spacing_mm=(5.0, 1.0, 1.0), patient=patient)

    evaluation = evaluate_models(Three(), [brightness_model()])
    (scores,) = evaluation.models
    assert scores.pooled["hd95"] == 0.0 and scores.hd95_on == MeasuredOn(1, 3)
    assert [one.hd95_on for one in scores.patients.values()] == [
        MeasuredOn(1, 2),
        MeasuredOn(0, 1),
    ]
    write_scores_csv(evaluation, tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(encoding="utf-8") as file:
        counts = [row["hd95_count"] for row in csv.DictReader(file)]
    assert counts == ["1", "0", "1", "n/a", "n/a", "n/a", "n/a"]
    write_evaluation_html(evaluation, tmp_path / "a.html")
    assert "of 1 of 3 CTs" in (tmp_path / "a.html").read_text(encoding="utf-8")


# How models answer


def test_lesions_outside_the_lungs_count_unless_a_lung_mask_is_asked_for():
    item = sample([(100, 50)], lungs=60)
    assert values(item)["precision"] == pytest.approx(50 / 100)
    assert values(item, lung_mask=True)["precision"] == pytest.approx(50 / 60)


def test_windowed_images_are_taken_as_they_are():
    image = np.zeros((1, 4, 4), np.float32)
    image[0, 0] = 0.75
    item = LabelledImage("s", "p", image, True, image > 0, None, None)
    decision = brightness_model().predict(item, lung_mask=False)
    np.testing.assert_array_equal(decision.labels > 0, item.lesion)


def test_a_network_that_needs_the_lungs_gets_the_experts_or_says_that_there_are_none():
    needs = {"preprocessing": Preprocessing((-1000.0, 0.0), lung_mask=True, patch_size=(128, 128))}
    seen = brightness_model(**needs).predict(sample([(100, 50)], lungs=60), lung_mask=False)
    assert np.count_nonzero(seen.labels) == 60
    with pytest.raises(ParameterError, match="needs the lungs"):
        brightness_model(**needs).predict(sample([(100, 50)], lungs=None), lung_mask=False)


def test_an_ensemble_answers_as_one():
    wide, narrow = (
        make_card(Preprocessing((-1000.0, high), patch_size=(128, 128)), id=name)
        for name, high in (("wide", 1000.0), ("narrow", -800.0))
    )
    item = replace(sample([(0, 0)]), image=np.full((1, 4, 4), -300.0, np.float32))
    both = EvaluatedModel([(wide, Pixelwise()), (narrow, Pixelwise())], CPU)
    assert both.name == "wide+narrow"
    alone = [
        EvaluatedModel([(card, Pixelwise())], CPU).predict(item, False).probability
        for card in (wide, narrow)
    ]
    np.testing.assert_allclose(both.predict(item, False).probability, np.mean(alone, axis=0))


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


# Slice folders


@pytest.fixture(scope="module")
def slice_folder(tmp_path_factory):
    return write_slice_folder(tmp_path_factory.mktemp("slices"))


def test_an_evaluation_scores_each_patient_and_all_together(slice_folder):
    """Lesions of 8 x 10, 2 x 1 and 10 x 14 pixels look shifted by 2 columns, and one slice is
    lesion-free; the windowed lesion is 12 x 4."""
    evaluation = evaluate_models(SliceData(slice_folder), [brightness_model()])
    assert evaluation.protocol == (
        "pixels of all slices pooled, whole slices, p > 0.5, no lung mask"
    )
    assert evaluation.unit == "px"
    assert evaluation.slices == {
        "coronacases_org_001": 2,
        "coronacases_org_002": 2,
        "radiopaedia_4_85506": 1,
    }
    (scores,) = evaluation.models
    dice = {
        patient: patient_scores.values["dice"]
        for patient, patient_scores in scores.patients.items()
    }
    assert list(dice.values()) == pytest.approx([2 * 64 / (2 * 82), 12 / 14, 2 / 4])
    overlap, size = 64 + 120 + 24, 82 + 140 + 48
    assert scores.pooled["dice"] == pytest.approx(overlap / size)
    assert scores.intervals["dice"] == pytest.approx(wilson_interval(overlap / size, 5))
    assert scores.intervals["slice_dice"] == pytest.approx(
        wilson_interval(scores.pooled["slice_dice"], 4)
    )
    assert scores.intervals["hd95"] is None
    assert scores.means["dice"] == pytest.approx(np.mean(list(dice.values())))
    assert scores.sds["dice"] == pytest.approx(np.std(list(dice.values()), ddof=1))
    assert scores.pooled["hd95"] == pytest.approx(2.0, abs=0.3)
    assert scores.patients["radiopaedia_4_85506"].windowed
    assert scores.pooled["detection_specificity"] == 1.0


def test_examples_show_the_slices_with_the_most_lesion_and_the_most_errors(slice_folder):
    evaluation = evaluate_models(
        SliceData(slice_folder, ["coronacases_org_001"]), [brightness_model()] * 2
    )
    (example,) = evaluation.examples  # the first slice has the most of both
    assert (example.name, example.reason) == ("coronacases_org_001_001", "most lesion")
    assert len(example.predicted) == 2
    assert np.count_nonzero(example.truth) == 80
    assert np.count_nonzero(example.predicted[0] & example.truth) == 64


def test_the_protocol_of_a_model_says_what_it_was_given_and_how_it_was_combined(slice_folder):
    card = make_card(Preprocessing((-1000.0, 0.0), lung_mask=True))
    both = EvaluatedModel([(card, Pixelwise()), (replace(card, id="b"), Pixelwise())], CPU)
    (scores,) = evaluate_models(SliceData(slice_folder), [both]).models
    assert scores.protocol.endswith(
        "no lung mask; the network sees the lungs (experts) only; ensemble by majority-vote"
    )


def test_patients_are_flagged_by_what_the_card_says_it_learned_from(slice_folder):
    training = {"data": {"training": {"coronacases_org_001": 99}}}
    known, unknown = (
        evaluate_models(SliceData(slice_folder), [brightness_model(training=record)]).models[0]
        for record in (training, {})
    )
    assert known.learned_from == ["coronacases_org_001"]
    assert known.patients["coronacases_org_002"].learned_from is False
    assert unknown.patients["coronacases_org_001"].learned_from is None


def members_of_a_cross_validation(held_out: bool, *learned: list[str]) -> EvaluatedModel:
    """One that sees lesions, one that sees none, and so on, which learned from these patients."""
    windows = [(-1000.0, 0.0), (2000.0, 3000.0)] * len(learned)
    cards = [
        make_card(
            Preprocessing(window, patch_size=(128, 128)),
            id=f"member-{number}",
            training={"data": {"training": dict.fromkeys(patients, 1)}},
        )
        for number, (window, patients) in enumerate(zip(windows, learned, strict=False), start=1)
    ]
    return EvaluatedModel([(card, Pixelwise()) for card in cards], CPU, held_out)


def test_a_held_out_patient_is_answered_by_members_that_never_learned_from_them(slice_folder):
    first, second = "coronacases_org_001", "coronacases_org_002"
    data = SliceData(slice_folder, [first, second])
    (scores,) = evaluate_models(
        data, [members_of_a_cross_validation(True, [first], [second])]
    ).models
    assert scores.patients[first].values["sensitivity"] == 0.0
    assert scores.patients[second].values["sensitivity"] == pytest.approx(120 / 140)
    assert scores.learned_from == []
    assert "each patient by the members that never learned from them" in scores.protocol
    together = evaluate_models(
        data, [members_of_a_cross_validation(False, [first], [second])]
    ).models[0]
    assert together.learned_from == [first, second]


def test_who_is_held_out_must_be_known_and_somebody_must_be_left_to_answer(slice_folder):
    with pytest.raises(ParameterError, match="card of model test does not record whom"):
        EvaluatedModel([(make_card(id="test"), Pixelwise())], CPU, held_out=True)
    everybody = members_of_a_cross_validation(True, ["coronacases_org_001"])
    with pytest.raises(ParameterError, match="Every member of member-1 learned from coronacases"):
        evaluate_models(SliceData(slice_folder), [everybody])


def test_patients_of_synthetic_slices_count_as_learned_from():
    record = {"data": {"training": {"a+h": 3, "b": 1}}}
    model = brightness_model(training=record)
    assert [model.learned_from(name) for name in ("a", "h", "a+h", "b", "c")] == [True] * 4 + [
        False
    ]


def test_a_synthetic_slice_is_held_out_only_from_models_that_saw_neither_patient():
    item = replace(sample([(100, 50)]), patient="a+h", sources=("a", "h"))
    record = {"data": {"training": {"h": 3}}}
    model = EvaluatedModel([(make_card(training=record), Pixelwise())], CPU, held_out=True)
    with pytest.raises(ParameterError, match=r"Every member of .* learned from a\+h"):
        model.predict(item, lung_mask=False)
    (patient,) = score_patients(Pixelwise(), make_card(training=record), [item]).values()
    assert patient.learned_from is True


def flags_on(*samples):
    class Given:
        samples_of = {"p": len(samples)}
        classes = ("lesion",)
        unit, lungs, mask_by_default = "px", "experts", False

        def read(self, patient, cancel):
            yield from samples

    (scores,) = evaluate_models(Given(), [brightness_model()]).models
    return " ".join(scores.flags)


def test_masks_that_are_unlikely_to_be_lesions_of_the_lungs_give_a_remark():
    well_placed = sample([(100, 50)])
    assert flags_on(well_placed) == ""
    outside = replace(well_placed, lungs=well_placed.lesion == 0)
    assert "100 % of the lesions of p lie outside the lungs" in flags_on(outside)
    filled = replace(well_placed, lungs=well_placed.lesion)
    assert "lesions of p fill 100 % of the lungs" in flags_on(filled)


def test_a_slice_whose_lesions_were_not_outlined_is_no_clean_one():
    unknown = replace(sample([(100, 0)]), slice_class="infected")
    with pytest.raises(InputError, match="has a class, 'infected', but no lesion is outlined"):
        flags_on(unknown)
    assert flags_on(replace(sample([(100, 50)]), slice_class="infected")) == ""


def test_shares_of_slices_have_the_interval_of_their_own_denominator():
    counts = Counts()
    samples = [sample([(100, 50)]), sample([(0, 50)]), *[sample([(0, 0)])] * 8]
    for one in samples:
        counts.add(one, brightness_model().predict(one, lung_mask=False))
    found = summarise({"p": PatientScores.of(counts, False)}, counts)
    assert found["pooled"]["detection_sensitivity"] == 0.5
    assert found["intervals"]["detection_sensitivity"] == wilson_interval(0.5, 2)
    assert found["intervals"]["rate_detection_specificity"] == wilson_interval(1.0, 8)
    assert found["intervals"]["detection_accuracy"] == wilson_interval(0.9, 10)
    assert found["intervals"]["detection_f1"] is None
    assert found["intervals"]["dice"] == wilson_interval(found["pooled"]["dice"], 10)


def test_an_unknown_patient_or_a_mask_without_lungs_is_one_clear_sentence(slice_folder, tmp_path):
    with pytest.raises(InputError, match="no patient miller; they have: coronacases_org_001"):
        SliceData(slice_folder, ["miller"])
    write_slice_folder(tmp_path, with_lungs=False)
    with pytest.raises(ParameterError, match="the data have no lungs"):
        evaluate_models(SliceData(tmp_path), [brightness_model()], lung_mask=True)
    (tmp_path / "index.csv").write_text("name,case\na,b\n")
    with pytest.raises(InputError, match="lacks the column grey_soft_peak"):
        SliceData(tmp_path)


def test_an_evaluation_stops_when_cancelled(slice_folder):
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        evaluate_models(
            SliceData(slice_folder),
            [brightness_model()],
            progress=lambda _: cancel.cancel(),
            cancel=cancel,
        )


def test_progress_runs_from_0_to_1(slice_folder):
    told = []
    evaluate_models(
        SliceData(slice_folder), [brightness_model(), brightness_model()], progress=told.append
    )
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)


def test_freshly_trained_networks_are_scored_the_same_way(slice_folder):
    expected = evaluate_models(SliceData(slice_folder), [brightness_model()]).models[0].patients
    found = score_patients(Pixelwise(), make_card(), read_slice_folder(slice_folder))
    for patient, scores in found.items():
        assert scores.values["dice"] == expected[patient].values["dice"]
        assert scores.values["rate_error_infected"] is None  # lungs are not read for training


def test_untrained_unknown_and_repeated_models_are_refused():
    def load(*names):
        return load_evaluated_models(list(names), CPU, load_catalogue(), CancelToken())

    with pytest.raises(ModelError, match="no trained weights"):
        load("covid-rate")
    with pytest.raises(ModelError, match="no model 'u-net-9000'"):
        load("u-net-9000")
    with pytest.raises(ParameterError, match="given twice"):
        load("amc-net", "amc-net")


# Tables of CTs


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


@pytest.mark.realdata
def test_the_card_states_the_dice_that_is_measured_again(data_folder):
    """The two smallest patients on the card, ten slices; the others take minutes."""
    models = load_evaluated_models(["amc-net"], CPU, load_catalogue(), CancelToken())
    patients = [f"radiopaedia_org_covid-19-pneumonia-29_8649{number}" for number in (0, 1)]
    data = SliceData(data_folder / "covid_slices", patients)
    (scores,) = evaluate_models(data, models).models
    stated = {
        (score.metric, score.data.split(",")[0]): score.value for score in models[0].cards[0].scores
    }
    for patient in patients:
        for key, metric in (("dice", "Dice"), ("precision", "precision")):
            measured = scores.patients[patient].values[key]
            assert measured == pytest.approx(stated[metric, patient], abs=1e-3)
