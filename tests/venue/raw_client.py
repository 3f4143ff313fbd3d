"""A WebSocket client that shows every frame, and pongs only if it is told to."""

import json
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from tests.venue.running_venue import WAIT_S, RunningVenue

Form = Any


class RawClient:
    """``with RawClient(venue, "/ws/btcusdt@trade") as client``: connected, and a timeout set."""

    def __init__(self, venue: RunningVenue, path: str, *, pongs: bool = True) -> None:
        host, port = venue.ready["host"], venue.ready["port"]
        self._protocol = ClientProtocol(parse_uri(f"ws://{host}:{port}{path}"), max_size=1 << 24)
        self._pongs = pongs
        self._frames: deque[Frame] = deque()
        self._socket = socket.create_connection((host, port), WAIT_S)
        self.bytes_by_read: list[int] = []
        self.pings: list[bytes] = []
        self._protocol.send_request(self._protocol.connect())
        self._flush()
        while self._protocol.state is State.CONNECTING:
            if self._protocol.handshake_exc is not None:
                self._socket.close()
                raise self._protocol.handshake_exc
            self._read(WAIT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    @property
    def over(self) -> bool:
        """True if the connection has ended."""
        return self._protocol.state is State.CLOSED or self._protocol.eof_sent

    @property
    def close_code(self) -> int | None:
        """1006 if there was no goodbye."""
        return self._protocol.close_code

    @property
    def close_reason(self) -> str | None:
        return self._protocol.close_reason

    def send(self, form: Form) -> None:
        """A text message: JSON, or the text itself."""
        text = form if isinstance(form, str) else json.dumps(form)
        self._protocol.send_text(text.encode())
        self._flush()

    def ping(self, payload: bytes) -> None:
        self._protocol.send_ping(payload)
        self._flush()

    def pong(self, payload: bytes) -> None:
        self._protocol.send_pong(payload)
        self._flush()

    def frame(self, within_s: float = WAIT_S) -> Frame | None:
        """The next frame of any kind; None if the connection ends first."""
        until_s = time.monotonic() + within_s
        while not self._frames:
            if self.over:
                return None
            left_s = until_s - time.monotonic()
            assert left_s > 0, f"no frame within {within_s} s"
            self._read(left_s)
        return self._frames.popleft()

    def message(self, within_s: float = WAIT_S) -> Form:
        """The next whole text message as JSON; None if the connection ends first."""
        parts: list[bytes] = []
        while (frame := self.frame(within_s)) is not None:
            if frame.opcode in (Opcode.TEXT, Opcode.CONT):
                parts.append(bytes(frame.data))
                if frame.fin:
                    return json.loads(b"".join(parts))
        return None

    def until(self, wanted: Callable[[Form], bool], within_s: float = WAIT_S) -> Form:
        """The first message that is ``wanted``."""
        until_s = time.monotonic() + within_s
        while True:
            message = self.message(max(0.001, until_s - time.monotonic()))
            assert message is not None, f"ended: {self.close_code} {self.close_reason}"
            if wanted(message):
                return message

    def asked(self, form: Form) -> Form:
        """The reply to a request with an id."""
        self.send(form)
        return self.until(lambda reply: isinstance(reply, dict) and reply.get("id") == form["id"])

    def drain(self) -> None:
        """Read until the connection ends."""
        while self.frame() is not None:
            pass

    def _read(self, within_s: float) -> None:
        self._socket.settimeout(within_s)
        try:
            data = self._socket.recv(1 << 16)
        except TimeoutError:
            return
        except (ConnectionError, ssl.SSLError):
            data = b""
        if data:
            self.bytes_by_read.append(len(data))
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._take()

    def _take(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Response):
                continue
            assert isinstance(event, Frame)
            if event.opcode is Opcode.PING:
                self.pings.append(bytes(event.data))
            self._frames.append(event)
        self._flush()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if not data:
                continue
            if not self._pongs and data[0] == 0x80 | Opcode.PONG:
                continue
            try:
                self._socket.sendall(data)
            except (ConnectionError, OSError):
                return
