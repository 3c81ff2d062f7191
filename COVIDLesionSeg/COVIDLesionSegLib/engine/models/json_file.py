"""JSON that anybody may have written, such as a model's card: read within limits, or refused."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn

LARGEST = 2**24
"""Bytes; the largest file of cards that ships has 50,000."""
_DEEPEST = 32
_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST_NUMBER = 2**63


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        OSError: The file cannot be read.
        ValueError: As for :func:`parse_json`.
    """
    with path.open("rb") as file:
        return parse_json(file.read(LARGEST + 1))


def parse_json(data: bytes) -> Any:
    """The value of a JSON text in UTF-8, of at most 16 MiB and 32 levels, with finite numbers.

    Within these limits the value can be printed, copied and written again without surprises.

    Raises:
        ValueError: It is no such text; the message is the reason.
    """
    if len(data) > LARGEST:
        raise ValueError("it is larger than 16 MiB")
    try:
        value = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse, parse_int=_whole)
    except RecursionError:
        raise ValueError(f"it is nested more than {_DEEPEST} levels deep") from None
    _check_limits(value)
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def _whole(digits: str) -> int:
    # Python refuses 4,300 digits and more, in words about its own settings.
    if len(digits) > 20:
        raise ValueError("a number has more than 20 digits")
    return int(digits)


def _check_limits(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                deeper += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                deeper += item
            elif isinstance(item, str) and _SURROGATE.search(item):
                raise ValueError("a text in it holds half of a character")
            elif isinstance(item, (int, float)) and not _is_usual(item):
                raise ValueError("a number in it is too large")
        if not deeper:
            return
        level = deeper
    raise ValueError(f"it is nested more than {_DEEPEST} levels deep")


def _is_usual(number: float) -> bool:
    return math.isfinite(number) and abs(number) < _LARGEST_NUMBER
