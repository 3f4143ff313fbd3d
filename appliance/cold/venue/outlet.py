"""The sending side of a WebSocket connection: frames onto the transport, faults included.

Frames are written here and not by the server library, so that one can be cut, held back or left
out; all messages of a connection go this way, pongs too, so none lands inside another.
"""

import asyncio
from collections import deque
from typing import Final

from appliance.cold.venue.faults import FaultBox

TEXT: Final = 1
PING: Final = 9
PONG: Final = 10
_CONTINUATION: Final = 0
_FIN: Final = 0x80
_UNREAD_MAX_BYTES: Final = 16 << 20  # a reader that leaves more is cut off
_PIECES: Final = 4
_PIECE_PAUSE_S: Final = 0.002
_HELD_MAX_S: Final = 0.25  # a message that waits for the next one waits no longer


def frame_of(opcode: int, payload: bytes, *, last: bool = True) -> bytes:
    """An unmasked frame [RFC 6455 5.2]."""
    head = bytes(((_FIN if last else 0) | opcode,))
    size = len(payload)
    if size < 126:
        return head + bytes((size,)) + payload
    if size < 1 << 16:
        return head + b"\x7e" + size.to_bytes(2, "big") + payload
    return head + b"\x7f" + size.to_bytes(8, "big") + payload


def _cut(payload: bytes) -> list[bytes]:
    step = max(1, -(-len(payload) // _PIECES))
    return [payload[at : at + step] for at in range(0, len(payload), step)]


class Outlet:
    """``combined`` and ``microseconds`` are how the connection was asked for."""

    def __init__(self, transport: asyncio.Transport, box: FaultBox, api: bool = False) -> None:
        self.combined = False
        self.microseconds = False
        self._transport = transport
        self._box = box
        self._api = api
        self._waiting: deque[tuple[float, bytes]] = deque()  # pause before it, bytes
        self._held = b""  # to be sent after the next
        self._timer: asyncio.TimerHandle | None = None
        self._release_timer: asyncio.TimerHandle | None = None

    def send(self, payload: bytes) -> None:
        """A text message, unless a fault has it."""
        box = self._box
        if not box.spoils(self._api, payload):
            self._put(0.0, frame_of(TEXT, payload))
            return
        faults = box.faults
        if faults.silent or box.hits(faults.drop):
            return
        if box.hits(faults.disconnect):
            self.cut_off()
            return
        if not self._held and box.hits(faults.reorder):
            self._held = frame_of(TEXT, payload)
            loop = asyncio.get_running_loop()
            self._release_timer = loop.call_later(_HELD_MAX_S, self._release)
            return
        pause_s = faults.delay_ms / 1000 if box.hits(faults.delay) else 0.0
        for _ in range(2 if box.hits(faults.duplicate) else 1):
            self._spoilt(pause_s, payload)
        self._release()

    def _release(self) -> None:
        """Send what was held back."""
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release_timer = None
        if self._held:
            self._put(0.0, self._held)
            self._held = b""

    def _spoilt(self, pause_s: float, payload: bytes) -> None:
        box = self._box
        frame = frame_of(TEXT, payload)
        if box.hits(box.faults.fragment):
            pieces = _cut(payload)
            frame = b"".join(
                frame_of(_CONTINUATION if at else TEXT, piece, last=at + 1 == len(pieces))
                for at, piece in enumerate(pieces)
            )
        if box.hits(box.faults.split):
            for at, piece in enumerate(_cut(frame)):
                self._put(_PIECE_PAUSE_S if at else pause_s, piece)
        else:
            self._put(pause_s, frame)

    def control(self, opcode: int, payload: bytes) -> None:
        """A ping or a pong."""
        self._put(0.0, frame_of(opcode, payload))

    def cut_off(self) -> None:
        """No goodbye: the connection is gone."""
        self.close()
        self._transport.abort()

    def close(self) -> None:
        """Nothing more is sent."""
        for timer in (self._timer, self._release_timer):
            if timer is not None:
                timer.cancel()
        self._waiting.clear()
        self._held = b""

    def _put(self, pause_s: float, data: bytes) -> None:
        if self._waiting or pause_s:
            self._waiting.append((pause_s, data))
            if self._timer is None:
                self._arm()
            return
        self._write(data)

    def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > _UNREAD_MAX_BYTES:
            self.cut_off()

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._waiting[0][0], self._next)

    def _next(self) -> None:
        self._timer = None
        if self._waiting:
            self._write(self._waiting.popleft()[1])
        while self._waiting and not self._waiting[0][0]:
            self._write(self._waiting.popleft()[1])
        if self._waiting:
            self._arm()
