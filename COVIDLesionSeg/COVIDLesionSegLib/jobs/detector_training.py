"""A detector learns to find lesions one by one, and to tell the class of a slice."""

from __future__ import annotations

from pathlib import Path

from ..engine.choices import BOTTLENECKS, REFINEMENTS
from ..engine.data.training_data import read_training_data
from ..engine.detection.held_out import evaluate_detector
from ..engine.detection.training import DETECTION, FIXED_STATISTICS, detector_recipe, start_from
from ..engine.files import output_path
from ..engine.progress import CancelToken, ProgressCallback, ignore_progress
from ..engine.training.augmentation import Augmentation
from ..engine.training.export import export_model
from ..engine.training.new_model import check_held_out
from ..engine.training.trainer import fit, silence_lightning
from ..report.training import write_curves
from .options import TrainDetectorOptions
from .training_run import Trained, encoder_of, make_model_folder, new_model, parent_for

CLASSES = ("clean", "infected")
_AUGMENTATION = Augmentation(
    rotation_degrees=10.0,
    shift=0.05,
    zoom=0.1,
    flip=0.5,
    window_low_hu=(-1250.0, -925.0),
    window_high_hu=(50.0, 350.0),
    noise=0.02,
    kernel=0.1,
)


def train_detector(
    options: TrainDetectorOptions,
    out: Path,
    *,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Trained:
    """Train a detector; write card, weights, learning curve and checkpoints.

    Args:
        options: What it learns from, for how long, and on what.
        out: A new folder, or the folder of a training to resume.
        progress: Called with progress.
        cancel: Set it to stop the job after a step; it can be resumed.

    Raises:
        CovidLesionSegError: One of its kinds.
        Cancelled: ``cancel`` was set.
    """
    cancel = cancel or CancelToken()
    out = output_path(out)
    silence_lightning()
    parent = parent_for(options.model_id, options.network)
    own = parent.card.arguments.get("slice_classes", CLASSES) if options.fine_tune else CLASSES
    classes = options.classes or tuple(own)
    data = read_training_data(
        options.slices,
        options.validate,
        options.clean_ct,
        options.clean_labels,
        options.clean_name,
        with_lungs=True,
        cancel=cancel,
        infected_class=classes[-1],
    )
    recipe = detector_recipe(
        parent.card,
        data.training,
        classes,
        fine_tune=options.fine_tune,
        arguments=_arguments(options),
        input_size=options.input_size,
        steps=options.steps,
        learning_rate=options.learning_rate,
        schedule=options.schedule,
        precision=options.precision,
        augmentation=_AUGMENTATION if options.augment else None,
    )
    on_encoder, notes = encoder_of(options.encoder_weights)
    start = on_encoder(recipe) if on_encoder else None
    if options.fine_tune:
        check_held_out(parent.card, data.held_out_patients)
        start = start_from(parent, recipe)
    make_model_folder(out, options.resume)
    network = fit(
        recipe,
        data.training,
        out,
        cancel,
        validation=data.validation,
        start=start,
        resume=options.resume,
        device=options.device,
        workers=options.workers,
        progress=progress,
        method=DETECTION,
    )
    write_curves(out)
    new = new_model("train-detector", options, parent, fine_tuned=options.fine_tune, notes=notes)
    exported = export_model(
        network, recipe, data, out, new, evaluate_detector, eight_bit=options.eight_bit
    )
    return Trained(exported.card)


def _arguments(options: TrainDetectorOptions) -> dict[str, object]:
    """Arguments of the network that differ from the paper's."""
    chosen: dict[str, object] = {}
    if options.refinement != REFINEMENTS[0]:
        chosen["refinement"] = options.refinement
    if options.bottleneck != BOTTLENECKS[0]:
        chosen["bottleneck"] = options.bottleneck
    if options.scales:
        chosen["scales"] = options.scales
    if options.least_overlap is not None:
        chosen["least_overlap"] = options.least_overlap
    if options.fixed_statistics:
        chosen[FIXED_STATISTICS] = True
    return chosen
