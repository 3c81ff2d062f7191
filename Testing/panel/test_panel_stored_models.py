"""The section Models: what is done with models as files, in real processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER, load_catalogue
from COVIDLesionSegLib.engine.models.downloads_folder import downloads_folder, downloads_size
from COVIDLesionSegLib.engine.models.user_models import default_model
from COVIDLesionSegLib.engine.parameters import DEFAULT_MODEL
from panel.model_list import listed_models
from panel.served import served


@pytest.fixture
def models(tmp_path, monkeypatch, panel):
    """The folder of the user's own models, still absent."""
    folder = tmp_path / "models"
    monkeypatch.setenv("COVIDLESIONSEG_MODELS", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    panel.models_changed()
    return folder


@pytest.fixture
def section(panel):
    """Its section object."""
    return next(one for one in panel.sections if one.UI_FILE == "Models")


@pytest.fixture
def wait(section, bench):
    """Waits for the end of the present job."""
    from COVIDLesionSegLib.panel.running.run import RunState

    return lambda: bench.wait_until(lambda: section.run.state is RunState.IDLE, 120)


@pytest.fixture
def chosen_file(section, monkeypatch):
    """What the user chooses in dialogs for files."""
    from COVIDLesionSegLib.panel.sections import models as module

    def choose(path):
        monkeypatch.setattr(module, "choose_file_to_open", lambda *texts: path)
        monkeypatch.setattr(module, "choose_file_to_save", lambda *texts: path)

    return choose


def answer(button: str) -> None:
    import qt

    from bench.application import answer_message_boxes

    answer_message_boxes(getattr(qt.QMessageBox.StandardButton, button))


def asked() -> list[str]:
    from bench.application import message_boxes

    return list(message_boxes())


def rows(panel) -> dict[str, list[str]]:
    """What the table says, by the model's id."""
    import qt

    table = panel.ui.storedTable
    cells = [[table.item(row, column) for column in range(3)] for row in range(table.rowCount)]
    return {row[0].data(qt.Qt.UserRole): [cell.text() for cell in row] for row in cells}


def choose(panel, model_id: str) -> None:
    panel.ui.storedTable.selectRow([*rows(panel)].index(model_id))


def add_theirs(folder, url: str = "", weights: bool = True) -> None:
    """Another user's model in a folder."""
    folder.mkdir(exist_ok=True)
    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
    card |= {"id": "theirs", "title": "Theirs"}
    size = (PACKAGED_FOLDER / "amc-net.safetensors").stat().st_size
    card["weights"] |= {"file": "theirs.safetensors", "url": url, "size": size}
    (folder / "theirs.json").write_text(json.dumps(card))
    if weights:
        shutil.copy(PACKAGED_FOLDER / "amc-net.safetensors", folder / "theirs.safetensors")


def said(panel) -> str:
    return panel.ui.modelStatusLabel.text


def test_trained_models_are_listed_with_the_place_of_their_weights(panel, models):
    add_theirs(models)
    panel.models_changed()
    listed = rows(panel)

    trained = {model.id for model in load_catalogue().models if model.card.weights}
    assert set(listed) == trained
    title = load_catalogue().get(DEFAULT_MODEL).card.title
    assert listed[DEFAULT_MODEL][:2] == [f"{title} (default)", "packaged"]
    assert listed["amc-net"] == ["AMC-Net", "packaged", "3.4 MB"]
    assert listed["theirs"][:2] == ["Theirs", "yours"]


def test_the_checksum_licence_and_lineage_of_the_chosen_model_are_shown(panel, models):
    choose(panel, "eamc-5")
    text = panel.ui.storedDetailsBrowser.plainText

    weights = load_catalogue().get("eamc-5").card.weights
    assert weights.sha256 in text and weights.licence in text
    assert "Lineage eamc-5" in text and "slices of" in text


def test_a_button_that_cannot_be_pressed_says_why(panel, models):
    choose(panel, DEFAULT_MODEL)
    for name, reason in (
        ("makeDefaultButton", "default already"),
        ("rollBackDefaultButton", "No model was made the default"),
        ("downloadButton", "on this computer already"),
        ("emptyDownloadsButton", "Nothing was downloaded"),
    ):
        button = getattr(panel.ui, name)
        assert not button.enabled and reason in button.toolTip

    add_theirs(models, weights=False)
    panel.models_changed()
    choose(panel, "theirs")
    for name in ("makeDefaultButton", "exportButton", "verifyButton"):
        button = getattr(panel.ui, name)
        assert not button.enabled and "not on this computer" in button.toolTip
    assert "names no address" in panel.ui.downloadButton.toolTip


@pytest.mark.slow
def test_a_model_is_exported_and_imported_again_under_another_id(
    panel, models, chosen_file, wait, tmp_path
):
    choose(panel, "amc-net")
    chosen_file(tmp_path / "for-them.zip")
    panel.ui.exportButton.click()
    assert not panel.ui.verifyButton.enabled and not panel.ui.cancelModelButton.isHidden()
    wait()
    assert said(panel).startswith("Written: for-them.zip")

    panel.ui.importButton.click()
    wait()
    assert "There is a model amc-net already: choose another id" in said(panel)

    panel.ui.importIdEdit.text = "theirs"
    panel.ui.importButton.click()
    wait()
    assert said(panel) == "Imported: theirs."
    assert rows(panel)["theirs"][1] == "yours"
    assert "theirs" in listed_models(panel)
    assert panel.ui.importIdEdit.text == ""


@pytest.mark.slow
def test_a_model_becomes_the_default_and_is_rolled_back(panel, models, wait):
    choose(panel, "eamc-4")
    panel.ui.makeDefaultButton.click()
    wait()
    assert said(panel) == "eamc-4 is the default model now."
    assert default_model() == "eamc-4"
    assert rows(panel)["eamc-4"][0].endswith("(default)")

    choose(panel, "eamc-4")
    panel.ui.rollBackDefaultButton.click()
    assert said(panel) == f"{DEFAULT_MODEL} is the default model again."
    assert rows(panel)[DEFAULT_MODEL][0].endswith("(default)")
    assert not panel.ui.rollBackDefaultButton.enabled


def test_the_promotion_of_the_chosen_model_is_rolled_back_and_no_other(panel, models):
    from COVIDLesionSegLib.engine.models.user_models import promote

    for model in ("eamc-4", "eamc-5"):
        promote(model, "0" * 64)
    panel.models_changed()
    button = panel.ui.rollBackDefaultButton
    choose(panel, "eamc-1")
    assert not button.enabled and "the last one was eamc-5" in button.toolTip
    choose(panel, "eamc-4")
    button.click()
    assert default_model() == "eamc-5"
    assert said(panel).startswith("The last promotion of eamc-4 was undone; eamc-5 stays")
    choose(panel, "eamc-5")
    button.click()
    assert (
        default_model() == DEFAULT_MODEL
        and said(panel) == f"{DEFAULT_MODEL} is the default model again."
    )


@pytest.mark.slow
def test_weights_are_verified_on_demand_and_damage_is_told(panel, models, wait):
    add_theirs(models)
    panel.models_changed()
    choose(panel, "theirs")
    panel.ui.verifyButton.click()
    wait()
    assert said(panel) == "The weights of theirs have the checksum on its card."

    with (models / "theirs.safetensors").open("ab") as file:
        file.write(b"?")
    panel.ui.verifyButton.click()
    wait()
    assert "do not have the checksum on its card" in said(panel)


@pytest.mark.slow
def test_weights_are_downloaded_after_asking_and_the_downloads_are_emptied(panel, models, wait):
    with served(PACKAGED_FOLDER) as address:
        add_theirs(models, f"{address}/amc-net.safetensors", weights=False)
        panel.models_changed()
        choose(panel, "theirs")
        assert rows(panel)["theirs"][1:] == ["missing", "3.4 MB"]

        answer("Cancel")
        panel.ui.downloadButton.click()
        assert "Size: 3.4 MB" in asked()[0] and "From: 127.0.0.1" in asked()[0]
        assert downloads_size() == 0

        answer("Ok")
        panel.ui.downloadButton.click()
        wait()
    assert said(panel) == "The weights of theirs were downloaded and verified."
    assert rows(panel)["theirs"][1] == "downloaded"

    answer("Cancel")
    panel.ui.emptyDownloadsButton.click()
    assert "(3.4 MB)" in asked()[-1] and downloads_size() > 0
    answer("Ok")
    panel.ui.emptyDownloadsButton.click()
    assert downloads_size() == 0 and rows(panel)["theirs"][1] == "missing"


def test_a_model_of_the_users_is_removed_after_asking(panel, models):
    add_theirs(models)
    panel.models_changed()
    button = panel.ui.removeModelButton
    choose(panel, "amc-net")
    assert not button.enabled and button.toolTip == "Models that ship with this software stay."
    choose(panel, "theirs")
    answer("Cancel")
    button.click()
    assert asked()[-1].startswith("Remove theirs, card and weights, for good?")
    assert (models / "theirs.safetensors").is_file()

    answer("Ok")
    button.click()
    assert said(panel) == "theirs was removed."
    assert "theirs" not in rows(panel) and "theirs" not in listed_models(panel)
    assert not [*models.glob("theirs.*")]


def test_a_model_whose_weights_cannot_be_removed_is_listed_no_more(panel, models, monkeypatch):
    """As on Windows, where another program may hold the file: the card is gone already."""
    add_theirs(models)
    panel.models_changed()
    choose(panel, "theirs")
    unlink = Path.unlink

    def refuse(path, missing_ok=False):
        if path.suffix == ".safetensors":
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    answer("Ok")
    panel.ui.removeModelButton.click()
    assert said(panel).startswith("The file theirs.safetensors of model theirs could not be")
    assert "theirs" not in rows(panel) and "theirs" not in listed_models(panel)


@pytest.mark.parametrize("replace", ["Cancel", "Ok"])
def test_a_file_to_save_has_its_ending_and_replaces_another_only_when_asked(
    panel, tmp_path, monkeypatch, replace
):
    import qt

    from COVIDLesionSegLib.panel.dialogs import choose_file_to_save

    chosen = str(tmp_path / "mine")
    monkeypatch.setattr(qt.QFileDialog, "getSaveFileName", lambda *_: chosen)
    ask = ("Export", "mine.zip", "Archives (*.zip)", ".zip")
    assert choose_file_to_save(*ask) == tmp_path / "mine.zip"
    (tmp_path / "mine.zip").touch()
    answer(replace)
    assert choose_file_to_save(*ask) == (tmp_path / "mine.zip" if replace == "Ok" else None)
    assert asked()[-1] == "mine.zip is there already. Replace it?"


def test_the_default_model_and_one_that_a_training_goes_on_from_are_not_removed(panel, models):
    from COVIDLesionSegLib.engine.models.user_models import promote, roll_back
    from COVIDLesionSegLib.jobs import RetrainOptions
    from COVIDLesionSegLib.worker.retraining import new_retraining

    add_theirs(models)
    promote("theirs", "0" * 64)
    panel.models_changed()
    choose(panel, "theirs")
    assert not panel.ui.removeModelButton.enabled
    assert "is the default" in panel.ui.removeModelButton.toolTip

    roll_back("theirs")
    new_retraining(RetrainOptions(model="theirs", model_id="theirs-r1"), predictions=False)
    panel.models_changed()
    choose(panel, "theirs")
    panel.ui.removeModelButton.click()
    assert said(panel).startswith("The training of theirs-r1 goes on from theirs:")
    assert "theirs" in rows(panel)


@pytest.mark.slow
def test_a_job_can_be_cancelled(panel, models, wait, section):
    choose(panel, "eamc-4")
    panel.ui.makeDefaultButton.click()
    panel.ui.cancelModelButton.click()
    wait()

    assert said(panel) == "Cancelled."
    assert default_model() == DEFAULT_MODEL
    assert panel.ui.cancelModelButton.isHidden() and panel.ui.verifyButton.enabled


def test_the_folder_of_the_users_models_is_made_and_shown(panel, models, monkeypatch):
    from COVIDLesionSegLib.panel.sections import models as module

    shown = []
    monkeypatch.setattr(module, "open_folder", shown.append)
    panel.ui.openFolderButton.click()

    assert shown == [models] and models.is_dir()


def test_a_dialog_that_is_closed_without_a_choice_does_nothing(panel, models, chosen_file, section):
    from COVIDLesionSegLib.panel.running.run import RunState

    chosen_file(None)
    panel.ui.importButton.click()
    panel.ui.exportButton.click()

    assert section.run.state is RunState.IDLE and said(panel) == ""


def test_downloads_are_kept_apart_from_the_users_own_models(models):
    assert downloads_folder() == models / "downloads"
