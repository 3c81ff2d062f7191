"""What the command line refuses, in which words, and with which exit status."""

import json

import pytest
from typer.testing import CliRunner

from cli.command_line import ask, refused, run
from COVIDLesionSegLib import RESEARCH_USE_NOTICE, __version__
from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.cli.summaries.training import print_training
from COVIDLesionSegLib.jobs.training_run import Trained
from engine.crafted import make_card


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
