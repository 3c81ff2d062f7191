"""The plain U-Net that the cascade's networks are compared with.

Source: Ronneberger, Fischer, Brox, MICCAI 2015, with the padded convolutions and batch
normalisation of today; Qiblawey et al., Diagnostics 2021;11(5):893, section 2.3, use it beside
U-Nets on encoders. Built from MONAI's blocks.
"""

from __future__ import annotations

from itertools import pairwise

from monai.networks.nets.basic_unet import Down, TwoConv, UpCat
from torch import Tensor, nn

FILTERS = (64, 128, 256, 512, 1024)


class PlainUNet(nn.Module):
    """U-Net: image (batch, 1, rows, columns) to logits (batch, channels, rows, columns).

    Five levels of 64 to 1024 filters, each two 3x3 convolutions with bias, batch normalisation and
    ReLU; maximum pooling; 2x2 transposed convolutions; 1x1 head. 31,042,434 parameters with two
    channels. Rows and columns must be multiples of 16.
    """

    def __init__(self, channels: int = 2):
        super().__init__()
        block = {"act": ("relu", {"inplace": True}), "norm": "batch", "bias": True}
        self.stem = TwoConv(2, 1, FILTERS[0], **block)
        self.encoder = nn.ModuleList(
            Down(2, above, below, **block) for above, below in pairwise(FILTERS)
        )
        self.decoder = nn.ModuleList(
            UpCat(2, below, above, above, **block, upsample="deconv")
            for above, below in reversed([*pairwise(FILTERS)])
        )
        self.head = nn.Conv2d(FILTERS[0], channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        features = [self.stem(x)]
        for stage in self.encoder:
            features.append(stage(features[-1]))
        x = features.pop()
        for stage in self.decoder:
            x = stage(x, features.pop())
        return self.head(x)
