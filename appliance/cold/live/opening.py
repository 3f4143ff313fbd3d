"""Opens a connection: resolve, connect, TLS, the WebSocket opening handshake. Blocking; call it
on a thread of its own.

``websockets`` speaks the handshake (Sans-I/O); it sees the bytes of the HTTP response and no more,
so whatever frame follows at once is still unread for the loop.
"""

import re
import socket
import time
from dataclasses import dataclass
from typing import Final

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.uri import WebSocketURI, parse_uri

from appliance.cold.errors import one_line
from appliance.cold.tls_client import TlsConnection, TlsContext, TlsRefused, handshake

RESPONSE_BYTES_MAX: Final = 64 * 1024
# The kernel ends a connection some 15 s after the last sign of life of the other side: where we
# only listen nobody else would notice.
_WATCHED: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 15_000),
)
_END: Final = b"\r\n\r\n"
_STATUS: Final = re.compile(rb"HTTP/[0-9.]+ +([0-9]{3})\b")
_RETRY_AFTER: Final = re.compile(rb"\r\nretry-after:[ \t]*([0-9]{1,6})[ \t]*\r\n", re.IGNORECASE)


class OpeningFailed(Exception):
    """One line: which step failed, and what the other side said."""

    def __init__(self, text: str, status: int = 0, retry_after_s: float = 0.0) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after_s = retry_after_s


@dataclass
class Opened:
    """A WebSocket that is open, and what has come behind the handshake."""

    socket: socket.socket
    tls: TlsConnection | None
    early: bytes

    def close(self) -> None:
        if self.tls is not None:
            self.tls.close()
        self.socket.close()


def open_websocket(url: str, tls: TlsContext, timeout_s: float) -> Opened:
    """Raises OpeningFailed. ``timeout_s`` bounds all of it together."""
    try:
        uri = parse_uri(url)
    except InvalidURI as error:
        raise OpeningFailed(f"no address of a WebSocket: {error.msg}") from None
    except ValueError as error:  # a port or a name that is none
        raise OpeningFailed(f"no address of a WebSocket: {one_line(str(error))}") from None
    deadline_s = time.monotonic() + timeout_s
    where = f"{uri.host}:{uri.port}"
    try:
        connection = _connect(uri.host, uri.port, deadline_s)
    except (OSError, UnicodeError) as error:
        raise OpeningFailed(f"{where}: {getattr(error, 'strerror', None) or error}") from None
    opened = Opened(connection, None, b"")
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for level, option, value in _WATCHED:
            connection.setsockopt(level, option, value)
        if uri.secure:
            connection.settimeout(max(deadline_s - time.monotonic(), 0.001))
            opened.tls = handshake(tls, connection, uri.host)
        _upgrade(opened, uri, where, deadline_s)
        connection.setblocking(False)
    except TlsRefused as error:
        opened.close()
        raise OpeningFailed(f"{where}: TLS: {error}") from None
    except OSError as error:
        opened.close()
        raise OpeningFailed(f"{where}: {error.strerror or error}") from None
    except BaseException:
        opened.close()
        raise
    return opened


def _connect(host: str, port: int, deadline_s: float) -> socket.socket:
    """To the first of the host's addresses that answers; each has its share of the time."""
    failed = OSError("no address")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for left_n, (family, kind, protocol, _, address) in zip(
        range(len(found), 0, -1), found, strict=True
    ):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(max((deadline_s - time.monotonic()) / left_n, 0.001))
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            failed = error
    raise failed


def _upgrade(opened: Opened, uri: WebSocketURI, where: str, deadline_s: float) -> None:
    """The opening handshake (RFC 6455, 4.1): no extension is offered, no subprotocol."""
    protocol = ClientProtocol(uri)
    protocol.send_request(protocol.connect())
    for data in protocol.data_to_send():
        _send(opened, data)
    data = b""
    while _END not in data:
        if len(data) > RESPONSE_BYTES_MAX:
            raise OpeningFailed(f"{where}: a response of more than {RESPONSE_BYTES_MAX} bytes")
        opened.socket.settimeout(max(deadline_s - time.monotonic(), 0.001))
        more = _receive(opened)
        if not more:
            raise OpeningFailed(f"{where}: closed during the handshake")
        data += more
    head, opened.early = data[: data.index(_END) + 4], data[data.index(_END) + 4 :]
    protocol.receive_data(head)
    if protocol.handshake_exc is None and protocol.events_received():
        return
    raise _refused(where, head, opened.early, protocol.handshake_exc)


def _refused(where: str, head: bytes, body: bytes, error: Exception | None) -> OpeningFailed:
    said = one_line(head.partition(b"\r\n")[0].decode(errors="replace"))
    found = _STATUS.match(head)
    if found is None:
        return OpeningFailed(f"{where}: not HTTP: {said!r}")
    status, retry = int(found[1]), _RETRY_AFTER.search(head)
    if status == 101:
        said = f"{said} ({one_line(str(error))})"
    elif shown := one_line(body.decode(errors="replace")):
        said = f"{said}: {shown}"
    return OpeningFailed(f"{where}: {said}", status, float(retry[1]) if retry else 0.0)


def _send(opened: Opened, data: bytes) -> None:
    if opened.tls is not None:
        opened.tls.send(opened.socket, data)
    else:
        opened.socket.sendall(data)


def _receive(opened: Opened) -> bytes:
    if opened.tls is not None:
        return opened.tls.receive(opened.socket, 4096)
    return opened.socket.recv(4096)
