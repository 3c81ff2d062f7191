"""A second opinion on the lungs: a small real network looks at some slices of a generated chest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from COVIDLesionSegLib.engine import networks
from COVIDLesionSegLib.engine.errors import Cancelled, ParameterError
from COVIDLesionSegLib.engine.lungs.extractor import LungLabels
from COVIDLesionSegLib.engine.lungs.second_opinion import SecondOpinion, get_opinion
from COVIDLesionSegLib.engine.models.card_json import write_card
from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
from COVIDLesionSegLib.engine.models.preprocessing import Preprocessing
from COVIDLesionSegLib.engine.parameters import Parameters
from COVIDLesionSegLib.engine.pipeline import find_lungs, segment
from COVIDLesionSegLib.engine.progress import CancelToken
from engine.chests import chest
from engine.crafted import make_card, write_model

NAME = "lungs-by-hu"
ASKED = Parameters(second_opinion=NAME, device="cpu")
WINDOW = (-1024.0, 200.0)


class LungsByHU(nn.Module):
    """The smallest network that finds lungs: from -950 to -400 HU, windowed."""

    def __init__(self):
        super().__init__()
        self.beyond = nn.Conv2d(1, 2, 1)  # what exceeds the upper limit, and the lower one
        self.head = nn.Conv2d(2, 2, 1)
        low, high = ((hu - WINDOW[0]) / (WINDOW[1] - WINDOW[0]) for hu in (-950.0, -400.0))
        with torch.no_grad():
            self.beyond.weight[:, 0, 0, 0] = torch.tensor([1.0, -1.0])
            self.beyond.bias[:] = torch.tensor([-high, low])
            self.head.weight.zero_()
            self.head.weight[1] = -10000.0
            self.head.bias[:] = torch.tensor([0.0, 1.0])

    def forward(self, x):
        return self.head(torch.relu(self.beyond(x)))


@pytest.fixture
def by_hu(user_folder, monkeypatch):
    """A trained model of the user's that calls lung what holds air."""
    monkeypatch.setitem(networks._NETWORKS, "LungsByHU", LungsByHU)
    card = make_card(
        Preprocessing(window_hu=WINDOW, input_size=(128, 128)),
        ("background", "lung"),
        id=NAME,
        task="lungs",
        network="LungsByHU",
        classes=("lung",),
    )
    write_model(LungsByHU(), card, user_folder)
    return user_folder


@pytest.fixture(scope="module")
def phantom():
    """On a table, which holds air as lungs do."""
    return chest(seed=1, ground_glass=0, consolidation=0)


def opinion_on(labels, phantom, parameters=ASKED, method="threshold", **kwargs):
    found = LungLabels(labels, (), {"method": method})
    volume = phantom.volume
    return SecondOpinion(parameters).of(found, volume.axial, volume.axial_spacing, **kwargs)


@pytest.mark.usefixtures("by_hu")
def test_lungs_on_which_both_agree_are_not_flagged(phantom):
    said = opinion_on(phantom.lungs, phantom)
    assert said.flags == ()
    assert said.facts["model"] == NAME and said.facts["weights"] == "trained"
    assert said.facts["slices"] == 28  # every second one of 56, 5 mm apart
    assert said.facts["flagged_from_ml"] == 30.0


