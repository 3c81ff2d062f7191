"""The sections Model, Models and About in the real window."""

from __future__ import annotations

import http.server
import os
import shutil
import tempfile
import threading
from functools import partial
from pathlib import Path
from unittest import mock

import case
import qt
import slicer

from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL

WIDTH = 380
"""In pixels; a module panel that is narrower than this is cut off."""
OWN = "COVIDLESIONSEG_MODELS"


class ModelsCase(case.Case):
    """An empty folder of the user's own models; every section is folded."""

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        patch = mock.patch.dict(os.environ, {OWN: str(self.folder), "NO_PROXY": "127.0.0.1"})
        patch.start()
        self.addCleanup(self._tidy, patch)
        self.panel.models_changed()
        self.was_folded = {s.root: s.root.collapsed for s in self._foldable()}

    def _tidy(self, patch) -> None:
        patch.stop()
        self.ui.searchBox.text = ""
        self.ui.showUntrainedCheckBox.checked = False
        for root, folded in self.was_folded.items():
            root.collapsed = folded
        self.panel.models_changed()

    def _foldable(self) -> list:
        return [one for one in self.panel.sections if one.UI_FILE in ("Model", "Models", "About")]

    def unfold(self, name: str):
        """Show one section only; returns its outermost widget."""
        for section in self._foldable():
            section.root.collapsed = name != section.UI_FILE
        self.process_events(0.2)
        return next(one.root for one in self._foldable() if name == one.UI_FILE)

    def picture(self, root, name: str) -> None:
        """A picture of a section at the narrowest width, in the folder for pictures."""
        self.assertLessEqual(root.minimumSizeHint.width(), WIDTH)
        root.grab().save(str(Path(os.environ["IN_SLICER_OUT"]) / f"{name}.png"))


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        """Say nothing: what is printed would count as an error of the application."""


def ids(table) -> list[str]:
    """Ids of the models that a table shows, from the top down."""
    rows = [row for row in range(table.rowCount) if not table.isRowHidden(row)]
    return [table.item(row, 0).data(qt.Qt.UserRole) for row in rows]


def choose(table, model_id: str) -> None:
    for row in range(table.rowCount):
        if table.item(row, 0).data(qt.Qt.UserRole) == model_id:
            table.selectRow(row)


class ModelTest(ModelsCase):
    def test_models_are_searched_chosen_and_described(self) -> None:
        root = self.unfold("Model")
        table = self.ui.modelTable
        self.ui.detailsCollapsibleButton.collapsed = False
        self.process_events(0.2)
        trained = ids(table)
        self.assertEqual(trained[0], DEFAULT_MODEL)
        self.assertIn("eamc", trained)
        self.assertNotIn("unet", trained)
        self.picture(root, "model")

        self.click(self.ui.showUntrainedCheckBox)
        self.ui.searchBox.text = "ground-glass"
        self.process_events()
        self.assertEqual(
            set(ids(table)),
            {
                DEFAULT_MODEL,
                "drsegunet",
                "drsegunet-upsampling",
                "drsegunet-patches",
                "drsegunet-ggo",
                "drseg-unet",
                "unet-lite0-classes",
            },
        )
        choose(table, "drsegunet")
        self.assertEqual(self.panel.parameter_node.model, "drsegunet")
        self.assertEqual(root.text, "Model: DRSegUNet")
        self.assertIn("Not trained", self.ui.detailsBrowser.plainText)
        self.ui.detailsCollapsibleButton.collapsed = True

    def test_the_choice_comes_back_with_the_scene(self) -> None:
        self.unfold("Model")
        choose(self.ui.modelTable, "eamc")
        path = str(self.folder / "scene.mrb")
        self.assertTrue(slicer.util.saveScene(path))
        slicer.mrmlScene.Clear(False)
        self.process_events(0.3)
        self.assertEqual(self.panel.parameter_node.model, DEFAULT_MODEL)
        slicer.util.loadScene(path)
        self.process_events(0.5)

        self.assertEqual(self.panel.parameter_node.model, "eamc")
        row = self.ui.modelTable.currentRow()
        self.assertEqual(self.ui.modelTable.item(row, 0).data(qt.Qt.UserRole), "eamc")

    def test_a_run_measures_the_time_of_its_model(self) -> None:
        self.needs_packages()
        self.unfold("Model")
        self.load_ct()
        self.assertEqual(self.ui.modelTable.item(0, 2).text(), "n/a")
        self.apply()

        self.assertEqual(self.ui.statusLabel.text, "Done.")
        self.assertRegex(self.ui.modelTable.item(0, 2).text(), r"^\d+ (s|min)$")


