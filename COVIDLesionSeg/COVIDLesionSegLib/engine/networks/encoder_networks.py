"""U-Nets and feature pyramids on classification encoders, from segmentation-models-pytorch.

Sources: Qiblawey et al., Diagnostics 2021;11(5):893, section 2.3: U-Net and FPN on ResNet18/50/152
and DenseNet121/161/201. Pal et al., "EAMC", medRxiv 2022.12.21.22283793, Table 6: the "Inception
Net" and the "DenseNet" that AMC-Net is compared with.

All take images (batch, 1, rows, columns) and give logits (batch, channels, rows, columns) of the
same size; rows and columns are multiples of 32, of 16 for the two of EAMC. Nothing is downloaded:
weights are random here, and the card's own afterwards.
"""

from __future__ import annotations

from types import ModuleType

from torch import nn

from ..errors import DependencyError


def encoder_unet(encoder: str, channels: int = 2) -> nn.Module:
    """U-Net on ``encoder``, a name of segmentation-models-pytorch such as ``"densenet161"``.

    Decoder 256, 128, 64, 32, 16. The head is that package's 3x3 convolution; the paper's text has
    1x1.

    Raises:
        ValueError: There is no such encoder.
        DependencyError: A package that this network is built from is missing.
    """
    return _library().Unet(_known(encoder), encoder_weights=None, in_channels=1, classes=channels)


def encoder_fpn(encoder: str, channels: int = 2) -> nn.Module:
    """Feature pyramid network on ``encoder``: the four levels are concatenated, not added.

    The concatenated 4 x 128 channels, a quarter of the image's size, pass one 3x3 convolution to
    logits, which are enlarged four times.

    Raises:
        ValueError: There is no such encoder.
        DependencyError: A package that this network is built from is missing.
    """
    network = _library().FPN(
        _known(encoder),
        encoder_weights=None,
        in_channels=1,
        classes=channels,
        decoder_merge_policy="cat",
    )
    # The paper convolves with 3x3, the package with 1x1.
    head = nn.Conv2d(network.decoder.out_channels, channels, kernel_size=3, padding=1)
    nn.init.xavier_uniform_(head.weight)
    nn.init.zeros_(head.bias)
    network.segmentation_head[0] = head
    return network


def inception_unet() -> nn.Module:
    """U-Net on Inception v4 with four poolings and the decoder of EAMC's own networks; one channel.

    The paper states 11.99M parameters and no layers; this reading has 17,971,569. Inception v4 is
    the package's only Inception that is not combined with residuals and keeps image borders.
    """
    network = _four_poolings("inceptionv4")
    # The package keeps, and computes, the layers below the fourth pooling, which nothing uses.
    network.encoder.features = network.encoder.features[:15]
    return network


def densenet_unet() -> nn.Module:
    """U-Net on DenseNet-121 with four poolings and the decoder of EAMC's own networks; one channel.

    The paper states 4.26M parameters and no layers; this reading has 6,490,193.
    """
    return _four_poolings("tu-densenet121")


def _four_poolings(encoder: str) -> nn.Module:
    return _library().Unet(
        encoder,
        encoder_depth=4,
        encoder_weights=None,
        decoder_channels=(128, 64, 32, 16),
        in_channels=1,
        classes=1,
    )


def _known(encoder: str) -> str:
    known = _library().encoders.get_encoder_names()
    if encoder not in known:
        raise ValueError(f"{encoder!r} is no encoder; for example 'resnet18' or 'densenet121' is")
    return encoder


def _library() -> ModuleType:
    # Imported when such a network is built: all other networks work without it.
    try:
        import segmentation_models_pytorch
    except (ImportError, OSError, RuntimeError) as error:
        # RuntimeError is how a torchvision that was built for another PyTorch fails.
        raise DependencyError(
            "This network needs the Python packages segmentation-models-pytorch and torchvision, "
            "the latter made for the PyTorch that is installed: install or repair them (group "
            "'encoders' of this software)."
        ) from error
    return segmentation_models_pytorch
