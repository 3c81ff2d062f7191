"""Weights in 8 bits per channel: exact in their scales, bounded in their error."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from COVIDLesionSegLib.engine.data.training_data import TrainingData
from COVIDLesionSegLib.engine.detection.held_out import HeldOutDetector
from COVIDLesionSegLib.engine.errors import InputError, ModelError
from COVIDLesionSegLib.engine.evaluation.card_scores import score_patients
from COVIDLesionSegLib.engine.evaluation.compression import compress_weights
from COVIDLesionSegLib.engine.models.catalogue import Model, load_catalogue, read_models
from COVIDLesionSegLib.engine.models.eight_bit import DICE, MEAN_PRECISION, smallest_kernels
from COVIDLesionSegLib.engine.models.weights import (
    load_network,
    weights_data,
    weights_data_in_eight_bit,
)
from COVIDLesionSegLib.engine.networks import _NETWORKS, count_parameters
from engine.crafted import make_card, write_model
from engine.training_slices import export_tiny, labelled, tiny_recipe


class Kinds(nn.Module):
    """A kernel of every kind, and what must stay as it is."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 32, 3, padding=1)
        self.norm = nn.BatchNorm2d(32)
        self.depthwise = nn.Conv2d(32, 32, 3, padding=1, groups=32)
        self.wide = nn.Conv2d(32, 16, 3, padding=1)
        self.up = nn.ConvTranspose2d(16, 24, 3, padding=1)
        self.linear = nn.Linear(24, 64)
        self.head = nn.Conv2d(64, 1, 1)

    def forward(self, x):
        x = self.up(self.wide(self.depthwise(self.norm(self.first(x)))))
        return self.head(self.linear(x.movedim(1, -1)).movedim(-1, 1))


def in_eight_bit(network, smallest_kernel=1024):
    return weights_data_in_eight_bit(network, smallest_kernel)


@pytest.fixture
def kinds(tmp_path, monkeypatch):
    """The network, and a function that gives a model whose file holds certain tensors."""
    monkeypatch.setitem(_NETWORKS, "Kinds", Kinds)
    torch.manual_seed(3)
    network = Kinds().eval()
    with torch.no_grad():
        network.norm.running_mean.uniform_(-1, 1)
        for layer in (network.wide, network.up):
            layer.weight *= torch.logspace(-3, 1, layer.weight.shape[0]).view(-1, 1, 1, 1)
        network.wide.weight[3] = 0.0
    write_model(network, make_card(id="kinds", network="Kinds"), tmp_path)
    (model,) = read_models(tmp_path / "kinds.json")

    def model_of(data, bits=8):
        path = tmp_path / model.card.weights.file
        path.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        weights = replace(model.card.weights, sha256=sha256, bits=bits)
        return Model(replace(model.card, weights=weights), tmp_path)

    return network, model_of


KERNELS = {"wide.weight": 0, "up.weight": 1, "linear.weight": 0}
"""Those that are stored in 8 bits, and their axis of output channels."""


def test_large_kernels_alone_are_stored_in_8_bits(kinds):
    network, _ = kinds
    half, stored = load(weights_data(network)), load(in_eight_bit(network))
    assert {name for name, one in stored.items() if one.dtype == torch.int8} == set(KERNELS)
    assert set(stored) == set(half) | {f"{name}.scale" for name in KERNELS}
    for name in set(half) - set(KERNELS):
        assert stored[name].dtype == half[name].dtype
        assert torch.equal(stored[name], half[name])


def test_loading_gives_whole_numbers_times_scales_exactly(kinds):
    network, model_of = kinds
    data = in_eight_bit(network)
    stored, loaded = load(data), load_network(model_of(data)).state_dict()
    for name, axis in KERNELS.items():
        scale = stored[f"{name}.scale"]
        assert scale.dtype == torch.float32
        assert scale.shape[axis] == stored[name].shape[axis] == scale.numel()
        assert torch.equal(loaded[name], stored[name].float() * scale)
    again = load(in_eight_bit(load_network(model_of(data))))
    for name in KERNELS:
        assert torch.equal(again[name], stored[name])
        torch.testing.assert_close(
            again[f"{name}.scale"], stored[f"{name}.scale"], rtol=1e-6, atol=0
        )


