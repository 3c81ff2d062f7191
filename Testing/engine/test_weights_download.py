"""Weights from a server of this computer: resumed, verified, or refused with one sentence."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from dataclasses import replace
from hashlib import sha256

import pytest

from COVIDLesionSegLib.engine.errors import Cancelled, DownloadError, ModelError
from COVIDLesionSegLib.engine.models.card import ModelCard
from COVIDLesionSegLib.engine.models.card_json import card_from_json, write_card
from COVIDLesionSegLib.engine.models.catalogue import WeightsPlace, load_catalogue
from COVIDLesionSegLib.engine.models.downloads_folder import (
    downloaded_weights,
    downloads_folder,
    downloads_size,
    empty_downloads,
    partial_download,
)
from COVIDLesionSegLib.engine.models.user_models import USER_FOLDER_VARIABLE
from COVIDLesionSegLib.engine.models.weights_download import download_weights
from COVIDLesionSegLib.engine.models.weights_file import read_weights
from COVIDLesionSegLib.engine.progress import CancelToken

CONTENT = bytes(range(256)) * 2000


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as ``server.answers`` says, by path; everything else is the whole file."""

    def do_GET(self) -> None:
        self.server.ranges.append(self.headers.get("Range"))
        getattr(self, self.path.strip("/"), self.whole)()

    def whole(self) -> None:
        self._send(200, CONTENT)

    def ranged(self) -> None:
        """A server that can resume."""
        asked = self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start >= len(CONTENT):
            self._send(416, b"")
            return
        if not start:
            self._send(200, CONTENT)
            return
        place = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        self._send(206, CONTENT[start:], {"Content-Range": place})

    def truncated(self) -> None:
        self._send(200, CONTENT[:300_000], length=len(CONTENT))

    def damaged(self) -> None:
        self._send(200, b"x" + CONTENT[1:])

    def missing(self) -> None:
        self.send_error(404)

    def endless(self) -> None:
        """Says nothing about its length, and sends more than the file has."""
        self._send(200, CONTENT * 3, length=None)

    def huge(self) -> None:
        self._send(200, CONTENT, length=2**40)

    def moved(self) -> None:
        self._redirect("/whole")

    def moved_to_a_file(self) -> None:
        self._redirect("file:///etc/passwd")

    def moved_to_ftp(self) -> None:
        self._redirect("ftp://127.0.0.1/weights")

    def _redirect(self, target: str) -> None:
        self._send(302, b"", {"Location": target})

    def _send(self, code: int, body: bytes, headers=(), length: int | None = -1) -> None:
        self.send_response(code)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length < 0 else length))
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            """Who asked has heard enough."""

    def log_message(self, *arguments) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    """A server on this computer; proxies of the environment are not asked for it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.ranges = []
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    monkeypatch.setenv(USER_FOLDER_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def card_at(server, user_folder):
    """Makes a card whose weights are at a path of the server."""

    def at(path: str, **fields) -> ModelCard:
        card = load_catalogue().get("amc-net").card
        url = f"http://127.0.0.1:{server.server_port}/{path}"
        digest = sha256(CONTENT).hexdigest()
        weights = replace(card.weights, url=url, sha256=digest, file="mine.safetensors", **fields)
        return replace(card, id="mine", weights=weights)

    return at


@pytest.mark.parametrize("path", ["whole", "ranged", "moved"])
def test_weights_arrive_whole_and_are_used_from_then_on(card_at, user_folder, path):
    card = card_at(path, size=len(CONTENT))
    user_folder.mkdir()
    write_card(card, user_folder)
    assert load_catalogue().get("mine").place is WeightsPlace.MISSING
    fractions = []
    file = download_weights(card, lambda progress: fractions.append(progress.fraction))

    assert file.read_bytes() == CONTENT
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    model = load_catalogue().get("mine")
    assert model.place is WeightsPlace.DOWNLOADED and model.weights_present
    assert read_weights(model) == CONTENT


HOLD = """
import sys
from COVIDLesionSegLib.engine.models.downloads_folder import download_lock
with download_lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_programs_do_not_download_the_same_weights_at_once(card_at, server):
    card = card_at("whole")
    partial = partial_download(card.weights.sha256)
    command = [sys.executable, "-c", HOLD, card.weights.sha256]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline().strip() == b"held"
        partial.write_bytes(CONTENT[:1000])
        with pytest.raises(DownloadError, match="being downloaded by another Slicer or command"):
            download_weights(card)
        with pytest.raises(DownloadError, match="wait until that has finished"):
            empty_downloads()
        assert partial.read_bytes() == CONTENT[:1000] and not server.ranges
        other.kill()
    assert download_weights(card).read_bytes() == CONTENT
    empty_downloads()
    assert downloads_size() == 0


def test_what_is_there_already_is_not_downloaded_again(card_at, server):
    card = card_at("whole")
    download_weights(card)
    download_weights(card)

    assert len(server.ranges) == 1


