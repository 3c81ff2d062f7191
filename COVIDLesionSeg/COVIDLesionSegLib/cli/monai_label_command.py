"""``covid-lesion-seg monai-label``: the app for MONAI Label's server."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from .. import RESEARCH_USE_NOTICE
from ..engine.requirements import MONAI_LABEL
from .commands import Debug
from .exit_codes import exit_codes
from .summaries.printing import shell_word


def monai_label(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="PATH", help="New folder for the app.")
    ],
    debug: Debug = False,
) -> None:
    """Write the app for MONAI Label's server: segment, retrain, and what to label next."""
    with exit_codes(debug):
        from ..monai_label.app_folder import write_app

        out = out.expanduser().absolute()
        write_app(out)
        print(RESEARCH_USE_NOTICE)
        print(f"Written to {out}. Start the server with your folder of CTs:")
        print(f"  monailabel start_server --app {shell_word(str(out))} --studies FOLDER")
        if find_spec("monailabel") is None:
            packages = " ".join(shell_word(requirement) for requirement in MONAI_LABEL)
            print(f"It is not installed in this Python yet: pip install {packages}")
