"""``report.pdf``: the HTML report on paper, by WeasyPrint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

from ..engine.errors import DependencyError
from ..engine.files import write_bytes

_FONTS = {400: "DejaVuSans.ttf", 700: "DejaVuSans-Bold.ttf"}
"""Of Matplotlib: what is written where the computer has no font."""


def require_pdf() -> None:
    """Make sure that a PDF can be written.

    Raises:
        DependencyError: WeasyPrint, or a system library that it needs, is missing.
    """
    try:
        import weasyprint  # noqa: F401
    except ImportError as error:
        raise DependencyError(
            "A PDF needs WeasyPrint, which is not installed: run 'pip install weasyprint'."
        ) from error
    except OSError as error:
        raise DependencyError(
            "A PDF needs the library Pango, which is missing: install it, on Debian or Ubuntu with "
            "'sudo apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0', on macOS "
            "with 'brew install pango'."
        ) from error


def write_pdf(html: str, paper: str, path: Path) -> None:
    """Write a page that needs no other file, such as :func:`.report_html.report_page` gives it.

    Args:
        html: The page.
        paper: Of ``PAPERS``, which are names of sizes in CSS.
        path: The PDF file.

    Raises:
        DependencyError: As :func:`require_pdf`.
        OutputError: The file cannot be written.
    """
    require_pdf()
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    fonts, fetcher = FontConfiguration(), _fetcher()
    style = f"@page {{ size: {paper} }}" + "".join(
        f"@font-face {{ font-family: 'Report'; font-weight: {weight}; src: url('{address}') }}"
        for weight, address in _font_addresses().items()
    )
    document = HTML(string=html, url_fetcher=fetcher)
    pdf: Any = document.write_pdf(
        stylesheets=[CSS(string=style, url_fetcher=fetcher, font_config=fonts)],
        font_config=fonts,
        optimize_images=True,
        dpi=200,
    )
    write_bytes(pdf, path)


def _font_addresses() -> dict[int, str]:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return {weight: (folder / name).as_uri() for weight, name in _FONTS.items()}


def _fetcher() -> Any:
    """Loads what is inside the page, and the fonts; nothing of the network, no other file."""
    from weasyprint.urls import URLFetcher, URLFetchingError

    allowed = set(_font_addresses().values())

    class Fetcher(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> Any:
            if not url.startswith("data:") and url not in allowed:
                raise URLFetchingError("the page would load something from elsewhere")
            return super().fetch(url, headers)

    return Fetcher(allowed_protocols=("data", "file"))
