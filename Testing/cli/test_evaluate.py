"""``evaluate`` as a script uses it: complete tables, a page on its own, cards kept honest."""

from __future__ import annotations

import csv
import json
import re
import signal
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from COVIDLesionSegLib import RESEARCH_USE_NOTICE
from COVIDLesionSegLib.cli import progress_display
from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.evaluation.measures import MEASURES
from COVIDLesionSegLib.engine.models.catalogue import PACKAGED_FOLDER
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.report import result_files as names
from engine.labelled_data import write_slice_folder

pytestmark = pytest.mark.slow

PATIENTS = ["coronacases_org_001", "coronacases_org_002", "radiopaedia_4_85506"]


def run(*arguments):
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--device", "cpu"])


@pytest.fixture(scope="module")
def slice_folder(tmp_path_factory):
    return write_slice_folder(tmp_path_factory.mktemp("private-place") / "slices")


@pytest.fixture
def own_model(tmp_path, monkeypatch):
    """AMC-Net once more, as a model of the user's called ``mine``; gives its card's file."""
    folder = tmp_path / "models"
    folder.mkdir()
    card = json.loads((PACKAGED_FOLDER / "amc-net.json").read_text("utf-8"))
    weights = PACKAGED_FOLDER / card["weights"]["file"]
    (folder / weights.name).symlink_to(weights)
    card |= {"id": "mine", "title": "Mine <b>", "scores": []}
    (folder / "mine.json").write_text(json.dumps(card), encoding="utf-8")
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(folder))
    return folder / "mine.json"


@pytest.fixture
def compared(slice_folder, own_model, tmp_path):
    """A finished comparison of a model, another one, and their ensemble."""
    models = [part for name in ("amc-net", "mine", "amc-net+mine") for part in ("--model", name)]
    finished = run(slice_folder, "--out", tmp_path / "out", "--json-progress", *models)
    assert finished.exit_code == 0, finished.stderr
    return tmp_path / "out", finished


def test_tables_hold_every_model_patient_and_measure_and_agree(compared, slice_folder):
    folder, finished = compared
    only_with_classes = {names.CLASSES_CSV}
    written = {path.name for path in folder.iterdir()}
    assert written == names.EVALUATION_RESULT.files - only_with_classes
    with (folder / names.SCORES_CSV).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    content = json.loads((folder / names.EVALUATION_JSON).read_text("utf-8"))
    assert len(rows) == 3 * (len(PATIENTS) + 5)
    assert [model["model"] for model in content["models"]] == ["amc-net", "mine", "amc-net+mine"]
    for model in content["models"]:
        assert list(model["patients"]) == PATIENTS
        of_model = {
            row["row"] if row["row"] != "patient" else row["patient"]: row
            for row in rows
            if row["model"] == model["model"]
        }
        for where, values in (
            *((patient, one["values"]) for patient, one in model["patients"].items()),
            ("pooled", model["pooled"]),
            *(
                (f"interval_{end}", {k: v and v[n] for k, v in model["intervals"].items()})
                for n, end in enumerate(("low", "high"))
            ),
            ("mean", model["means"]),
            ("sd", model["sds"]),
        ):
            for measure in MEASURES:
                cell, value = of_model[where][measure.key], values[measure.key]
                assert (cell == "n/a") == (value is None)
                assert value is None or float(cell) == pytest.approx(value, abs=1e-6)
        assert of_model["coronacases_org_001"]["learned_from"] == "yes"
        assert of_model["radiopaedia_4_85506"]["learned_from"] == "no"
    assert content["distances_in"] == "px"
    last = json.loads(finished.stdout.splitlines()[-1])
    assert last["done"] == str(folder)
    assert last["dice"]["mine"] == content["models"][1]["pooled"]["dice"]
    # The same weights twice vote as one.
    assert content["models"][2]["pooled"] == pytest.approx(content["models"][0]["pooled"])


