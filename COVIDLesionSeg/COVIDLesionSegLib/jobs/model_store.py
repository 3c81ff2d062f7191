"""What is done with models as files: import, export, download, verify, make the default."""

from __future__ import annotations

import json
from pathlib import Path

from ..engine.errors import InputError
from ..engine.files import atomic_folder
from ..engine.models.catalogue import load_catalogue
from ..engine.models.weights_file import read_weights
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .options import ImportModelOptions, StoredModelOptions

_FACTS = "models.json"
_ARCHIVE = ".zip"


def import_model(
    options: ImportModelOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> list[str]:
    """Verify a model and add it to the user's own.

    Args:
        options: The archive, card or folder, and maybe another id.
        out: A new folder for the ids of the new models, see :func:`load_model_ids`.
        progress: Called with progress.
        cancel: Looked at before anything is written.

    Returns:
        Ids of the models that were added.

    Raises:
        InputError: The file is no model, or cannot be read.
        ModelError: Card or weights are damaged, the id is taken or unsafe, or it is not known which
            of an nnU-Net's labels are lesions.
        DependencyError: A package that the network is built from is missing.
        OutputError: The folder of the user's models, or ``out``, cannot be written.
        Cancelled: ``cancel`` was set; nothing was added.
    """
    progress(Progress("Loading the software", 0.0))
    from ..engine.models.monai_bundle import import_bundle
    from ..engine.models.registry import add_card_file, add_folder

    (cancel or CancelToken()).raise_if_cancelled()
    progress(Progress("Verifying the model", 0.5))
    path, model_id = options.file, options.model_id
    if path.is_dir() or options.lesion_labels:
        models = add_folder(path, model_id, options.trust, options.lesion_labels)
    elif path.suffix.lower() == _ARCHIVE:
        models = (import_bundle(path, model_id),)
    else:
        models = add_card_file(path, model_id)
    return _answer(out, [model.id for model in models])


def export_model(
    options: StoredModelOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Path:
    """Write a model into one file, for another computer.

    Args:
        options: The model.
        out: The zip file; an earlier one is replaced.
        progress: Called with progress.
        cancel: Looked at before anything is written.

    Raises:
        ModelError: There is no such model, or its weights are absent or damaged.
        OutputError: The file cannot be written.
        Cancelled: ``cancel`` was set; there is no new file.
    """
    progress(Progress("Loading the software", 0.0))
    from ..engine.models.monai_bundle import export_bundle

    (cancel or CancelToken()).raise_if_cancelled()
    progress(Progress("Writing the model", 0.5))
    export_bundle(load_catalogue().get(options.model_id), Path(out))
    return Path(out)


def download_model(
    options: StoredModelOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> list[str]:
    """Download the weights of a model from the address on its card, see
    :func:`~COVIDLesionSegLib.engine.models.weights_download.download_weights`.

    Args:
        options: The model.
        out: A new folder for the model's id, see :func:`load_model_ids`.
        progress: Called with progress.
        cancel: Set it to stop between two pieces.
    """
    from ..engine.models.weights_download import download_weights

    model = load_catalogue().get(options.model_id)
    download_weights(model.card, progress, cancel)
    return _answer(out, [model.id])


def verify_model(
    options: StoredModelOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> list[str]:
    """Compare a model's weights file with the checksum on its card.

    Args:
        options: The model.
        out: A new folder for the model's id, see :func:`load_model_ids`.
        progress: Called with progress.
        cancel: Looked at before the file is read.

    Raises:
        ModelError: There is no such model, it has no weights, or they are absent or damaged.
    """
    progress(Progress("Reading the weights", 0.0))
    (cancel or CancelToken()).raise_if_cancelled()
    model = load_catalogue().get(options.model_id)
    read_weights(model)
    return _answer(out, [model.id])


def make_default(
    options: StoredModelOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> list[str]:
    """Make a model the default of panel, console and command line, if its weights can be used.

    Args:
        options: The model.
        out: A new folder for the model's id, see :func:`load_model_ids`.
        progress: Called with progress.
        cancel: Looked at before anything is changed.

    Raises:
        ModelError: There is no such model, or its weights are absent or damaged.
        OutputError: The list of promotions cannot be written.
    """
    progress(Progress("Verifying the model", 0.0))
    from ..engine.models import registry

    (cancel or CancelToken()).raise_if_cancelled()
    registry.make_default(options.model_id)
    return _answer(out, [options.model_id])


def load_model_ids(folder: Path) -> list[str]:
    """Read the ids that a job of this file wrote; raises InputError if they are not complete."""
    try:
        return [
            str(model_id) for model_id in json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        ]
    except (OSError, ValueError, TypeError) as error:
        raise InputError("The background process gave no answer: try again.") from error


def _answer(out: Path, ids: list[str]) -> list[str]:
    with atomic_folder(Path(out)) as staging:
        (staging / _FACTS).write_text(json.dumps(ids), encoding="utf-8")
    return ids
