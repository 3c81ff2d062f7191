"""Results are written whole or not at all."""

import os
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk

from COVIDLesionSegLib.engine.errors import OutputError
from COVIDLesionSegLib.engine.volume import read_array, write_volume
from engine.labelled_data import no_file_above
from engine.volume_files import chest_hu, grid_of, not_utf8

OBLIQUE = tuple(
    (np.array([[0.96, 0.28, 0.0], [-0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])).ravel().tolist()
)
SUFFIXES = [".nrrd", ".nii", ".nii.gz", ".mha"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_array_and_grid_come_back(tmp_path, suffix, dtype):
    array = chest_hu().astype(dtype)
    grid = grid_of(array, direction=OBLIQUE)
    write_volume(array, grid, tmp_path / f"result{suffix}")
    again, grid_again = read_array(tmp_path / f"result{suffix}")
    np.testing.assert_array_equal(again, array)
    assert again.dtype == dtype
    assert grid_again.size == grid.size
    exact = suffix in (".nrrd", ".mha")
    for name in ("spacing", "origin", "direction"):
        np.testing.assert_allclose(
            getattr(grid_again, name), getattr(grid, name), atol=1e-12 if exact else 1e-4
        )


def test_masks_are_written_as_labels(tmp_path):
    mask = chest_hu() < -500
    write_volume(mask, grid_of(mask), tmp_path / "mask.nrrd")
    again, _ = read_array(tmp_path / "mask.nrrd")
    assert again.dtype == np.uint8
    np.testing.assert_array_equal(again, mask)


def test_other_programs_read_what_is_written(tmp_path):
    hu = chest_hu()
    write_volume(hu, grid_of(hu), tmp_path / "ct.nrrd")
    image = sitk.ReadImage(str(tmp_path / "ct.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), hu)
    assert image.GetSpacing() == (0.75, 0.8, 2.5)


def test_labels_are_compressed(tmp_path):
    labels = np.zeros((40, 40, 40), np.uint8)
    write_volume(labels, grid_of(labels), tmp_path / "labels.nrrd")
    assert (tmp_path / "labels.nrrd").stat().st_size < labels.nbytes / 10


def test_nothing_but_the_file_is_left(tmp_path):
    hu = chest_hu()
    write_volume(hu, grid_of(hu), tmp_path / "ct.nii.gz")
    write_volume(hu, grid_of(hu), tmp_path / "ct.nii.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["ct.nii.gz"]


@pytest.mark.parametrize("name", ["ct.nhdr", "ct.png", "ct"])
def test_unknown_format_is_refused(tmp_path, name):
    hu = chest_hu()
    with pytest.raises(OutputError, match="must end in one of"):
        write_volume(hu, grid_of(hu), tmp_path / name)


def test_missing_folder_is_refused(tmp_path):
    hu = chest_hu()
    with pytest.raises(OutputError, match="check that the folder exists"):
        write_volume(hu, grid_of(hu), tmp_path / "absent" / "ct.nrrd")


def test_array_of_another_shape_is_a_programming_error(tmp_path):
    hu = chest_hu()
    with pytest.raises(ValueError, match="shape"):
        write_volume(hu[1:], grid_of(hu), tmp_path / "ct.nrrd")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_full_disk_is_reported_and_the_earlier_result_kept(tmp_path, suffix):
    path = tmp_path / f"result{suffix}"
    labels = np.zeros((4, 5, 6), np.uint8)
    write_volume(labels, grid_of(labels), path)
    before = path.read_bytes()
    hu = chest_hu((20, 30, 30))
    told = "File too large.*free disk space"
    with no_file_above(2000), pytest.raises(OutputError, match=told) as caught:
        write_volume(hu, grid_of(hu), path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


SMALL_DISK = """
import sys
import numpy as np
from pathlib import Path
from COVIDLesionSegLib.engine.errors import OutputError
from COVIDLesionSegLib.engine.volume import Geometry, write_volume

array = np.random.default_rng(0).integers(0, 256, (8, 100, 100)).astype(np.uint8)
grid = Geometry((100, 100, 8), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
folder = Path(sys.argv[1])
(folder / "results").mkdir()
for suffix in sys.argv[2:]:
    try:
        write_volume(array, grid, folder / "results" / f"ct{suffix}")
    except OutputError as error:
        print(error)
print([path.name for path in (folder / "results").iterdir()])
"""


def test_disk_that_is_full_is_named(tmp_path):
    """A disk of 32 KiB, mounted for a process of its own."""
    unshare = shutil.which("unshare")
    mount = f"mount -t tmpfs -o size=32k small {shlex.quote(str(tmp_path))}"
    inside = [unshare or "", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if unshare is None or subprocess.run([*inside, mount], capture_output=True).returncode:
        pytest.skip("this system lets no user mount a disk")
    python = shlex.join([sys.executable, "-c", SMALL_DISK, str(tmp_path), *SUFFIXES])
    told = subprocess.run(
        [*inside, f"{mount} && {python}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert told == [
        *(
            f"ct{suffix} cannot be written: the disk at {tmp_path} is full; free disk space "
            "there, or choose a place on another disk."
            for suffix in SUFFIXES
        ),
        "[]",
    ]


def test_folder_that_is_not_utf8_is_refused_instead_of_ending_the_process(tmp_path):
    hu = chest_hu()
    folder = not_utf8(tmp_path, b"\xe4")
    folder.mkdir()
    with pytest.raises(OutputError, match="not UTF-8; rename"):
        write_volume(hu, grid_of(hu), folder / "ct.nrrd")
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="asks the system for the mode of a handle")
def test_voxels_are_flushed_through_a_handle_that_may_write(tmp_path, monkeypatch):
    import fcntl

    modes, flush = [], os.fsync

    def recording(handle):
        modes.append(fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE)
        flush(handle)

    monkeypatch.setattr(os, "fsync", recording)
    hu = chest_hu()
    write_volume(hu, grid_of(hu), tmp_path / "ct.nrrd")
    assert modes == [os.O_RDWR]
