"""Every command and every block of code of README and docs/ works, or at least is understood.

A block runs as it stands, in a folder with small generated inputs: see `folder`. A block with a
title says to the reader what it needs, such as a computer with Slicer or hours: its commands are
only parsed by the real command line, its Python only compiled.
"""

from __future__ import annotations

import re
import shlex

import numpy as np
import pytest
import typer.main
from typer.testing import CliRunner

from COVIDLesionSegLib.cli.main import app
from markdown_pages import PAGES, REPOSITORY, blocks, code_in_text

PROGRAM = "covid-lesion-seg"
BLOCKS = [(page, block) for page in PAGES for block in blocks(page) if block.language]
COMMANDS = typer.main.get_command(app)
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
    return "pip" in words[:3]


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
def folder(tmp_path_factory, rendering):
    """The inputs that the blocks name, as small as they may be."""
    from COVIDLesionSegLib.engine.data.labelled import LabelledImage
    from COVIDLesionSegLib.engine.data.slice_folder import write_slice_folder
    from COVIDLesionSegLib.engine.phantom import generate_chest_ct
    from COVIDLesionSegLib.engine.volume import write_volume

    folder = tmp_path_factory.mktemp("blocks")
    (folder / "cohort").mkdir()
    smallest = {"seed": 5, "size": (88, 72, 14), "spacing": (3.8, 3.8, 18.0)}
    sick = generate_chest_ct(**smallest)
    well = generate_chest_ct(**smallest, ground_glass=0.0, consolidation=0.0)
    for name, chest in (("ct", sick), ("cohort/one", sick), ("healthy", well)):
        write_volume(chest.volume.array, chest.volume.geometry, folder / f"{name}.nii.gz")
    # The labels of lungmask, from the left upper to the right lower lobe; thirds and halves in z.
    lobes = np.zeros_like(sick.lungs)
    third, half = (len(lobes) // parts for parts in (3, 2))
    for label, z in ((5, slice(third)), (4, slice(third, 2 * third)), (3, slice(2 * third, None))):
        lobes[z][sick.lungs[z] == 1] = label
    for label, z in ((2, slice(half)), (1, slice(half, None))):
        lobes[z][sick.lungs[z] == 2] = label
    write_volume(lobes, sick.volume.geometry, folder / "lobes.nii.gz")
    (folder / "readers.csv").write_text("case,category\none,CT-1\n", "utf-8")
    slices = []
    for n in range(4):
        image = np.full((64, 80), -850, np.float32)
        lesion = np.zeros(image.shape, bool)
        lesion[20 + n : 40 + n, 20:40] = True
        image[lesion] += 400
        lungs = np.ones(image.shape, bool)
        slices.append(LabelledImage(f"p{n % 2}_{n}", f"p{n % 2}", image, False, lesion, lungs))
    write_slice_folder(slices, folder / "slices")
    return folder


_DONE: set[str] = set()
"""Commands that ran: the same on another page would do the same again."""
RUN = [page for page in PAGES if any(b.language and not b.title for b in blocks(page))]


@pytest.mark.slow
@pytest.mark.rendering
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", RUN)
def test_the_blocks_of_a_page_run_one_after_the_other(page, folder, monkeypatch):
    monkeypatch.chdir(folder)
    names: dict[str, object] = {"__name__": page}
    for block in blocks(page):
        if not block.language or block.title:
            continue
        if block.language == "python":
            exec(compile(block.code, f"{page}:{block.line}", "exec"), names)
            continue
        for words in commands(block.code):
            if shlex.join(words) in _DONE:
                continue
            done = CliRunner().invoke(app, words[1:])
            assert done.exit_code == 0, f"{shlex.join(words)}\n{done.output}"
            _DONE.add(shlex.join(words))
