"""The app that the server of MONAI Label starts, see :mod:`.app_folder`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.tasks.infer_v2 import InferTask
from monailabel.interfaces.tasks.scoring import ScoringMethod
from monailabel.interfaces.tasks.strategy import Strategy
from monailabel.interfaces.tasks.train import TrainTask

from .. import RESEARCH_USE_NOTICE, __version__
from ..engine.models.catalogue import Catalogue, load_catalogue
from ..engine.models.user_models import default_model
from ..engine.parameters import Parameters
from .choice import CONFIDENCE, DOUBT
from .tasks import LeastSure, Retrain, Segment, Sureness

_LUNGS = "lungs"


class CovidLesionSegApp(MONAILabelApp):
    """Segments, retrains and chooses CTs to label with the jobs of this software.

    ``--conf`` of the server: ``models``, ids of models and ensembles, the first of which scores
    CTs; by default your default model, then all others that find lesions. And ``lungs``,
    ``device``, ``precision``, ``threshold`` and ``smallest_lesion_ml``, see
    :class:`~..engine.parameters.Parameters`.
    """

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        """As the server calls it; raises ParameterError or ModelError for a setting."""
        self._defaults = _parameters(conf)
        self._named = [name.strip() for name in conf.get("models", "").split(",") if name.strip()]
        self._trainings = Path(app_dir) / "model"
        super().__init__(
            app_dir,
            studies,
            conf,
            name="COVIDLesionSeg",
            description=f"Lungs and COVID-19 lesions on chest CT. {RESEARCH_USE_NOTICE}",
            version=__version__,
        )

    def init_infers(self) -> dict[str, InferTask]:
        catalogue = load_catalogue()
        tasks: dict[str, InferTask] = {}
        for name in self._models(catalogue):
            defaults = replace(self._defaults, model=name)
            members = catalogue.members(defaults.members)
            title = "; ".join(member.title for member in members)
            tasks[name] = Segment(defaults, title, members[0].card.classes)
        tasks[_LUNGS] = Segment(self._defaults, "Right and left lung", ())
        return tasks

    def init_trainers(self) -> dict[str, TrainTask]:
        catalogue = load_catalogue()
        models = {model.id: model.card for model in catalogue.models}
        return {
            name: Retrain(name, self._trainings)
            for name in self._models(catalogue)
            if name in models and len(models[name].classes) == 1
        }

    def init_strategies(self) -> dict[str, Strategy]:
        return {
            "most-in-doubt": LeastSure(DOUBT, "The CT with the largest volume in doubt"),
            "least-confident": LeastSure(CONFIDENCE, "The CT whose lesions are least confident"),
        }

    def init_scoring_methods(self) -> dict[str, ScoringMethod]:
        first = self._models(load_catalogue())[0]
        return {"sureness": Sureness(replace(self._defaults, model=first))}

    def info(self) -> Any:
        """As the server asks for it before each task: models that were added meanwhile count."""
        self._infers = self.init_infers()
        self._trainers = self.init_trainers()
        return super().info()

    def _models(self, catalogue: Catalogue) -> list[str]:
        if self._named:
            return self._named
        trained = [
            model.id
            for model in catalogue.models
            if model.card.task == "lesions" and model.weights_present
        ]
        ensembles = [
            ensemble.id for ensemble in catalogue.ensembles if set(ensemble.members) <= set(trained)
        ]
        return list(dict.fromkeys((default_model(), *trained, *ensembles)))


def _parameters(conf: dict[str, str]) -> Parameters:
    """The server's settings, which are all text."""
    numbers = ("threshold", "smallest_lesion_ml")
    given: dict[str, Any] = {
        name: conf[name] for name in ("lungs", "device", "precision", *numbers) if name in conf
    }
    for name in numbers:
        if name in given:
            given[name] = _number(given[name])
    return Parameters(**given)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # which the parameters refuse in one sentence
