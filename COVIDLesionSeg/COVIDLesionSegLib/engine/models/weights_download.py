"""Downloads the weights of a card: resumed where it was interrupted, verified before it is used."""

from __future__ import annotations

import os
import time
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from ssl import SSLError
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from ..errors import DownloadError, ModelError
from ..files import cannot_write, sha256_of
from ..progress import CancelToken, Progress, ProgressCallback, ignore_progress
from ..text import megabytes, printable
from .card import ModelCard, Weights, is_web_address
from .downloads_folder import download_lock, downloaded_weights, partial_download

LARGEST = 2**30
"""Bytes; more is never written, whatever a server sends."""
_CHUNK = 2**16
_TIMEOUT_SECONDS = 30.0
_REPORT_SECONDS = 0.25


def download_weights(
    card: ModelCard,
    progress: ProgressCallback = ignore_progress,
    cancel: CancelToken | None = None,
) -> Path:
    """Fetch the weights from the address on the card into the folder of downloads.

    The proxy is that of the environment (``HTTPS_PROXY``, ``NO_PROXY``). Redirections are followed
    to http and https only, and never from https to http. An interrupted download goes on where it
    stopped, if the server can do that.

    Args:
        card: Card of the model.
        progress: Called with progress.
        cancel: Looked at between two pieces; what was fetched until then is kept for next time.

    Returns:
        The verified file.

    Raises:
        ModelError: The card names no address.
        DownloadError: The server cannot be reached, refuses, sends too much or something else, or
            the connection broke; or another program is downloading the same weights.
        OutputError: The file cannot be written.
        Cancelled: ``cancel`` was set.
    """
    weights = card.trained_weights
    if not is_web_address(weights.url):
        raise ModelError(f"The card of model {card.id} names no address to download weights from.")
    target = downloaded_weights(weights.sha256)
    if target.is_file() and sha256_of(target) == weights.sha256:
        return target
    with download_lock(weights.sha256):
        if not (target.is_file() and sha256_of(target) == weights.sha256):  # by who held the lock
            _fetch(card, target, progress, cancel or CancelToken())
    progress(Progress("Downloaded", 1.0))
    return target


def _fetch(card: ModelCard, target: Path, progress: ProgressCallback, cancel: CancelToken) -> None:
    weights = card.trained_weights
    partial = partial_download(weights.sha256)
    try:
        _Download(card.id, weights, partial, progress, cancel).run()
        if sha256_of(partial) != weights.sha256:
            partial.unlink()
            raise DownloadError(
                f"What {weights.host} sent for model {card.id} does not have the checksum on its "
                "card, so it was removed: download it again, or ask who made the model for its "
                "present address."
            )
        os.replace(partial, target)
    except OSError as error:
        raise cannot_write(target, error) from error


class _Download:
    """One download into a partial file."""

    def __init__(
        self,
        model_id: str,
        weights: Weights,
        partial: Path,
        progress: ProgressCallback,
        cancel: CancelToken,
    ) -> None:
        self._model_id = model_id
        self._weights = weights
        self._partial = partial
        self._progress = progress
        self._cancel = cancel
        self._limit = min(weights.size or LARGEST, LARGEST)
        self._said = 0.0

    def run(self) -> None:
        """Fetch what is missing of the partial file."""
        there = self._partial.stat().st_size if self._partial.exists() else 0
        if there > self._limit:
            self._partial.unlink()
            there = 0
        if there and there == self._weights.size:
            return
        self._say(there, None, "Connecting")
        for start in dict.fromkeys((there, 0)):
            try:
                self._fetch(start)
                return
            except HTTPError as error:
                error.close()
                if error.code == 416 and start:  # there is nothing after what is here already
                    self._partial.unlink()
                    continue
                raise self._refused(error) from error
            except (URLError, HTTPException, TimeoutError, ConnectionError, SSLError) as error:
                raise self._unreachable(error) from error

    def _fetch(self, there: int) -> None:
        # Not compressed on the way: the numbers of bytes are those of the file.
        headers = {"Accept-Encoding": "identity", "User-Agent": "COVIDLesionSeg"}
        if there:
            headers["Range"] = f"bytes={there}-"
        request = Request(self._weights.url, headers=headers)
        opener = build_opener(_WebRedirectsOnly(self._weights.host))
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            goes_on = response.status == 206 and _starts_at(response.headers, there)
            start = there if goes_on else 0
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdigit() else None
            if total is not None and total > self._limit:
                raise self._too_large()
            with self._partial.open("ab" if goes_on else "wb") as file:
                received = self._copy(response, file, start, total)
        if total is not None and received < total:
            raise DownloadError(
                f"The connection to {self._weights.host} broke after {megabytes(received)} of "
                f"{megabytes(total)} MB: download again, it goes on there."
            )

    def _copy(self, response: Any, file: IO[bytes], received: int, total: int | None) -> int:
        while True:
            self._cancel.raise_if_cancelled()
            piece = response.read(_CHUNK)
            if not piece:
                return received
            received += len(piece)
            if received > self._limit:
                raise self._too_large()
            file.write(piece)
            self._say(received, total, "Downloading")

    def _say(self, received: int, total: int | None, stage: str) -> None:
        now = time.monotonic()
        if now - self._said < _REPORT_SECONDS:
            return
        self._said = now
        total = total or self._weights.size
        if total:
            message = f"{megabytes(received)} of {megabytes(total)} MB"
            self._progress(Progress(stage, min(0.99, received / total), message))
        else:
            self._progress(Progress(stage, 0.0, f"{megabytes(received)} MB"))

    def _too_large(self) -> DownloadError:
        self._partial.unlink(missing_ok=True)
        return DownloadError(
            f"{self._weights.host} sends more than the {megabytes(self._limit)} MB that were "
            f"expected for model {self._model_id}, so the download was stopped: ask who made the "
            "model for its present address."
        )

    def _refused(self, error: HTTPError) -> DownloadError:
        return DownloadError(
            f"{self._weights.host} does not give out the weights of model {self._model_id} "
            f"({error.code} {printable(str(error.reason), 80)}): ask who made the model for their "
            "present address, or import them from a file."
        )

    def _unreachable(self, error: Exception) -> DownloadError:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, TimeoutError):
            why = "no answer in time"
        else:
            why = getattr(reason, "strerror", None) or type(reason).__name__
        return DownloadError(
            f"{self._weights.host} cannot be reached ({printable(str(why), 80)}): check the "
            "internet connection and the proxy, or import the weights from a file."
        )


class _WebRedirectsOnly(HTTPRedirectHandler):
    """Follows redirections to the web only: no file of this computer, no way out of encryption."""

    def __init__(self, host: str) -> None:
        self._host = host

    def http_error_302(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage
    ) -> Any:
        target = headers.get("location") or headers.get("uri") or ""
        scheme = urlsplit(target).scheme or urlsplit(req.full_url).scheme
        encrypted = urlsplit(req.full_url).scheme == "https"
        if scheme not in ("http", "https") or (encrypted and scheme == "http"):
            raise DownloadError(
                f"{self._host} leads to an address that is not safe to follow "
                f"({printable(scheme, 20)}), so nothing was downloaded: ask who made the model for "
                "its present address."
            )
        return super().http_error_302(req, fp, code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def _starts_at(headers: HTTPMessage, there: int) -> bool:
    return str(headers.get("Content-Range", "")).startswith(f"bytes {there}-")
