"""The REST client against servers that answer with whatever a test says."""

import asyncio
import base64
import gzip
import json
import ssl
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.abi.units import NS_PER_S
from appliance.cold.live import rest_client
from appliance.cold.live.rest_client import (
    UNKNOWN_CODES,
    MustWait,
    Refused,
    RestClient,
    RestError,
    Unclear,
    error_of,
    parsed,
    patiently,
)
from tests.strategies.authority import Authority
from tests.strategies.loopback import Loopback, answering, header, http, unused_port
from tests.strategies.rest_calls import KEY, PRIVATE, Work, ask, ask_at

HTML = b"<html>\n<head><title>403 Forbidden</title></head>\r\n</html>"


def error(answer: bytes, work: Work[Any] | None = None) -> Any:
    """The error after a raw answer."""
    with answering(answer) as server, pytest.raises(RestError) as caught:
        ask(server, work or (lambda client: client.public("/depth")))
    line = str(caught.value)
    assert line.startswith("/") and line.isprintable() and len(line) < 300, line
    return caught.value


def test_a_get_that_anybody_may_send() -> None:
    with answering(http(200, b'{"a": 1}')) as server:
        body = ask(server, lambda client: client.public("/depth", {"symbol": "币/&=", "limit": 5}))
    assert body == b'{"a": 1}'
    (head,) = server.heads
    assert head.startswith("GET /api/v3/depth?symbol=%E5%B8%81%2F%26%3D&limit=5 HTTP/1.1\r\n")
    assert header(head, "X-MBX-APIKEY") is None


def test_a_signed_request_goes_out_as_it_was_signed() -> None:
    """Byte for byte: re-encoding the query on the way would spoil the signature."""
    params = {"symbol": "币安 人生/+&=%", "side": "BUY"}

    async def work(client: RestClient) -> Any:
        client.clock_offset_ns = -3600 * NS_PER_S
        return await client.signed("DELETE", "/order", params)

    with answering(http(200, b"[1, 2]")) as server:
        before_ms = time.time_ns() // 1_000_000
        assert ask(server, work) == [1, 2]
    (head,) = server.heads
    method, target, _ = head.split(" ", 2)
    assert method == "DELETE" and target.startswith("/api/v3/order?")
    assert header(head, "X-MBX-APIKEY") == KEY.name
    payload, _, signature = target.partition("?")[2].rpartition("&signature=")
    PRIVATE.public_key().verify(base64.b64decode(unquote(signature)), payload.encode())
    stamp_ms = int(payload.rpartition("&timestamp=")[2]) + 3_600_000
    assert before_ms <= stamp_ms <= time.time_ns() // 1_000_000, "the venue's clock counts"


def test_a_request_that_shows_the_key_only() -> None:
    with answering(http(200, b'{"listenKey": "x"}')) as server:
        made = ask(server, lambda client: client.keyed("POST", "/listenKey"))
    assert made == {"listenKey": "x"}
    assert server.heads[0].startswith("POST /api/v3/listenKey HTTP/1.1\r\n")
    assert header(server.heads[0], "X-MBX-APIKEY") == KEY.name


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_the_venue_says_no(status: int) -> None:
    said = error(http(status, b'{"code": -2011, "msg": "Unknown\\norder\\u001b sent."}'))
    assert type(said) is Refused and (said.status, said.code) == (status, -2011)
    assert str(said) == f"/depth: HTTP {status}: -2011 Unknown order sent."


@pytest.mark.parametrize("body", [HTML, b"", b"\xff\0\x1b[31m", b"x" * 100_000, b"[" * 100_000])
@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_no_that_is_not_the_venue_s_json(status: int, body: bytes) -> None:
    said = error(http(status, body))
    assert type(said) is Refused and (said.status, said.code) == (status, 0)
    assert "not an answer of the venue" in str(said)


@pytest.mark.parametrize("body", [HTML, b"", b'{"code": -1000, "msg": "x"}', b"{" * 50_000])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_nobody_knows_after_a_5xx(status: int, body: bytes) -> None:
    said = error(http(status, body))
    assert type(said) is Unclear and f"HTTP {status}" in str(said)