class StoredModelsTest(ModelsCase):
    def setUp(self) -> None:
        super().setUp()
        self.needs_packages()
        self.root = self.unfold("Models")
        self.table = self.ui.storedTable

    def do(self, button) -> str:
        """Press a button, wait for the end of its job, and return what is said."""
        from COVIDLesionSegLib.panel.running.run import RunState

        section = next(one for one in self.panel.sections if one.UI_FILE == "Models")
        self.click(button)
        self.wait_until(lambda: section.run.state is RunState.IDLE, 120, "The job did not end")
        self.process_events()
        return str(self.ui.modelStatusLabel.text)

    def choosing(self, file: Path):
        """What the user chooses in dialogs for files."""
        module = "COVIDLesionSegLib.panel.sections.models"
        return mock.patch.multiple(
            module, choose_file_to_open=lambda *_: file, choose_file_to_save=lambda *_: file
        )

    def test_a_model_is_exported_imported_made_the_default_and_rolled_back(self) -> None:
        from COVIDLesionSegLib.engine.models.user_models import default_model

        choose(self.table, "amc-net")
        self.assertIn("6d5719410a02bdaa", self.ui.storedDetailsBrowser.plainText)
        self.picture(self.root, "models")
        with self.choosing(self.folder / "theirs.zip"):
            self.assertIn("Written: theirs.zip", self.do(self.ui.exportButton))
            self.ui.importIdEdit.text = "theirs"
            self.assertEqual(self.do(self.ui.importButton), "Imported: theirs.")
        self.assertIn("theirs", ids(self.table))
        self.assertIn("theirs", ids(self.ui.modelTable))

        self.assertEqual(self.do(self.ui.makeDefaultButton), "theirs is the default model now.")
        self.assertEqual(default_model(), "theirs")
        self.assertEqual(
            self.do(self.ui.rollBackDefaultButton), f"{DEFAULT_MODEL} is the default model again."
        )
        self.assertIn("have the checksum", self.do(self.ui.verifyButton))

    def test_weights_are_downloaded_after_asking_and_removed_after_asking(self) -> None:
        import json

        from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER

        handler = partial(_QuietHandler, directory=str(PACKAGED_FOLDER))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
        card |= {"id": "mine", "title": "Mine"}
        card["weights"] |= {
            "file": "mine.safetensors",
            "url": f"http://127.0.0.1:{server.server_port}/amc-net.safetensors",
            "size": (PACKAGED_FOLDER / "amc-net.safetensors").stat().st_size,
        }
        (self.folder / "mine.json").write_text(json.dumps(card), "utf-8")
        self.panel.models_changed()
        choose(self.table, "mine")

        self.dialogs.answer(r"Download the weights of Mine\?.*3\.4 MB.*127\.0\.0\.1", "Cancel")
        self.click(self.ui.downloadButton)
        self.assertEqual(list(self.folder.rglob("*.safetensors")), [])
        self.dialogs.answer("Download the weights of Mine", "OK")
        self.assertIn("downloaded and verified", self.do(self.ui.downloadButton))

        self.dialogs.answer(r"Remove all downloaded weights \(3\.4 MB\)", "OK")
        self.click(self.ui.emptyDownloadsButton)
        self.assertEqual(list(self.folder.rglob("*.safetensors")), [])

    def test_damaged_weights_are_told(self) -> None:
        from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER

        text = (PACKAGED_FOLDER / "amc-net.json").read_text("utf-8")
        (self.folder / "mine.json").write_text(text.replace('"id": "amc-net"', '"id": "mine"'))
        shutil.copy(PACKAGED_FOLDER / "eamc-1.safetensors", self.folder / "amc-net.safetensors")
        self.panel.models_changed()
        choose(self.table, "mine")

        with self.logging_expected("checksum"):
            self.assertIn("do not have the checksum", self.do(self.ui.verifyButton))


class AboutTest(ModelsCase):
    def test_it_says_what_the_software_is_and_where_files_lie(self) -> None:
        root = self.unfold("About")
        text = self.ui.aboutBrowser.plainText
        for expected in (
            "COVIDLesionSeg 0.",
            "Pal Das et al.",
            "Nothing is uploaded",
            str(self.folder),
        ):
            self.assertIn(expected, text)
        self.picture(root, "about")
        shown = []
        with mock.patch("COVIDLesionSegLib.panel.sections.about.open_folder", shown.append):
            self.click(self.ui.openLogButton)
        self.assertTrue(shown[0].is_dir())
