"""How a command ends: an exit code, and one clear line."""

import os
import select
import signal
import subprocess
import sys
import time

import pytest
import typer

from COVIDLesionSegLib.cli.exit_codes import exit_codes
from COVIDLesionSegLib.engine.errors import Cancelled, InputError, OutputError


def end_of(error: BaseException, capsys, debug: bool = False) -> tuple[int, str]:
    with pytest.raises(typer.Exit) as end, exit_codes(debug):
        raise error
    captured = capsys.readouterr()
    assert captured.out == ""
    return end.value.exit_code, captured.err


def test_an_error_is_its_own_sentence_on_one_line(capsys):
    code, said = end_of(InputError("The CT is empty:\nchoose another."), capsys)
    assert code == 1
    assert said == "Error: The CT is empty: choose another.\n"


def test_an_unexpected_error_is_one_line_with_a_hint(capsys):
    code, said = end_of(ZeroDivisionError("division by zero"), capsys)
    assert code == 1
    assert said.count("\n") == 1
    assert "ZeroDivisionError" in said and "--debug" in said


def test_the_option_that_mends_an_error_is_named_where_the_command_has_it(capsys):
    error = OutputError("The folder is not empty.", option="fine_tune")
    for flags, hint in (({"fine_tune": "fine-tune"}, " Option: --fine-tune."), ({}, "")):
        with pytest.raises(typer.Exit) as end, exit_codes(flags=flags):
            raise error
        assert end.value.exit_code == 1
        assert capsys.readouterr().err == f"Error: The folder is not empty.{hint}\n"


def test_debug_lets_the_traceback_through():
    with pytest.raises(ZeroDivisionError), exit_codes(debug=True):
        raise ZeroDivisionError


@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()])
def test_cancelling_is_no_failure(capsys, error):
    assert end_of(error, capsys) == (130, "Cancelled.\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_says_so_and_the_second_interrupts(capfd, number):
    asked = False
    with pytest.raises(typer.Exit) as end, exit_codes() as cancel:
        os.kill(os.getpid(), number)
        asked = cancel.cancelled
        os.kill(os.getpid(), number)
        time.sleep(5)
    assert asked
    said = "\nStopping after the present step; once more stops at once.\nCancelled.\n"
    assert capfd.readouterr().err == said
    assert end.value.exit_code == 130


def test_signal_handlers_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with exit_codes():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(not hasattr(select, "poll"), reason="pipes end otherwise on this system")
def test_a_reader_that_had_enough_ends_a_command_without_a_message():
    command = "import sys; from COVIDLesionSegLib.cli.main import main; sys.exit(main())"
    # Unbuffered: the first line that nobody reads is the end.
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", command, "info"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().startswith("system:")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 1
    process.stderr.close()
