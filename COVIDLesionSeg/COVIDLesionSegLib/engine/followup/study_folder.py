"""A study as a folder of files, exact to the last bit: how one process gives it to another."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import write_bytes
from ..flags import Flag
from ..steps import Steps
from ..volume import Volume, read_array
from ..volume.exact import load_volume, save_volume_in_steps
from ..volume.raw_nrrd import write_in_steps
from .study import Study

STUDY_FILE = "compared-study.json"
"""Marks such a folder; ``study.json`` is what the job ``study`` writes."""
_FORMAT, _VERSION = "covid-lesion-seg-compared-study", 3


def save_study_in_steps(study: Study, folder: Path) -> Steps[None]:
    """Write a study with its CT into an existing, private folder, in short steps.

    Lobes and day are left out. The patient is a mark that says nothing by itself, as
    :func:`~COVIDLesionSegLib.scene.patients.patient_marks` gives it.

    Raises:
        OutputError: The folder cannot be written.
    """
    assert study.hu is not None  # a window has the CT
    yield from save_volume_in_steps(Volume(study.hu, study.geometry), folder)
    for name in ("lungs", "lesions"):
        yield from write_in_steps(getattr(study, name), study.geometry, folder / f"{name}.nrrd")
    facts = {
        "format": _FORMAT,
        "version": _VERSION,
        "classes": list(study.classes),
        "models": study.models,
        "parameters": study.parameters,
        "flags": [asdict(flag) for flag in study.flags],
        "patient": study.patient,
    }
    write_bytes(json.dumps(facts, indent=1).encode(), folder / STUDY_FILE)


def load_study(folder: Path) -> Study:
    """Read what :func:`save_study_in_steps` wrote.

    Raises:
        InputError: The folder holds no complete study.
    """
    try:
        facts = json.loads((folder / STUDY_FILE).read_text(encoding="utf-8"))
        if (facts["format"], facts["version"]) != (_FORMAT, _VERSION):
            raise InputError("It was written by another version.")
        volume = load_volume(folder)
        lungs, lesions = (
            read_array(folder / f"{name}.nrrd")[0].astype(np.uint8) for name in ("lungs", "lesions")
        )
        return Study(
            geometry=volume.geometry,
            lungs=lungs,
            lesions=lesions,
            classes=tuple(facts["classes"]),
            hu=volume.array,
            models=dict(facts["models"]),
            parameters=dict(facts["parameters"]),
            flags=tuple(Flag.from_dict(flag) for flag in facts["flags"]),
            patient=facts["patient"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("The folder holds no complete study: compare again.") from error
