"""The process that saves reviewed cases: ``python -m`` with a request's file.

It carries out orders from the request's folder, in turn, and answers each with one line of JSON.
When the process that gave them is gone, it still carries out those that are there, and then ends:
what a person did is not lost with the window.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from ..engine.errors import InputError, in_one_sentence
from ..engine.result import SegmentationResult, result_from_facts
from ..engine.review import (
    CaseLock,
    ReviewedCase,
    Verdict,
    read_case,
    save_case,
    save_labels,
    save_verdict,
)
from ..engine.severity.correction import LabelledCT, paint
from ..engine.volume import Geometry, read_array
from ..engine.volume.exact import geometry_from_facts, load_volume
from .label_files import read_labelled
from .parent_watch import when_gone
from .request import INPUT_FOLDER, load_request, remove_request
from .review_orders import (
    ARRAY_FILE,
    BEGIN,
    BEGIN_FOLDER,
    FINISH_FILE,
    KEEP,
    RELEASE,
    RESUME,
    orders_in,
)

INTERVAL_SECONDS = 0.05


def main(arguments: list[str] | None = None) -> int:
    """Carry out orders; returns when there will be no more."""
    parser = argparse.ArgumentParser(prog=__name__, description=__doc__)
    parser.add_argument("request", type=Path, help="request.json in a private folder")
    parser.add_argument("--parent", type=int, help="process that gives the orders")
    options = parser.parse_args(arguments)
    channel, sys.stdout = sys.stdout, sys.stderr
    folder, given = options.request.parent, options.request.parent / INPUT_FOLDER
    keeping = _Keeping(Path(load_request(options.request).options["reviews"]), given)
    watch = when_gone(options.parent, lambda: None) if options.parent else None
    while given.exists():
        # Asked for first: an order that was given before is then still seen.
        over = (watch is not None and watch.orphaned.is_set()) or (given / FINISH_FILE).exists()
        answer = keeping.next()
        if answer is not None:
            channel.write(json.dumps(answer) + "\n")
            channel.flush()
        elif over:
            break
        else:
            time.sleep(INTERVAL_SECONDS)
    remove_request(folder)
    return 0


class _Keeping:
    """Carries out orders.

    Args:
        reviews: The folder of reviewed cases.
        given: Where orders are.
    """

    def __init__(self, reviews: Path, given: Path) -> None:
        self._reviews = reviews
        self._given = given
        self._locks: dict[str, CaseLock] = {}
        self._cases: dict[str, ReviewedCase] = {}

    def next(self) -> dict[str, Any] | None:
        """Carry out the first order; what to answer, or None if there is no order."""
        orders = orders_in(self._given)
        if not orders:
            return None
        path, order = orders[0]
        newer = any(
            (one["kind"], one["case"]) == (KEEP, order["case"]) and one["labels"] is not None
            for _, one in orders[1:]
        )
        answer = {"number": order["number"], "case": order["case"]}
        # Of a state that a newer one replaces nothing needs to be saved.
        if not (order["kind"] == KEEP and newer):
            try:
                answer |= self._carry_out(order)
            except FileNotFoundError as error:
                logging.getLogger(__name__).warning("Skipped: %s", error.filename)
            except Exception as error:  # told to the parent, which shows it
                logging.getLogger(__name__).error("Not saved", exc_info=error)
                answer["error"] = in_one_sentence(error)
        path.unlink(missing_ok=True)
        return answer

    def _carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        case_id = order["case"]
        if order["kind"] == RELEASE:
            self._cases.pop(case_id, None)
            self._release(case_id)
            return {}
        if order["kind"] == KEEP:
            case = self._keep(order)
        else:
            if case_id not in self._locks:
                self._locks[case_id] = CaseLock(case_id, self._reviews)
            try:
                case = self._resume(order) if order["kind"] == RESUME else self._begin(order)
            except BaseException:
                self._release(case_id)
                raise
        self._cases[case_id] = case
        return {"changed": case.changed.isoformat()}

    def _release(self, case_id: str) -> None:
        lock = self._locks.pop(case_id, None)
        if lock is not None:
            lock.release()

    def _resume(self, order: dict[str, Any]) -> ReviewedCase:
        case = read_case(self._reviews / order["case"])
        if case.changed.isoformat() != order["changed"]:
            raise InputError("The reviewed case was changed by another program meanwhile.")
        return case

    def _begin(self, order: dict[str, Any]) -> ReviewedCase:
        assert order["kind"] == BEGIN
        folder = self._given / order["case"] / BEGIN_FOLDER
        volume = load_volume(folder)
        saved = save_case(
            volume,
            _result(order, folder, volume.geometry),
            patient=order["patient"],
            folder=self._reviews,
        )
        if saved.id != order["case"]:
            raise InputError("The CT was changed while its review began: give the verdict again.")
        shutil.rmtree(folder, ignore_errors=True)
        return saved

    def _keep(self, order: dict[str, Any]) -> ReviewedCase:
        case = self._cases.get(order["case"])
        if case is None:
            raise InputError("The review of this case did not begin, so nothing was saved.")
        if order["labels"] is not None:
            geometry = geometry_from_facts(order["geometry"])
            labelled = read_labelled(order["labels"], self._given / order["case"])
            case = save_labels(case, *_painted(labelled, geometry), geometry)
        verdict = None if order["verdict"] is None else Verdict(order["verdict"])
        settled = None if verdict is None else verdict.after_edits(case.edited)
        if (settled, order["note"], frozenset(order["seen"])) != (
            case.verdict,
            case.note,
            case.seen,
        ):
            case = save_verdict(case, verdict, order["note"], order["seen"])
        return case


def _result(order: dict[str, Any], folder: Path, geometry: Geometry) -> SegmentationResult:
    lungs, lesions = _painted(read_labelled(order["prediction"], folder), geometry)
    arrays = {name: read_array(folder / ARRAY_FILE.format(name))[0] for name in order["arrays"]}
    return result_from_facts(order["result"], {"lungs": lungs, "lesions": lesions, **arrays})


def _painted(labelled: LabelledCT, geometry: Geometry) -> tuple[Any, Any]:
    lungs, lesions = (
        paint(boxes, (0, 0, 0), geometry.shape) for boxes in (labelled.lungs, labelled.lesions)
    )
    return lungs, lesions


if __name__ == "__main__":
    sys.exit(main())
