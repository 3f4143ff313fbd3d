"""One request (sidecar.transport) to a real HTTP server that answers as it is told."""

import base64
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from sidecar import transport
from sidecar.transport import Outcome, Target

LINES = b"m a=1i 1\nm a=2i 2\n"


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.body, self.headers = 204, b"", {}
        self.delay_s = 0.0
        self.seen: list[tuple[str, dict, bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        time.sleep(self.server.delay_s)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def targets(url: str) -> list[Target]:
    return [
        Target(url, "lonecore/keep", "desk", "me:secret", "v1"),
        Target(url, "lonecore", "desk", "a-token", "v2"),
    ]


def ask(target: Target):
    made = target.transport()
    try:
        return made.write(LINES)
    finally:
        made.close()


def test_what_is_asked(server: Server) -> None:
    for target in targets(server.url):
        assert ask(target).outcome is Outcome.TAKEN
    (path1, headers1, body1), (path2, headers2, body2) = server.seen
    assert body1.splitlines() == body2.splitlines() == LINES.splitlines()
    one, two = urlsplit(path1), urlsplit(path2)
    assert (one.path, two.path) == ("/write", "/api/v2/write")
    assert parse_qs(one.query) == {"db": ["lonecore"], "rp": ["keep"], "precision": ["ns"]}
    assert parse_qs(two.query) == {"org": ["desk"], "bucket": ["lonecore"], "precision": ["ns"]}
    assert headers1["Authorization"] == "Basic " + base64.b64encode(b"me:secret").decode()
    assert headers2["Authorization"] == "Token a-token"


@pytest.mark.parametrize("api", [0, 1])
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.TAKEN),
        (204, Outcome.TAKEN),
        (400, Outcome.REFUSED),
        (401, Outcome.HELD),
        (403, Outcome.HELD),
        (404, Outcome.HELD),
        (413, Outcome.TOO_LARGE),
        (422, Outcome.REFUSED),
        (429, Outcome.LATER),
        (500, Outcome.LATER),
        (502, Outcome.LATER),
        (503, Outcome.LATER),
        (504, Outcome.LATER),
    ],
)
def test_what_an_answer_means(server: Server, api: int, status: int, outcome: Outcome) -> None:
    server.status, server.body = status, b'{"error": "so\nit is"}' if status > 204 else b""
    answer = ask(targets(server.url)[api])
    assert answer.outcome is outcome
    if outcome is not Outcome.TAKEN:
        assert f"HTTP {status}" in answer.said and "so it is" in answer.said


@pytest.mark.parametrize("api", [0, 1])
@pytest.mark.parametrize(
    ("told", "wait_s"),
    [("7", 7.0), ("0.5", 0.5), ("1e9", 600.0), ("-5", 0.0), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.0)],
)
def test_how_long_to_wait(server: Server, api: int, told: str, wait_s: float) -> None:
    server.status, server.headers = 429, {"Retry-After": told}
    assert ask(targets(server.url)[api]).retry_after_s == wait_s


@pytest.mark.parametrize("api", [0, 1])
def test_a_server_that_is_not_there(api: int) -> None:
    answer = ask(targets("http://127.0.0.1:1")[api])
    assert answer.outcome is Outcome.LATER and "refused" in answer.said and "\n" not in answer.said


@pytest.mark.parametrize("api", [0, 1])
def test_a_server_that_says_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch, api: int
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT_S", 0.1)
    server.delay_s = 1.0
    answer = ask(targets(server.url)[api])
    assert answer.outcome is Outcome.LATER and "timed out" in answer.said


@pytest.mark.parametrize("api", [0, 1])
def test_a_server_that_does_not_speak_tls(server: Server, api: int) -> None:
    answer = ask(targets(server.url.replace("http:", "https:"))[api])
    assert answer.outcome is Outcome.LATER and answer.said
