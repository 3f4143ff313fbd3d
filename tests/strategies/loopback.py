"""A server on a free port of loopback that does to each connection what a test says."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

WAIT_S = 20.0  # on a machine that is busy
HEAD_END = b"\r\n\r\n"

Serve = Callable[[socket.socket], None]


class Loopback:
    """``with Loopback(serve) as server``; each connection is served on a thread of its own.

    ``over``: TLS. ``heads``: what was asked, one head each, as far as ``read_head`` read it.
    """

    def __init__(self, serve: Serve, over: ssl.SSLContext | None = None) -> None:
        self._serve, self._over = serve, over
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._open: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self.port: int = self._listener.getsockname()[1]
        self.heads: list[str] = []
        self.names: list[str | None] = []  # SNI of each TLS connection
        self.defects: list[BaseException] = []
        if over is not None:
            over.sni_callback = lambda _object, name, _context: self.names.append(name)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(WAIT_S)
        self._listener.close()
        for connection in self._open:  # who still waits for the client, waits no longer
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(WAIT_S)
        if kind is None:
            assert not self.defects, self.defects

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(WAIT_S)
            self._open.append(connection)
            thread = threading.Thread(target=self._one, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _one(self, connection: socket.socket) -> None:
        with connection:
            try:
                if self._over is None:
                    self._serve(connection)
                else:
                    with self._over.wrap_socket(connection, server_side=True) as secured:
                        self._serve(secured)
            except OSError:
                pass  # the client has gone, or refused us (an SSLError is one, too)
            except BaseException as defect:
                self.defects.append(defect)

    def read_head(self, connection: socket.socket) -> str:
        """The head of one request."""
        data = b""
        while HEAD_END not in data:
            more = connection.recv(4096)
            if not more:
                raise ConnectionError("the client closed")
            data += more
        self.heads.append(data.decode())
        return self.heads[-1]


def answering(*answers: bytes) -> Loopback:
    """Answers each request in turn with raw bytes, and the last of them from then on."""
    left = list(answers)

    def serve(connection: socket.socket) -> None:
        server.read_head(connection)
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])

    server = Loopback(serve)
    return server


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An HTTP response; an underscore in a header's name is a hyphen."""
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Phrase", *(f"{name}: {text}" for name, text in fields.items())]
    return "\r\n".join(lines).encode() + HEAD_END + body


def header(head: str, name: str) -> str | None:
    """The value of a request's header."""
    for line in head.split("\r\n")[1:]:
        found, _, value = line.partition(":")
        if found.lower() == name.lower():
            return value.strip()
    return None


def unused_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port
