"""The networks that COVID-Rate is compared with in Table 4, beside variants of itself.

Source: Enshaei, Oikonomou, Rafiee et al., "COVID-rate", Scientific Reports 12 (2022),
doi:10.1038/s41598-022-06854-9. The paper names "Standard U-Net", Attention U-Net (Oktay et al.,
arXiv:1804.03999) and U-Net++ (Zhou et al., DLMIA 2018), and gives neither layers nor parameters:
these are our readings, built from MONAI's networks with batch normalisation and ReLU. "Residual
U-Net with CPB" and "COVID-Rate without CPB" are :class:`~.covid_rate.COVIDRate` with other
arguments.

All take images (batch, 1, rows, columns) and give logits of the same shape; rows and columns are
multiples of 16.
"""

from __future__ import annotations

from monai.networks.nets.attentionunet import AttentionUnet
from monai.networks.nets.basic_unetplusplus import BasicUNetPlusPlus
from torch import Tensor, nn

from .cascade import FILTERS, PlainUNet

_UNET_PLUS_PLUS = (32, 64, 128, 256, 512)


def standard_unet() -> nn.Module:
    """U-Net of 64 to 1024 filters, as Ronneberger et al. have it; 31,042,369 parameters."""
    return PlainUNet(channels=1)


def attention_unet() -> nn.Module:
    """Attention U-Net of 64 to 1024 filters, MONAI's; 31,739,185 parameters.

    It halves rows and columns by convolutions of stride 2, where Oktay et al. pool.
    """
    return AttentionUnet(
        spatial_dims=2,
        in_channels=1,
        out_channels=1,
        channels=FILTERS,
        strides=[2] * (len(FILTERS) - 1),
    )


class UNetPlusPlus(nn.Module):
    """U-Net++ of 32 to 512 filters, as Zhou et al. have it, without deep supervision.

    Image (batch, 1, rows, columns), both multiples of 16, to logits of the same shape. 9,118,657
    parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        self.nested = BasicUNetPlusPlus(
            spatial_dims=2,
            in_channels=1,
            out_channels=1,
            features=(*_UNET_PLUS_PLUS, _UNET_PLUS_PLUS[0]),
            act=("relu", {"inplace": True}),
            norm="batch",
        )
        for level in (1, 2, 3):  # heads of deep supervision, which nothing would train
            setattr(self.nested, f"final_conv_0_{level}", nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.nested(x)[0]  # one for each head, of which there is one
        return logits
