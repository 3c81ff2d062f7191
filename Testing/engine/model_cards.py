"""Cards of the user's own."""

import json

from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER


def packaged_card() -> dict:
    """The card of AMC-Net, for weights that are written as floats."""
    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text(encoding="utf-8"))
    card["weights"]["bits"] = None
    return card


def write_user_card(folder, name, **changes):
    """A card without weights, beside the others."""
    card = packaged_card() | {"id": name, "weights": None} | changes
    (folder / f"{name}.json").write_text(json.dumps(card), encoding="utf-8")