def test_no_weight_moves_by_more_than_half_a_step_of_its_own_channel(kinds):
    network, model_of = kinds
    loaded = load_network(model_of(in_eight_bit(network))).state_dict()
    for name, axis in KERNELS.items():
        exact = network.state_dict()[name]
        others = [one for one in range(exact.ndim) if one != axis]
        largest = exact.abs().amax(dim=others)
        error = (loaded[name] - exact).abs().amax(dim=others)
        assert (error <= largest / 254 * 1.00001).all()
        assert error.max() > 0
    assert not loaded["wide.weight"][3].any()


def test_outputs_stay_near_those_in_half_precision(kinds):
    network, model_of = kinds
    image = torch.rand(1, 1, 24, 24)
    with torch.no_grad():
        half = load_network(model_of(weights_data(network), bits=None))(image)
        small = load_network(model_of(in_eight_bit(network)))(image)
    assert (small - half).abs().max() < 0.01 * half.std() + 0.01 * half.abs().max()


def test_the_file_of_a_packaged_network_takes_about_half_the_space():
    network = load_network(load_catalogue().get("amc-net"))
    small = in_eight_bit(network, smallest_kernels(network)[0])
    half = weights_data(network)
    assert len(small) < 0.53 * len(half)


def test_small_kernels_stay_as_they_hold_little_and_err_most():
    network = load_network(load_catalogue().get("amc-net"))
    stored = load(in_eight_bit(network, smallest_kernels(network)[0]))
    sizes = {one.numel() for one in stored.values() if one.dtype == torch.int8}
    assert min(sizes) >= 16384


def set_scale(value):
    return lambda tensors: tensors.update(
        {"wide.weight.scale": value(tensors["wide.weight.scale"])}
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tensors: tensors.pop("wide.weight.scale"), "wide.weight is stored in 8 bits"),
        (set_scale(lambda scale: scale[:3]), "wide.weight is stored in 8 bits without usable"),
        (set_scale(lambda scale: scale.flatten()), "without usable scales"),
        (set_scale(lambda scale: scale.half()), "without usable scales"),
        (set_scale(lambda scale: scale * torch.nan), "without usable scales"),
        (set_scale(lambda scale: -scale), "without usable scales"),
        (set_scale(lambda scale: scale.expand(16, 32, 1, 1)), "without usable scales"),
        (
            lambda tensors: tensors.update({"wide.bias": tensors["wide.bias"].to(torch.int8)}),
            "wide.bias is stored in 8 bits without usable scales",
        ),
        (
            lambda tensors: tensors.update({"first.weight.scale": torch.ones(32, 1, 1, 1)}),
            "are not those of network Kinds",
        ),
        (
            lambda tensors: tensors.update({"wide.weight": tensors["wide.weight"][:, :5]}),
            "are not those of network Kinds",
        ),
    ],
)
def test_a_forged_file_is_refused(kinds, change, message):
    network, model_of = kinds
    tensors = load(in_eight_bit(network))
    change(tensors)
    data = save({name: one.contiguous() for name, one in tensors.items()})
    with pytest.raises(ModelError, match=message):
        load_network(model_of(data))


@pytest.mark.parametrize("end", [4, 100, -1, -2000])
def test_a_truncated_file_is_refused(kinds, end):
    network, model_of = kinds
    with pytest.raises(ModelError, match="not in safetensors format"):
        load_network(model_of(in_eight_bit(network)[:end]))


def test_a_card_that_does_not_say_how_its_weights_are_stored_is_refused(kinds):
    network, model_of = kinds
    with pytest.raises(ModelError, match="states no 8 bits for the weights in .*, but there are"):
        load_network(model_of(in_eight_bit(network), bits=None))
    with pytest.raises(ModelError, match="states 8 bits for the weights in .*, but there are none"):
        load_network(model_of(weights_data(network)))


