"""The cold side of the links: hands connections to the loop and takes them back.

While a link is not OPEN its buffers are ours: the log-on runs on them, by the same functions that
the loop uses, so nothing that comes early is lost.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import numpy as np

from appliance.abi.link import LinkEnd, LinkRole, LinkState
from appliance.cold.live.opening import Opened
from appliance.hot.atomics import load_acquire, store_release
from appliance.hot.wire.links import (
    ENDED,
    Links,
    receive_some,
    send_frame,
    waiting_bytes,
)
from appliance.hot.wire.socket_io import WOULD_BLOCK
from appliance.hot.wire.websocket_reader import (
    BINARY,
    NOTHING,
    PING,
    PONG,
    TEXT,
    WebsocketReader,
    make_room,
    next_frame,
    payload_bytes,
    payload_start,
    received,
    reset,
)
from appliance.hot.wire.websocket_writer import WebsocketWriter, clear

_LOOK_S: Final = 0.002  # how often the cold side looks at a socket that it owns


class LinkLost(Exception):
    """The connection ended before the loop had it."""


@dataclass
class Link:
    """One connection in its row of the table."""

    k: int
    role: LinkRole
    opened: Opened
    has_user_data: bool = False


class LinkTable:
    """All rows. One thread calls, the one of the session."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._used: dict[int, Link] = {}

    @property
    def arrays(self) -> Links:
        return self._links

    def take(self, role: LinkRole, opened: Opened) -> Link:
        """A row for a connection; RuntimeError: none is free."""
        for k in range(len(self._links.states)):
            if k not in self._used:
                break
        else:
            opened.close()
            raise RuntimeError("no link is free")
        links = self._links
        record = links.records[k]
        for name in record.dtype.names:
            record[name] = 0
        record.role, record.socket = int(role), opened.socket.fileno()
        record.is_tls = int(opened.tls is not None)
        links.tls[k] = 0 if opened.tls is None else opened.tls.tls.words
        reset(self._reader(k))
        clear(self._writer(k))
        links.wishes[k] = 0
        link = Link(k, role, opened)
        self._used[k] = link
        self._put_early(link)
        return link

    def _reader(self, k: int) -> WebsocketReader:
        # Compiled code may not return arrays to Python: made here.
        return WebsocketReader(self._links.read_data[k], self._links.read_words[k])

    def _writer(self, k: int) -> WebsocketWriter:
        return WebsocketWriter(self._links.write_data[k], self._links.write_words[k])

    def _put_early(self, link: Link) -> None:
        data = np.frombuffer(link.opened.early, np.uint8)
        reader = self._reader(link.k)
        start = int(make_room(reader))
        reader.data[start : start + len(data)] = data
        received(reader, len(data))

    def offer(self, link: Link) -> None:
        """Give the link to the loop."""
        self._links.records[link.k].has_user_data = int(link.has_user_data)
        # OFFERED: everything of the link is written before the loop may take it (hot/sockets.py)
        store_release(self._links.states, link.k, int(LinkState.OFFERED))

    def state(self, link: Link) -> LinkState:
        return LinkState(int(load_acquire(self._links.states, link.k)))

    def retire(self, link: Link) -> None:
        """Ask the loop to let go."""
        store_release(self._links.wishes, link.k, 1)

    def end(self, link: Link) -> tuple[LinkEnd, int]:
        """Why an ENDED link ended."""
        record = self._links.records[link.k]
        return LinkEnd(int(record.end)), int(record.detail)

    def free(self, link: Link) -> None:
        """Close a link that the loop does not have (any more)."""
        if self._used.pop(link.k, None) is None:
            return
        link.opened.close()
        self._links.tls[link.k] = 0
        self._links.states[link.k] = int(LinkState.FREE)

    def heard_n(self, link: Link) -> int:
        """Goes up with what the link is there for: messages of market data, else any bytes.

        Where nothing happens to our orders pings are all that comes; where market data are due
        they prove nothing.
        """
        record = self._links.records[link.k]
        return int(record.messages_n if link.role < LinkRole.ORDERS else record.received_bytes)

    def of_role(self, role: LinkRole) -> list[Link]:
        return [link for link in self._used.values() if link.role == role]

    def free_all(self) -> None:
        """After the loop has ended."""
        for link in list(self._used.values()):
            self.free(link)

    def say(self, link: Link, text: bytes) -> None:
        """Send a message on a link that is ours. LinkLost."""
        data = np.frombuffer(text, np.uint8)
        if send_frame(self._links, link.k, TEXT, data, 0, len(data)) < 0:
            raise LinkLost("the connection took no more")

    async def hear(self, link: Link, timeout_s: float) -> bytes:
        """The next message on a link that is ours. LinkLost, TimeoutError."""
        links, k = self._links, link.k
        deadline_s = asyncio.get_running_loop().time() + timeout_s
        reader = self._reader(k)
        while True:
            code = int(next_frame(reader))
            start, length = int(payload_start(reader)), int(payload_bytes(reader))
            if code in (TEXT, BINARY):
                return reader.data[start : start + length].tobytes()
            if code == PING:
                send_frame(links, k, PONG, reader.data, start, length)
            elif code == NOTHING:
                if int(waiting_bytes(links, k)):
                    raise LinkLost("the connection is backed up")
                got = int(receive_some(links, k))
                if got == ENDED:
                    raise LinkLost("the connection was closed")
                if got == WOULD_BLOCK:
                    if asyncio.get_running_loop().time() > deadline_s:
                        raise TimeoutError
                    await asyncio.sleep(_LOOK_S)
            elif code != PONG:
                raise LinkLost("the connection was closed" if code > 0 else "an illegal frame")
