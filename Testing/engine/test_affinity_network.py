"""The one-shot affinity model: parts, affinities by hand, one answer for one image, extremes."""

from __future__ import annotations

import sys

import pytest
import torch

from COVIDLesionSegLib.engine.errors import DependencyError, ModelError
from COVIDLesionSegLib.engine.networks import build_network, count_parameters
from COVIDLesionSegLib.engine.networks.affinity import AffinityMaskRCNN
from COVIDLesionSegLib.engine.networks.affinity_branch import REGIONS, filled
from COVIDLesionSegLib.engine.networks.affinity_layer import AffinityLayer

PARTS = {
    "body": 2_782_784,
    "fpn": 655_872,
    "rpn": 628_630,
    "boxes": 1_623_562,
    "masks": 852_994,
    "classifier": 49_795,
}
CONV_REDUCE = 590_080


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return AffinityMaskRCNN().eval()


def parameters_by_part(network):
    """Number of parameters of each part, those of the frozen copies too."""
    parts = {
        "body": (network.body,),
        "fpn": (network.fpn,),
        "rpn": (network.rpn,),
        "boxes": (network.roi.box_head, network.roi.box_predictor),
        "masks": (network.roi.mask_head, network.roi.mask_predictor),
        "branch": (network.branch,),
        "affinity": (network.affinity,),
        "classifier": (network.classifier,),
    }
    return {
        name: sum(p.numel() for module in modules for p in module.parameters())
        for name, modules in parts.items()
    }


def image(*size, seed=0):
    return torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(seed))


def target(masks):
    """Instances of masks (n, rows, columns), as losses take them."""
    places = [torch.nonzero(mask) for mask in masks]
    boxes = [[*at.amin(0).flip(0), *(at.amax(0) + 1).flip(0)] for at in places]
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32),
        "labels": torch.ones(len(masks), dtype=torch.int64),
        "masks": masks.to(torch.uint8),
    }


@pytest.mark.parametrize(
    ("refinement", "affinities", "released"),
    [
        ("shared", 8, 13_660_471),
        ("shared", 16, 13_660_543),
        ("shared", 32, 13_660_687),
        ("shared", 64, 13_660_975),
        ("three blocks", 8, 14_186_039),
        ("three blocks", 16, 14_186_111),
        ("three blocks", 32, 14_186_255),
        ("three blocks", 64, 14_186_543),
    ],
)
def test_every_part_has_its_parameters(refinement, affinities, released):
    with torch.device("meta"):
        network = AffinityMaskRCNN(affinities, refinement=refinement, conv_reduce=True)
    parts = parameters_by_part(network)
    assert PARTS.items() <= parts.items()
    assert sum(parts.values()) == released


def test_the_paper_has_no_conv_reduce_and_copies_do_not_learn():
    with torch.device("meta"):
        network = AffinityMaskRCNN()
    parts = parameters_by_part(network)
    assert sum(parts.values()) == 14_186_039 - CONV_REDUCE
    copies = PARTS["boxes"] + PARTS["masks"] - 514  # but for the last convolution, 256 to 2
    assert parts["branch"] == copies
    assert count_parameters(network) == sum(parts.values()) - copies


def test_affinities_by_hand():
    layer = AffinityLayer(2, 3, 2, "three blocks", "half")
    with torch.no_grad():
        layer.matrix.copy_(torch.tensor([[1.0, 0.0], [2.0, -1.0]]))
        layer.vector.copy_(torch.tensor([1.0, 2.0]))
        found = layer.representation(torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]))
        assert found.tolist() == [[[9.0, 12.0, 15.0], [-4.0, -5.0, -6.0]]]
        assert layer.feature(found).tolist() == [[1.0, 2.0, 3.0]]


def test_refinement_keeps_the_shape_and_vectors_have_one_value_for_each_channel():
    for refinement in ("three blocks", "shared"):
        layer = AffinityLayer(REGIONS, 4, 8, refinement, "full").eval()
        regions = torch.rand(2, REGIONS, 4, 28, 28)
        assert layer.refine(regions[0]).shape == regions[0].shape
        assert layer.vectors(regions).shape == (2, REGIONS, 4)


def test_too_few_boxes_are_repeated_in_order_and_none_is_the_whole_slice():
    boxes = torch.arange(12.0).reshape(3, 4)
    ranks = [0, 0, 0, 1, 1, 1, 2, 2]
    assert torch.equal(filled(boxes, 64, 96), boxes[ranks])
    assert filled(boxes[:0], 64, 96).tolist() == [[0.0, 0.0, 96.0, 64.0]] * REGIONS
    eight = torch.arange(32.0).reshape(8, 4)
    assert torch.equal(filled(eight, 64, 96), eight)


def test_the_same_image_ten_times_has_the_same_answer(network, monkeypatch):
    monkeypatch.setattr(network.roi, "detections_per_img", 5)  # masks take most of the time
    first, *others = (network.detect(image(64, 96))[0] for _ in range(10))
    for other in others:
        assert torch.equal(first.class_logits, other.class_logits)
        assert torch.equal(first.boxes, other.boxes) and torch.equal(first.scores, other.scores)
        assert torch.equal(first.masks, other.masks)


def test_images_of_a_batch_do_not_see_each_other(network):
    one, two = image(64, 64, seed=1), image(64, 64, seed=2)
    with torch.no_grad():
        together = network(torch.cat([one, two]))
        torch.testing.assert_close(together, torch.cat([network(one), network(two)]))
    assert (together[0] - together[1]).abs().max() > 1e-4