@pytest.mark.usefixtures("by_hu")
@pytest.mark.parametrize(("side", "name"), [(1, "right"), (2, "left")])
def test_lung_that_is_missing_is_named_with_side_slices_and_ml(phantom, side, name):
    labels = phantom.lungs.copy()
    x = np.flatnonzero((labels == side).any(axis=(0, 1)))
    part = np.s_[20:30, :, x[0] : x[len(x) // 2]]
    lost = (labels[part] == side).sum() * np.prod(phantom.volume.axial_spacing) / 1000
    labels[part][labels[part] == side] = 0
    (flag,) = opinion_on(labels, phantom).flags
    assert (flag.code, flag.level) == ("lung-opinions-differ", "warning")
    assert f"the {name} lung leaves out 0 ml of it" in flag.message
    more = float(flag.message.split("finds ")[1].split(" ml")[0])
    assert more == pytest.approx(lost, rel=0.25)
    assert set(range(21, 29)) <= set(flag.slices) <= set(range(18, 32))


@pytest.mark.usefixtures("by_hu")
def test_what_is_no_lung_for_the_network_is_named(phantom):
    labels = phantom.lungs.copy()
    liver = np.zeros(labels.shape, bool)
    liver[10:16, 40:56, 25:41] = True
    labels[liver & (phantom.volume.axial > 0)] = 1
    (flag,) = opinion_on(labels, phantom).flags
    assert "right lung" in flag.message and "finds 0 ml more" in flag.message
    assert set(flag.slices) <= set(range(8, 18))


@pytest.mark.usefixtures("by_hu")
def test_a_lung_that_was_not_found_at_all_is_named(phantom):
    labels = np.where(phantom.lungs == 2, 0, phantom.lungs)
    flags = opinion_on(labels, phantom).flags
    assert any("left lung" in flag.message and len(flag.slices) > 25 for flag in flags)


@pytest.mark.usefixtures("by_hu")
def test_of_a_ct_of_many_thin_slices_only_some_are_looked_at():
    fine = chest(seed=1, size=(96, 80, 300), spacing=(3.2, 3.0, 1.0))
    said = opinion_on(fine.lungs, fine)
    assert said.facts["slices"] == 30
    assert said.flags == ()


@pytest.mark.usefixtures("by_hu")
def test_progress_is_told_and_cancel_is_looked_at(phantom):
    token, seen = CancelToken(), []
    opinion_on(phantom.lungs, phantom, cancel=token, progress=seen.append)
    assert seen[0].message == "second opinion, slice 1 of 28"
    token.cancel()
    with pytest.raises(Cancelled):
        opinion_on(phantom.lungs, phantom, cancel=token)


def without_opinion(said):
    (note,) = said.flags
    assert (note.code, note.level) == ("lung-opinion-none", "note")
    assert said.facts["slices"].startswith("n/a: ")
    return note.message


def test_without_its_weights_the_look_is_left_out_and_said(by_hu, phantom):
    (by_hu / f"{NAME}.safetensors").unlink()
    message = without_opinion(opinion_on(phantom.lungs, phantom))
    assert f"by {NAME}: its weights are not there" in message


def test_of_a_network_that_was_never_trained_the_look_is_left_out_and_said(by_hu, phantom):
    card = load_catalogue().get(NAME).card
    write_card(replace(card, weights=None), by_hu)
    for parameters in (ASKED, replace(ASKED, allow_untrained=True)):
        assert "never trained" in without_opinion(opinion_on(phantom.lungs, phantom, parameters))


def test_a_card_that_wants_the_lungs_to_judge_the_lungs_is_left_out_and_said(by_hu, phantom):
    card = load_catalogue().get(NAME).card
    write_card(replace(card, preprocessing=replace(card.preprocessing, lung_mask=True)), by_hu)
    assert "asks for the lungs" in without_opinion(opinion_on(phantom.lungs, phantom))


@pytest.mark.usefixtures("by_hu")
@pytest.mark.parametrize(("method", "why"), [("given", "were given"), (NAME, "network itself")])
def test_lungs_that_were_given_or_are_its_own_are_not_compared(phantom, method, why):
    assert why in without_opinion(opinion_on(phantom.lungs, phantom, method=method))


@pytest.mark.slow
@pytest.mark.usefixtures("by_hu")
def test_a_result_holds_the_opinion_and_what_gave_it():
    small = chest(seed=2, size=(112, 88, 28), spacing=(2.9, 2.9, 9.0))
    for job in (segment, find_lungs):
        result = job(small.volume, ASKED)
        said = result.provenance["lungs"]["second_opinion"]
        assert said["model"] == NAME and len(said["weights_sha256"]) == 64
        assert result.provenance["parameters"]["second_opinion"] == NAME
        plain = job(small.volume, replace(ASKED, second_opinion="none"))
        assert "second_opinion" not in plain.provenance["lungs"]
        np.testing.assert_array_equal(plain.lungs, result.lungs)


def test_a_name_that_is_no_model_for_lungs_is_refused_before_the_ct_is_looked_at(phantom):
    for name in ("amc-net", "nobody"):
        with pytest.raises(ParameterError, match=f"lungs '{name}'.*none, .*lungs-lite0"):
            segment(phantom.volume, Parameters(second_opinion=name))
    with pytest.raises(ParameterError, match="second_opinion must be the id"):
        Parameters(second_opinion="")
    assert get_opinion(Parameters(second_opinion="none")) is None


# The packaged network


@pytest.fixture(scope="module")
def packaged():
    model = load_catalogue().get("lungs-lite0")
    if model.card.weights is None:
        pytest.skip("lungs-lite0 has no weights in this version.")
    return Parameters(second_opinion=model.id, device="cpu")


@pytest.mark.slow
@pytest.mark.realdata
@pytest.mark.parametrize("case", ["covid", "control"])
def test_on_real_lungs_that_are_right_the_packaged_network_agrees(packaged, data_folder, case):
    from engine.real_patients import lungs_of, read_case

    volume = read_case(data_folder, case)
    found, _ = lungs_of(volume)
    said = SecondOpinion(packaged).of(found, volume.axial, volume.axial_spacing)
    assert said.flags == ()


@pytest.mark.slow
def test_lung_that_was_taken_out_is_named_by_the_packaged_network(packaged, phantom):
    labels = phantom.lungs.copy()
    labels[20:30][labels[20:30] == 2] = 0
    flags = opinion_on(labels, phantom, packaged).flags
    assert any("left lung" in flag.message and set(flag.slices) >= {22, 26} for flag in flags)