def test_weights_that_are_not_numbers_do_not_become_numbers(kinds):
    network, model_of = kinds
    with torch.no_grad():
        network.wide.weight[0, 0] = torch.nan
    with pytest.raises(ModelError, match="are not all numbers"):
        load_network(model_of(in_eight_bit(network)))


def set_smallest_kernels(monkeypatch, *sizes):
    monkeypatch.setattr("COVIDLesionSegLib.engine.models.eight_bit._SMALLEST_KERNELS", sizes)


class Learner(nn.Module):
    """Lesion by grey level, in a kernel that is large enough to be stored in 8 bits."""

    def __init__(self):
        super().__init__()
        self.wide = nn.Conv2d(1, 64, 5, padding=2)
        self.head = nn.Conv2d(64, 1, 1)

    def forward(self, x):
        return self.head(self.wide(x))


@pytest.fixture
def learner(monkeypatch):
    """A network that finds the bright rectangles, though not without error."""
    set_smallest_kernels(monkeypatch, 1024)
    monkeypatch.setitem(_NETWORKS, "Learner", Learner)
    torch.manual_seed(0)
    network = Learner().eval()
    with torch.no_grad():
        network.wide.weight.uniform_(0.0, 1.0)
        network.wide.bias.zero_()
        network.head.weight.fill_(1.0)
        bright = network.wide.weight.sum() * 0.3
        network.head.bias.fill_(-float(bright))
    return network


SHAPE = (80, 100)
HELD_OUT = [labelled("p2", seed=seed, shape=SHAPE) for seed in (3, 4)]
HELD_OUT += [labelled("p3", seed=5, shape=SHAPE)]
DATA = TrainingData([labelled("p1", shape=SHAPE)], HELD_OUT, [])


def recipe():
    return tiny_recipe(network="Learner")


def dice_of(folder, name):
    (model,) = read_models(folder / f"{name}.json")
    scores = score_patients(load_network(model), model.card, HELD_OUT)
    return {patient: one.values["dice"] for patient, one in scores.items()}


def stated(card):
    return {s.data.split(",")[0]: s.value for s in card.scores if s.metric == "Dice"}


def test_training_stores_8_bits_where_it_is_asked_to_and_no_patient_moves(learner, tmp_path):
    card = export_tiny(learner, DATA, "small", recipe(), tmp_path, eight_bit=True).card
    assert card.weights.bits == 8
    (note,) = (one for one in card.notes if "8 bits" in one)
    assert note.startswith("Stored in 8 bits per channel, which moves the Dice of every held-out")
    assert load((tmp_path / "small.safetensors").read_bytes())["wide.weight"].dtype == torch.int8
    assert stated(card) == pytest.approx(dice_of(tmp_path, "small"), abs=1e-4)
    plain = export_tiny(learner, DATA, "plain", recipe(), tmp_path).card
    assert plain.weights.bits is None
    assert stated(plain) == pytest.approx(stated(card), abs=0.002)


def coarse(monkeypatch):
    """As if 8 bits were 2: every patient moves."""
    monkeypatch.setattr("COVIDLesionSegLib.engine.models.eight_bit._LARGEST", 1)


def test_training_keeps_half_precision_where_a_patient_moves(learner, tmp_path, monkeypatch):
    coarse(monkeypatch)
    card = export_tiny(learner, DATA, "kept", recipe(), tmp_path, eight_bit=True).card
    assert card.weights.bits is None
    assert any(
        "half precision: in 8 bits the Dice of p2 moves by more than" in n for n in card.notes
    )
    assert load((tmp_path / "kept.safetensors").read_bytes())["wide.weight"].dtype == torch.float16
    assert stated(card) == pytest.approx(dice_of(tmp_path, "kept"), abs=1e-4)


def test_training_keeps_half_precision_without_held_out_patients(learner, tmp_path):
    data = replace(DATA, validation=[])
    card = export_tiny(learner, data, "alone", recipe(), tmp_path, eight_bit=True).card
    assert card.weights.bits is None
    assert any("no held-out patients to try 8 bits on" in note for note in card.notes)


