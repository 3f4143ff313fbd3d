"""Opening a WebSocket: what servers answer, and the one line that a failure gets."""

import base64
import hashlib
import random
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from appliance.cold.live.opening import RESPONSE_BYTES_MAX, Opened, OpeningFailed, open_websocket
from appliance.cold.tls_client import TlsContext
from tests.strategies.authority import DAY, Authority
from tests.strategies.loopback import WAIT_S, Loopback, answering, header, http, unused_port

PLAIN = TlsContext(system_ca=False)
FRAMES = b"".join(
    Frame(Opcode.TEXT, text).serialize(mask=False) for text in (b"first", b"x" * 9000, b"")
)


def switching(head: str, **changed: str) -> bytes:
    """The response to a request for a WebSocket (RFC 6455, 4.2.2)."""
    key = header(head, "Sec-WebSocket-Key")
    magic = f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(magic.encode()).digest()).decode()
    fields = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
    fields |= {name.replace("_", "-"): value for name, value in changed.items()}
    lines = ["HTTP/1.1 101 Switching Protocols", *(f"{k}: {v}" for k, v in fields.items() if v)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


class Accepting(Loopback):
    """Takes every handshake and sends ``more`` in pieces of ``sizes``."""

    def __init__(self, more: bytes = b"", sizes: Any = lambda: 1 << 20, **named: Any) -> None:
        super().__init__(self._accept_it, named.pop("over", None))
        self._more, self._sizes, self._changed = more, sizes, named

    def _accept_it(self, connection: socket.socket) -> None:
        data = switching(self.read_head(connection), **self._changed) + self._more
        while data:
            size = self._sizes()
            connection.sendall(data[:size])
            data = data[size:]
        connection.recv(1)


def url(server: Loopback, path: str = "/stream?streams=a@b", scheme: str = "ws") -> str:
    return f"{scheme}://127.0.0.1:{server.port}{path}"


def failure(address: str, tls: TlsContext = PLAIN, timeout_s: float = WAIT_S) -> OpeningFailed:
    with pytest.raises(OpeningFailed) as caught:
        open_websocket(address, tls, timeout_s)
    line = str(caught.value)
    assert line and line.isprintable() and len(line) < 400, line
    return caught.value


def answered(data: bytes, timeout_s: float = WAIT_S) -> OpeningFailed:
    """The failure after a raw response."""
    with answering(data) as server:
        failed = failure(url(server), timeout_s=timeout_s)
    assert str(failed).startswith(f"127.0.0.1:{server.port}: ")
    assert len(server.heads) == 1, "asked again"
    return failed


def everything(opened: Opened, wanted_n: int) -> bytes:
    """What came with the handshake, and what follows it."""
    data = opened.early
    opened.socket.settimeout(WAIT_S)
    while len(data) < wanted_n:
        tls = opened.tls
        more = tls.receive(opened.socket, 4096) if tls else opened.socket.recv(4096)
        assert more, f"the end after {len(data)} of {wanted_n} bytes"
        data += more
    return data


def test_what_is_asked_for() -> None:
    with Accepting() as server:
        opened = open_websocket(url(server, "/base/stream?streams=a@b/c@d"), PLAIN, WAIT_S)
        assert opened.tls is None and opened.early == b""
        assert not opened.socket.getblocking()
        assert opened.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert opened.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        watched = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        watched += (socket.TCP_USER_TIMEOUT,)
        asked = [opened.socket.getsockopt(socket.IPPROTO_TCP, option) for option in watched]
        assert asked == [10, 5, 3, 15_000], "the kernel notices that the other side is gone"
        opened.close()
    (head,) = server.heads
    assert head.startswith("GET /base/stream?streams=a@b/c@d HTTP/1.1\r\n")
    assert header(head, "Host") == f"127.0.0.1:{server.port}"
    assert header(head, "Sec-WebSocket-Version") == "13"
    assert len(base64.b64decode(header(head, "Sec-WebSocket-Key") or "")) == 16
    for name in ("Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Authorization"):
        assert header(head, name) is None, f"{name} is offered"


def test_each_key_is_new() -> None:
    with Accepting() as server:
        for _ in range(5):
            open_websocket(url(server), PLAIN, WAIT_S).close()
    assert len({header(head, "Sec-WebSocket-Key") for head in server.heads}) == 5


@pytest.mark.parametrize("seed", range(8))
def test_no_byte_behind_the_response_is_lost(seed: int) -> None:
    rng = random.Random(seed)
    sizes = [1 << 20, 1, 7, 150, 4096]
    with Accepting(FRAMES, lambda: rng.choice(sizes) + rng.randrange(3)) as server:
        opened = open_websocket(url(server), PLAIN, WAIT_S)
        try:
            assert everything(opened, len(FRAMES)) == FRAMES
        finally:
            opened.close()


def test_frames_in_the_same_packet_are_handed_on() -> None:
    with Accepting(b"\x81\x05hello") as server:
        opened = open_websocket(url(server), PLAIN, WAIT_S)
        assert everything(opened, 7) == b"\x81\x05hello"
        opened.close()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b"", "HTTP/1.1 400 Phrase"),
        (401, b'{"code":-2015,"msg":"Invalid API-key"}', '401 Phrase: {"code":-2015,"msg"'),
        (403, b"<html>\n<head><title>WAF</title>\r\n</html>", "<html> <head><title>WAF"),
        (404, b"x" * 60_000, "404 Phrase: xxxx"),
        (418, b"\x1b[31mred\0\xff", "418 Phrase: [31mred"),
        (500, b"", "500 Phrase"),
        (503, b"busy", "503 Phrase: busy"),
        (200, b"<html>welcome</html>", "200 Phrase: <html>welcome"),
        (204, b"", "204 Phrase"),
    ],
)
def test_other_statuses(status: int, body: bytes, said: str) -> None:
    failed = answered(http(status, body))
    assert said in str(failed)
    assert (failed.status, failed.retry_after_s) == (status, 0.0)


