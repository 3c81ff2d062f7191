"""The commands as a script uses them: exit codes, one clear line, complete folders."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from COVIDLesionSegLib import RESEARCH_USE_NOTICE, __version__
from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.cli.summaries.training import print_training
from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.phantom import generate_chest_ct
from COVIDLesionSegLib.engine.text import thousands
from COVIDLesionSegLib.engine.volume import read_array, write_volume
from COVIDLesionSegLib.jobs.training_run import Trained
from COVIDLesionSegLib.report import result_files as names
from COVIDLesionSegLib.report.report_json import report_schema
from engine.crafted import make_card

RESULT = names.RESULT_FILES - {names.GENERATED_CT, names.DISAGREEMENT, names.REPORT_PDF}
RESULT -= names.DICOM_FILES


def command(*arguments) -> list[str]:
    return [sys.executable, "-m", "COVIDLesionSegLib.cli.main", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "COLUMNS": "200"}


def run(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(*arguments),
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
    )


def ask(*arguments) -> subprocess.CompletedProcess:
    """As ``run``, in this process: what is answered at once without a job needs none of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        done = CliRunner().invoke(app, [str(word) for word in arguments])
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def ct(small_chest, tmp_path_factory) -> Path:
    """NIfTI with both its orientations, which is read while PyTorch is still being loaded."""
    path = tmp_path_factory.mktemp("ct") / "mrs-miller.nii.gz"
    write_volume(small_chest.array, small_chest.geometry, path)
    return path


