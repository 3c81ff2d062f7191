"""Cases that people reviewed: the CT, the prediction, their corrections and their verdict."""

from .case import (
    CaseList,
    ReviewedCase,
    Verdict,
    case_id,
    case_id_of,
    read_case,
    read_cases,
    read_cases_in_steps,
    reoriented,
    result_on,
)
from .folder import patient_key, reviews_folder
from .lock import CaseLock
from .saving import remove_case, save_case, save_labels, save_verdict

__all__ = [
    "CaseList",
    "CaseLock",
    "ReviewedCase",
    "Verdict",
    "case_id",
    "case_id_of",
    "patient_key",
    "read_case",
    "read_cases",
    "read_cases_in_steps",
    "remove_case",
    "reoriented",
    "result_on",
    "reviews_folder",
    "save_case",
    "save_labels",
    "save_verdict",
]
