"""What a MONAI bundle says of itself, from a model's card."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ... import RESEARCH_USE_NOTICE, __version__
from .card import ModelCard

_FINDS = {"lesions": "COVID-19 lesions on axial slices of chest CT", "lungs": "lungs on chest CT"}


def metadata_of(card: ModelCard) -> dict[str, Any]:
    """``configs/metadata.json`` of a MONAI bundle."""
    size = list(card.preprocessing.input_size or card.preprocessing.patch_size or ("*", "*"))
    image = {
        "type": "image",
        "format": "hounsfield",
        "modality": "CT",
        "num_channels": 1,
        "spatial_shape": size,
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": card.preprocessing.patch_size is not None,
        "channel_def": {"0": "image"},
    }
    answer = {
        **image,
        "format": "segmentation",
        "num_channels": len(card.channels),
        "channel_def": {str(n): name for n, name in enumerate(card.channels)},
    }
    return {
        "version": "1.0.0",
        "changelog": {"1.0.0": "exported"},
        "monai_version": version("monai"),
        "pytorch_version": version("torch"),
        "numpy_version": version("numpy"),
        "required_packages_version": {"COVIDLesionSeg": __version__},
        "name": card.title,
        "task": _FINDS[card.task],
        "description": f"{card.title}; {card.paper}. {RESEARCH_USE_NOTICE}",
        "authors": card.paper,
        "copyright": f"Weights: {card.weights.licence}",
        "intended_use": RESEARCH_USE_NOTICE,
        "references": [card.paper],
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": answer}},
    }


def readme_of(card: ModelCard) -> str:
    """``docs/README.md`` of a MONAI bundle."""
    scores = [
        f"| {score.metric} | {score.value:.4f} | {score.data} | {score.protocol} |"
        for score in card.scores
    ]
    table = ["| Measure | Value | Data | Protocol |", "|---|---|---|---|", *scores]
    return "\n".join(
        [
            f"# {card.title} (`{card.id}`)",
            "",
            f"{RESEARCH_USE_NOTICE}",
            "",
            f"Finds {_FINDS[card.task]}: {', '.join(card.classes)}. {card.paper}.",
            "",
            "Weights, preprocessing and training are described in `configs/card.json`. To use it: "
            "`covid-lesion-seg registry import FILE`.",
            "",
            f"Licence of the weights: {card.weights.licence}. {card.weights.licence_note}",
            "",
            *(table if scores else ["Its scores were not measured."]),
            "",
        ]
    )
