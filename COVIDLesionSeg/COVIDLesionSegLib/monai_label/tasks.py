"""What the server of MONAI Label can be asked for; each task calls a job."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from monailabel.interfaces.datastore import Datastore, DefaultLabelTag
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from monailabel.interfaces.tasks.scoring import ScoringMethod
from monailabel.interfaces.tasks.strategy import Strategy
from monailabel.interfaces.tasks.train import TrainTask

from .. import jobs
from ..engine.errors import CovidLesionSegError, in_one_sentence
from ..engine.labels import LUNG_LABELS
from ..engine.models.catalogue import load_catalogue
from ..engine.models.retrained import MODEL_FOLDER
from ..engine.parameters import DEVICES, Parameters
from ..engine.progress import Progress
from .choice import SCORE, TRY, begun, next_ct, score_of, state_of, to_score
from .labelled_cases import LabelledCt, collect_cases, names_of_values
from .prediction import (
    asked_parameters,
    chosen,
    describe,
    predict,
    settings,
    sureness,
    weights_of,
    write_label_map,
)

_REVIEWS = "reviews"
_LEARNING = ("seed", "slices_per_case", "correction_weight")
"""Options of a retraining that a client may set as they are."""
_log = logging.getLogger(__name__)


class Segment(InferTask):
    """Lesions, or the lungs alone, by the job ``segment_volume``."""

    def __init__(self, defaults: Parameters, title: str, classes: tuple[str, ...]) -> None:
        """Give lesions of these classes; without any, the lungs."""
        labels = {name: n for n, name in enumerate(classes, start=1)} if classes else LUNG_LABELS
        super().__init__(InferType.SEGMENTATION, dict(labels), 3, title, settings(defaults))
        self._defaults = defaults
        self._only_lungs = not classes

    def is_valid(self) -> bool:
        return True

    def __call__(self, request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The label map, on the grid of the CT, and what else is known of the result."""
        with _told_to_client():
            parameters = asked_parameters(request, self._defaults)
            volume, result = predict(Path(request["image"]), parameters, self._only_lungs)
            labels = result.lungs if self._only_lungs else result.lesions
            ending = request.get("result_extension") or ".nii.gz"
            path = write_label_map(labels, volume.geometry, ending)
            said = {} if self._only_lungs else describe(result)
            return str(path), {"label_names": dict(self.labels), **said}


class Retrain(TrainTask):
    """A model learns from the submitted labels, by the jobs ``retrain`` and ``keep_retrained``."""

    def __init__(self, model: str, folder: Path) -> None:
        """Fine-tune ``model``; what trainings leave lies in ``folder``, which the server makes."""
        super().__init__(
            f"Fine-tune {model} on the submitted labels, compare it with its parent on patients "
            "that are held out, and add it to your models."
        )
        self._model = model
        self._folder = folder

    def config(self) -> dict[str, Any]:
        options = jobs.RetrainOptions(model_id=self._model)
        return {
            "new_model": "",
            "steps": 0,
            **{name: getattr(options, name) for name in _LEARNING},
            "settings": "",
            "promote": False,
            "device": [options.device, *(device for device in DEVICES if device != options.device)],
        }

    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any]:
        """Train, in the process that the server starts for it.

        Returns:
            The new model's id, whether it became the default, whether it may and why, and the Dice
            of both models over the voxels of all held-out patients; None where none were held out.
        """
        new = request.get("new_model") or self._free_id()
        reviews = self._folder / _REVIEWS
        collect_cases(_labelled(datastore), self._model, reviews, _log.info)
        options = jobs.RetrainOptions(
            model_id=new,
            model=self._model,
            reviews=reviews,
            steps=int(request.get("steps") or 0) or None,
            settings=tuple(str(request.get("settings") or "").split()),
            device=chosen(request.get("device", "cpu")),
            **{name: request[name] for name in _LEARNING if name in request},
        )
        out = self._folder / new
        retrained = jobs.retrain(options, out, progress=_Told())
        decision = retrained.promotion
        promote = bool(request.get("promote")) and decision.allowed
        kept = jobs.KeepRetrainedOptions(folder=out / MODEL_FOLDER, promote=promote)
        jobs.keep_retrained(kept, out)
        both = retrained.comparison
        return {
            "model": retrained.model,
            "promoted": promote,
            "may_be_promoted": decision.allowed,
            "reason": decision.reason,
            "parent_dice": None if both is None else both.old.dice,
            "dice": None if both is None else both.new.dice,
        }

    def _free_id(self) -> str:
        catalogue, number = load_catalogue(), 1
        while True:
            name = f"{self._model[:50]}-label-{number}"
            if not catalogue.is_taken(name) and not (self._folder / name).exists():
                return name
            number += 1


class Sureness(ScoringMethod):
    """How sure a model is of each CT without a label, kept in the server's list of images."""

    def __init__(self, defaults: Parameters) -> None:
        super().__init__(f"Volume in doubt and confidence of {defaults.model}, for CTs to label")
        self._defaults = defaults

    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, int]:
        """Segment the CTs that are to be scored; one that cannot be keeps no other from it."""
        parameters = asked_parameters(request, self._defaults)
        weights = weights_of(parameters.model)
        done, failed = 0, 0
        images = {name: datastore.get_image_info(name) for name in datastore.get_unlabeled_images()}
        states = {name: state_of(info) for name, info in images.items()}
        for image in to_score(images, states, weights):
            note = begun(images[image], weights, states[image])
            datastore.update_image_info(image, {SCORE: note})
            found: dict[str, Any] = {"model": parameters.model}
            try:
                ct = Path(datastore.get_image_uri(image))
                files = state_of(datastore.get_image_info(image))  # they may have been fetched now
                _, result = predict(ct, parameters)
                found |= {"weights": weights, "files": files, **sureness(result)}
                done += 1
            except Exception as error:  # whatever it is, the other CTs are scored
                found |= {TRY: note[TRY], "error": in_one_sentence(error)}
                failed += 1
            datastore.update_image_info(image, {SCORE: found})
        return {"images": len(images), "scored": done, "failed": failed}


class LeastSure(Strategy):
    """The CT without a label that the model is least sure of."""

    def __init__(self, measure: str, description: str) -> None:
        super().__init__(description)
        self._measure = measure

    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any] | None:
        datastore.refresh()  # scores are found by another process
        names = datastore.get_unlabeled_images(request.get("label_tag"), request.get("labels"))
        images = {name: datastore.get_image_info(name) for name in names}
        chosen = next_ct(images, self._measure, request["strategy"])
        if chosen is None:
            return None
        return {"id": chosen, self._measure: score_of(images[chosen]).get(self._measure)}


class _Told:
    """Progress as lines of the server's log, each only once."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, progress: Progress) -> None:
        said = f"{progress.fraction:4.0%} {progress.stage}"
        if said != self._last:
            _log.info(said)
            self._last = said


@contextmanager
def _told_to_client() -> Iterator[None]:
    """Give the client the sentence of an error, instead of a failure of the server."""
    try:
        yield
    except CovidLesionSegError as error:
        raise HTTPException(status_code=400, detail=in_one_sentence(error)) from error


def _labelled(datastore: Datastore) -> Iterator[LabelledCt]:
    tag = DefaultLabelTag.FINAL
    for image in datastore.get_labeled_images():
        label = datastore.get_label_by_image_id(image, tag)
        yield LabelledCt(
            Path(datastore.get_image_uri(image)),
            Path(datastore.get_label_uri(label, tag)),
            names_of_values(datastore.get_label_info(label, tag)),
        )
