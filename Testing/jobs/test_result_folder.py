import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from COVIDLesionSegLib.engine.errors import Cancelled, OutputError
from COVIDLesionSegLib.jobs.result_folder import result_folder
from COVIDLesionSegLib.report import result_files as names

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("publish_and_die.py")
FILES = {names.REPORT_JSON, names.SEGMENTATION, names.SLICES_PICTURE}


def publish(folder: Path, generation: str) -> None:
    with result_folder(folder) as staging:
        for name in FILES:
            content = {"format": names.REPORT_FORMAT, "generation": generation}
            (staging / name).write_text(json.dumps(content))


def start(folder: Path, generation: str, step: int = -1) -> subprocess.Popen:
    command = [sys.executable, SCRIPT, folder, generation, str(step)]
    return subprocess.Popen(
        [str(word) for word in command], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


def generation_of(folder: Path) -> str | None:
    """Of a complete result; None where there is none; fails where there is half of one."""
    if not folder.exists():
        return None
    assert {path.name for path in folder.iterdir()} == FILES
    generations = {json.loads(path.read_text())["generation"] for path in folder.iterdir()}
    assert len(generations) == 1
    return generations.pop()


def siblings(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir() if path != folder)


def test_a_result_appears_with_missing_parents_and_leaves_nothing_beside_it(tmp_path):
    folder = tmp_path / "a" / "b" / "result"
    publish(folder, "new")
    assert generation_of(folder) == "new"
    assert siblings(folder) == []


def test_an_earlier_result_is_replaced_as_a_whole(tmp_path):
    folder = tmp_path / "result"
    publish(folder, "old")
    (folder / names.SCENE).write_text("only the old result has this")
    publish(folder, "new")
    assert generation_of(folder) == "new"
    assert siblings(folder) == []


def test_an_empty_folder_is_taken(tmp_path):
    folder = tmp_path / "result"
    folder.mkdir()
    publish(folder, "new")
    assert generation_of(folder) == "new"


@pytest.mark.parametrize("error", [Cancelled(), OutputError("full."), RuntimeError("odd")])
def test_a_run_that_stops_leaves_the_earlier_result_and_no_traces(tmp_path, error):
    folder = tmp_path / "result"
    publish(folder, "old")
    with pytest.raises(type(error)), result_folder(folder) as staging:
        (staging / names.REPORT_JSON).write_text("half")
        raise error
    assert generation_of(folder) == "old"
    assert siblings(folder) == []


def test_a_first_run_that_stops_leaves_no_folder_that_was_not_there(tmp_path):
    folder = tmp_path / "new" / "parents" / "result"
    with pytest.raises(Cancelled), result_folder(folder):
        raise Cancelled
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["thesis.docx", names.SCENE, ".hidden"])
def test_a_folder_with_files_of_another_origin_is_refused_and_untouched(tmp_path, name):
    folder = tmp_path / "result"
    folder.mkdir()
    (folder / name).write_text("precious")
    with pytest.raises(OutputError, match=name), result_folder(folder):
        pytest.fail("the long computation must not start")
    assert (folder / name).read_text() == "precious"
    assert siblings(folder) == []


def test_a_file_put_beside_an_earlier_result_is_never_lost(tmp_path):
    folder = tmp_path / "result"
    publish(folder, "old")
    with pytest.raises(OutputError, match="notes"), result_folder(folder) as staging:
        (staging / names.REPORT_JSON).write_text("{}")
        (folder / "notes.txt").write_text("written while the computation ran")
    assert (folder / "notes.txt").exists()
    assert (folder / names.SEGMENTATION).exists()


def test_an_input_inside_the_result_folder_is_refused(tmp_path):
    ct = tmp_path / "result" / "ct.nrrd"
    ct.parent.mkdir()
    ct.write_text("a CT")
    with pytest.raises(OutputError, match="inside"), result_folder(ct.parent, inputs=(ct,)):
        pytest.fail("the long computation must not start")
    assert ct.read_text() == "a CT"


def test_the_input_folder_itself_is_refused_as_output(tmp_path):
    with pytest.raises(OutputError), result_folder(tmp_path / "dicom", (tmp_path / "dicom",)):
        pytest.fail("the long computation must not start")


