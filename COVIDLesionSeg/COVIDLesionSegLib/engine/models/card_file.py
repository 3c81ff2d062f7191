"""Writes a model's card."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from ..files import write_bytes
from .card import ModelCard


def write_card(card: ModelCard, folder: Path) -> None:
    """Write ``<id>.json``; raises OutputError when it cannot be written."""
    text = json.dumps(asdict(card), indent=2, ensure_ascii=False) + "\n"
    write_bytes(text.encode(), folder / f"{card.id}.json")
