"""Retrain: a model learns from the reviewed cases, and its user decides what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import qt
import slicer
from slicer.i18n import tr as _

from ...engine import requirements
from ...engine.errors import CovidLesionSegError, ModelError
from ...engine.models.catalogue import load_catalogue
from ...engine.models.retrained import Retrained
from ...engine.models.user_models import default_model
from ...engine.parameters import Parameters
from ...jobs import RetrainOptions
from ...worker.retraining import (
    new_model_id,
    new_retraining,
    remove_retraining,
    retrain_in_background,
)
from ..colors import color_sentence, show_sentence
from ..preparing.first_use import FirstUse
from ..retraining.model_decision import LastRetraining, ModelDecision
from ..retraining.retrain_result import ComparisonTable, PictureViewer, lineage_text
from ..retraining.reviewed_cases import SEED, ReviewedCases
from ..retraining.training_chart import TrainingChart
from ..retraining.unlabelled import write_scene_cts
from ..running.log_window import LogButton
from ..running.run import Run, RunState
from ..running.run_clock import ShownProgress
from ..section import Panel, Section
from ..widgets import signals_blocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.models.catalogue import Model

_RETRAINED = " (retrained"


class RetrainSection(Section):
    """Trains in the background, and shows what came of it.

    Attributes:
        training: The training in progress, or the idle one.
        decision: What becomes of the model.
    """

    UI_FILE = "Retrain"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        ui = self.ui
        self._progress = ShownProgress(ui.trainingProgressBar, self._say)
        self.training: Run[Retrained] = Run(
            self._progress.report,
            lambda result: self._end(_("The training is finished.")),
            lambda sentence: self._end(sentence, warning=True),
            self._end,
        )
        self._first_use = FirstUse(self._say, self._show, panel.models_changed)
        self._last = LastRetraining()
        self._lock: BinaryIO | None = None
        self._log_button = LogButton(ui.trainingLogButton)
        self.decision = ModelDecision(ui, self._last, self._end, panel.models_changed, self._base)
        self._cases = ReviewedCases(self._show)
        self._chart = TrainingChart(self._show_curve_button)
        self._table = ComparisonTable(ui.comparisonTable)
        self._pictures = PictureViewer(
            ui.picturesFrame,
            ui.pictureLabel,
            ui.pictureCaptionLabel,
            ui.previousPictureButton,
            ui.nextPictureButton,
        )
        ui.trainButton.connect("clicked()", self._on_train)
        ui.resumeButton.connect("clicked()", self._on_resume)
        ui.comparisonButton.connect("clicked()", self._on_comparison)
        ui.curveButton.connect("toggled(bool)", self._on_curve)
        ui.baseModelComboBox.connect("currentIndexChanged(int)", self._on_base_chosen)
        self.root.connect("contentsCollapsed(bool)", self._on_collapsed)
        self.models_changed()
        self._show_result()

    # The panel's calls

    def models_changed(self) -> None:
        """List the models that can be retrained; the default is chosen at first."""
        box = self.ui.baseModelComboBox
        chosen = self._base() or default_model()
        with signals_blocked(box):
            box.clear()
            for model in _trainable():
                box.addItem(model.title, model.id)
            box.currentIndex = max(0, box.findData(chosen)) if box.count else -1
        self._on_base_chosen()

    def palette_changed(self) -> None:
        color_sentence(self.ui.trainingStatusLabel)

    def enter(self) -> None:
        self._cases.watch(not self.root.collapsed)

    def scene_closing(self) -> None:
        self._chart.forget()  # the training itself needs no scene

    def close(self) -> None:
        self._cases.watch(False)
        self._progress.end()
        self._first_use.stop_now()
        self.training.stop_now()
        self.decision.close()
        self._chart.close()
        self._unlock()
        self._log_button.close()

    @property
    def busy(self) -> bool:
        """Whether a training goes on, or something is done for it or with its model."""
        return self._is_training or self.decision.busy

    # The training

    @property
    def _is_training(self) -> bool:
        return self._first_use.busy or self.training.state is not RunState.IDLE

    def _on_train(self) -> None:
        """Start a training, or stop the one in progress."""
        if self._is_training:
            sentence = _("Cancelled.")
            if self.training.state is not RunState.IDLE:
                sentence = _("Cancelled: Resume goes on from the last checkpoint.")
            self._first_use.cancel(sentence)
            self.training.cancel(sentence)
            if self.training.state is RunState.CANCELLING:
                self._say(_("Stopping: a step that is under way is kept."))
        else:
            self._prepare(self._base(), self._start_new)
        self._show()

    def _on_resume(self) -> None:
        if self._last.retraining is not None:
            self._prepare(self._last.retraining.options.model, self._start)
        self._show()

    def _prepare(self, model: str, start: Callable[[], None]) -> None:
        """Start once everything that the training needs is there."""
        parameters = Parameters(model=model, device=self._device())
        with slicer.util.tryWithErrorDisplay(_("The training could not be started.")):
            self._first_use.prepare(parameters, start, self._end, requirements.TRAINING)

    def _start_new(self) -> None:
        try:
            parent, catalogue = self._base(), load_catalogue()
            model_id = new_model_id(parent, catalogue)
            title = catalogue.get(parent).title.partition(_RETRAINED)[0]
            options = RetrainOptions(
                model_id=model_id,
                model=parent,
                title=f"{title}{_RETRAINED} {model_id.rpartition('-r')[2]})",
                steps=int(self.ui.stepsSpinBox.value),
                seed=SEED,
                device=self._device(),
            )
            if self._last.retraining is not None:  # decided on
                remove_retraining(self._last.retraining)
            self._last.retraining = new_retraining(
                options, predictions=bool(self.ui.predictionsCheckBox.checked)
            )
        except CovidLesionSegError as error:
            self._end(str(error), warning=True)
            return
        self._start()

    def _start(self) -> None:
        retraining = self._last.retraining
        if retraining is None:
            return
        try:
            self._lock = retraining.lock()
            self._log_button.log = None
            self.training.start(retrain_in_background(retraining, write_scene_cts))
        except CovidLesionSegError as error:
            self._end(str(error), warning=True)
            return
        self._chart.follow(retraining.training_folder, self._last.model, live=True)
        self._progress.begin(self.training)

    def _end(self, sentence: str, warning: bool = False) -> None:
        self._progress.end()
        self._log_button.log = self.training.kept_log
        if not self._is_training:
            self._unlock()
            self._show_result()
        self._show()
        self._say(sentence, warning)

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # What is shown

    def _show_result(self) -> None:
        """Show what the last training gave."""
        last = self._last
        last.load()
        retraining, result = last.retraining, last.result
        self._table.show(result)
        if retraining is None:
            self._chart.follow(None, "", live=False)
        else:
            self._pictures.show(result, retraining.model_folder)
            self._chart.follow(retraining.training_folder, last.model, live=False)
        if result is not None:
            self.ui.promotionLabel.text = result.promotion.reason
            self.ui.comparisonButton.enabled = result.comparison is not None
            self.ui.lineageLabel.text = lineage_text(result)
        self._say(last.problem, warning=True)
        self._show()

    def _show(self) -> None:
        """Bring every widget in line with the training, the cases and the model."""
        ui, training = self.ui, self._is_training
        ui.casesLabel.text = self._cases.text
        ui.optionsFrame.visible = not training
        self._progress.show_bar(training, self._first_use.busy)
        self._log_button.show(not training)
        ui.resumeButton.visible = self._last.is_interrupted and not training
        ui.resumeButton.enabled = not self.decision.busy
        ui.resultFrame.visible = self._last.result is not None and not training
        button = ui.trainButton
        button.text = _("Cancel") if training else _("Train")
        why = "" if training else self._why_not()
        button.enabled = not why and self.training.state is not RunState.CANCELLING
        button.toolTip = why or (
            _("Stop the training; it can be resumed.")
            if training
            else _("Train in the background; you can go on working meanwhile.")
        )
        self.decision.show(training)
        self._show_curve_button()

    def _why_not(self) -> str:
        """Why no training can begin, or nothing."""
        if self.decision.busy:
            return str(_("A model is being added to yours."))
        if self._last.is_interrupted:
            return str(_("Resume or discard the interrupted training first."))
        if self._last.is_undecided:
            return str(_("Promote, keep or discard the last model first."))
        if self.ui.baseModelComboBox.currentIndex < 0:
            return str(_("There is no trained model to begin with."))
        return self._cases.why_not

    def _show_curve_button(self) -> None:
        button = self.ui.curveButton
        button.visible = self._last.retraining is not None
        with signals_blocked(button):
            button.checked = self._chart.shown

    def _on_curve(self, checked: bool) -> None:
        if checked:
            self._chart.show()
        else:
            self._chart.hide()
        self._show_curve_button()

    def _on_comparison(self) -> None:
        if self._last.retraining is not None:
            page = self._last.retraining.comparison_page
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(page)))

    def _on_base_chosen(self, index: int = -1) -> None:
        self._cases.set_base(self._base())
        self._show()

    def _on_collapsed(self, collapsed: bool) -> None:
        self._cases.watch(not collapsed)
        if not collapsed:
            self._pictures.fit()

    def _base(self) -> str:
        box = self.ui.baseModelComboBox
        return str(box.itemData(box.currentIndex) or "")

    def _device(self) -> str:
        node = self.panel.parameter_node
        return Parameters.device if node is None else str(node.device.value)

    def _say(self, sentence: str, warning: bool = False) -> None:
        show_sentence(self.ui.trainingStatusLabel, sentence, warning, hide_empty=True)


def _trainable() -> list[Model]:
    """Models with weights that find lesions of one class, and say whom they learned from."""
    try:
        models = load_catalogue().models
    except ModelError:
        return []
    return [
        model
        for model in models
        if model.card.task == "lesions"
        and len(model.card.classes) == 1
        and model.weights_present
        and model.card.learned_from is not None
    ]