@pytest.mark.parametrize("code", sorted(UNKNOWN_CODES))
def test_codes_that_leave_the_outcome_open(code: int) -> None:
    assert type(error(http(400, json.dumps({"code": code, "msg": "m"}).encode()))) is Unclear


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    """It would carry the key to wherever it points."""
    with answering(http(200, b"{}")) as elsewhere:
        said = error(
            http(status, b"", Location=f"http://127.0.0.1:{elsewhere.port}/x"),
            lambda client: client.keyed("GET", "/listenKey"),
        )
    assert type(said) is Refused and said.status == status
    assert elsewhere.heads == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"garbage\r\n\r\n",
        http(200, b"{}", Content_Length="100"),
        http(200, b"5\r\n{}", Transfer_Encoding="chunked", Content_Length=""),
        http(200, b"no gzip", Content_Encoding="gzip"),
        http(200, b"{}", Content_Length="nonsense"),
        b"HTTP/1.1 200 X\r\n" + b"a: " + b"b" * 100_000 + b"\r\n\r\n",
    ],
    ids=range(8),
)
def test_answers_that_are_cut_or_spoilt(answer: bytes) -> None:
    assert type(error(answer)) is Unclear


@pytest.mark.parametrize("body", [HTML, b"", b"{", b'{"a": 1', b"\xff\xfe", b"[" * 100_000])
def test_a_200_that_is_not_json(body: bytes) -> None:
    for work in (
        lambda client: client.keyed("GET", "/x"),
        lambda client: client.signed("GET", "/x"),
    ):
        assert type(error(http(200, body), work)) is Unclear
    with pytest.raises(Unclear):
        parsed("/x", body)


def test_a_large_body_is_read_to_its_end() -> None:
    body = bytes(65 + i % 26 for i in range(3 << 20))
    with answering(http(200, body)) as server:
        assert ask(server, lambda client: client.public("/exchangeInfo")) == body


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    """Also one that is small until it is unpacked."""
    monkeypatch.setattr(rest_client, "BODY_BYTES_MAX", 1 << 20)
    body = bytes(1 << 20)
    named = {"Content_Encoding": "gzip"} if packed else {}
    for more, fits in ((b"", True), (b"x", False)):
        sent = gzip.compress(body + more) if packed else body + more
        if fits:
            with answering(http(200, sent, **named)) as server:
                assert ask(server, lambda client: client.public("/x")) == body
        else:
            said = error(http(200, sent, **named))
            assert type(said) is Unclear and f"more than {1 << 20} bytes" in str(said)


def test_a_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_client, "TIMEOUT_S", 0.2)

    def silent(connection: Any) -> None:
        while connection.recv(65536):
            pass

    def half(connection: Any) -> None:
        connection.recv(65536)
        connection.sendall(http(200, b"{}", Content_Length="100"))
        connection.recv(65536)

    for serve in (silent, half):
        with Loopback(serve) as server, pytest.raises(Unclear, match=r"^/x: ."):
            ask(server, lambda client: client.public("/x"))


def test_nobody_listens() -> None:
    with pytest.raises(Unclear, match=r"^/x: Cannot connect"):
        ask_at(f"http://127.0.0.1:{unused_port()}", lambda client: client.public("/x"))


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a..b", "a" * 70, "[::"])
def test_a_name_that_is_not_found(host: str) -> None:
    with pytest.raises(Unclear, match=r"^/x: ."):
        ask_at(f"http://{host}", lambda client: client.public("/x"))


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    with answering(http(200, b"{}")) as server:
        assert ask(server, lambda client: client.public("/x")) == b"{}"


def test_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=authority.file)

    def serve(connection: Any) -> None:
        server.read_head(connection)
        connection.sendall(http(200, b"{}"))

    server = Loopback(serve, authority.server())
    with server:
        assert ask(server, lambda client: client.public("/x"), trusting) == b"{}"
        with pytest.raises(Unclear, match="CERTIFICATE_VERIFY_FAILED"):
            ask(server, lambda client: client.public("/x"), ssl.create_default_context())
    assert len(server.heads) == 1, "a refused server heard what we want"


def test_asked_again_when_it_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    async def note(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(rest_client, "asyncio", SimpleNamespace(sleep=note))
    answers: list[Exception | str] = []

    async def call() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    answers += [Unclear("1"), Unclear("2"), "fine", "too much"]
    assert asyncio.run(patiently(call, 3, 0.5)) == "fine"
    assert asked == [0.5, 1.0] and answers == ["too much"]
    answers[:] = [MustWait("1", 7.0), MustWait("2", 7000.0), MustWait("3", 1.0)]
    with pytest.raises(MustWait, match="3"):
        asyncio.run(patiently(call, 3))
    assert asked[2:] == [7.0, 60.0]
    answers[:] = [Refused("no", 400, -1), "too much"]
    with pytest.raises(Refused):
        asyncio.run(patiently(call, 3))


@given(
    st.binary(max_size=300)
    | st.builds(json.dumps, st.dictionaries(st.just("code"), st.floats())).map(str.encode)
)
def test_any_body_of_an_error_has_one_line(body: bytes) -> None:
    code, text = error_of(body)
    assert isinstance(code, int) and text.isprintable() and len(text) < 250