@pytest.fixture(scope="module")
def done(ct, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess]:
    """One finished run: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("out") / "result"
    finished = run("segment", ct, "--out", folder, "--device", "cpu", "--json-progress")
    assert finished.returncode == 0, finished.stderr
    return folder, finished


@pytest.fixture(scope="module")
def few_slices():
    """A whole chest in four slices: networks without training are large."""
    return generate_chest_ct(seed=5, size=(88, 72, 4), spacing=(3.8, 3.8, 63.0)).volume


@pytest.fixture(scope="module")
def untrained(few_slices, tmp_path_factory, rendering) -> tuple[Path, subprocess.CompletedProcess]:
    """One finished run of an ensemble of two untrained networks of two classes."""
    folder = tmp_path_factory.mktemp("out")
    write_volume(few_slices.array, few_slices.geometry, folder / "ct.nrrd")
    ensemble = ("--model", "drsegunet+drseg-unet", "--combination", "mean", "--allow-untrained")
    where = (folder / "ct.nrrd", "--out", folder / "result", "--device", "cpu")
    finished = ask("segment", *where, *ensemble)
    assert finished.returncode == 0, finished.stderr
    return folder / "result", finished


def refused(tmp_path: Path, *arguments) -> str:
    """The only line of a run that failed and wrote nothing."""
    finished = ask("segment", *arguments, "--out", tmp_path / "out", "--quiet")
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr.count("\n") == 1, finished.stderr
    assert not (tmp_path / "out").exists()
    return finished.stderr


@pytest.mark.rendering
def test_segment_writes_every_file_of_the_contract_and_nothing_else(done):
    folder, _ = done
    assert {path.name for path in folder.iterdir()} == RESULT
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.rendering
def test_machines_follow_a_run_line_by_line(done):
    folder, finished = done
    *progress, last = map(json.loads, finished.stdout.splitlines())
    fractions = [line["fraction"] for line in progress]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert len({line["stage"] for line in progress}) >= 5
    assert last["done"] == str(folder)
    assert last["category"] in {"CT-0", "CT-1", "CT-2", "CT-3", "CT-4"}


@pytest.mark.rendering
def test_the_report_of_a_run_fulfils_its_schema_and_names_no_file(done, ct):
    folder, _ = done
    text = (folder / names.REPORT_JSON).read_text("utf-8")
    jsonschema.validate(json.loads(text), report_schema())
    for written in (text, (folder / names.REPORT_HTML).read_text("utf-8")):
        assert "mrs-miller" not in written
        assert str(ct.parent) not in written


@pytest.mark.rendering
def test_the_outputs_lie_on_the_grid_of_the_ct(done, small_chest):
    folder, _ = done
    probability, geometry = read_array(folder / names.PROBABILITY)
    assert geometry.size == small_chest.geometry.size
    np.testing.assert_allclose(geometry.ijk_to_lps, small_chest.geometry.ijk_to_lps, atol=1e-6)
    assert probability.dtype == np.float32
    assert probability.min() >= 0 and probability.max() <= 1


@pytest.mark.rendering
def test_lesions_are_looked_for_in_the_lungs_of_an_earlier_result(done, ct, tmp_path):
    earlier, _ = done
    folder = tmp_path / "again"
    lungs = earlier / names.SEGMENTATION
    finished = ask("segment", ct, "--lungs-file", lungs, "--out", folder, "--device", "cpu")
    assert finished.returncode == 0, finished.stderr
    report, before = (
        json.loads((one / names.REPORT_JSON).read_text()) for one in (folder, earlier)
    )

    assert report["provenance"]["lungs"] == {"method": "given"}
    assert report["severity"]["regions"] == before["severity"]["regions"]
    assert "lungs-given" in [flag["code"] for flag in report["flags"]]


def test_lungs_of_another_ct_are_refused(ct, small_chest, tmp_path):
    path = tmp_path / "lungs.nrrd"
    write_volume(np.ones(small_chest.array.shape, np.uint8)[1:], _less(small_chest.geometry), path)

    assert "grid of the CT" in refused(tmp_path, ct, "--lungs-file", path)


def _less(geometry):
    i, j, k = geometry.size
    return replace(geometry, size=(i, j, k - 1))


def test_the_segmentation_file_has_named_segments_with_the_right_lung_on_the_right(done, scene):
    import slicer

    folder, _ = done
    node = slicer.util.loadSegmentation(str(folder / names.SEGMENTATION))
    assert node.GetSegmentation().GetSegmentIDs() == ("right-lung", "left-lung", "lesion")
    centres = [node.GetSegmentCenterRAS(segment) for segment in ("right-lung", "left-lung")]
    assert centres[0][0] > centres[1][0]


@pytest.mark.rendering
def test_the_scene_opens_with_the_overlay_at_the_slice_with_the_most_lesion(done, mrml, scene):
    folder, _ = done
    assert mrml.scene.ReadFromMRB(str(folder / names.SCENE), True)
    slices = json.loads((folder / names.REPORT_JSON).read_text("utf-8"))["severity"]["slices"]
    featured = max(slices, key=lambda one: (one["lesion_mm2"], one["lung_mm2"]))
    composite = scene.GetSingletonNode("Red", "vtkMRMLSliceCompositeNode")
    ct = scene.GetNodeByID(composite.GetBackgroundVolumeID())
    probability = scene.GetNodeByID(composite.GetForegroundVolumeID())
    assert ct.GetDisplayNode().GetWindow() == 1500
    assert probability.GetDisplayNode().GetApplyThreshold()
    view = scene.GetSingletonNode("Red", "vtkMRMLSliceNode")
    assert view.GetSliceOffset() == pytest.approx(featured["position_mm"], abs=0.1)


@pytest.mark.rendering
def test_an_ensemble_of_two_classes_has_segments_and_disagreement_on_the_grid_of_the_ct(
    untrained, few_slices, scene
):
    import slicer

    folder, _ = untrained
    assert {path.name for path in folder.iterdir()} == RESULT | {names.DISAGREEMENT}
    disagreement, geometry = read_array(folder / names.DISAGREEMENT)
    np.testing.assert_allclose(geometry.ijk_to_lps, few_slices.geometry.ijk_to_lps, atol=1e-6)
    assert disagreement.dtype == np.float32 and set(np.unique(disagreement)) <= {0.0, 1.0}
    segmentation = slicer.util.loadSegmentation(str(folder / names.SEGMENTATION)).GetSegmentation()
    assert segmentation.GetSegmentIDs()[2:] == ("ground-glass-opacity", "consolidation")
    name = segmentation.GetSegment("consolidation").GetName()
    assert name == "consolidation - UNTRAINED NETWORK"


@pytest.mark.rendering
def test_nobody_takes_what_an_untrained_network_found_for_a_result(untrained):
    folder, finished = untrained
    report = json.loads((folder / names.REPORT_JSON).read_text("utf-8"))
    jsonschema.validate(report, report_schema())
    assert report["severity"]["category"] is None
    assert report["flags"][0]["code"] == "untrained-network"
    assert set(report["provenance"]["models"]) == {"drsegunet", "drseg-unet"}
    assert report["provenance"]["parameters"]["combination"] == "mean"
    assert finished.stdout.startswith("UNTRAINED NETWORK")
    assert "Severity n/a" in finished.stdout
    assert str(folder / names.DISAGREEMENT) in finished.stdout


@pytest.mark.rendering
def test_a_saved_scene_of_an_ensemble_is_found_again_with_its_disagreement(untrained, mrml, scene):
    from COVIDLesionSegLib.scene.show import find_result

    folder, _ = untrained
    assert mrml.scene.ReadFromMRB(str(folder / names.SCENE), True)
    found = find_result(scene.GetFirstNodeByName("chest CT"))
    assert found.disagreementNode.GetName().endswith("ensemble disagreement - UNTRAINED NETWORK")


@pytest.mark.slow
@pytest.mark.rendering
def test_the_demo_runs_an_untrained_network_when_allowed(tmp_path, monkeypatch):
    from COVIDLesionSegLib.jobs import segmentation

    monkeypatch.setattr(segmentation, "_DEMO_SIZE", (88, 72, 14))
    monkeypatch.setattr(segmentation, "_DEMO_SPACING_MM", (3.8, 3.8, 18.0))
    arguments = ["demo", "--model", "unet", "--allow-untrained", "--out", str(tmp_path / "demo")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("UNTRAINED NETWORK")
    assert {path.name for path in (tmp_path / "demo").iterdir()} == RESULT | {names.GENERATED_CT}


@pytest.mark.rendering
def test_an_earlier_result_stays_when_a_later_run_fails(done, tmp_path):
    folder, _ = done
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    (tmp_path / "text.nii.gz").write_text("not an image")
    finished = ask("segment", tmp_path / "text.nii.gz", "--out", folder)
    assert finished.returncode == 1
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_text_file_named_like_an_image_is_one_clear_line(tmp_path):
    path = tmp_path / "ct.nii.gz"
    path.write_text("not an image")
    assert "ct.nii.gz" in refused(tmp_path, path)
    # A library's own complaints in a fresh process would be lines, too.
    finished = run("segment", path, "--out", tmp_path / "out", "--quiet")
    assert finished.returncode == 1 and finished.stdout == ""
    assert finished.stderr.count("\n") == 1 and "ct.nii.gz" in finished.stderr
    assert not (tmp_path / "out").exists()


def test_an_unknown_model_is_refused_with_those_there_are(ct, tmp_path):
    assert "amc-net" in refused(tmp_path, ct, "--model", "u-net-9000")


@pytest.mark.rendering
@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--model", "amc-net+unet", "unet has no trained weights"),
        ("--model", "amc-net+u-net-9000", "u-net-9000"),
        ("--model", "amc-net+drsegunet", "cannot vote together"),
        ("--model", "lungs-cascade-unet", "choose it for the lungs"),
        ("--lungs", "lungs-9000", "'lungs-9000'"),
        ("--lungs", "lungs-cascade-unet", "no trained weights"),
    ],
)
def test_what_cannot_be_chosen_is_refused_in_one_line(ct, tmp_path, option, value, said):
    arguments = ["segment", str(ct), "--out", str(tmp_path / "out"), "--quiet", option, value]
    refusal = CliRunner().invoke(app, arguments)
    assert refusal.exit_code == 1
    assert said in refusal.stderr and refusal.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_gpu_that_is_not_there_is_refused_rather_than_replaced(ct, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert "cuda" in refused(tmp_path, ct, "--device", "cuda").lower()


def test_an_output_folder_with_other_files_is_refused_before_reading_the_ct(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.docx").write_text("precious")
    finished = ask("segment", tmp_path / "missing.nrrd", "--out", folder)
    assert finished.returncode == 1
    assert "thesis.docx" in finished.stderr
    assert (folder / "thesis.docx").read_text() == "precious"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_run_ends_with_130_and_leaves_nothing(ct, tmp_path, number):
    arguments = ("segment", ct, "--out", tmp_path / "out", "--device", "cpu", "--json-progress")
    with subprocess.Popen(
        command(*arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stdout:
            if "Finding" in line:
                process.send_signal(number)
                break
        _, said = process.communicate()
    assert process.returncode == 130
    assert said.splitlines()[1:] == [
        "Stopping after the present step; once more stops at once.",
        "Cancelled: nothing was changed.",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("segment",),
        ("segment", "ct.nrrd"),
        ("segment", "ct.nrrd", "--out", "x", "--device", "abacus"),
        ("segment", "ct.nrrd", "--out", "x", "--threshold", "1.5"),
        ("segment", "ct.nrrd", "--out", "x", "--batch-size", "-1"),
        ("segment", "ct.nrrd", "--out", "x", "--combination", "coin"),
        ("segment", "ct.nrrd", "--out", "x", "--model", "amc-net+amc-net"),
    ],
)
def test_wrong_usage_ends_with_2(arguments):
    assert_wrong_usage(ask(*arguments))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--second-opinion", "foo"), "Option: --second-opinion."),
        (("--slice-classifier", "foo"), "Option: --slice-classifier."),
        (("--slice-classifier", "capsule-classifier"), "has no trained weights yet"),
        (("--lungs", "foo"), "lungs-lite0; or, without weights: lungs-cascade-unet"),
        (("--model", "unet"), "has no trained weights yet"),
        (("--model", "unet"), "Option: --allow-untrained."),
    ],
)
def test_what_cannot_be_used_is_refused_before_pytorch_is_loaded(ct, tmp_path, arguments, said):
    finished = run("segment", ct, "--out", tmp_path / "out", *arguments)
    assert finished.returncode == 1
    assert said in finished.stderr
    assert "Loading PyTorch" not in finished.stderr and "Reading" not in finished.stderr


@pytest.mark.parametrize("command", ["compare", "detect"])
def test_other_commands_refuse_it_before_a_ct_is_read(ct, tmp_path, command):
    cts = (ct, ct) if command == "compare" else (ct,)
    finished = run(command, *cts, "--out", tmp_path / "out", "--lungs", "foo")
    assert finished.returncode == 1
    assert "There is no lung extractor 'foo'" in finished.stderr
    assert "Reading" not in finished.stderr


def test_nothing_is_asked_of_a_lung_extractor_where_the_lungs_are_given():
    from COVIDLesionSegLib.engine.errors import ModelError, ParameterError
    from COVIDLesionSegLib.engine.models.choice import check_choice
    from COVIDLesionSegLib.engine.parameters import Parameters

    untrained = Parameters(lungs="lungs-cascade-unet")
    with pytest.raises(ModelError, match="no trained weights"):
        check_choice(untrained)
    check_choice(untrained, lungs_given=True)
    with pytest.raises(ParameterError, match="second opinion"):
        check_choice(Parameters(second_opinion="foo"), lungs_given=True)


def test_messages_name_the_option_that_mends_them(ct, tmp_path):
    said = ask("segment", ct, "--out", tmp_path / "out", "--dicom-slices")
    assert said.returncode == 2 and "Option: --dicom." in said.stderr
    said = ask("segment", ct, "--out", tmp_path / "out", "--lobes-file", ct)
    assert said.returncode == 1 and "Option: --lobe-labels." in said.stderr


def test_an_unknown_model_of_a_recipe_is_answered_with_those_that_can_be_trained():
    assert "covid-lesion-seg models --all" in ask("recipe", "foo").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pdf", "a3"), "'a3' is not one of 'a4', 'letter'"),
        (("--threshold", "abc"), "it must be a valid number"),
        (("--batch-size", "-1"), "it must be greater than or equal to"),
    ],
)
def test_wrong_values_are_told_in_plain_words(arguments, said):
    text = " ".join(ask("segment", "ct.nrrd", "--out", "x", *arguments).stderr.split())
    assert said in text
    assert "Value error" not in text and "Input should" not in text and "parse" not in text


@pytest.mark.parametrize("words", [(), ("segment",), ("registry",), ("registry", "add")])
def test_help_names_no_type_of_help(words):
    assert "<bool>" not in ask(*words, "--help").stdout


def test_an_unknown_command_ends_with_2():
    assert_wrong_usage(run("dance"))


def assert_wrong_usage(finished):
    assert finished.returncode == 2
    assert finished.stdout == ""
    assert "Usage" in finished.stderr


def test_every_parameter_has_its_option():
    from dataclasses import fields

    from COVIDLesionSegLib.engine.parameters import Parameters

    said = ask("segment", "--help").stdout
    for field in fields(Parameters):
        assert f"--{field.name.replace('_', '-')}" in said
    assert RESEARCH_USE_NOTICE in ask("--help").stdout.replace("\n", " ")


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


def test_version_is_the_packages_own():
    assert run("--version").stdout.strip() == __version__


@pytest.mark.parametrize(
    ("task", "usage"),
    [
        ("lesions", "segment CT --model mine"),
        ("lungs", "segment CT --lungs mine"),
        ("instances", "detect CT --model mine"),
        ("slice-classes", "segment CT --slice-classifier mine"),
    ],
)
def test_training_ends_with_the_command_that_takes_such_a_model(task, usage, tmp_path, capsys):
    arguments = {} if task in ("lesions", "lungs") else {"slice_classes": ["clean", "infected"]}
    classes = ("lung",) if task == "lungs" else ("lesion",)
    card = make_card(id="mine", task=task, arguments=arguments, classes=classes)
    print_training(Trained(card), tmp_path, json_lines=True)
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert lines[-1] == f"Then: covid-lesion-seg {usage} --out RESULT"
    command, _, option, _ = usage.split()
    assert f" {option} " in ask(command, "--help").stdout