@pytest.mark.parametrize("body", [b"", b'{"code":-1003,"msg":"Too many"}'])
@pytest.mark.parametrize("status", [418, 429, 503])
def test_how_long_the_venue_wants_us_to_wait(status: int, body: bytes) -> None:
    failed = answered(http(status, body, retry_after="37"))
    assert (failed.status, failed.retry_after_s) == (status, 37.0)


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1.5", "inf", "nan", "²", "9" * 400, "Fri, 31 Dec 1999 23:59:59 GMT"]
)
def test_a_wait_that_is_none(text: str) -> None:
    assert answered(http(429, b"", Retry_After=text)).retry_after_s == 0.0


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Accepting() as elsewhere:
        failed = answered(http(status, b"", Location=url(elsewhere)))
    assert failed.status == status
    assert elsewhere.heads == []


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"Sec_WebSocket_Accept": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="}, "Sec-WebSocket-Accept"),
        ({"Sec_WebSocket_Accept": ""}, "Sec-WebSocket-Accept"),
        ({"Upgrade": ""}, "Upgrade"),
        ({"Upgrade": "h2c"}, "Upgrade"),
        ({"Connection": "close"}, "Connection"),
        ({"Sec_WebSocket_Extensions": "permessage-deflate"}, "extension"),
        ({"Sec_WebSocket_Protocol": "other"}, "subprotocol"),
    ],
)
def test_a_switch_that_is_none(changed: dict[str, str], why: str) -> None:
    with Accepting(b"\x81\x05hello", **changed) as server:
        failed = failure(url(server))
    assert why in str(failed) and "101" in str(failed)
    assert "hello" not in str(failed)


