"""Stand-in for ``slicer.i18n``: strings are looked up by the context of the caller's file."""

import sys
from pathlib import Path


def tr(text: str) -> str:
    file = Path(sys._getframe(1).f_code.co_filename)
    in_package = (file.parent / "__init__.py").is_file()
    return translate(f"{file.parent.name}.{file.stem}" if in_package else file.stem, text)


def translate(context: str, text: str) -> str:
    import slicer

    return slicer.app.translate(context, text)
