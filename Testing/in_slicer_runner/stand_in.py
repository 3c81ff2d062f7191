"""Stands for the Slicer application where the runner itself is tested: it runs a script.

Exceptions in slots end as in the application: printed through ``sys.excepthook``, and nowhere else.
"""

import os
import sys
import tempfile
import types
from pathlib import Path

assert "--no-splash" in sys.argv and "--testing" not in sys.argv
script = Path(sys.argv[sys.argv.index("--python-script") + 1])

exit_code = None
log_file = Path(tempfile.gettempdir(), "Slicer.log")
log_file.write_text("[ERROR][Qt] 01.01.2026 08:00:00 [] (:0) - said while starting\n")


def leave(code=0):
    global exit_code
    exit_code = code


def emit(slot):
    """Call a slot, as a signal does."""
    try:
        slot()
    except Exception:
        sys.excepthook(*sys.exc_info())


def log(line):
    with log_file.open("a") as file:
        file.write(line + "\n")


model = types.SimpleNamespace(filePath=str(log_file))
slicer = types.ModuleType("slicer")
slicer.app = types.SimpleNamespace(
    processEvents=lambda: None, errorLogModel=lambda: model, emit=emit, log=log
)
slicer.util = types.SimpleNamespace(exit=leave)
sys.modules["slicer"] = slicer

exec(compile(script.read_text(), str(script), "exec"), {"__name__": "__main__", "__file__": script})
print(os.environ["HOME"])
sys.exit(exit_code)