def precisions(by_coco, of_class_alone=0):
    """As a detector is evaluated: the paper's rule by Dice here, COCO's as given, in turn.

    Of so many slices more nothing is outlined, and they have no score.
    """

    def evaluate(network, card, slices):
        scores = score_patients(network, card, slices)
        of_coco = itertools.cycle(by_coco)
        patients = {
            name: SimpleNamespace(
                slices=one.slices,
                values={"paper_map": one.values["dice"], "coco_map": next(of_coco)},
            )
            for name, one in scores.items()
        }
        if of_class_alone:
            nothing = {"paper_map": None, "coco_map": None}
            patients["p9"] = SimpleNamespace(slices=of_class_alone, values=nothing)
        return HeldOutDetector(
            patients, (), measure=replace(MEAN_PRECISION, largest_change=DICE.largest_change)
        )

    return evaluate


@pytest.mark.parametrize(
    ("by_coco", "mean"),
    [((0.0001, 0.0), "0.0001"), ((0.199, 0.0), "0.0995"), ((None, None), "0.0000")],
)
def test_a_detector_that_finds_too_little_to_tell_stays_in_half_precision(
    learner, tmp_path, by_coco, mean
):
    """Though 8 bits change next to nothing, and clean slices may give it a score."""
    evaluate = precisions(by_coco)
    card = export_tiny(
        learner, DATA, "weak", recipe(), tmp_path, eight_bit=True, evaluate=evaluate
    ).card
    assert card.weights.bits is None
    assert load((tmp_path / "weak.safetensors").read_bytes())["wide.weight"].dtype == torch.float16
    assert any(f"COCO's rule is {mean} in the mean" in note for note in card.notes)


@pytest.mark.parametrize("by_coco", [(0.2, 0.0), (None, 0.1)])
def test_a_detector_that_finds_enough_is_stored_in_8_bits_unless_it_moves(
    learner, tmp_path, monkeypatch, by_coco
):
    stored = {"eight_bit": True, "evaluate": precisions(by_coco)}
    card = export_tiny(learner, DATA, "small", recipe(), tmp_path, **stored).card
    assert card.weights.bits == 8
    coarse(monkeypatch)
    card = export_tiny(learner, DATA, "kept", recipe(), tmp_path, **stored).card
    assert card.weights.bits is None
    assert any("precision of all held-out slices together moves by more" in n for n in card.notes)


def test_slices_without_a_score_do_not_hide_how_far_a_detector_moves(
    learner, tmp_path, monkeypatch
):
    coarse(monkeypatch)
    stored = {"eight_bit": True, "evaluate": precisions((0.2, 0.2), of_class_alone=10_000)}
    card = export_tiny(learner, DATA, "kept", recipe(), tmp_path, **stored).card
    assert card.weights.bits is None


@pytest.fixture
def trained(learner, tmp_path):
    """A model in half precision, with scores of p2 and p3 on its card."""
    export_tiny(learner, DATA, "mine", recipe(), tmp_path)
    (model,) = read_models(tmp_path / "mine.json")
    return model


