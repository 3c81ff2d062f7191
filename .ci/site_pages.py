"""Hook of MkDocs: files outside docs/ become pages, and links work as they do on a Git host.

Every page is written for a Git host, with links relative to its own place in the repository. On the
site a link leads to the page, if the file is one, else to the file in the public repository.
"""

from __future__ import annotations

import os
import posixpath
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "COVIDLesionSeg"))

from COVIDLesionSegLib import HOMEPAGE  # noqa: E402

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Pages whose file is not in docs/: path in the repository, path on the site."""

PICTURES = "Resources/Screenshots"
_CODE = re.compile(r"(?<=<code>)[^<]+(?=</code>)")
"""Code within a line."""
_WORD = re.compile(r"(?<!\S)(?=\S*-)\S{1,40}(?!\S)")
"""With a hyphen, and as short as a line on a telephone."""
_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s]+)(?=\))|(?<=src=\")(?P<source>[^\"]+)(?=\")")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """No page for addresses that do not exist: only a server shows one."""
    config.theme.static_templates.discard("404.html")
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and the pictures that lie outside docs/."""
    for source, uri in PAGES.items():
        files.append(File.generated(config, uri, content=(REPOSITORY / source).read_text("utf-8")))
    for picture in sorted((REPOSITORY / PICTURES).glob("*.png")):
        uri = f"{PICTURES}/{picture.name}"
        files.append(File.generated(config, uri, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links of a page of the repository as links of the site."""
    uri = page.file.src_uri
    place = next((file for file, own in PAGES.items() if own == uri), f"docs/{uri}")

    def on_site(match: re.Match[str]) -> str:
        link = match.group()
        if link.startswith("#") or "://" in link or link.startswith("mailto:"):
            return link
        path, hash_sign, anchor = link.partition("#")
        file = posixpath.normpath(posixpath.join(posixpath.dirname(place), path))
        target = PAGES.get(file, file.removeprefix("docs/"))
        if files.get_file_from_path(target) is not None:
            path = posixpath.relpath(target, posixpath.dirname(uri) or ".")
        elif (REPOSITORY / file).exists():
            kind = "tree" if os.path.isdir(REPOSITORY / file) else "blob"
            path = f"{HOMEPAGE}/{kind}/main/{file}"
        # Else MkDocs names the link that leads nowhere.
        return path + hash_sign + anchor

    parts = _FENCE.split(markdown)
    return "".join(part if n % 2 else _LINK.sub(on_site, part) for n, part in enumerate(parts))


def on_page_content(html: str, page: Page, **_: object) -> str:
    """Names and options in one piece: a browser would break a line after each hyphen."""
    return _CODE.sub(lambda code: _WORD.sub(r'<span class="word">\g<0></span>', code[0]), html)