@pytest.mark.parametrize(
    "data",
    [
        *(b"garbage\r\n\r\n", b"\r\n\r\n", b"\x16\x03\x01\x02\r\n\r\n", b"HTTP/1.1\r\n\r\n"),
        *(b"HTTP/1.1 \xc2\xb2\xc2\xb2 X\r\n\r\n", b"HTTP/1.1 1000 X\r\n\r\n", b"\xff" * 99),
    ],
)
def test_what_is_not_http(data: bytes) -> None:
    failed = answered(data)
    assert failed.status == 0
    assert "not HTTP" in str(failed) or "closed during the handshake" in str(failed)


def test_a_head_without_end() -> None:
    """Bounded in bytes; and in time, also if something always comes."""
    assert f"more than {RESPONSE_BYTES_MAX}" in str(
        answered(b"HTTP/1.1 200 X\r\na: " + b"b" * 99999)
    )
    assert "closed during the handshake" in str(answered(b"HTTP/1.1 101 Switch"))

    def drip(connection: socket.socket) -> None:
        server.read_head(connection)
        while True:
            connection.sendall(b"h")
            time.sleep(0.02)

    server = Loopback(drip)
    with server:
        assert "timed out" in str(failure(url(server), timeout_s=0.3))


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_server_that_says_nothing(scheme: str) -> None:
    with Loopback(silent) as server:
        assert "timed out" in str(failure(url(server, scheme=scheme), timeout_s=0.2))


def test_nobody_listens() -> None:
    port = unused_port()
    assert str(failure(f"ws://127.0.0.1:{port}/")) == f"127.0.0.1:{port}: Connection refused"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("ws://no-such-name.invalid/", "no-such-name.invalid:80: "),
        ("wss://a..b/", "a..b:443: "),
        (f"ws://{'a' * 70}/", "label too long"),
        ("http://127.0.0.1/", "scheme isn't ws or wss"),
        ("ws:///path", "hostname"),
        ("ws://h/#fragment", "fragment"),
        ("ws://h:99999/", "Port out of range"),
        ("ws://h:x/", "Port could not be cast"),
        ("ws://[::1/", "Invalid IPv6 URL"),
        ("ws://ö..b/", "label empty or too long"),
        ("", "scheme"),
    ],
)
def test_addresses_that_are_none(address: str, why: str) -> None:
    assert why in str(failure(address))


def test_an_address_is_not_shown_as_a_whole() -> None:
    """That of a user data stream holds its key."""
    assert "hunter2" not in str(failure("http://h/private/ws/hunter2"))


def test_each_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them does not answer: the others still have their share of the time."""
    with socket.create_server(("127.0.0.1", 0)) as dead, Accepting(b"late") as server:
        ports = [unused_port(), dead.getsockname()[1], server.port]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]
        connect = socket.socket.connect

        waits_s: list[float | None] = []

        def connect_or_wait(self: socket.socket, address: Any) -> None:
            if address == dead.getsockname():
                waits_s.append(self.gettimeout())
                raise TimeoutError("timed out")
            connect(self, address)

        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)
        monkeypatch.setattr(socket.socket, "connect", connect_or_wait)
        opened = open_websocket("ws://venue.example/", PLAIN, WAIT_S)
        assert everything(opened, 4) == b"late"
        opened.close()
    (wait_s,) = waits_s
    assert wait_s is not None and wait_s <= WAIT_S / 2, "two were left to share it"


def test_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trusting = TlsContext(authority.file)
    with Accepting(FRAMES, over=authority.server()) as server:
        opened = open_websocket(url(server, scheme="wss"), trusting, WAIT_S)
        assert opened.tls is not None and everything(opened, len(FRAMES)) == FRAMES
        opened.close()
        assert "TLS: unable to get local issuer" in str(failure(url(server, scheme="wss"), PLAIN))
        assert len(server.heads) == 1, "a refused server heard what we want"
    with Accepting(over=authority.server(start=-3 * DAY)) as server:
        assert "TLS: certificate has expired" in str(failure(url(server, scheme="wss"), trusting))
