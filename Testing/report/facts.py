"""Facts that fabricated results of the cli suites share."""

from __future__ import annotations


def member(trained: bool = True) -> dict:
    """What a report says of one network."""
    return {
        "title": "AMC-Net",
        "paper": "Pal Das et al. 2022",
        "parameters": 3_346_381,
        "weights": "trained" if trained else "random, seed 0",
        "weights_sha256": "0" * 64 if trained else None,
        "weights_licence": "CC-BY-NC-SA-4.0" if trained else None,
        "device": "cpu",
        "hardware": "a processor",
        "precision": "float32",
    }
