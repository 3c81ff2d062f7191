"""The pages of README and docs/ as their parser reads them: links, anchors, blocks of code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

REPOSITORY = Path(__file__).resolve().parents[1]
PAGES = tuple(
    path.relative_to(REPOSITORY).as_posix()
    for path in (*sorted(REPOSITORY.glob("*.md")), *sorted(REPOSITORY.glob("docs/*.md")))
)


@dataclass(frozen=True)
class Block:
    """A fenced block of code.

    Attributes:
        language: ``bash``, ``python``; empty for plain text.
        title: What the reader is told about the block: why it cannot run just anywhere.
        code: Its lines.
        line: Where it begins, 1 for the first line of the page.
    """

    language: str
    title: str
    code: str
    line: int


@cache
def tokens(page: str) -> tuple[Token, ...]:
    """The tokens of a page."""
    text = (REPOSITORY / page).read_text("utf-8")
    return tuple(MarkdownIt("commonmark").enable("table").parse(text))


def inline(page: str) -> Iterator[Token]:
    """The tokens within paragraphs, tables and headings."""
    for token in tokens(page):
        yield from token.children or ()


def links(page: str) -> set[str]:
    """Targets of links and pictures."""
    found = {token.attrGet("href") or token.attrGet("src") for token in inline(page)}
    return {str(one) for one in found if one}


def anchors(page: str) -> set[str]:
    """The anchors that a Git host makes of the headings."""
    names: Counter[str] = Counter()
    found = set()
    for before, token in zip(tokens(page), tokens(page)[1:], strict=False):
        if before.type == "heading_open":
            text = "".join(part.content for part in token.children or ())
            name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(f"{name}-{names[name]}" if names[name] else name)
            names[name] += 1
    return found


def blocks(page: str) -> list[Block]:
    """The fenced blocks of code."""
    found = []
    for token in tokens(page):
        if token.type == "fence":
            language, _, rest = token.info.partition(" ")
            title = re.search(r'title="([^"]+)"', rest)
            line = (token.map or [0])[0] + 1
            found.append(Block(language, title.group(1) if title else "", token.content, line))
    return found


def code_in_text(page: str) -> list[str]:
    """Code within a line, such as a command."""
    return [" ".join(one.content.split()) for one in inline(page) if one.type == "code_inline"]
