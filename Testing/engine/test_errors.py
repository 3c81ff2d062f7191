"""Every error ends as one line for people, without paths."""

from __future__ import annotations

import errno
import os

import pytest

from COVIDLesionSegLib.engine.errors import InputError, in_one_sentence


def test_an_error_of_this_package_is_its_own_sentence_on_one_line():
    said = in_one_sentence(InputError("The CT is empty:\nchoose another."))
    assert said == "The CT is empty: choose another."


def test_a_missing_package_is_named():
    said = in_one_sentence(ModuleNotFoundError("No module named 'monai'", name="monai"))
    assert said.startswith("monai cannot be loaded")


def test_running_out_of_memory_says_what_helps():
    assert "close other programs" in in_one_sentence(MemoryError())


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file", "/data/Doe^Jane/ct.nii"),
        ValueError("/data/Doe^Jane/ct.nii is odd"),
        ImportError("cannot load", name="torch", path="/data/Doe^Jane/torch"),
    ],
)
def test_an_unexpected_error_is_named_by_its_type_and_repeats_no_path(error):
    said = in_one_sentence(error)
    assert "Doe" not in said and "/data" not in said
    if not isinstance(error, ImportError):
        assert type(error).__name__ in said and "traceback" in said


def test_a_full_disk_is_named_by_where_it_is_mounted():
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert in_one_sentence(full).startswith("A disk is full; free disk space")
    full.filename = "/Doe^Jane/ct.nii"
    assert in_one_sentence(full).startswith("The disk at / is full; free disk space there")


def test_bytes_that_a_terminal_obeys_are_not_printed():
    name = "a\x1b[2J\udcfc\n.nrrd\u202e"  # of a file name that is not UTF-8
    said = in_one_sentence(InputError(f"{name} is damaged."))
    assert said == "a?[2J? .nrrd? is damaged."
