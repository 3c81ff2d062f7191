"""Every command and every block of code of README and docs/ works.

A block runs as it stands in a folder with small generated inputs, see `folder`. One whose title
says to the reader what it needs, such as hours, runs with less: see `SHORT` and `exchanged`. What
cannot run here is in `NOT_RUN` with the reason, and is only parsed by the real command line.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from contextlib import ExitStack
from types import SimpleNamespace

import numpy as np
import pytest
import typer.main
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.review import Verdict
from COVIDLesionSegLib.engine.review.folder import REVIEWS_FOLDER_VARIABLE
from engine.reviewed_cohort import prediction_of, review
from engine.volume_files import write_dicom_series
from markdown_pages import PAGES, REPOSITORY, blocks, code_in_text
from report.dicom_results import complete

PROGRAM = "covid-lesion-seg"
BLOCKS = [(page, block) for page in PAGES for block in blocks(page) if block.language]
COMMANDS = typer.main.get_command(app)
_INSTALLS = "it installs from the internet; continuous integration installs the same packages"
NOT_RUN = {
    ("README.md", "Two commands, each in an environment of its own in .venv"): (
        "they set up environments; continuous integration runs make test, and make demo every night"
    ),
    ("README.md", "From a clone of this repository"): _INSTALLS,
    ("docs/command-line.md", "From a clone of this repository"): _INSTALLS,
    ("docs/python-api.md", "From a clone of this repository"): _INSTALLS,
    ("docs/cohorts.md", "Where SLURM jobs are submitted"): "it needs SLURM",
    ("docs/cohorts.md", "With a Kubernetes cluster"): "it needs Kubernetes",
    ("docs/interoperability.md", "With a result folder of nnU-Net v2"): (
        "it needs nnU-Net v2; where that is, Testing/engine/test_nnunet.py makes such a folder"
    ),
    ("docs/troubleshooting.md", "On the computer with internet"): _INSTALLS,
    ("docs/troubleshooting.md", "On this computer"): "it needs Slicer's own Python",
}
"""Page and title of the blocks that do not run here, and why."""
_ONE_STEP = ("--steps", "1", "--set", "batch_size=1")
_PATCHES = ("--set", "preprocessing.patch_size=[32,32]")
_INPUT = ("--set", "preprocessing.input_size=[32,32]")
SHORT = {
    "compare": ("--model", "unet-lite0"),
    "enhance": _ONE_STEP,
    "retrain": _ONE_STEP,
    "study eamc-losses": (*_ONE_STEP, *_PATCHES, "--folds", "60/10/30", "--row", "dice"),
    "study covid-rate-networks": (*_ONE_STEP, *_INPUT, "--folds", "60/10/30"),
    "self-learn": (*_ONE_STEP, *_INPUT, "--depth", "1"),
    "train": (*_ONE_STEP, *_PATCHES),
    "train my-classifier": _ONE_STEP,
    "train-detector": ("--steps", "1", "--input-size", "64"),
}
"""What commands of blocks with a title get, too, so that they take seconds."""
INLINE = [
    (page, code)
    for page in PAGES
    for code in code_in_text(page)
    if code.startswith(f"{PROGRAM} ") and page != "CHANGELOG.md"
]


def commands(code: str) -> list[list[str]]:
    """The words of every command of a block; `#` begins a comment."""
    lines = code.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def understand(words: list[str]) -> None:
    """Parse a command as the command line does, without running it.

    Raises:
        KeyError: There is no such command.
        UsageError: There is no such option, or something is missing.
    """
    command, words = COMMANDS, words[1:]
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, words)


def is_known(words: list[str]) -> bool:
    """Whether what a command that is not ours names is there."""
    if words[0] == "make":
        makefile = (REPOSITORY / "Makefile").read_text("utf-8")
        return re.search(rf"^{words[1]}:", makefile, re.MULTILINE) is not None
    # Testing/monai_label starts the server.
    return words[:2] == ["monailabel", "start_server"] or "pip" in words[:3]


@pytest.mark.parametrize(
    ("page", "block"), BLOCKS, ids=[f"{page}:{block.line}" for page, block in BLOCKS]
)
def test_every_block_is_understood(page, block):
    if block.language == "python":
        compile(block.code, page, "exec")
        return
    assert block.language == "bash"
    for words in commands(block.code):
        if words[0] != PROGRAM:
            assert block.title and is_known(words), words
        elif "--help" not in words:
            understand(words)


def test_lines_of_code_fit_a_page_of_the_site():
    code = [(page, block.code) for page in PAGES for block in blocks(page)]
    assert not [(page, row) for page, text in code for row in text.splitlines() if len(row) > 80]


@pytest.mark.parametrize(("page", "code"), INLINE)
def test_every_command_in_the_text_is_understood(page, code):
    words = shlex.split(code)
    if "..." in code or "<" in code:
        words = words[: words.index("...") if "..." in words else 2]
        assert words[1] in COMMANDS.commands
    else:
        understand(words)


def test_the_table_of_commands_is_complete():
    listed = {code.split()[0] for code in code_in_text("docs/command-line.md")}
    assert set(COMMANDS.commands) - {"registry"} <= listed


@pytest.fixture(scope="module")
def chests():
    """The smallest chest that goes through the main job: as a patient, and without lesions."""
    from COVIDLesionSegLib.engine.phantom import generate_chest_ct

    smallest = {"seed": 5, "size": (88, 72, 14), "spacing": (3.8, 3.8, 18.0)}
    return generate_chest_ct(**smallest), generate_chest_ct(
        **smallest, ground_glass=0.0, consolidation=0.0
    )


@pytest.fixture(scope="module")
def folder(chests, tmp_path_factory, rendering):
    """The inputs that the blocks name, as small as they may be."""
    from COVIDLesionSegLib.engine.volume import write_volume

    folder = tmp_path_factory.mktemp("blocks")
    (folder / "cohort").mkdir()
    sick, well = chests
    one_of_them = ("ct", "one", "two", "first", "second", "cohort/one")
    for name, chest in (*((name, sick) for name in one_of_them), ("healthy", well)):
        write_volume(chest.volume.array, chest.volume.geometry, folder / f"{name}.nii.gz")
    geometry, lesions = sick.volume.geometry, (sick.lesions > 0).astype(np.uint8)
    write_volume(lesions, geometry, folder / "lesions.nii.gz")
    # The labels of lungmask, from the left upper to the right lower lobe; thirds and halves in z.
    lobes = np.zeros_like(sick.lungs)
    third, half = (len(lobes) // parts for parts in (3, 2))
    for label, z in ((5, slice(third)), (4, slice(third, 2 * third)), (3, slice(2 * third, None))):
        lobes[z][sick.lungs[z] == 1] = label
    for label, z in ((2, slice(half)), (1, slice(half, None))):
        lobes[z][sick.lungs[z] == 2] = label
    write_volume(lobes, geometry, folder / "lobes.nii.gz")
    write_dicom_series(folder / "series", sick.volume.array, geometry, edit=complete)
    for uid in ("1.2.840.113619.2.55.3", "1.2.840.113619.2.55.7"):
        series = {"series_uid": uid, "prefix": uid, "edit": complete}
        write_dicom_series(folder / "patient", sick.volume.array, geometry, **series)
    for name, text in (
        ("readers.csv", "case,category\none,CT-1\n"),
        ("cts.csv", "ct,patient\none.nii.gz,p8\n"),
        ("corrected.csv", "ct,mask,patient\ntwo.nii.gz,lesions.nii.gz,p9\n"),
        ("labels.json", json.dumps({"slices": 14, "infected": [5, 6, 7]})),
    ):
        (folder / name).write_text(text, "utf-8")
    write_labelled_slices(folder / "slices")
    for seed in range(2):
        review(folder / "reviews", seed, f"p{seed}", Verdict.CORRECTED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(USER_FOLDER_VARIABLE, str(folder / "models"))
        patch.setenv(REVIEWS_FOLDER_VARIABLE, str(folder / "reviews"))
        yield folder


def write_labelled_slices(folder):
    """Slices of three patients, every other one with a lesion."""
    from COVIDLesionSegLib.engine.data.labelled import LabelledImage
    from COVIDLesionSegLib.engine.data.slice_folder import write_slice_folder

    slices = []
    for n in range(6):
        image = np.full((64, 80), -850, np.float32)
        lesion = np.zeros(image.shape, bool)
        lesion[20 + n : 40 + n, 20:40] = n < 4
        image[lesion] += 400
        lungs = np.ones(image.shape, bool)
        slices.append(LabelledImage(f"p{n % 3}_{n}", f"p{n % 3}", image, False, lesion, lungs))
    write_slice_folder(slices, folder)


@pytest.fixture
def exchanged(folder):
    """Words of blocks with a title that stand for the reader's own, and what is in their place."""
    with ExitStack() as stack:

        def scheduler():
            from distributed import LocalCluster

            quiet = {"memory_limit": 0, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
            cluster = LocalCluster(processes=False, n_workers=1, threads_per_worker=1, **quiet)
            return stack.enter_context(cluster).scheduler_address

        yield {
            "PATIENT": lambda: "p0",
            "tcp://host:8786": scheduler,
            "/data/": lambda: "",
            "--workers 4": lambda: "--workers 2",
            "--row covid-rate --row unet": lambda: "--row covid-rate",
        }


@pytest.fixture
def console(chests, folder, scene, tmp_path, monkeypatch):
    """The names that the blocks take for granted in Slicer's Python console."""
    import slicer

    from COVIDLesionSegLib.logic import COVIDLesionSegLogic
    from COVIDLesionSegLib.scene.show import show_result
    from COVIDLesionSegLib.scene.volumes import volume_to_node

    monkeypatch.setattr(slicer.app, "temporaryPath", str(tmp_path), raising=False)
    module = SimpleNamespace(COVIDLesionSegLogic=COVIDLesionSegLogic)
    monkeypatch.setitem(sys.modules, "COVIDLesionSeg", module)

    def names():
        nodes = {name: volume_to_node(chests[0].volume, name) for name in ("CT", "first", "second")}
        for name in ("first", "second"):
            show_result(nodes[name], prediction_of(chests[0]))
        return {
            "COVIDLesionSegLogic": COVIDLesionSegLogic,
            "firstCT": nodes["first"],
            "secondCT": nodes["second"],
            "folder": folder / "console",
            "getNode": slicer.util.getNode,
            "path": folder / "ct.nii.gz",
            "volumeNode": nodes["CT"],
        }

    return names


_DONE: set[str] = set()
"""Commands that ran: the same on another page would do the same again."""
RUN = [
    page
    for page in PAGES
    if any(b.language and (page, b.title) not in NOT_RUN for b in blocks(page))
]


def test_what_does_not_run_is_there_and_says_why():
    assert set(NOT_RUN) <= {(page, block.title) for page, block in BLOCKS if block.title}
    assert all(NOT_RUN.values())


@pytest.mark.slow
@pytest.mark.rendering
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", RUN)
def test_the_blocks_of_a_page_run_one_after_the_other(
    page, folder, console, exchanged, monkeypatch
):
    monkeypatch.chdir(folder)
    names: dict[str, object] = {"__name__": page}
    if page == "docs/follow-up.md":
        write_earlier_results(folder)
    for block in blocks(page):
        if not block.language or (page, block.title) in NOT_RUN:
            continue
        code = block.code
        if block.title:
            shutil.rmtree("new", ignore_errors=True)
            for word in filter(code.__contains__, exchanged):
                code = code.replace(word, exchanged[word]())
        if block.language == "python":
            names |= console() if "Slicer" in block.title else {}
            exec(compile(code, f"{page}:{block.line}", "exec"), names)
            continue
        for words in commands(code):
            if words[0] == PROGRAM and shlex.join(words) not in _DONE:
                _DONE.add(shlex.join(words))
                execute([*words[1:], *(shorter(words) if block.title else ())])


def shorter(words):
    """The options of ``SHORT`` for a command."""
    keys = " ".join(words[1:3]), words[1]
    return next((SHORT[key] for key in keys if key in SHORT), ())


def execute(words):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, f"{shlex.join(words)}\n{done.output}"


def write_earlier_results(folder):
    """Two of one CT, as the other pages made one, unless this one runs alone."""
    if not (folder / "result").exists():
        execute(["segment", "ct.nii.gz", "--out", "result"])
    for name in ("first", "second"):
        shutil.copytree(folder / "result", folder / name)
