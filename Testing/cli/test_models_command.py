"""The command models: the list, one model in full, and cards that are damaged or hostile."""

import json

from cli.command_line import ask, run
from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.text import thousands


def models(*arguments) -> list[dict]:
    """The models as programs read them."""
    finished = ask("models", "--json", *arguments)
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_models_lists_the_same_for_people_and_for_machines():
    from COVIDLesionSegLib.engine.models.card import TASKS
    from COVIDLesionSegLib.engine.models.catalogue import load_catalogue

    listed = models("--all")
    text = ask("models", "--all").stdout
    facts = [one for one in listed if "members" not in one]
    catalogue = load_catalogue()
    ids = [
        *(ensemble.id for ensemble in catalogue.ensembles),
        *(model.id for model in catalogue.models),
    ]
    assert sorted(one["id"] for one in listed) == sorted(ids)
    by_id = {model["id"]: model for model in facts}
    assert by_id["amc-net"]["parameters"] == 3_346_381
    assert by_id["amc-net"]["training"]["recipe"]["steps"] > 0
    assert by_id["drsegunet"]["classes"] == ["ground-glass opacity", "consolidation"]
    assert by_id["drsegunet"]["channels"][-1] == "background"
    assert by_id["drsegunet"]["preprocessing"]["normalisation"] == "z-score"
    for model in facts:
        line = next(line for line in text.splitlines() if line.split()[:1] == [model["id"]])
        assert thousands(model["parameters"]) in line
        assert model["task"] in TASKS and isinstance(model["bfloat16"], bool)
        if model["weights_licence"]:
            assert model["weights_licence"] in line


def test_models_are_listed_by_measured_dice_and_those_without_weights_on_request():
    """Selectable means usable; but who selected such a model before still finds it."""
    from COVIDLesionSegLib.engine.models.catalogue import load_catalogue
    from COVIDLesionSegLib.engine.models.listing import list_models

    catalogue = load_catalogue()
    best_first = [model.id for model in list_models(catalogue) if model.trained]
    trained = [model.id for model in catalogue.models if model.card.weights] + ["eamc"]
    text = ask("models").stdout
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("  ")]
    assert [one for one in shown if one in best_first] == best_first
    assert sorted(shown) == sorted(trained)
    assert sorted(one["id"] for one in models()) == sorted(trained)
    assert f"{len(catalogue.models) + 1 - len(trained)} more have no weights" in text

    everything = ask("models", "--all").stdout
    headings = ["Lesions, trained", "Lesions, without weights", "Lungs, without weights"]
    places = [everything.index(heading) for heading in headings]
    assert places == sorted(places)
    assert places[1] < everything.index("  drseg-unet ") < places[2]
    assert places[2] < everything.index("  lungs-cascade-unet ")
    assert "no weights" not in everything


def test_one_model_is_shown_in_full():
    (facts,) = models("amc-net")
    text = " ".join(ask("models", "amc-net").stdout.split())
    for fact in (facts["paper"], facts["weights_licence_note"], facts["training"]["command"]):
        assert fact in text
    for score in facts["scores"]:
        assert f"{score['metric']} {score['value']:.3f} on {score['data']}" in text
    assert "window_hu (-1024.0, 200.0)" in text and "validation none," in text
    untrained = ask("models", "drseg-unet").stdout
    assert "not measured" in untrained and "none: train it first" in untrained
    assert "lung, background" in untrained


def test_a_terminal_that_lacks_characters_gets_the_rest(monkeypatch):
    """As on Windows where the output goes into a file."""
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    finished = run("models", "amc-net")
    assert finished.returncode == 0, finished.stderr
    assert "3?346?381" in finished.stdout


def test_an_ensemble_is_shown_with_its_members_and_scores():
    (facts,) = models("eamc")
    text = " ".join(ask("models", "eamc").stdout.split())
    assert f"ensemble of {', '.join(facts['members'])}" in text and len(facts["members"]) == 3
    for score in facts["scores"]:
        assert f"{score['metric']} {score['value']:.3f} on {score['data']}" in text


def test_the_list_shows_pooled_dice_with_data_set_patients_and_slices():
    """The range over patients would put the default's one slice of one patient first: 0.04."""
    lines = ask("models").stdout.splitlines()
    for name in ("unet-lite0", "amc-net", "eamc"):
        line = next(line for line in lines if line.split()[:1] == [name])
        (found,) = models(name)
        (row,) = (one for one in found["development"] if one["data"] == "Radiopaedia")
        dice = f"pooled Dice {row['pooled_dice']:.2f} on Radiopaedia (5 patients, 135 slices)"
        assert dice in line and "0.04" not in line
        said = " ".join(ask("models", name).stdout.split())
        assert f"Radiopaedia: pooled Dice {row['pooled_dice']:.3f}, median patient" in said
    line = next(line for line in lines if line.split()[:1] == ["eamc-1"])
    assert "mean Dice 0.77 on Radiopaedia (5 patients, 135 slices)" in line
    said = " ".join(ask("models", "eamc-1").stdout.split())
    assert "in the list mean Dice 0.77 on Radiopaedia (5 patients, 135 slices)" in said
    assert models("eamc-1")[0]["dice"]["pooled"] is False


def test_a_misspelt_model_is_answered_by_the_one_that_was_meant():
    finished = ask("models", "amc-nett")
    assert finished.returncode == 1 and "did you mean amc-net" in finished.stderr


def test_a_damaged_card_is_a_warning_beside_the_list(tmp_path, monkeypatch):
    (tmp_path / "theirs.json").write_text("[" * 100_000)
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    finished = run("models", "--json", "--all")
    assert finished.returncode == 0 and len(json.loads(finished.stdout)) > 40
    assert "theirs.json" in finished.stderr and finished.stderr.count("\n") == 1


def test_control_characters_on_a_card_never_reach_the_terminal(tmp_path, monkeypatch):
    card = json.loads((PACKAGED_FOLDER / "covid-rate.json").read_text("utf-8"))
    texts = {"id": "mine", "paper": "\x1b]0;owned\x07", "notes": ["\x1b[2J", "\u202e", "a\nb"]}
    (tmp_path / "mine.json").write_text(json.dumps(card | texts))
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    finished = ask("models", "mine")
    assert finished.returncode == 0 and "a b" in finished.stdout
    assert set(finished.stdout).isdisjoint("\x1b\x07\u202e")


def test_a_model_that_is_not_there_is_one_clear_line():
    finished = ask("models", "u-net-9000")
    assert finished.returncode == 1
    assert finished.stdout == "" and finished.stderr.count("\n") == 1


def test_card_texts_in_brackets_are_shown_as_they_are(tmp_path, monkeypatch):
    card = json.loads((PACKAGED_FOLDER / "covid-rate.json").read_text("utf-8"))
    texts = {"id": "mine", "title": "[a] title", "paper": "[/bold] [12]", "notes": ["[note]"]}
    (tmp_path / "mine.json").write_text(json.dumps(card | texts))
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path))
    listed, text = ask("models", "--all").stdout, ask("models", "mine").stdout
    for shown in ("mine", "[a] title"):
        assert shown in listed
    for shown in ("mine", "[a] title", "[/bold] [12]", "[note]"):
        assert shown in text
