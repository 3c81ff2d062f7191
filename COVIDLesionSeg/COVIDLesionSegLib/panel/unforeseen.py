"""What people are told of an error, and what becomes of one that nobody foresaw."""

from __future__ import annotations

import logging

from ..engine.errors import CovidLesionSegError, in_one_sentence


def raise_unforeseen(error: Exception) -> str:
    """What people are told of an error; one that nobody foresaw is raised, in the event loop."""
    if not isinstance(error, CovidLesionSegError):
        raise error
    return in_one_sentence(error)


def log_unforeseen(error: Exception) -> str:
    """What people are told of an error; one that nobody foresaw goes into the log, too."""
    if not isinstance(error, CovidLesionSegError):
        logging.getLogger(__name__).error("Unforeseen", exc_info=error)
    return in_one_sentence(error)
