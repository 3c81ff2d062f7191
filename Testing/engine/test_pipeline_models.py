"""Every model of the catalogue runs, and one without training never passes for one with it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from COVIDLesionSegLib.engine.errors import ModelError, ParameterError
from COVIDLesionSegLib.engine.flags import POOR_MODEL, UNTRAINED
from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER, load_catalogue
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.phantom import Variation, generate_chest_ct
from COVIDLesionSegLib.engine.pipeline import segment

pytestmark = pytest.mark.slow

LESION_MODELS = [
    model
    for model in load_catalogue().models
    if model.card.task == "lesions" and model.folder == PACKAGED_FOLDER
]
UNTRAINED_CPU = Parameters(model="amc-net-released", device="cpu", allow_untrained=True)


@pytest.fixture(scope="session")
def smallest_chest():
    """A child's, three slices, lung in one of them: large networks take their time."""
    child = Variation(scale=0.45)
    return generate_chest_ct(2, (72, 56, 3), (2.07, 2.07, 67.5), variation=child).volume


@pytest.fixture(scope="module")
def ensemble(smallest_chest):
    """Of a trained and an untrained network."""
    return segment(smallest_chest, replace(UNTRAINED_CPU, model="amc-net+amc-net-released"))


@pytest.mark.parametrize("model", LESION_MODELS, ids=lambda model: model.id)
def test_every_model_of_lesions_runs_and_says_whether_it_was_trained(smallest_chest, model):
    result = segment(smallest_chest, replace(UNTRAINED_CPU, model=model.id))
    inside = result.lungs > 0
    assert inside.any()
    assert result.geometry == smallest_chest.geometry
    assert result.probability.shape == smallest_chest.array.shape
    assert result.probability[inside].any() and np.isfinite(result.probability).all()
    assert result.probability.min() >= 0 and result.probability.max() <= 1
    assert not result.probability[~inside].any() and not result.lesions[~inside].any()
    np.testing.assert_array_equal(result.lesions > 0, result.probability > np.float32(0.5))
    assert result.classes == model.card.classes and result.lesions.max() <= len(result.classes)

    trained = model.card.weights is not None
    assert [flag.code for flag in result.flags].count(UNTRAINED) == (not trained)
    assert (result.severity.category is None) == (not trained)
    assert {rule.category is None for rule in result.severity.rules} == {not trained}
    assert result.provenance["models"][model.id]["weights"].startswith(
        "trained" if trained else "random, seed "
    )


def test_an_untrained_network_is_refused_and_the_sentence_names_the_way_out(smallest_chest):
    for model in ("amc-net-released", "amc-net+amc-net-released"):
        with pytest.raises(ModelError, match="amc-net-released has no .* allow untrained networks"):
            segment(smallest_chest, Parameters(model=model, device="cpu"))


def test_an_untrained_result_keeps_its_volumes_without_any_grade_and_comes_again(smallest_chest):
    first, second = (segment(smallest_chest, UNTRAINED_CPU) for _ in range(2))
    np.testing.assert_array_equal(first.probability, second.probability)
    assert first.severity == second.severity
    assert {(rule.ratio, rule.category) for rule in first.severity.rules} == {(None, None)}
    assert first.severity.ratio is None
    assert first.severity.region("both lungs").lung_ml > 0
    flag = first.flags[0]
    assert flag.code == UNTRAINED and "amc-net-released" in flag.message
    weights = first.provenance["models"]["amc-net-released"]
    assert weights["weights_sha256"] is None and weights["weights_licence"] is None


def test_an_ensembles_name_runs_its_members_and_the_result_names_every_one(smallest_chest):
    result = segment(smallest_chest, Parameters(model="eamc", device="cpu"))
    assert result.provenance["parameters"]["model"] == "eamc"
    assert list(result.provenance["models"]) == ["eamc-1", "eamc-4", "eamc-5"]
    assert result.disagreement is not None


def test_one_untrained_member_leaves_the_whole_ensemble_ungraded(ensemble):
    assert ensemble.severity.category is None
    (flag,) = (flag for flag in ensemble.flags if flag.code == UNTRAINED)
    assert "Never trained: amc-net-released." in flag.message
    assert list(ensemble.provenance["models"]) == ["amc-net", "amc-net-released"]


def test_flags_that_members_share_are_given_once(ensemble):
    codes = [flag.code for flag in ensemble.flags]
    assert codes.count("pixel-size-unusual") == 1


def test_an_ensemble_decides_by_the_members_own_answers(smallest_chest, ensemble):
    alone = [
        segment(smallest_chest, replace(UNTRAINED_CPU, model=model_id))
        for model_id in ("amc-net", "amc-net-released")
    ]
    mean = (alone[0].probability + alone[1].probability) / 2
    np.testing.assert_allclose(ensemble.probability, mean, atol=1e-6)
    # Two members: where they differ it is a tie, and the mean decides.
    votes = alone[0].lesions.astype(int) + alone[1].lesions
    expected = np.where(votes == 1, ensemble.probability > np.float32(0.5), votes == 2)
    np.testing.assert_array_equal(ensemble.lesions, expected)
    np.testing.assert_array_equal(ensemble.disagreement, (votes == 1).astype(np.float32))
    assert ensemble.disagreement.any()


def test_patches_are_refused_by_networks_of_whole_slices(smallest_chest):
    with pytest.raises(ParameterError, match="model cascade-unet takes whole slices: choose the"):
        segment(smallest_chest, replace(UNTRAINED_CPU, model="cascade-unet", tiling="overlapping"))


def test_a_model_whose_card_states_a_low_dice_is_flagged(smallest_chest, tmp_path, monkeypatch):
    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8")) | {"id": "poor"}
    for score in card["scores"]:
        score["value"] = 0.05
    (tmp_path / "poor.json").write_text(json.dumps(card), encoding="utf-8")
    shutil.copy(PACKAGED_FOLDER / "amc-net.safetensors", tmp_path)
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))

    def flags_of(model):
        result = segment(smallest_chest, Parameters(model=model, device="cpu"))
        return {flag.code: flag for flag in result.flags}

    assert "a Dice of 0.05 on" in flags_of("poor")[POOR_MODEL].message
    assert POOR_MODEL not in flags_of("amc-net")
