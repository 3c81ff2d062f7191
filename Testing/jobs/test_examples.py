"""The examples in the docstrings of the Python API run, and give what they say."""

from __future__ import annotations

import doctest

import pytest

from COVIDLesionSegLib import jobs

pytestmark = pytest.mark.slow


@pytest.mark.rendering
def test_the_examples_of_the_python_api_give_what_they_say(rendering):
    found = doctest.testmod(jobs, raise_on_error=False)
    assert found.attempted > 3 and found.failed == 0
