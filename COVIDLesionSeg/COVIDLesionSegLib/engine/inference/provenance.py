"""What a result was made with, so that it can be made again."""

from __future__ import annotations

from typing import Any

from ... import RESEARCH_USE_NOTICE
from ..models.card import ModelCard, Weights
from ..models.catalogue import Model
from ..models.nnunet_folder import CHECKPOINTS
from ..models.weights import UNTRAINED_SEED
from ..networks.nnunet import NAME as NNUNET
from ..parameters import Parameters
from ..software import describe_software
from ..volume import Volume
from ..volume.fingerprint import FINGERPRINT, fingerprint
from .device import ComputePlan


def describe_run(
    volume: Volume,
    parameters: Parameters,
    lungs: dict[str, Any],
    members: list[tuple[Model, ComputePlan]],
    seconds: dict[str, float],
    slice_classifier: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """JSON-ready facts about one run; no patient data, no paths, no user names.

    Args:
        volume: The CT.
        parameters: Parameters of the run.
        lungs: How the lungs were found, ready for JSON.
        members: The models that voted, each with what it ran on.
        seconds: Wall time of each stage.
        slice_classifier: How clean slices were recognised, ready for JSON; None if they were not.
    """
    return {
        "software": describe_software(),
        "models": {model.id: describe_model(model.card, plan) for model, plan in members},
        "lungs": lungs,
        **({"slice_classifier": slice_classifier} if slice_classifier else {}),
        "parameters": parameters.to_dict(),
        "seconds": {stage: round(duration, 3) for stage, duration in seconds.items()},
        "input": {**volume.source, FINGERPRINT: fingerprint(volume)},
        "notice": RESEARCH_USE_NOTICE,
    }


def describe_model(card: ModelCard, plan: ComputePlan) -> dict[str, Any]:
    """A model of the catalogue, its weights, and what it ran on."""
    facts = describe_network(card.title, card.paper, card.parameters, card.weights, plan)
    if card.network == NNUNET:
        facts[CHECKPOINTS] = card.training.get(CHECKPOINTS)
        if plan.device == "cuda":  # where nnunetv2 computes so
            facts["precision"] = "float16"
    return facts


def describe_network(
    title: str, paper: str, parameters: int, weights: Weights | None, plan: ComputePlan
) -> dict[str, Any]:
    """A network, its weights, and what it ran on."""
    return {
        "title": title,
        "paper": paper,
        "parameters": parameters,
        "weights": "trained" if weights else f"random, seed {UNTRAINED_SEED}",
        "weights_sha256": weights.sha256 if weights else None,
        "weights_licence": weights.licence if weights else None,
        "device": plan.device,
        "hardware": plan.name,
        "precision": "bfloat16" if plan.bfloat16 else "float32",
    }