class Page(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [v for k, v in attributes if k in ("src", "href", "style", "onclick")]

    def handle_data(self, text):
        self.texts.append(text.strip())


def test_the_page_stands_alone_names_its_protocol_and_no_path(compared, slice_folder):
    folder, _ = compared
    text = (folder / names.EVALUATION_HTML).read_text("utf-8")
    page = Page(text)
    assert not {"script", "link", "iframe", "a"} & set(page.tags)
    allowed = ("data:image/png;base64,", "background: #", "aspect-ratio: ")
    charts = re.compile("<svg.*?</svg>", re.DOTALL)
    assert all(source.startswith(allowed) for source in Page(charts.sub("", text)).sources)
    assert all("url(http" not in chart for chart in charts.findall(text))
    assert str(slice_folder.parent) not in text
    assert page.texts.count(RESEARCH_USE_NOTICE) == 2
    shown = " ".join(page.texts)
    assert "whole slices, p > 0.5, no lung mask" in shown
    assert "amc-net, mine, amc-net+mine: Optimistic: coronacases_org_001" in shown
    assert "no lung mask; ensemble by majority-vote" in shown
    assert "The pixel size is not known" in shown
    assert "windowed by their publisher, HU unknown: radiopaedia_4_85506" in shown
    assert "Mine <b>" in shown and "b" not in [tag for tag in page.tags if tag == "Mine"]
    # Each patient's slice: the CT and one picture for each model.
    assert page.tags.count("img") % 4 == 0 and page.tags.count("img") >= 4 * len(PATIENTS)


def test_scores_go_onto_the_users_own_card_with_data_and_protocol(
    slice_folder, own_model, tmp_path
):
    """Not those of patients the model learned from; measuring again changes nothing."""
    arguments = (slice_folder, "--model", "mine", "--write-card", "--out", tmp_path / "out")
    for _ in range(2):
        finished = run(*arguments)
        assert finished.exit_code == 0, finished.stderr
        scores = json.loads(own_model.read_text("utf-8"))["scores"]
        assert {score["data"] for score in scores} == {"radiopaedia_4_85506, 1 slices"}
        assert len({score["metric"] for score in scores}) == len(scores)
    assert scores[0]["protocol"] == (
        "outside patient, image windowed by its publisher; "
        "pixels of all slices pooled, whole slices, p > 0.5, no lung mask"
    )


@pytest.mark.parametrize(
    ("model", "said"),
    [("amc-net", "only onto cards of your own models"), ("amc-net+mine", "is an ensemble")],
)
def test_packaged_cards_and_ensembles_are_not_written(
    slice_folder, own_model, tmp_path, model, said
):
    before = (PACKAGED_FOLDER / "amc-net.json").read_bytes()
    finished = run(slice_folder, "--model", model, "--write-card", "--out", tmp_path / "out", "-q")
    assert finished.exit_code == 1
    assert said in finished.stderr and finished.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert (PACKAGED_FOLDER / "amc-net.json").read_bytes() == before


def test_a_family_of_the_users_cards_is_not_written(slice_folder, own_model, tmp_path):
    card = json.loads(own_model.read_text("utf-8"))
    family = {"shared": card, "models": [{}, {"id": "other"}]}
    own_model.write_text(json.dumps(family), encoding="utf-8")
    finished = run(slice_folder, "--model", "mine", "--write-card", "--out", tmp_path / "o", "-q")
    assert finished.exit_code == 1 and "in a file of its own" in finished.stderr
    assert json.loads(own_model.read_text("utf-8")) == family


def test_an_earlier_evaluation_is_replaced_but_a_segmentation_result_is_not(slice_folder, tmp_path):
    out = tmp_path / "out"
    arguments = (slice_folder, "--patient", PATIENTS[2], "--out", out, "--quiet")
    assert [run(*arguments).exit_code for _ in range(2)] == [0, 0]
    other = tmp_path / "result"
    other.mkdir()
    (other / names.REPORT_JSON).write_text(json.dumps({"format": names.REPORT_FORMAT}))
    finished = run(slice_folder, "--out", other, "--quiet")
    assert finished.exit_code == 1
    assert "report.json, which is not part of a result" in finished.stderr
    assert (other / names.REPORT_JSON).exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "u-net-9000"), "no model 'u-net-9000'"),
        (("--model", "covid-rate"), "no trained weights"),
        (("--patient", "miller"), "no patient miller"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(slice_folder, tmp_path, arguments, said):
    finished = run(slice_folder, "--out", tmp_path / "out", "--quiet", *arguments)
    assert (finished.exit_code, finished.stdout) == (1, "")
    assert said in finished.stderr and finished.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_data_that_are_not_there_are_refused(tmp_path):
    finished = run(tmp_path / "absent", "--out", tmp_path / "out", "--quiet")
    assert finished.exit_code == 1 and "absent does not exist" in finished.stderr


@pytest.mark.parametrize("arguments", [(), ("slices",), ("slices", "--out", "x", "--threshold", 2)])
def test_wrong_usage_ends_with_2(arguments):
    assert run(*arguments).exit_code == 2


def test_a_cancelled_evaluation_ends_with_130_and_leaves_nothing(
    slice_folder, tmp_path, monkeypatch
):
    def interrupt(line):
        if line["stage"] == "Finding lesions":
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(progress_display, "print_json_line", interrupt)
    finished = run(slice_folder, "--out", tmp_path / "out", "--json-progress")
    assert finished.exit_code == 130
    assert finished.stderr == "Cancelled: nothing was changed.\n"
    assert list(tmp_path.iterdir()) == []