def test_a_connection_that_breaks_is_told_and_the_rest_is_fetched_next_time(card_at, server):
    with pytest.raises(DownloadError, match=r"broke after 0\.3 of 0\.5 MB: download again"):
        download_weights(card_at("truncated"))
    assert not downloaded_weights(card_at("truncated").weights.sha256).exists()

    file = download_weights(card_at("ranged"))
    assert file.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-"]


def test_a_server_that_cannot_resume_sends_all_again(card_at):
    with pytest.raises(DownloadError):
        download_weights(card_at("truncated"))

    assert download_weights(card_at("whole")).read_bytes() == CONTENT


def test_an_interrupted_download_that_was_complete_is_verified_and_used(card_at, server):
    card = card_at("ranged", size=len(CONTENT))
    downloads_folder().mkdir(parents=True)
    partial_download(card.weights.sha256).write_bytes(CONTENT)

    assert download_weights(card).read_bytes() == CONTENT
    assert server.ranges == []


def test_a_partial_file_of_something_else_is_thrown_away_in_the_end(card_at):
    card = card_at("ranged")
    downloads_folder().mkdir(parents=True)
    partial_download(card.weights.sha256).write_bytes(b"y" * 300_000)
    with pytest.raises(DownloadError, match="checksum"):
        download_weights(card)

    assert download_weights(card).read_bytes() == CONTENT


def test_more_than_the_server_has_is_asked_for_anew(card_at, server):
    card = card_at("ranged")
    downloads_folder().mkdir(parents=True)
    partial_download(card.weights.sha256).write_bytes(CONTENT + b"more")

    assert download_weights(card).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT) + 4}-", None]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("damaged", "does not have the checksum on its card, so it was removed"),
        ("missing", r"does not give out the weights of model mine \(404"),
        ("moved_to_a_file", r"not safe to follow \(file\)"),
        ("moved_to_ftp", r"not safe to follow \(ftp\)"),
    ],
)
def test_what_is_not_the_file_is_refused_and_nothing_stays(card_at, path, sentence):
    with pytest.raises(DownloadError, match=sentence):
        download_weights(card_at(path))

    assert downloads_size() == 0


@pytest.mark.parametrize("path", ["endless", "huge"])
def test_a_server_that_sends_too_much_is_stopped(card_at, path):
    with pytest.raises(DownloadError, match=r"more than the 0\.5 MB"):
        download_weights(card_at(path, size=len(CONTENT)))

    assert downloads_size() == 0


def test_a_server_that_is_not_there_is_told_with_the_way_out(card_at, server):
    card = card_at("whole")
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match="cannot be reached .* import the weights from a file"):
        download_weights(card)


def test_the_proxy_of_the_environment_is_used(card_at, server, monkeypatch):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    card = card_at("whole")
    weights = replace(card.weights, url="http://models.example/whole")

    # The server answers for the address of another one: it was asked as a proxy.
    assert download_weights(replace(card, weights=weights)).read_bytes() == CONTENT


def test_a_cancelled_download_keeps_what_it_has(card_at, server):
    cancel = CancelToken()
    cancel.cancel()
    card = card_at("ranged")
    downloads_folder().mkdir(parents=True)
    partial_download(card.weights.sha256).write_bytes(CONTENT[:1000])
    with pytest.raises(Cancelled):
        download_weights(card, cancel=cancel)

    assert partial_download(card.weights.sha256).stat().st_size == 1000


def test_a_card_without_an_address_cannot_be_downloaded():
    with pytest.raises(ModelError, match="no address"):
        download_weights(load_catalogue().get("amc-net").card)


def test_downloads_are_counted_and_removed_and_other_files_stay(card_at):
    download_weights(card_at("whole"))
    (downloads_folder() / "mine.txt").write_text("notes")
    assert downloads_size() == len(CONTENT)
    empty_downloads()

    assert downloads_size() == 0
    assert {path.name for path in downloads_folder().iterdir()} == {".locks", "mine.txt"}


def test_there_is_nothing_to_count_before_the_first_download(user_folder):
    assert downloads_size() == 0
    empty_downloads()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "ftp://example.org/weights"}, "weights url"),
        ({"url": "file:///etc/passwd"}, "weights url"),
        ({"url": "https://"}, "weights url"),
        ({"url": "https://user:secret@example.org/weights"}, "weights url"),
        ({"url": 3}, "weights url"),
        ({"size": 0}, "weights size"),
        ({"size": True}, "weights size"),
        ({"size": "large"}, "weights size"),
    ],
)
def test_a_card_with_another_kind_of_address_or_size_is_refused(fields, said):
    import json
    from dataclasses import asdict

    values = json.loads(json.dumps(asdict(load_catalogue().get("amc-net").card)))
    values["weights"] |= fields
    with pytest.raises(ModelError, match=said):
        card_from_json(values)
