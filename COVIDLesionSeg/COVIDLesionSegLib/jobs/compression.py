"""A trained model with its weights in 8 bits."""

from __future__ import annotations

from pathlib import Path

from ..engine.data.slice_folder import read_slice_folder
from ..engine.evaluation.compression import Compressed, compress_weights
from ..engine.files import output_path
from ..engine.inference.allocator import tune_allocator
from ..engine.models.catalogue import load_catalogue
from ..engine.progress import CancelToken, Progress, ProgressCallback, ignore_progress, sub_progress
from .options import CompressOptions
from .training_run import make_model_folder


def compress(
    options: CompressOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Compressed:
    """Store a model's weights in 8 bits, where no patient's Dice moves by more than 0.002.

    Args:
        options: The model, and the patients to try it on.
        out: A new folder, for the card and the weights.
        progress: Called with progress.
        cancel: Set it to stop the job between two patients.

    Raises:
        CovidLesionSegError: One of its kinds; ModelError where a patient's Dice would move by more.
        Cancelled: ``cancel`` was set.
    """
    cancel = cancel or CancelToken()
    out = output_path(out)
    progress(Progress("Starting", 0.0))
    model = load_catalogue().get(options.model_id)
    make_model_folder(out, resume=False)
    tune_allocator()
    folders = (read_slice_folder(folder, with_lungs=True) for folder in options.slices)
    slices = [item for folder in folders for item in folder]
    found = compress_weights(model, slices, out, sub_progress(progress, 0.02, 0.99), cancel)
    progress(Progress("Done", 1.0))
    return found
