"""Warnings that may quote a patient's data stay quiet, also where two threads read and write."""

from __future__ import annotations

import logging
import threading
import warnings

import pytest

from COVIDLesionSegLib.engine.volume.quiet_dicom import quiet_dicom


def test_a_thread_that_is_done_does_not_let_another_one_print(recwarn):
    warnings.simplefilter("always")
    begun, done = threading.Event(), threading.Event()

    def read() -> None:
        with quiet_dicom():
            begun.set()
            done.wait(10)

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(10)
    with quiet_dicom():
        done.set()
        reader.join(10)
        warnings.warn("Miller^Jane", UserWarning, stacklevel=1)
        assert not logging.getLogger("pydicom").isEnabledFor(logging.WARNING)

    assert not recwarn.list
    warnings.warn("of something else", UserWarning, stacklevel=1)
    assert [str(one.message) for one in recwarn.list] == ["of something else"]


def test_what_was_shown_before_is_shown_after_an_error():
    before = list(warnings.filters)
    with pytest.raises(ValueError, match="damaged"), quiet_dicom():
        raise ValueError("damaged")
    assert warnings.filters == before