def test_a_folder_that_cannot_be_written_is_refused_before_the_computation(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    for folder in (tmp_path / "file", tmp_path / "file" / "result"):
        with (
            pytest.raises(OutputError, match="name a folder|choose another"),
            result_folder(folder),
        ):
            pytest.fail("the long computation must not start")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_write_protected_parent_is_refused_before_the_computation(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Permission"), result_folder(tmp_path / "result"):
            pytest.fail("the long computation must not start")
    finally:
        tmp_path.chmod(0o700)


def test_the_current_folder_is_refused_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="inside it"), result_folder(Path()):
        pytest.fail("the long computation must not start")


def test_a_link_keeps_pointing_to_the_folder_it_named(tmp_path):
    folder, link = tmp_path / "disk", tmp_path / "result"
    folder.mkdir()
    link.symlink_to(folder)
    publish(link, "new")
    assert link.is_symlink()
    assert generation_of(folder) == "new"


def aside(folder: Path) -> Path:
    """Where a killed run leaves the earlier result."""
    return folder.with_name(f".{folder.name}.covid-lesion-seg-previous")


def test_an_earlier_result_left_aside_comes_back_into_an_empty_folder(tmp_path):
    folder = tmp_path / "result"
    publish(folder, "old")
    folder.rename(aside(folder))
    folder.mkdir()
    with pytest.raises(Cancelled), result_folder(folder):
        raise Cancelled
    assert generation_of(folder) == "old"
    assert siblings(folder) == []


def test_an_earlier_result_left_aside_outlives_files_of_another_origin(tmp_path):
    folder = tmp_path / "result"
    publish(folder, "old")
    folder.rename(aside(folder))
    folder.mkdir()
    (folder / "thesis.docx").write_text("precious")
    with pytest.raises(OutputError, match="thesis"), result_folder(folder):
        pytest.fail("the long computation must not start")
    assert (folder / "thesis.docx").exists()
    assert generation_of(aside(folder)) == "old"


def test_an_earlier_result_that_cannot_be_removed_does_not_fail_the_new_one(tmp_path, monkeypatch):
    folder = tmp_path / "result"
    publish(folder, "old")
    rename = Path.rename

    def in_use(self, target):
        if self == aside(folder):
            raise PermissionError("in use by another process")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", in_use)
    publish(folder, "new")
    assert generation_of(folder) == "new"
    monkeypatch.undo()
    publish(folder, "newer")
    assert generation_of(folder) == "newer"
    assert siblings(folder) == []


def test_ctrl_c_between_the_renames_brings_the_earlier_result_back(tmp_path, monkeypatch):
    folder = tmp_path / "result"
    publish(folder, "old")
    rename = Path.rename

    def interrupted(self, target):
        if self.name.endswith("-staging"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        publish(folder, "new")
    assert generation_of(folder) == "old"
    assert siblings(folder) == []


def test_two_runs_cannot_write_to_one_folder(tmp_path):
    folder = tmp_path / "result"
    with result_folder(folder) as staging:
        (staging / names.REPORT_JSON).write_text(json.dumps({"format": names.REPORT_FORMAT}))
        with pytest.raises(OutputError, match="Another run"), result_folder(folder):
            pytest.fail("two runs at once")
    assert (folder / names.REPORT_JSON).exists()


def test_killed_before_any_file_operation_a_complete_result_or_none_is_there(tmp_path):
    """Every operation in turn; the next run brings the earlier result back and tidies up."""
    folder = tmp_path / "result"
    publish(folder, "old")
    step, outcomes = 0, []
    while True:
        process = start(folder, "new", step)
        if process.wait() == 0:
            break
        assert process.returncode == -signal.SIGKILL
        outcomes.append(generation_of(folder))
        with pytest.raises(Cancelled), result_folder(folder):
            recovered = generation_of(folder)
            raise Cancelled
        assert recovered in ("old", "new")
        assert siblings(folder) == []
        if recovered == "new":
            publish(folder, "old")
        step += 1
    assert generation_of(folder) == "new"
    assert set(outcomes) == {"old", None, "new"}


def test_killed_at_random_moments_a_complete_result_or_none_is_there(tmp_path):
    folder = tmp_path / "result"
    publish(folder, "0")
    start(folder, "0").wait()
    moments = random.Random(0)
    for number in range(1, 13):
        process = start(folder, str(number))
        time.sleep(moments.uniform(0.0, 0.25))
        process.kill()
        process.wait()
        assert generation_of(folder) in {None, *map(str, range(number + 1))}
    publish(folder, "last")
    assert generation_of(folder) == "last"
    assert siblings(folder) == []


def test_a_path_that_is_not_utf8_is_refused_before_the_computation(tmp_path):
    folder = tmp_path / os.fsdecode(b"M\xfcller")
    with pytest.raises(OutputError, match="not UTF-8"), result_folder(folder):
        pytest.fail("the long computation must not start")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that takes no files")
def test_a_folder_that_takes_no_files_is_not_called_busy():
    with pytest.raises(OutputError, match="Nothing can be written"), result_folder(Path("/proc/x")):
        pass