def test_a_model_is_compressed_with_scores_of_its_new_weights(trained, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    own = labelled("p1", shape=SHAPE)  # learned from: tried, but not scored on the card
    compressed = compress_weights(trained, [own, *HELD_OUT], out)
    assert set(compressed.changes) == {"p1", "p2", "p3"}
    assert compressed.bytes_after < compressed.bytes_before
    (model,) = read_models(out / "mine.json")
    assert model.card == compressed.card
    about_bfloat16 = [note for note in model.card.notes if note.startswith("Under bfloat16")]
    assert len(about_bfloat16) == (1 if trained.card.bfloat16 else 0)
    assert model.card.weights.bits == 8
    assert stated(model.card) == pytest.approx(dice_of(out, "mine"), abs=1e-4)
    assert {s.protocol for s in model.card.scores} == {s.protocol for s in trained.card.scores}
    assert count_parameters(load_network(model)) == model.card.parameters
    with pytest.raises(ModelError, match="mine are stored in 8 bits already"):
        compress_weights(model, HELD_OUT, out)


def test_a_model_whose_patient_would_move_is_left_as_it_is(trained, tmp_path, monkeypatch):
    coarse(monkeypatch)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(
        ModelError, match=r"Dice of p2 would move by [+-]0\.\d{4}, .* stays as it is"
    ):
        compress_weights(trained, HELD_OUT, out)
    assert list(out.iterdir()) == []


class TwoKernels(Learner):
    """The same with a larger kernel, of 0 and 1: any number of bits is enough for it."""

    def __init__(self):
        super().__init__()
        self.same = nn.Conv2d(64, 64, 3, padding=1, bias=False)
        nn.init.dirac_(self.same.weight)

    def forward(self, x):
        return self.head(self.same(self.wide(x)))


def test_where_a_patient_would_move_smaller_kernels_stay(learner, tmp_path, monkeypatch):
    monkeypatch.setitem(_NETWORKS, "TwoKernels", TwoKernels)
    network = TwoKernels().eval()
    network.load_state_dict(learner.state_dict(), strict=False)
    export_tiny(network, DATA, "two", tiny_recipe(network="TwoKernels"), tmp_path)
    (model,) = read_models(tmp_path / "two.json")
    coarse(monkeypatch)
    set_smallest_kernels(monkeypatch, 1024, 30000, 10**6)
    out = tmp_path / "out"
    out.mkdir()
    compressed = compress_weights(model, HELD_OUT, out)
    assert set(compressed.changes.values()) == {0.0}
    stored = load((out / "two.safetensors").read_bytes())
    assert stored["same.weight"].dtype == torch.int8
    assert stored["wide.weight"].dtype == torch.float16
    assert stated(compressed.card) == pytest.approx(dice_of(out, "two"), abs=1e-4)


def test_a_model_of_lungs_is_judged_by_the_lungs(learner, tmp_path):
    held_out = [labelled("p2", seed=3, shape=SHAPE, lungs=True)]
    data = TrainingData([labelled("p1", shape=SHAPE, lungs=True)], held_out, [])
    lungs = tiny_recipe(network="Learner", task="lungs", classes=("lungs",), channels=("lungs",))
    export_tiny(learner, data, "lungs", lungs, tmp_path)
    (model,) = read_models(tmp_path / "lungs.json")
    out = tmp_path / "out"
    out.mkdir()
    compressed = compress_weights(model, held_out, out)
    assert stated(compressed.card) == pytest.approx(stated(model.card), abs=0.002)
    with pytest.raises(InputError, match="no mask of the lungs"):
        compress_weights(model, HELD_OUT, tmp_path)


def test_a_model_is_never_compressed_without_a_slice_to_try_it_on(trained, tmp_path):
    with pytest.raises(InputError, match="no slices to try 8 bits on"):
        compress_weights(trained, [], tmp_path)


def test_a_model_that_does_not_segment_is_refused(trained, tmp_path):
    arguments = {"slice_classes": ["clean", "infected"]}
    card = replace(trained.card, task="slice-classes", arguments=arguments)
    with pytest.raises(ModelError, match="choose 8 bits in its training"):
        compress_weights(replace(trained, card=card), HELD_OUT, tmp_path)


def test_a_network_without_large_kernels_is_refused(trained, tmp_path, monkeypatch):
    set_smallest_kernels(monkeypatch, 16384)
    with pytest.raises(ModelError, match="model mine has no large kernel"):
        compress_weights(trained, HELD_OUT, tmp_path)


def test_training_keeps_half_precision_without_large_kernels(learner, tmp_path, monkeypatch):
    set_smallest_kernels(monkeypatch, 16384)
    card = export_tiny(learner, DATA, "small", recipe(), tmp_path, eight_bit=True).card
    assert card.weights.bits is None
    assert any("no kernel that is large enough" in note for note in card.notes)
    assert stated(card) == pytest.approx(dice_of(tmp_path, "small"), abs=1e-4)


def test_a_score_of_the_earlier_weights_is_never_kept(trained, tmp_path):
    with pytest.raises(InputError, match="scores of p3, who is not among the slices"):
        compress_weights(trained, HELD_OUT[:2], tmp_path)
