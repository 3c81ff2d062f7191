"""Models judged on slice folders: what they are given, who is held out, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.data.labelled import LabelledImage
from COVIDLesionSegLib.engine.data.slice_folder import SliceData, read_slice_folder
from COVIDLesionSegLib.engine.errors import Cancelled, InputError, ModelError, ParameterError
from COVIDLesionSegLib.engine.evaluation.card_scores import score_patients
from COVIDLesionSegLib.engine.evaluation.evaluated_model import (
    EvaluatedModel,
    load_evaluated_models,
)
from COVIDLesionSegLib.engine.evaluation.run import evaluate_models
from COVIDLesionSegLib.engine.metrics.overlap import wilson_interval
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.progress import CancelToken
from engine.crafted import Pixelwise, make_card
from engine.known_answers import CPU, brightness_model, sample, values
from engine.labelled_data import write_slice_folder


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
