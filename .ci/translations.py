"""Extracts the panel's strings for translators, and compiles the translations.

    python .ci/translations.py            updates COVIDLesionSeg_*.ts, compiles *.qm
    python .ci/translations.py --check    changes nothing; fails if either is out of date

The layout is Slicer's: one ``COVIDLesionSeg_LANGUAGE.ts`` for each language, with the contexts that
``slicer.i18n.tr`` looks strings up in: ``folder.file`` for a file of a package, the file's name
otherwise, and the class of a ``.ui`` file. Qt's ``lupdate`` knows calls of ``translate`` only, so
it reads copies in which ``_("text")`` is ``translate("context", "text")``, as Slicer's own script
does it. ``lupdate`` and ``lrelease`` come with PySide6.
"""

from __future__ import annotations

import argparse
import ast
import filecmp
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

MODULE = Path(__file__).resolve().parents[1] / "COVIDLesionSeg"
TRANSLATIONS = MODULE / "Resources" / "Translations"
TRANSLATED = ("COVIDLesionSeg.py", "COVIDLesionSegLib/panel", "Resources/UI")
"""Where strings for people are wrapped in ``_()``, or are in ``.ui`` files."""


def context_of(file: Path) -> str:
    """The context of a Python file's strings, as ``slicer.i18n.getContext`` names it."""
    in_package = (file.parent / "__init__.py").is_file()
    return f"{file.parent.name}.{file.stem}" if in_package else file.stem


def source_files(module: Path = MODULE) -> Iterator[Path]:
    """Python and ``.ui`` files with strings for people, sorted."""
    for place in TRANSLATED:
        path = module / place
        if path.is_file():
            yield path
        else:
            yield from sorted(p for p in path.rglob("*") if p.suffix in (".py", ".ui"))


def marked_calls(source: str) -> list[ast.Call]:
    """Calls of ``_`` in a Python file, in its order."""
    calls = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"
    ]
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def with_contexts(source: str, context: str) -> str:
    """A Python file's text with ``translate("context", `` for each ``_(``."""
    lines = source.encode().splitlines(keepends=True)  # ast counts columns in bytes
    for call in reversed(marked_calls(source)):
        line, start = lines[call.lineno - 1], call.col_offset
        if not line.startswith(b"_(", start):
            raise SystemExit(f"Line {call.lineno} of {context}: write _ and its bracket together.")
        new = f'translate("{context}", '.encode()
        lines[call.lineno - 1] = line[:start] + new + line[start + 2 :]
    return b"".join(lines).decode()


def update(translations: Path, languages: list[str]) -> None:
    """Write the strings of the code into every language's ``.ts``, and compile it to ``.qm``."""
    with tempfile.TemporaryDirectory() as folder:
        copies = []
        for file in source_files():
            copy = Path(folder) / file.relative_to(MODULE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".py":
                copy.write_text(with_contexts(file.read_text("utf-8"), context_of(file)), "utf-8")
            else:
                shutil.copyfile(file, copy)
            copies.append(str(copy))
        for language in languages:
            ts = translations / f"COVIDLesionSeg_{language}.ts"
            # No places in the code: they change with every edit.
            options = ["-locations", "none", "-no-obsolete", "-target-language", language]
            _run("lupdate", *copies, *options, "-ts", str(ts))
            _run("lrelease", str(ts), "-qm", str(ts.with_suffix(".qm")))


def out_of_date(languages: list[str]) -> list[str]:
    """Names of the files that :func:`update` would change."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "Translations"
        shutil.copytree(TRANSLATIONS, fresh)
        update(fresh, languages)
        return [
            file.name
            for file in sorted(fresh.iterdir())
            if not (TRANSLATIONS / file.name).is_file()
            or not filecmp.cmp(file, TRANSLATIONS / file.name, shallow=False)
        ]


def _run(tool: str, *arguments: str) -> None:
    import PySide6

    program = Path(PySide6.__file__).parent / tool
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{tool} failed:\n{done.stdout}{done.stderr}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing, only compare")
    parser.add_argument("--language", help="begin another one, such as fr or pt-BR")
    options = parser.parse_args()
    found = {file.stem.partition("_")[2] for file in TRANSLATIONS.glob("COVIDLesionSeg_*.ts")}
    languages = sorted(found | ({options.language} if options.language else set()))
    if options.check:
        stale = out_of_date(languages)
        print("\n".join(f"out of date: {name}" for name in stale) or "up to date")
        return 1 if stale else 0
    TRANSLATIONS.mkdir(exist_ok=True)
    update(TRANSLATIONS, languages)
    return 0


if __name__ == "__main__":
    sys.exit(main())
