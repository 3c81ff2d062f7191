"""Work in short steps: the same result at once or bit by bit, and an end at any step."""

from __future__ import annotations

import numpy as np
import pytest

from COVIDLesionSegLib.engine import steps


def counting(numbers: list[int], error: Exception | None = None) -> steps.Steps[int]:
    for number in range(3):
        numbers.append(number)
        yield
    if error is not None:
        raise error
    return len(numbers)


def test_work_goes_on_until_its_time_is_up_and_gives_its_result():
    numbers: list[int] = []
    work = steps.Work(counting(numbers))

    assert not work.go_on(0.0) and numbers == [0] and work.result is None
    assert work.go_on(60.0) and work.result == 3


def test_closed_work_does_no_more():
    numbers: list[int] = []
    work = steps.Work(counting(numbers))
    work.go_on(0.0)
    work.close()

    assert work.go_on(60.0) and work.result is None and numbers == [0]


def test_what_a_step_raises_is_passed_on():
    with pytest.raises(LookupError):
        steps.Work(counting([], LookupError())).go_on(60.0)


@pytest.mark.parametrize("multiple", [1, 8])
@pytest.mark.parametrize("shape", [(0, 4, 4), (1, 9, 7), (37, 600, 700)])
def test_slabs_cover_an_array_once(shape, multiple):
    array = np.zeros(shape, np.float32)
    parts = list(steps.slabs(array, multiple))
    for part in parts:
        array[part] += 1

    assert (array == 1).all()
    assert all((part.stop - part.start) % multiple == 0 for part in parts[:-1])


def test_a_copy_is_contiguous_and_of_the_type_asked_for():
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4).transpose(2, 1, 0)
    copy = steps.finish(steps.copied(array, np.float32))

    assert copy.flags.c_contiguous and copy.dtype == np.float32
    np.testing.assert_array_equal(copy, array)
