"""What is asked, fetched, installed and checked once before models run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import qt
import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError, ModelError
from ...engine.models.catalogue import Model, load_catalogue
from ...engine.parameters import Parameters
from ...engine.progress import Progress
from ...jobs import CheckInstallationOptions, StoredModelOptions
from ...jobs.installation import Installation, load_installation
from ...jobs.model_store import load_model_ids
from ...worker.job import job_in_background
from ..running.run import Run
from . import dependencies
from .dependencies import (
    install,
    installed_version,
    offline_help,
    repair_torch,
)
from .first_question import ask_before_first_use
from .weights_download import ask_to_download, may_be_downloaded

_CHECKED_TORCH = "COVIDLesionSeg/CheckedTorch"
"""Key in Slicer's settings: version of PyTorch that was found to work."""


@dataclass
class _Preparation:
    """What waits for the end of the checks."""

    parameters: Parameters
    also: tuple[str, ...]
    ready: Callable[[], None]
    refused: Callable[[str, bool], None]
    agreed: bool = False
    torch_works: bool = False


class FirstUse:
    """Asks for licences, weights and packages, and checks PyTorch in its own process, each once."""

    def __init__(
        self,
        say: Callable[[str], None],
        on_state: Callable[[], None],
        on_models: Callable[[], None],
    ) -> None:
        """All callbacks are called in the window's thread.

        Args:
            say: Gets a sentence on what is being done.
            on_state: Called when :attr:`busy` has changed.
            on_models: Called when weights were downloaded.
        """
        self._say = say
        self._on_state = on_state
        self._on_models = on_models
        self._preparation: _Preparation | None = None
        self.check: Run[Installation] = Run(
            on_progress=self._on_progress,
            on_result=lambda installation: self._on_torch_works(),
            on_error=self._on_torch_fails,
            on_cancelled=partial(self._refuse, warning=False),
        )
        self.download: Run[list[str]] = Run(
            on_progress=self._on_progress,
            on_result=lambda ids: self._on_downloaded(),
            on_error=self._refuse,
            on_cancelled=partial(self._refuse, warning=False),
        )

    @property
    def busy(self) -> bool:
        """Whether a check is running."""
        return self._preparation is not None

    def prepare(
        self,
        parameters: Parameters,
        ready: Callable[[], None],
        refused: Callable[[str, bool], None],
        also: tuple[str, ...] = (),
    ) -> None:
        """Make sure that a run can begin; nothing is asked or checked twice.

        Args:
            parameters: Parameters of the run to come.
            ready: Called when nothing is missing, before this returns where that is known already.
            refused: Called instead with one sentence: what is missing and what to do; and whether
                that is a warning: it is none where the user cancelled.
            also: pip requirements beyond those of a run.
        """
        if self._preparation is not None:
            raise RuntimeError("Something is being prepared already.")
        self._preparation = _Preparation(parameters, also, ready, refused)
        self._go_on()

    def cancel(self, reason: str) -> None:
        """Stop the check; ``refused`` follows once its process is gone."""
        self.check.cancel(reason)
        self.download.cancel(reason)

    def stop_now(self) -> None:
        """End the check and clean up before returning, without callbacks: Slicer is closing."""
        self.check.stop_now()
        self.download.stop_now()
        self._preparation = None

    def _go_on(self) -> None:
        """Do the next thing that is still to be done; begin the run if there is none."""
        preparation = self._preparation
        if preparation is None:
            return
        try:
            models = load_catalogue().models_of(preparation.parameters)
            if not preparation.agreed:
                ask_before_first_use(models, preparation.parameters, preparation.also)
                preparation.agreed = True
                if preparation is not self._preparation:  # the panel was closed meanwhile
                    return
            missing = [
                model for model in models if model.card.weights and not model.weights_present
            ]
            if missing:
                self._get_weights(missing[0])
                return
            install(dependencies.missing_requirements(preparation.parameters, preparation.also))
            if not (preparation.torch_works or _was_checked()):
                self._start_check()
                return
        except CovidLesionSegError as error:
            self._refuse(str(error))
            return
        except Exception:
            self._preparation = None
            raise
        self._preparation = None
        preparation.ready()

    def _refuse(self, sentence: str, warning: bool = True) -> None:
        preparation, self._preparation = self._preparation, None
        if preparation is not None:
            preparation.refused(sentence, warning)
        self._on_state()

    # Weights that are not there

    def _get_weights(self, model: Model) -> None:
        """Download them, after asking; raises ModelError where that cannot be, or is not wanted."""
        if not may_be_downloaded(model.card):
            raise ModelError(
                _(
                    "The weights of {model} are not on this computer: import the model in the "
                    "section Models, or choose another one."
                ).format(model=model.title)
            )
        if not ask_to_download(model.card):
            raise ModelError(
                _(
                    "The weights of {model} were not downloaded: try again to be asked again, "
                    "or choose another model."
                ).format(model=model.title)
            )
        options = StoredModelOptions(model_id=model.id)
        self.download.start(job_in_background("download_model", options, load_model_ids))
        self._say(_("Downloading the weights of {model}").format(model=model.title))
        self._on_state()

    def _on_downloaded(self) -> None:
        self._on_models()
        self._go_on()
        self._on_state()

    # The check of PyTorch

    def _start_check(self) -> None:
        options = CheckInstallationOptions()
        self.check.start(job_in_background("check_installation", options, load_installation))
        self._say(_("Checking PyTorch, which is done once"))
        self._on_state()

    def _on_progress(self, progress: Progress) -> None:
        self._say(" - ".join(filter(None, (progress.stage, progress.message))))

    def _on_torch_works(self) -> None:
        remember_torch_works()
        if self._preparation is not None:
            self._preparation.torch_works = True
        self._go_on()
        self._on_state()

    def _on_torch_fails(self, reason: str) -> None:
        sentence = _("PyTorch {version} is installed, but does not work: {reason}").format(
            version=installed_version("torch") or _("of another Python"), reason=reason
        )
        question = _("{sentence}\n\nRepair it now, by installing it again?").format(
            sentence=sentence
        )
        title = _("Repair PyTorch")
        if not slicer.util.confirmOkCancelDisplay(question, title, detailedText=offline_help()):
            self._refuse(
                _("{sentence} Try again to be offered a repair.").format(sentence=sentence)
            )
            return
        try:
            with slicer.util.WaitCursor():
                repair_torch()
        except CovidLesionSegError as error:
            self._refuse(str(error))
            return
        self._go_on()


def remember_torch_works() -> None:
    """Do not check this version of PyTorch again."""
    qt.QSettings().setValue(_CHECKED_TORCH, _torch())


def _was_checked() -> bool:
    return bool(slicer.util.settingsValue(_CHECKED_TORCH, "") == _torch())


def _torch() -> str:
    """What is written in Slicer's settings; the version of another interpreter is not known."""
    return installed_version("torch") or "of another Python"
