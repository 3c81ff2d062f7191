"""Stand-in for ``slicer.i18n``: strings are looked up by the context of the caller's file."""

import sys
from functools import cache
from pathlib import Path


def tr(text: str) -> str:
    return translate(context_of(sys._getframe(1).f_code.co_filename), text)


@cache
def context_of(name: str) -> str:
    """The context of a file; a panel that is loaded asks for 1,700 strings."""
    file = Path(name)
    in_package = (file.parent / "__init__.py").is_file()
    return f"{file.parent.name}.{file.stem}" if in_package else file.stem


def translate(context: str, text: str) -> str:
    import slicer

    return slicer.app.translate(context, text)
