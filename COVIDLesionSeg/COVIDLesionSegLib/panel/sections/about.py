"""About: version, papers, licences, places of files, privacy, help without internet."""

from __future__ import annotations

from pathlib import Path

import slicer
from slicer.i18n import tr as _

from ...engine.errors import CovidLesionSegError, ModelError
from ...engine.models.catalogue import Catalogue, load_catalogue
from ...engine.models.user_models import make_user_folder, user_folder
from ...engine.review.folder import make_folder, reviews_folder
from ..about_text import about_html
from ..colors import show_html
from ..dialogs import open_folder
from ..section import Panel, Section


class AboutSection(Section):
    """Says what the software is, and shows the folders where it keeps files."""

    UI_FILE = "About"

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        ui = self.ui
        self.root.connect("contentsCollapsed(bool)", self._on_collapsed)
        ui.openModelsButton.connect("clicked()", self._on_models)
        ui.openReviewsButton.connect("clicked()", self._on_reviews)
        ui.openLogButton.connect("clicked()", self._on_log)

    def palette_changed(self) -> None:
        self._show()

    def _on_collapsed(self, collapsed: bool) -> None:
        self._show()

    def _show(self) -> None:
        if self.root.collapsed:
            return
        try:
            catalogue = load_catalogue()
        except ModelError:  # said by the section Models
            catalogue = Catalogue(())
        folders = {
            _("Your models and downloads"): user_folder(),
            _("Reviewed cases"): reviews_folder(),
            _("Logs"): log_folder(),
        }
        help_lines = self.panel.shortcuts.help_text.splitlines()
        show_html(self.ui.aboutBrowser, about_html(catalogue, folders, help_lines))

    def _on_models(self) -> None:
        try:
            make_user_folder()
        except CovidLesionSegError as error:
            self.panel.say(str(error), warning=True)
            return
        open_folder(user_folder())

    def _on_reviews(self) -> None:
        try:
            make_folder(reviews_folder())
        except CovidLesionSegError as error:
            self.panel.say(str(error), warning=True)
            return
        open_folder(reviews_folder())

    def _on_log(self) -> None:
        open_folder(log_folder())


def log_folder() -> Path:
    """Where Slicer keeps its logs, and with them those of this software."""
    return Path(str(slicer.app.errorLogModel().filePath)).parent
