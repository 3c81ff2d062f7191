"""The slices that enhancement selected, in a file, so that a resumed training uses the same."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.labelled import LabelledImage
from ..errors import InputError
from ..files import write_bytes


def write_selection(
    slices: Sequence[LabelledImage], chosen_by: Mapping[str, Any], path: Path
) -> None:
    """Write slices in HU, compressed; the file is complete or absent.

    Args:
        slices: See :attr:`~.confidence.Enhancement.slices`.
        chosen_by: What determined the selection, ready for JSON.
        path: A file ``.npz``.

    Raises:
        OutputError: It cannot be written.
    """
    named = [[item.name, item.patient, *item.sources] for item in slices]
    facts = {"chosen_by": chosen_by, "slices": named}
    arrays: dict[str, Any] = {"facts": np.array(json.dumps(facts))}
    for number, item in enumerate(slices):
        arrays[f"image-{number}"], arrays[f"lesion-{number}"] = item.image, item.lesion
        if item.lungs is not None:
            arrays[f"lungs-{number}"] = item.lungs
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    write_bytes(data.getvalue(), path)


def read_selection(chosen_by: Mapping[str, Any], path: Path) -> list[LabelledImage]:
    """The slices of a file that :func:`write_selection` wrote.

    Raises:
        InputError: The file is damaged, or the slices were selected from other data or by another
            model.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes())) as arrays:
            facts = json.loads(str(arrays["facts"]))
            slices = [
                LabelledImage(
                    name=name,
                    patient=patient,
                    image=arrays[f"image-{number}"],
                    windowed=False,
                    lesion=arrays[f"lesion-{number}"],
                    lungs=arrays.get(f"lungs-{number}"),
                    pseudo=True,
                    sources=tuple(sources),
                )
                for number, (name, patient, *sources) in enumerate(facts["slices"])
            ]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{path.name} is damaged: choose another folder.") from error
    if facts["chosen_by"] != json.loads(json.dumps(chosen_by)):
        raise InputError(
            "The folder holds slices that were chosen from other data, or by another model: resume "
            "with the same, or choose another folder."
        )
    return slices
