"""The one-shot affinity model: Mask R-CNN, whose mask features classify the whole slice.

Ter-Sarkisov, Applied Soft Computing 116, 108261, 2022, doi:10.1016/j.asoc.2021.108261.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import DependencyError
from .affinity_branch import (
    CHANNELS,
    REGIONS,
    ClassificationBranch,
    drop_copies,
    filled,
    restore_copies,
)
from .affinity_layer import AffinityLayer, SliceClassHead

if TYPE_CHECKING:
    from typing_extensions import Self

SCALES = (2, 4, 8, 16, 32)
RATIOS = (0.1, 0.25, 0.5, 1.0, 1.5, 2.0)
MOST_DETECTIONS = 100
LEAST_OVERLAP = 0.75
BACKGROUND_OVERLAP = 0.5
"""Intersection over union below which RoI(S) is taught that a region is no lesion."""
SLICE_CLASSES = ("normal", "common pneumonia", "COVID-19")


@dataclass(frozen=True, eq=False)
class Detections:
    """What is found in one slice, by falling score.

    Attributes:
        boxes: float32 (n, 4) in pixels of the network's input: left, upper, right, lower edge.
        scores: float32 (n,), each above 0.05: softmax confidence that it is a lesion.
        masks: float32 (n, 28, 28): probability of lesion, stretched over the box.
        class_logits: float32 (classes of slices,).
        affinities: Y of the paper (Eq. 3), (C*, 256): the strength of each affinity in each
            channel.
        no_region: No region was found to classify the slice by, so all of it was taken.
    """

    boxes: Tensor
    scores: Tensor
    masks: Tensor
    class_logits: Tensor
    affinities: Tensor
    no_region: bool


class AffinityMaskRCNN(nn.Module):
    """Mask R-CNN on ResNet18 and, by its mask features, a classifier of the slice.

    Input (n, 1, rows, columns), both multiples of 16, values 0..1 of the HU window; output of
    ``forward``: logits of the slice's classes, (n, classes). ``losses`` and ``detect`` give the
    rest. In evaluation mode one image has one answer.

    Body: ResNet18 to its third stage, stride 16; a feature pyramid of that one level. All numbers
    of regions and thresholds are the paper's (section 4.2) or of the code released with it.

    Args:
        affinities: C* of the paper: 8, 16, 32 or 64.
        slice_classes: Names of the classes of slices: 3 in the paper, 2 in its domain adaptation.
        refinement: ``"three blocks"`` as the paper draws it, or ``"shared"``: one block that is
            applied nine times, as in the released code.
        bottleneck: ``"half"`` of the channels between a block's two convolutions as in the
            released code, or ``"full"`` as the text says.
        conv_reduce: A further convolution in the classification branch, which has random weights
            that never learn: the released code has it, the paper does not.
        scales: Edges of square anchors, in pixels of the input; the paper's are for 512 x 512.
        least_overlap: Intersection over union, 0.5 to 1, above which RoI(S) is taught that a region
            is a lesion; the paper's is 0.75.
        fixed_statistics: The affinity layer is normalised by its running statistics in training,
            too, which then stay as they are: those of the eight regions of one slice hide what
            tells it from another one.
        mean, std: Global mean and standard deviation of the training slices in 0..1, which the
            input is normalised by.

    Raises:
        ValueError: A choice is not among those named.
        DependencyError: torchvision is missing.
    """

    def __init__(
        self,
        affinities: int = 8,
        slice_classes: Sequence[str] = SLICE_CLASSES,
        refinement: str = "three blocks",
        bottleneck: str = "half",
        conv_reduce: bool = False,
        scales: Sequence[int] = SCALES,
        least_overlap: float = LEAST_OVERLAP,
        fixed_statistics: bool = False,
        mean: float = 0.0,
        std: float = 1.0,
    ):
        super().__init__()
        if not std > 0:
            raise ValueError("the standard deviation must be above 0")
        if not BACKGROUND_OVERLAP <= least_overlap <= 1:
            raise ValueError("the least overlap must be from 0.5 to 1")
        if isinstance(slice_classes, str) or len(set(slice_classes)) < 2:
            raise ValueError("there must be at least two classes of slices")
        self.mean, self.std = mean, std
        self.fixed_statistics = fixed_statistics
        detector = _mask_rcnn(tuple(scales), least_overlap)
        self.body: nn.Module = detector.backbone.body
        self.fpn: nn.Module = detector.backbone.fpn
        self.rpn: Any = detector.rpn
        self.roi: Any = detector.roi_heads
        self.branch = ClassificationBranch(self.roi, conv_reduce)
        self.affinity = AffinityLayer(REGIONS, CHANNELS, affinities, refinement, bottleneck)
        self.classifier = SliceClassHead(CHANNELS, len(slice_classes))
        # Stored once: a fifth of the file would be copies.
        self.register_state_dict_post_hook(drop_copies)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(  # type: ignore[no-untyped-call]
            restore_copies
        )

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if self.fixed_statistics:
            self.affinity.eval()
        return self

    @property
    def encoder(self) -> nn.Module:
        """The body, for which published weights can be given."""
        return self.body

    def features(self, image: Tensor) -> dict[str, Tensor]:
        """Features (n, 256, rows / 16, columns / 16), by the name torchvision wants."""
        normalised = ((image - self.mean) / self.std).expand(-1, 3, -1, -1)
        found: dict[str, Tensor] = self.fpn(self.body(normalised))
        return found

    def forward(self, image: Tensor) -> Tensor:
        affinities, _ = self._affinities(image, self.features(image))
        return self._logits(affinities)

    def losses(self, image: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """The five losses of Mask R-CNN (Eq. 8's L_SEG is their sum).

        Args:
            image: (n, 1, rows, columns), each with lesions.
            targets: For each: ``boxes`` float32 (n, 4), ``labels`` int64 (n,) of ones and ``masks``
                uint8 (n, rows, columns).
        """
        features = self.features(image)
        with _training(self.rpn, True), _training(self.roi, True):
            proposals, of_proposals = self.rpn(_images(image), features, targets)
            _, of_regions = self.roi(features, proposals, _sizes(image), targets)
        return {**of_proposals, **of_regions}

    @torch.no_grad()
    def detect(self, image: Tensor) -> list[Detections]:
        """Lesions and class of every slice."""
        features = self.features(image)
        with _training(self.rpn, False), _training(self.roi, False):
            proposals, _ = self.rpn(_images(image), features)
            found, _ = self.roi(features, proposals, _sizes(image))
        affinities, whole = self._affinities(image, features, proposals)
        logits = self._logits(affinities)
        return [
            Detections(one["boxes"], one["scores"], one["masks"][:, 0], of_class, y, none)
            for one, of_class, y, none in zip(found, logits, affinities, whole, strict=True)
        ]

    def copy_to_branch(self) -> None:
        """Copy the weights of the segmentation branch into the classification branch."""
        self.branch.copy_from(self.roi)

    def _logits(self, affinities: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.affinity.feature(affinities))
        return logits

    def _affinities(
        self, image: Tensor, features: dict[str, Tensor], proposals: list[Tensor] | None = None
    ) -> tuple[Tensor, list[bool]]:
        """Y (n, C*, 256) of the regions that classify, and which slices had no region."""
        with torch.no_grad():
            if proposals is None:
                with _training(self.rpn, False):
                    proposals, _ = self.rpn(_images(image), features)
            sizes = _sizes(image)
            boxes = [
                self.branch.best_boxes({"0": features["0"][n : n + 1]}, proposal, sizes[n])
                for n, proposal in enumerate(proposals)
            ]
        regions = self.branch(features, [filled(box, *sizes[0]) for box in boxes], sizes)
        affinities = self.affinity.representation(self.affinity.vectors(regions))
        return affinities, [len(box) == 0 for box in boxes]


class _Backbone(nn.Module):
    """Holds both parts for torchvision's constructor, which asks for the channels."""

    out_channels = CHANNELS

    def __init__(self, body: nn.Module, fpn: nn.Module):
        super().__init__()
        self.body, self.fpn = body, fpn


def _mask_rcnn(scales: tuple[int, ...], least_overlap: float) -> Any:
    """torchvision's Mask R-CNN with the paper's parts and numbers."""
    try:
        from torchvision.models import resnet18
        from torchvision.models._utils import IntermediateLayerGetter
        from torchvision.models.detection.anchor_utils import AnchorGenerator
        from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
        from torchvision.models.detection.mask_rcnn import (
            MaskRCNN,
            MaskRCNNHeads,
            MaskRCNNPredictor,
        )
        from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
    except (ImportError, OSError, RuntimeError) as error:
        # RuntimeError is how a torchvision that was built for another PyTorch fails.
        raise DependencyError(
            "This network needs the Python package torchvision, made for the PyTorch that is "
            "installed: install or repair it (group 'encoders' of this software)."
        ) from error
    body = IntermediateLayerGetter(resnet18(weights=None), {"layer3": "0"})
    return MaskRCNN(
        _Backbone(body, FeaturePyramidNetwork([CHANNELS], CHANNELS)),
        rpn_anchor_generator=AnchorGenerator((scales,), (RATIOS,)),
        rpn_pre_nms_top_n_train=400,
        rpn_pre_nms_top_n_test=400,
        rpn_post_nms_top_n_train=200,
        rpn_post_nms_top_n_test=200,
        rpn_nms_thresh=0.75,
        rpn_fg_iou_thresh=0.7,
        rpn_bg_iou_thresh=0.3,
        rpn_batch_size_per_image=256,
        rpn_positive_fraction=0.75,
        box_roi_pool=MultiScaleRoIAlign(["0"], 7, 2),
        box_head=TwoMLPHead(CHANNELS * 7 * 7, 128),
        box_predictor=FastRCNNPredictor(128, 2),
        box_score_thresh=0.05,
        box_nms_thresh=0.5,
        box_detections_per_img=MOST_DETECTIONS,
        box_fg_iou_thresh=least_overlap,
        box_bg_iou_thresh=BACKGROUND_OVERLAP,
        box_batch_size_per_image=256,
        box_positive_fraction=0.75,
        mask_roi_pool=MultiScaleRoIAlign(["0"], 14, 2),
        mask_head=MaskRCNNHeads(CHANNELS, (CHANNELS,), 1),
        mask_predictor=MaskRCNNPredictor(CHANNELS, CHANNELS, 2),
    )


def _images(image: Tensor) -> Any:
    from torchvision.models.detection.image_list import ImageList

    return ImageList(image, _sizes(image))


def _sizes(image: Tensor) -> list[tuple[int, int]]:
    rows, columns = image.shape[-2:]
    return [(int(rows), int(columns))] * len(image)


@contextmanager
def _training(module: nn.Module, training: bool) -> Iterator[None]:
    """The module, which has no batch normalisation, in training or test mode within the block."""
    before = module.training
    module.train(training)
    try:
        yield
    finally:
        module.train(before)
