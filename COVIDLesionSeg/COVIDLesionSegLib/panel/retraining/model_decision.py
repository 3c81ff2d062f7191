"""What becomes of a retrained model: promoted, kept, discarded; and promotions are rolled back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError, InputError, ModelError
from ...engine.models.catalogue import load_catalogue
from ...engine.models.retrained import Retrained
from ...engine.models.user_models import default_model, read_promotions, roll_back
from ...worker.retraining import (
    ModelDecisionState,
    Retraining,
    keep_in_background,
    latest_retraining,
    note_decision,
    remove_retraining,
)
from ..running.run import Run, RunState

Say = Callable[[str, bool], None]


class LastRetraining:
    """The retraining that began last, with what it gave.

    Attributes:
        retraining: Its folder and options; None where there is none.
        result: What it gave; None before its end.
        problem: Why its result cannot be read, or nothing.
    """

    def __init__(self) -> None:
        self.retraining: Retraining | None = latest_retraining()
        self.result: Retrained | None = None
        self.problem = ""

    def load(self) -> None:
        """Read what the training gave, if it is finished."""
        self.result, self.problem = None, ""
        if self.retraining is not None and self.retraining.is_finished:
            try:
                self.result = self.retraining.result()
            except InputError as error:
                self.problem = str(error)

    @property
    def model(self) -> str:
        """Id of the model that is or was trained."""
        return self.retraining.options.model_id if self.retraining else ""

    @property
    def decision(self) -> ModelDecisionState:
        """As noted, unless the model was removed or its promotion undone elsewhere."""
        noted = self.retraining.decision if self.retraining else ModelDecisionState.OPEN
        if noted is ModelDecisionState.OPEN or not load_catalogue().is_taken(self.model):
            return ModelDecisionState.OPEN
        rolled_back = noted is ModelDecisionState.PROMOTED and self.model not in promoted_models()
        return ModelDecisionState.KEPT if rolled_back else noted

    @property
    def is_interrupted(self) -> bool:
        return self.retraining is not None and not self.retraining.is_finished

    @property
    def is_undecided(self) -> bool:
        """Whether there is a model that the user has not decided on."""
        return self.retraining is not None and self.decision is ModelDecisionState.OPEN


class ModelDecision:
    """The buttons that decide on the last retrained model.

    Attributes:
        run: The model that is being added to the user's, or the idle one.
    """

    def __init__(
        self,
        ui: Any,
        last: LastRetraining,
        on_end: Say,
        on_models_changed: Callable[[], None],
        base: Callable[[], str],
    ) -> None:
        """
        Args:
            ui: Has the buttons ``promoteButton``, ``keepButton``, ``discardModelButton`` and
                ``rollBackButton``.
            last: The retraining; what is decided is noted in it.
            on_end: Gets a sentence on what was done, and whether it is a warning.
            on_models_changed: Called after ``on_end`` when models or the default have changed.
            base: Gives the id of the model that training would begin with.
        """
        self._ui = ui
        self._last = last
        self._on_end = on_end
        self._on_models_changed = on_models_changed
        self._base = base
        self.run: Run[Retraining] = Run(
            on_progress=lambda progress: None,
            on_result=self._on_kept,
            on_error=self._on_error,
            on_cancelled=lambda reason: on_end(reason, False),
        )
        ui.promoteButton.connect("clicked()", self._on_promote)
        ui.keepButton.connect("clicked()", self._on_keep)
        ui.discardModelButton.connect("clicked()", self._on_discard)
        ui.rollBackButton.connect("clicked()", self._on_roll_back)

    @property
    def busy(self) -> bool:
        """Whether a model is being added."""
        return self.run.state is not RunState.IDLE

    def show(self, training: bool) -> None:
        """Bring the buttons in line with the model.

        Args:
            training: Whether a training goes on.
        """
        ui, last = self._ui, self._last
        busy, result, decision = self.busy or training, last.result, last.decision
        undecided = decision is ModelDecisionState.OPEN
        allowed = result is not None and result.promotion.allowed
        is_default = decision is ModelDecisionState.PROMOTED
        ui.promoteButton.enabled = allowed and not busy and not is_default
        if is_default:
            ui.promoteButton.toolTip = _("The model was made the default.")
        elif allowed or result is None:
            ui.promoteButton.toolTip = _("Add the model to yours, and make it the default.")
        else:
            ui.promoteButton.toolTip = result.promotion.reason
        ui.keepButton.enabled = not busy and undecided
        ui.keepButton.toolTip = (
            _("Add the model to yours, without making it the default.")
            if undecided
            else _("The model is among yours already.")
        )
        ui.discardModelButton.visible = last.is_undecided and not training
        ui.discardModelButton.enabled = not busy
        promoted = self._promoted()
        ui.rollBackButton.enabled = bool(promoted) and not busy
        ui.rollBackButton.toolTip = (
            _("Undo the last time that {model} was made the default.").format(model=promoted)
            if promoted
            else _("Neither the retrained model nor the one to begin with was made the default.")
        )

    def close(self) -> None:
        """End what runs: the module is closed."""
        self.run.stop_now()

    def _promoted(self) -> str:
        """The retrained model, or else the one to begin with, if it was promoted; or nothing."""
        promoted = promoted_models()
        return next((one for one in (self._last.model, self._base()) if one in promoted), "")

    def _on_promote(self) -> None:
        self._keep(promote=True)

    def _on_keep(self) -> None:
        self._keep(promote=False)

    def _keep(self, promote: bool) -> None:
        retraining = self._last.retraining
        if retraining is None:
            return
        try:
            self.run.start(keep_in_background(retraining, promote))
        except CovidLesionSegError as error:
            self._on_error(str(error))
            return
        self._on_end(_("Adding the model"), False)

    def _on_kept(self, retraining: Retraining) -> None:
        self._last.retraining = retraining
        sentence = (
            _("{model} is the default model now.")
            if retraining.decision is ModelDecisionState.PROMOTED
            else _("{model} is among your models now: choose it under Model.")
        )
        self._on_end(sentence.format(model=self._last.model), False)
        self._on_models_changed()

    def _on_discard(self) -> None:
        retraining = self._last.retraining
        if retraining is None:
            return
        question = (
            _("Discard the training of {model}? It cannot be brought back.")
            if self._last.is_interrupted
            else _("Discard the model {model}? It cannot be brought back.")
        )
        if not slicer.util.confirmOkCancelDisplay(
            question.format(model=self._last.model), _("Discard")
        ):
            return
        try:
            retraining.lock().close()  # another window may train it; closed, as Windows wants it
            remove_retraining(retraining)
        except CovidLesionSegError as error:
            self._on_error(str(error))
            return
        self._last.retraining = None
        self._on_end(_("Discarded."), False)

    def _on_roll_back(self) -> None:
        last, promoted = self._last, self._promoted()
        try:
            decided = last.decision is ModelDecisionState.PROMOTED and last.model == promoted
            sentence = undo_promotion(promoted)
            if last.retraining is not None and decided:
                last.retraining = note_decision(last.retraining, ModelDecisionState.KEPT)
        except CovidLesionSegError as error:
            self._on_error(str(error))
            return
        self._on_end(sentence, False)
        self._on_models_changed()

    def _on_error(self, sentence: str) -> None:
        self._on_end(sentence, True)


def promoted_models() -> list[str]:
    """Ids of the models whose promotion was not rolled back, the earliest first."""
    try:
        return [promotion["model"] for promotion in read_promotions()]
    except ModelError:  # told when a model is promoted
        return []


def undo_promotion(model: str) -> str:
    """Undo the last promotion of a model; returns what to say of it.

    Raises:
        CovidLesionSegError: It was not promoted, or the list is damaged or cannot be written.
    """
    before, now = default_model(), roll_back(model)
    sentence = (
        _("The last promotion of {model} was undone; {default} stays the default model.")
        if now == before
        else _("{default} is the default model again.")
    )
    return str(sentence).format(model=model, default=now)
