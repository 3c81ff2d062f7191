"""What is asked or checked once on a computer is asked and checked again."""

from __future__ import annotations


def forget_approvals() -> None:
    """No licence was ever approved."""
    _remove("ApprovedLicences")


def forget_torch_works() -> None:
    """PyTorch was never checked."""
    _remove("CheckedTorch")


def _remove(setting: str) -> None:
    import qt

    qt.QSettings().remove(f"COVIDLesionSeg/{setting}")
