"""A retrained model joins the user's models, and becomes their default if it may."""

from __future__ import annotations

from pathlib import Path

from ..engine.errors import ModelError
from ..engine.models.catalogue import load_catalogue
from ..engine.models.registry import add_folder
from ..engine.models.retrained import load_retrained
from ..engine.models.user_models import promote
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress
from .options import KeepRetrainedOptions


def keep_retrained(
    options: KeepRetrainedOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> str:
    """Verify a retrained model and add it to the user's; one that is there already stays.

    Args:
        options: The folder of the model, and whether it becomes the default.
        out: Not used: the folder of the user's models is written to.
        progress: Called with progress.
        cancel: Looked at before anything is written.

    Returns:
        The model's id.

    Raises:
        InputError: The folder holds no complete retrained model.
        ModelError: It may not be promoted, is damaged, or its id is taken.
        OutputError: The folder of the user's models cannot be written to.
        Cancelled: ``cancel`` was set.
    """
    retrained = load_retrained(options.folder)
    decision = retrained.promotion
    if options.promote and not decision.allowed:
        raise ModelError(f"{decision.reason} The model can be kept without being promoted.")
    progress(Progress("Adding the model", 0.1))
    (cancel or CancelToken()).raise_if_cancelled()
    if not load_catalogue().is_taken(retrained.model):
        add_folder(options.folder)
    if options.promote:
        model = load_catalogue().get(retrained.model)
        promote(model.id, model.card.trained_weights.sha256)
    progress(Progress("Done", 1.0))
    return retrained.model
