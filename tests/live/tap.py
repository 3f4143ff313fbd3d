"""A tap in the line between the appliance and the venue: TCP passed on byte by byte, and kept.

What it hears is read back with ``websockets``: a second opinion of every frame that was sent.
"""

import socket
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

_BLOCK: Final = 1 << 16


@dataclass
class Heard:
    """One connection."""

    asked: bytearray = field(default_factory=bytearray)  # by the appliance
    told: bytearray = field(default_factory=bytearray)  # by the venue

    @property
    def path(self) -> str:
        return bytes(self.asked).split(b" ", 2)[1].decode()

    def texts(self) -> list[bytes]:
        """The whole text messages after the handshake."""
        _, _, frames = bytes(self.told).partition(b"\r\n\r\n")
        protocol = Protocol(CLIENT, state=OPEN, max_size=None)
        protocol.receive_data(frames)
        whole: list[bytes] = []
        for event in protocol.events_received():
            assert isinstance(event, Frame)
            if event.opcode is Opcode.TEXT:
                whole.append(bytes(event.data))
            elif event.opcode is Opcode.CONT:
                whole[-1] += bytes(event.data)
        return whole


class Tap:
    """``with Tap(port) as tap``: what connects to ``tap.port`` speaks with ``port``."""

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self.heard: list[Heard] = []
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets.append(self._listener)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._to)
            self._sockets += [near, far]
            heard = Heard()
            self.heard.append(heard)
            for source, target, kept in ((near, far, heard.asked), (far, near, heard.told)):
                threading.Thread(target=_pass_on, args=(source, target, kept), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    try:
        while data := source.recv(_BLOCK):
            kept += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
