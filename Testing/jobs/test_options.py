"""Options are right from the moment they exist, and the command line offers just these."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass
from pathlib import Path

import pytest
import typer

from COVIDLesionSegLib import jobs
from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.errors import ParameterError
from COVIDLesionSegLib.engine.options import (
    Options,
    exposed_options,
    option,
    options_of,
    recorded_command,
)
from COVIDLesionSegLib.engine.parameters import Parameters

GIVEN = {
    "case": Path("reviews/case"),
    "grid": Path("grid.json"),
    "ct": Path("ct.nrrd"),
    "cts": (Path("a.nrrd"), Path("b.nrrd")),
    "data": Path("slices"),
    "volume": Path("folder"),
    "scene": Path("folder"),
    "model_id": "mine",
    "study": "eamc-losses",
    "licence": "CC0-1.0",
    "licence_note": "A test.",
    "slices": (Path("slices"),),
    "validate": ("p1",),
    "unlabelled": Path("cts.csv"),
    "file": Path("model.zip"),
    "folder": Path("model"),
}
_COMMANDS = typer.main.get_command(app).commands
COMMANDS = {**_COMMANDS, **_COMMANDS["registry"].commands}


def some_options(job: str) -> Options:
    """Options of a job with what it needs and nothing else."""
    options_type = jobs.OPTIONS[job]
    values = {
        option.name: GIVEN[option.name]
        for option in options_of(options_type)
        if option.name in GIVEN
    }
    if job == "evaluate_detector":
        values["model"] = "mine"
    if job == "batch":
        values["sources"] = (Path("cohort"),)
    if job == "open_case":
        values |= {"sources": (Path("cohort"),), "cohort": Path("out"), "case": "one"}
    if job == "compare":
        values["studies"] = (Path("first"), Path("second"))
    if job == "export_dicom":
        values["result"] = Path("result")
    if job == "agreement":
        values |= {"cohort": Path("cohort"), "truth": Path("truth.csv")}
    if job == "synthesize":
        values["slices"] = Path("slices")
    return options_type(**values)


@dataclass(frozen=True, kw_only=True)
class Crafted(Options):
    path: Path = option("A path.", shown_as="PATH")
    many: tuple[Path, ...] = option("Paths.", (), shown_as="MANY")
    count: int = option("A count.", 3, minimum=1, maximum=9)
    ratio: float = option("A ratio.", 1.0)
    kind: str = option("A kind.", "a", choices=("a", "b"))
    mask: bool | None = option("A mask.", None)


@pytest.mark.parametrize("job", jobs.OPTIONS)
def test_options_survive_a_trip_through_json(job):
    options = some_options(job)
    plain = json.loads(json.dumps(options.to_dict()))
    assert type(options).from_dict(plain) == options


OF_SLICER = {
    "bundle_scene",
    "check_installation",
    "detect_volume",
    "download_model",
    "export_model",
    "import_model",
    "keep_retrained",
    "make_default",
    "open_case",
    "restore_case",
    "sample_ct",
    "segment_volume",
    "verify_model",
}
"""Jobs of the panel and the console, which have no command."""


@pytest.mark.parametrize("job", jobs.OPTIONS)
def test_a_job_is_found_by_the_name_of_its_options(job):
    assert callable(getattr(jobs, job))


def test_a_job_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="diagnose"):
        jobs.diagnose  # noqa: B018


@pytest.mark.parametrize("job", sorted(set(jobs.OPTIONS) - OF_SLICER))
def test_the_command_has_every_option_of_its_job_with_the_same_default(job):
    command = COMMANDS[job.replace("_", "-")]
    offered = {parameter.name: parameter for parameter in command.params}
    told_by_every_command = {"out", "json_progress", "quiet", "debug", "help"}
    exposed = {one.name: one for one, _ in exposed_options(jobs.OPTIONS[job])}
    assert set(offered) - told_by_every_command == set(exposed)
    for name, one in exposed.items():
        parameter = offered[name]
        assert parameter.required == (one.default is MISSING)
        if not (parameter.required or one.info.names_model or one.many):
            assert parameter.default == one.default
        if not one.info.positional:
            assert parameter.opts == [f"--{one.flag}"]
            if one.type is bool and parameter.default is not False:
                assert parameter.secondary_opts == [f"--no-{one.flag}"], "it can be turned off"
        assert parameter.help


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "path"),
        ({"path": 3}, "path is 3, but must be a path"),
        ({"path": "a", "many": ["a", 3]}, "many is 3, but must be a path"),
        ({"path": "a", "count": 0}, "count is 0, but must be from 1 to 9"),
        ({"path": "a", "count": True}, "count is True, but must be a whole number"),
        ({"path": "a", "count": 2.0}, "count is 2.0, but must be a whole number"),
        ({"path": "a", "ratio": "1"}, "ratio is '1', but must be a number"),
        ({"path": "a", "ratio": float("inf")}, "ratio is inf, but must be a finite number"),
        ({"path": "a", "ratio": float("nan")}, "ratio is nan, but must be a finite number"),
        ({"path": "a", "kind": "c"}, "kind is 'c', but must be one of: a, b"),
        ({"path": "a", "mask": "no"}, "mask is 'no', but must be true or false"),
        ({"path": "a", "colour": "red"}, "Unknown parameter: colour"),
    ],
)
def test_what_is_wrong_is_named(values, said):
    with pytest.raises(ParameterError) as error:
        Crafted.from_dict(values)
    assert said in str(error.value)


def test_strings_become_paths_and_whole_numbers_become_numbers():
    options = Crafted(path="a/b", many=["~/c"], ratio=2)
    assert options.path == Path("a/b")
    assert options.many == (Path("~/c").expanduser(),)
    assert isinstance(options.ratio, float)


def test_a_recorded_command_holds_what_decides_the_result_and_no_path():
    options = Crafted(path="/home/mrs-miller", many=("x", "y"), count=4, mask=False)
    assert recorded_command("program job", options) == (
        "program job --path PATH --many MANY --many MANY --count 4 --no-mask"
    )
    assert recorded_command("program job", Crafted(path="x")) == "program job --path PATH"


def test_nested_options_have_the_defaults_of_the_set_that_holds_them():
    defaults = {one.name: one.default for one, _ in exposed_options(jobs.EvaluateOptions)}
    assert defaults["precision"] == "float32" and Parameters().precision == "auto"
    assert "allow_untrained" not in defaults


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"validate": ()}, "one of them"),
        ({"no_validation": True}, "one of them"),
        ({"validate": (), "folds": "lopo", "fine_tune": True}, "exclude each other"),
        ({"parallel": 2}, "trains folds"),
        ({"validate": (), "folds": "3", "parallel": 2, "workers": 1}, "set workers to 0"),
        ({"validate": (), "folds": "3", "devices": 2}, "one device each"),
        ({"validate": (), "folds": "3", "parallel": 2, "scheduler": "tcp://a:1"}, "not both"),
        ({"slices": ()}, "labelled data"),
    ],
)
def test_options_of_a_training_that_exclude_each_other_are_refused(change, said):
    given = some_options("train").to_dict()
    with pytest.raises(ParameterError, match=said):
        jobs.TrainOptions.from_dict(given | change)
