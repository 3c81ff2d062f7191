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
from ..running.run import Run, RunState
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


@dataclass(eq=False)
class _Request:
    """What waits for the end of the checks."""

    asker: Preparation
    parameters: Parameters
    also: tuple[str, ...]
    ready: Callable[[], None]
    refused: Callable[[str, bool], None]
    agreed: bool = False
    torch_works: bool = False


class FirstUse:
    """Asks for licences, weights and packages, and checks PyTorch in its own process, each once.

    Parts of the panel that want it at the same time have it one after the other.
    """

    def __init__(self, on_models: Callable[[], None]) -> None:
        """``on_models`` is called when weights were downloaded."""
        self._on_models = on_models
        self._requests: list[_Request] = []  # the first is being worked on, the others wait
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

    def preparation(self, say: Callable[[str], None], on_state: Callable[[], None]) -> Preparation:
        """What a part of the panel prepares its runs with.

        Args:
            say: Gets a sentence on what is being done.
            on_state: Called when its :attr:`Preparation.busy` has changed.
        """
        return Preparation(self, say, on_state)

    def stop_now(self) -> None:
        """End the check and clean up before returning, without callbacks: Slicer is closing."""
        self.check.stop_now()
        self.download.stop_now()
        self._requests.clear()

    def request_of(self, asker: Preparation) -> _Request | None:
        """What a part of the panel waits for; None if for nothing."""
        return next((one for one in self._requests if one.asker is asker), None)

    def add(self, request: _Request) -> None:
        """Work on a request, or have it wait for those before it."""
        self._requests.append(request)
        if self._current is request:
            self._go_on()
        else:
            request.asker.say(_("Waiting for what is being checked"))

    def cancel(self, request: _Request, reason: str) -> None:
        """Give a request up; ``refused`` follows, once the process is gone where there is one."""
        if self._current is request:
            self.check.cancel(reason)
            self.download.cancel(reason)
        else:
            self._end(request, reason, warning=False)

    @property
    def _current(self) -> _Request | None:
        return self._requests[0] if self._requests else None

    def _go_on(self) -> None:
        """Do the next thing that is still to be done; begin the run if there is none."""
        request = self._current
        under_way = any(run.state is not RunState.IDLE for run in (self.check, self.download))
        if request is None or under_way:
            return
        try:
            models = load_catalogue().models_of(request.parameters)
            if not request.agreed:
                ask_before_first_use(models, request.parameters, request.also)
                request.agreed = True
            missing = [
                model for model in models if model.card.weights and not model.weights_present
            ]
            if missing:
                self._get_weights(missing[0])
                return
            install(dependencies.missing_requirements(request.parameters, request.also))
            if not (request.torch_works or _was_checked()):
                self._start_check()
                return
        except CovidLesionSegError as error:
            self._refuse(str(error))
            return
        except Exception:
            self._requests.remove(request)
            self._go_on()
            raise
        if request is not self._current:  # the panel was closed during a question
            return
        self._requests.remove(request)
        try:
            request.ready()
        finally:
            self._go_on()

    def _refuse(self, sentence: str, warning: bool = True) -> None:
        if self._current is not None:
            self._end(self._current, sentence, warning)
            self._go_on()

    def _end(self, request: _Request, sentence: str, warning: bool) -> None:
        self._requests.remove(request)
        request.refused(sentence, warning)
        request.asker.on_state()

    def _say(self, sentence: str) -> None:
        if self._current is not None:
            self._current.asker.say(sentence)

    def _on_state(self) -> None:
        if self._current is not None:
            self._current.asker.on_state()

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
        self._go_on_and_tell()

    def _go_on_and_tell(self) -> None:
        request = self._current
        self._go_on()
        if request is not None:
            request.asker.on_state()

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
        if self._current is not None:
            self._current.torch_works = True
        self._go_on_and_tell()

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


class Preparation:
    """What one part of the panel prepares its runs with, one at a time.

    Attributes:
        say, on_state: See :meth:`FirstUse.preparation`.
    """

    def __init__(
        self, first_use: FirstUse, say: Callable[[str], None], on_state: Callable[[], None]
    ) -> None:
        self._first_use = first_use
        self.say = say
        self.on_state = on_state

    @property
    def busy(self) -> bool:
        """Whether something is asked or checked for it, or waits for that."""
        return self._first_use.request_of(self) is not None

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
        if self.busy:
            raise RuntimeError("Something is being prepared already.")
        self._first_use.add(_Request(self, parameters, also, ready, refused))

    def cancel(self, reason: str) -> None:
        """Stop what is checked for it, if anything is; ``refused`` follows."""
        request = self._first_use.request_of(self)
        if request is not None:
            self._first_use.cancel(request, reason)


def remember_torch_works() -> None:
    """Do not check this version of PyTorch again."""
    qt.QSettings().setValue(_CHECKED_TORCH, _torch())


def _was_checked() -> bool:
    return bool(slicer.util.settingsValue(_CHECKED_TORCH, "") == _torch())


def _torch() -> str:
    """What is written in Slicer's settings; the version of another interpreter is not known."""
    return installed_version("torch") or "of another Python"
