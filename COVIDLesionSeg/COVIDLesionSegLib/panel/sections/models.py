"""Models: where the weights are, and what is done with them as files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError, ModelError
from ...engine.models.catalogue import Catalogue, load_catalogue
from ...engine.models.downloads_folder import downloads_size, empty_downloads
from ...engine.models.removal import remove_model
from ...engine.models.user_models import (
    default_model,
    make_user_folder,
    user_folder,
)
from ...engine.options import Options
from ...jobs import ImportModelOptions, StoredModelOptions
from ...jobs.model_store import load_model_ids
from ...worker.job import job_in_background
from ...worker.retraining import check_not_needed
from ..colors import color_sentence, show_html, show_sentence
from ..dialogs import choose_file_to_open, choose_file_to_save, open_folder
from ..model_obstacles import why_no_default, why_no_download, why_no_roll_back, why_not_removed
from ..model_text import place_text, stored_model_html
from ..preparing.weights_download import ask_to_download, size_text
from ..retraining.model_decision import undo_promotion
from ..running.run import Run, RunState
from ..section import Panel, Section
from ..widgets import fill_row, fit_rows, share_width

if TYPE_CHECKING:
    from ...engine.models.catalogue import Model
    from ...engine.progress import Progress

_TITLE = 0


class ModelsSection(Section):
    """Lists the trained models, and runs one job on them at a time.

    Attributes:
        run: The job in progress, or the idle one.
    """

    UI_FILE = "Models"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        ui = self.ui
        self._catalogue = Catalogue(())
        self._models: list[Model] = []
        self._done: Callable[[list[str]], None] = lambda ids: None
        self.run: Run[list[str]] = Run(
            on_progress=self._on_progress,
            on_result=self._on_result,
            on_error=partial(self._end, warning=True),
            on_cancelled=self._end,
        )
        share_width(ui.storedTable, wide=(_TITLE,))
        fit_rows(ui.storedTable)
        self.models_changed()
        ui.storedTable.connect("itemSelectionChanged()", self._show_chosen)
        for button, slot in (
            (ui.makeDefaultButton, self._on_make_default),
            (ui.rollBackDefaultButton, self._on_roll_back),
            (ui.importButton, self._on_import),
            (ui.exportButton, self._on_export),
            (ui.downloadButton, self._on_download),
            (ui.verifyButton, self._on_verify),
            (ui.removeModelButton, self._on_remove),
            (ui.openFolderButton, self._on_open_folder),
            (ui.emptyDownloadsButton, self._on_empty_downloads),
            (ui.cancelModelButton, self._on_cancel),
        ):
            button.connect("clicked()", slot)

    # The panel's calls

    def models_changed(self) -> None:
        """List the models anew; the selection stays."""
        chosen = self._chosen()
        try:
            self._catalogue = load_catalogue()
        except ModelError as error:
            self._catalogue = Catalogue(())
            self.say(str(error), warning=True)
        self._models = [model for model in self._catalogue.models if model.card.weights is not None]
        self._fill_table()
        self._select(chosen.id if chosen else default_model())
        self._show_chosen()

    def palette_changed(self) -> None:
        color_sentence(self.ui.modelStatusLabel)
        self._show_chosen()

    def close(self) -> None:
        self.run.stop_now()

    def say(self, sentence: str, warning: bool = False) -> None:
        """Show one sentence below the buttons."""
        show_sentence(self.ui.modelStatusLabel, sentence, warning, hide_empty=True)

    # What is shown

    def _fill_table(self) -> None:
        table = self.ui.storedTable
        table.clearContents()
        table.rowCount = len(self._models)
        default = default_model()
        for row, model in enumerate(self._models):
            title = _("{title} (default)") if model.id == default else "{title}"
            path = model.weights_path
            size = (
                path.stat().st_size if path and path.is_file() else model.card.trained_weights.size
            )
            texts = (title.format(title=model.title), place_text(model.place), size_text(size))
            fill_row(table, row, texts)
            table.item(row, _TITLE).setData(qt.Qt.UserRole, model.id)

    def _chosen(self) -> Model | None:
        row = self.ui.storedTable.currentRow()
        return self._models[row] if 0 <= row < len(self._models) else None

    def _select(self, model_id: str) -> None:
        for row, model in enumerate(self._models):
            if model.id == model_id:
                self.ui.storedTable.setCurrentCell(row, _TITLE)

    def _show_chosen(self) -> None:
        chosen = self._chosen()
        text = stored_model_html(self._catalogue, chosen) if chosen else ""
        show_html(self.ui.storedDetailsBrowser, text)
        self._show_buttons()

    def _show_buttons(self) -> None:
        """Enable what can be done with the chosen model; a tooltip says why the rest cannot."""
        ui, chosen = self.ui, self._chosen()
        busy = self.run.state is not RunState.IDLE
        ui.modelProgressBar.visible = ui.cancelModelButton.visible = busy
        ui.cancelModelButton.enabled = self.run.state is RunState.RUNNING
        present = chosen is not None and chosen.weights_present
        no_weights = "" if present else _("The weights of this model are not on this computer.")
        size = downloads_size()
        wait = _("Wait for the present job to end, or cancel it.") if busy else ""
        for button, tip, obstacle in (
            (
                ui.makeDefaultButton,
                _("Verify this model and use it from now on where no other is chosen."),
                no_weights or why_no_default(chosen),
            ),
            (
                ui.rollBackDefaultButton,
                _("Undo the last time that this model was made the default."),
                why_no_roll_back(chosen),
            ),
            (
                ui.importButton,
                _("Add a model from an exported archive, or from a card with its weights."),
                "",
            ),
            (ui.exportButton, _("Write this model into one file for others."), no_weights),
            (
                ui.downloadButton,
                _("Download the weights of this model, after asking."),
                why_no_download(chosen),
            ),
            (
                ui.verifyButton,
                _("Compare the weights file with the checksum on the model's card."),
                no_weights,
            ),
            (
                ui.removeModelButton,
                _("Remove this model of yours, card and weights, after asking."),
                why_not_removed(chosen),
            ),
            (ui.openFolderButton, _("Show the folder of your own models."), ""),
            (
                ui.emptyDownloadsButton,
                _("Remove downloaded weights: {size}.").format(size=size_text(size)),
                "" if size else _("Nothing was downloaded."),
            ),
        ):
            obstacle = "" if button is ui.openFolderButton else wait or obstacle
            button.enabled = not obstacle
            button.toolTip = obstacle or tip

    # Jobs

    def _start(
        self,
        job: str,
        options: Options,
        done: Callable[[list[str]], None],
        load: Callable[[Path], list[str]] = load_model_ids,
        out: Path | None = None,
    ) -> None:
        self._done = done
        with slicer.util.tryWithErrorDisplay(_("The models could not be worked on.")):
            try:
                self.run.start(job_in_background(job, options, load, out))
            except CovidLesionSegError as error:
                self.say(str(error), warning=True)
                return
            self.ui.modelProgressBar.value = 0
            self.say(_("Starting"))
        self._show_buttons()

    def _on_progress(self, progress: Progress) -> None:
        self.ui.modelProgressBar.value = round(100 * progress.fraction)
        self.say(" - ".join(filter(None, (progress.stage, progress.message))))

    def _on_result(self, ids: list[str]) -> None:
        self._done(ids)
        self._show_buttons()

    def _end(self, sentence: str, warning: bool = False) -> None:
        self.say(sentence, warning)
        self._show_buttons()

    def _on_cancel(self) -> None:
        self.run.cancel(_("Cancelled."))
        self._show_buttons()

    # The buttons

    def _on_make_default(self) -> None:
        if (chosen := self._chosen()) is not None:
            options = StoredModelOptions(model_id=chosen.id)
            self._start("make_default", options, self._on_default_made)

    def _on_default_made(self, ids: list[str]) -> None:
        self.panel.models_changed()
        self.say(_("{model} is the default model now.").format(model=ids[0]))

    def _on_roll_back(self) -> None:
        if (chosen := self._chosen()) is None:
            return
        try:
            sentence = undo_promotion(chosen.id)
        except CovidLesionSegError as error:
            self.say(str(error), warning=True)
            return
        self.panel.models_changed()
        self.say(sentence)

    def _on_import(self) -> None:
        file = choose_file_to_open(_("Import a model"), _("Models (*.zip *.json);;All files (*)"))
        if file is not None:
            new_id = self.ui.importIdEdit.text.strip() or None
            options = ImportModelOptions(file=file, model_id=new_id)
            self._start("import_model", options, self._on_imported)

    def _on_imported(self, ids: list[str]) -> None:
        self.ui.importIdEdit.text = ""
        self.panel.models_changed()
        self._select(ids[0])
        self.say(_("Imported: {models}.").format(models=", ".join(ids)))

    def _on_export(self) -> None:
        if (chosen := self._chosen()) is None:
            return
        file = choose_file_to_save(
            _("Export the model"), f"{chosen.id}.zip", _("Model archives (*.zip)"), ".zip"
        )
        if file is not None:
            options = StoredModelOptions(model_id=chosen.id)
            self._start(
                "export_model", options, self._on_exported, lambda path: [path.name], out=file
            )

    def _on_exported(self, names: list[str]) -> None:
        self.say(
            _("Written: {file}. The licence of the weights goes with it.").format(file=names[0])
        )

    def _on_download(self) -> None:
        if (chosen := self._chosen()) is not None and ask_to_download(chosen.card):
            options = StoredModelOptions(model_id=chosen.id)
            self._start("download_model", options, self._on_downloaded)

    def _on_downloaded(self, ids: list[str]) -> None:
        self.panel.models_changed()
        self.say(_("The weights of {model} were downloaded and verified.").format(model=ids[0]))

    def _on_verify(self) -> None:
        if (chosen := self._chosen()) is not None:
            options = StoredModelOptions(model_id=chosen.id)
            self._start("verify_model", options, self._on_verified)

    def _on_verified(self, ids: list[str]) -> None:
        self.say(_("The weights of {model} have the checksum on its card.").format(model=ids[0]))

    def _on_remove(self) -> None:
        if (chosen := self._chosen()) is None:
            return
        question = _(
            "Remove {model}, card and weights, for good? Export it first if you may want it again."
        ).format(model=chosen.id)
        try:
            check_not_needed(chosen.id)
            if not slicer.util.confirmOkCancelDisplay(question, _("Remove a model")):
                return
            children = remove_model(chosen.id)
        except CovidLesionSegError as error:
            self.panel.models_changed()  # its card may be gone, and a file be left
            self.say(str(error), warning=True)
            return
        self.panel.models_changed()
        sentence = _("{model} was removed.").format(model=chosen.id)
        if children:
            sentence += " " + _(
                "Fine-tuned from it, and usable as before: {models}. Their lineage cannot show it "
                "any more."
            ).format(models=", ".join(children))
        self.say(sentence)

    def _on_open_folder(self) -> None:
        try:
            make_user_folder()
        except CovidLesionSegError as error:
            self.say(str(error), warning=True)
            return
        open_folder(user_folder())

    def _on_empty_downloads(self) -> None:
        question = _(
            "Remove all downloaded weights ({size})? Models that use them have to be downloaded "
            "again. Your own and the packaged models stay."
        ).format(size=size_text(downloads_size()))
        if not slicer.util.confirmOkCancelDisplay(question, _("Remove downloads")):
            return
        try:
            empty_downloads()
        except CovidLesionSegError as error:
            self.say(str(error), warning=True)
            return
        self.panel.models_changed()
        self.say(_("The downloaded weights were removed."))
