"""The process that measures corrections.

It is started as ``python -m COVIDLesionSegLib.worker.correction_meter_child REQUEST``. It looks for
a question in the request's folder, prints the answer as one line of JSON, and waits for the next
one, until it is ended or its parent or folder is gone.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

from ..engine.errors import in_one_sentence
from ..engine.severity.correction import measure_correction
from .correction_meter import QUESTION_FILE, read_question
from .parent_watch import end_with
from .request import INPUT_FOLDER, load_request

INTERVAL_SECONDS = 0.05


def main(arguments: list[str] | None = None) -> int:
    """Answer questions; returns when the folder is gone."""
    parser = argparse.ArgumentParser(prog=__name__, description=__doc__)
    parser.add_argument("request", type=Path, help="request.json in a private folder")
    parser.add_argument("--parent", type=int, help="process to end with, removing the files")
    options = parser.parse_args(arguments)
    channel, sys.stdout = sys.stdout, sys.stderr
    load_request(options.request)
    if options.parent:
        end_with(options.parent, options.request.parent)
    folder = options.request.parent / INPUT_FOLDER
    answered = 0
    while folder.exists():
        facts = _newest(folder)
        new = facts is not None and facts["number"] != answered
        answer = _answer(facts, folder) if facts is not None and new else None
        if facts is None or answer is None:
            time.sleep(INTERVAL_SECONDS)
            continue
        answered = facts["number"]
        channel.write(json.dumps({"number": answered, **answer}) + "\n")
        channel.flush()
    return 0


def _newest(folder: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads((folder / QUESTION_FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, PermissionError):  # none yet, or being replaced on Windows
        return None


def _answer(facts: dict[str, Any], folder: Path) -> dict[str, Any] | None:
    """What to tell; None where a newer question took the place of this one."""
    try:
        question = read_question(facts, folder)
        correction = measure_correction(
            question.before,
            question.after,
            question.classes,
            question.geometry,
            question.original,
            question.graded,
        )
    except FileNotFoundError:
        return None
    except Exception as error:  # told to the parent, which shows it
        logging.getLogger(__name__).error("A correction was not measured", exc_info=error)
        return {"error": f"The correction could not be measured: {in_one_sentence(error)}"}
    return {"correction": correction.to_dict()}


if __name__ == "__main__":
    sys.exit(main())
