"""A screen for the application where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from types import TracebackType

SIZE = "1600x1100x24"


class Screen:
    """Context manager: the environment variables that lead to a screen.

    Nothing is started where DISPLAY is set, or on systems without X11.

    Raises:
        FileNotFoundError: There is no screen and no Xvfb.
    """

    def __init__(self) -> None:
        self._server: subprocess.Popen | None = None

    def __enter__(self) -> dict[str, str]:
        if sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY"):
            return {}
        if shutil.which("Xvfb") is None:
            raise FileNotFoundError(
                "There is no screen: set DISPLAY, or install Xvfb (apt-get install xvfb)."
            )
        reading, writing = os.pipe()
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", SIZE, "-nolisten", "tcp"],
            pass_fds=[writing],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as number:
            display = number.readline().strip()
        if not display:
            self._server.wait()
            raise FileNotFoundError("Xvfb did not start: run `Xvfb :99` to see why.")
        return {"DISPLAY": f":{display}"}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait()