def test_the_branch_holds_copies_bit_for_bit_once_they_are_made(network):
    roi, branch = network.roi, network.branch
    pairs = (
        (roi.box_head, branch.box_head),
        (roi.box_predictor, branch.box_predictor),
        (roi.mask_head, branch.mask_head),
        (roi.mask_predictor.conv5_mask, branch.upsample),
    )

    def same():
        return [
            torch.equal(a, b)
            for source, copy in pairs
            for a, b in zip(source.parameters(), copy.parameters(), strict=True)
        ]

    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.no_grad():
        for source, _ in pairs:
            for parameter in source.parameters():
                parameter.add_(0.01)
    assert not any(same())
    network.copy_to_branch()
    assert all(same())
    network.load_state_dict(before)


def test_copies_are_stored_once_and_made_again(network):
    state = network.state_dict()
    assert not any(name.startswith("branch.") for name in state)
    moved = {
        name: value + 0.5 if name.startswith("roi.") else value for name, value in state.items()
    }
    other = AffinityMaskRCNN()
    other.load_state_dict(moved)
    for copy, source in (
        (other.branch.box_head.fc6, moved["roi.box_head.fc6.weight"]),
        (other.branch.upsample, moved["roi.mask_predictor.conv5_mask.weight"]),
    ):
        assert torch.equal(copy.weight, source)


def test_state_with_copies_as_older_files_have_it_is_read(network):
    state = network.state_dict()
    older = state | {f"branch.{name}": value for name, value in network.branch.state_dict().items()}
    assert len(older) > len(state)
    AffinityMaskRCNN().load_state_dict(older)


@pytest.mark.parametrize("fixed", [False, True])
def test_with_fixed_statistics_training_leaves_those_of_the_affinity_layer(fixed):
    network = AffinityMaskRCNN(fixed_statistics=fixed).train()

    def statistics(part):
        return [one.clone() for name, one in part.named_buffers() if name.endswith("running_mean")]

    before = statistics(network.affinity), statistics(network.body)
    network(image(64, 64))
    after = statistics(network.affinity), statistics(network.body)
    assert all(map(torch.equal, before[0], after[0])) is fixed
    assert not any(map(torch.equal, before[1], after[1]))


def test_a_slice_without_any_region_is_classified_whole_and_says_so(network, monkeypatch):
    monkeypatch.setattr(
        network.rpn, "filter_proposals", lambda *_: ([torch.zeros(0, 4)], [torch.zeros(0)])
    )
    found = network.detect(image(64, 64))[0]
    assert found.no_region and len(found.boxes) == 0 and found.masks.shape == (0, 28, 28)
    assert found.class_logits.shape == (3,) and found.class_logits.isfinite().all()


def test_there_are_never_more_than_100_detections(network, monkeypatch):
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(16.0), indexing="ij")
    corners = torch.stack([columns, rows], dim=-1).reshape(-1, 2) * 16
    boxes = torch.cat([corners, corners + 12], dim=1)  # 192 places apart
    monkeypatch.setattr(
        network.rpn, "filter_proposals", lambda *_: ([boxes], [torch.ones(len(boxes))])
    )
    found = network.detect(image(192, 256))[0]
    assert len(found.boxes) == 100
    assert torch.equal(found.scores, found.scores.sort(descending=True).values)
    assert not found.no_region


def test_over_100_lesions_and_one_of_a_single_pixel_have_losses():
    torch.manual_seed(0)
    network = AffinityMaskRCNN().train()
    masks = torch.zeros(121, 64, 64, dtype=torch.bool)
    for n in range(120):
        row, column = divmod(n, 12)
        masks[n, row * 5 : row * 5 + 4, column * 5 : column * 5 + 4] = True
    masks[120, 60, 60] = True
    losses = network.losses(image(64, 64), [target(masks)])
    assert sorted(losses) == [
        "loss_box_reg",
        "loss_classifier",
        "loss_mask",
        "loss_objectness",
        "loss_rpn_box_reg",
    ]
    assert all(loss.isfinite() for loss in losses.values())
    alone = network.losses(image(64, 64), [target(masks[120:])])
    assert all(loss.isfinite() for loss in alone.values())


def test_a_slice_of_1024_pixels(network):
    found = network.detect(image(1024, 1024))[0]
    assert found.boxes.min() >= 0 and found.boxes.max() <= 1024
    assert len(found.boxes) <= 100 and found.class_logits.isfinite().all()


def test_the_affinity_matrix_has_a_row_for_each_affinity_and_tells_the_class(network):
    (found,) = network.detect(image(64, 64))
    assert found.affinities.shape == (8, 256)
    with torch.no_grad():
        logits = network.classifier(network.affinity.feature(found.affinities[None]))
        torch.testing.assert_close(logits[0], found.class_logits)
        torch.testing.assert_close(logits, network(image(64, 64)))


@pytest.mark.parametrize(
    "arguments", [{"refinement": "two"}, {"bottleneck": "none"}, {"affinities": 0}, {"std": 0.0}]
)
def test_other_choices_are_refused(arguments):
    with pytest.raises(ModelError, match="cannot be built"):
        build_network("AffinityMaskRCNN", arguments)


def test_a_missing_torchvision_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    with pytest.raises(DependencyError, match="needs the Python package torchvision"):
        build_network("AffinityMaskRCNN", {})
