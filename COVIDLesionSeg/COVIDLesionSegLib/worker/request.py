"""A job as a folder of files: the CT and the parameters that a worker process starts from."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ..engine.errors import InputError, OutputError
from ..engine.parameters import Parameters
from ..engine.result import geometry_from_facts
from ..engine.volume import Volume, read_array, write_volume

REQUEST_FILE = "request.json"
CT_FILE = "ct.nrrd"
RESULT_FOLDER = "result"
PROGRESS_FILE = "progress.jsonl"
"""What the worker tells, where its parent redirects that into a file."""
LOG_FILE = "worker.log"
"""What else the worker prints, where its parent redirects that into a file."""


def save_request(volume: Volume, parameters: Parameters, folder: Path | str) -> Path:
    """Write the CT (HU, shape (k, j, i)) and the parameters into an existing, private folder.

    Returns:
        The request file, the worker's only argument.

    Raises:
        OutputError: The folder cannot be written.
    """
    folder = Path(folder)
    facts = {
        "geometry": asdict(volume.geometry),
        "source": volume.source,
        "warnings": list(volume.warnings),
        "parameters": parameters.to_dict(),
    }
    try:
        write_volume(volume.array, volume.geometry, folder / CT_FILE, compress=False)
        (folder / REQUEST_FILE).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    except (OSError, OutputError) as error:
        raise OutputError(
            "The CT cannot be handed to the segmentation process: is the temporary folder full?"
        ) from error
    return folder / REQUEST_FILE


def load_request(path: Path | str) -> tuple[Volume, Parameters]:
    """Read what :func:`save_request` wrote; the volume is the same, bit for bit.

    Raises:
        InputError: The file is no complete request.
        ParameterError: A parameter is unknown or out of range.
    """
    path = Path(path)
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        volume = Volume(
            array=read_array(path.parent / CT_FILE)[0],
            geometry=geometry_from_facts(facts["geometry"]),
            source=dict(facts["source"]),
            warnings=tuple(facts["warnings"]),
        )
        parameters = dict(facts["parameters"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InputError) as error:
        raise InputError(f"{path.name} is not a complete segmentation request.") from error
    return volume, Parameters.from_dict(parameters)


def remove_request(folder: Path) -> None:
    """Remove what a job writes into its private folder, and the folder itself if that empties it.

    A file of any other name stays, and with it the folder. What cannot be removed yet, because it
    is being written, stays too: call again.
    """
    for name in (REQUEST_FILE, CT_FILE, PROGRESS_FILE, LOG_FILE):
        with suppress(OSError):
            (folder / name).unlink()
    for result in (folder / RESULT_FOLDER, *folder.glob(f".{RESULT_FOLDER}-*")):
        shutil.rmtree(result, ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()
