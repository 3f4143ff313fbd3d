"""What every WebSocket connection does: pings, limits of messages, a life that ends.

Times and limits: binance-protocol 1.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import WSCloseCode, WSMsgType, web

from appliance.abi.market import Market
from appliance.cold.venue.faults import FaultBox
from appliance.cold.venue.floor import Floor
from appliance.cold.venue.hub import compact
from appliance.cold.venue.outlet import PING, PONG, Outlet

_MESSAGE_MAX_BYTES: Final = 1 << 20
_MESSAGES_A_S: Final = {Market.SPOT: 5, Market.USDM: 10}


@dataclass(frozen=True, slots=True)
class Times:
    """In seconds; 0 for a ping: the market's own. ``notice_s``: serverShutdown to the end."""

    ping_s: float = 0.0
    pong_s: float = 0.0
    life_s: float = 86_400.0
    notice_s: float = 10.0


_PINGS_S: Final = {Market.SPOT: (20.0, 60.0), Market.USDM: (180.0, 600.0)}


class Connection:
    """One WebSocket. ``heard`` is what a kind of connection makes of a text."""

    api = False

    def __init__(self, floor: Floor, box: FaultBox, times: Times, address: str) -> None:
        self.floor = floor
        self.address = address
        self.outlet: Outlet
        self._box = box
        self._times = times
        ping_s, pong_s = _PINGS_S[floor.market]
        self._ping_s = times.ping_s or ping_s
        self._pong_s = times.pong_s or pong_s
        self._unanswered: dict[bytes, float] = {}  # pings: when they were sent
        self._socket: web.WebSocketResponse
        self._second, self._heard_n = 0, 0
        self._tasks: list[asyncio.Task[None]] = []

    def admit(self, now_ns: int) -> None:
        """What connecting costs. Raises Refused."""

    def opened(self) -> None:
        """The outlet is there."""

    def heard(self, text: str) -> None:
        """A message of the client."""
        raise NotImplementedError

    def left(self) -> None:
        """The connection is over."""

    def shutdown_notice(self, now_ms: int) -> dict[str, Any]:
        """``serverShutdown`` as this kind of connection is told it."""
        raise NotImplementedError

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Until either side ends it."""
        self._socket = web.WebSocketResponse(
            autoping=False, compress=False, max_msg_size=_MESSAGE_MAX_BYTES
        )
        await self._socket.prepare(request)
        transport = request.transport
        assert isinstance(transport, asyncio.Transport)
        self.outlet = Outlet(transport, self._box, self.api)
        self._tasks = [asyncio.create_task(work) for work in (self._pinging(), self._living())]
        self.opened()
        try:
            await self._listen()
        finally:
            for task in self._tasks:
                task.cancel()
            self.outlet.close()
            self.left()
        return self._socket

    async def _listen(self) -> None:
        async for message in self._socket:
            if self._box.faults.slow_read_ms:
                await asyncio.sleep(self._box.faults.slow_read_ms / 1000)
            if not self._within_limit():
                await self._socket.close(
                    code=WSCloseCode.POLICY_VIOLATION, message=b"Too many requests"
                )
                return
            if message.type == WSMsgType.PING:
                self.outlet.control(PONG, message.data)
            # a pong that nobody asked for keeps no connection alive
            elif message.type == WSMsgType.PONG and bytes(message.data) in self._unanswered:
                self._unanswered.clear()
            elif message.type == WSMsgType.TEXT:
                self.heard(message.data)

    def _within_limit(self) -> bool:
        """Streams only: the WebSocket API counts weight instead."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._heard_n = second, 0
        self._heard_n += 1
        return self.api or self._heard_n <= _MESSAGES_A_S[self.floor.market]

    async def _pinging(self) -> None:
        while True:
            await asyncio.sleep(self._ping_s)
            now_s = time.monotonic()
            if now_s - next(iter(self._unanswered.values()), now_s) > self._pong_s:
                await self.end(b"Pong timeout")
                return
            payload = str(time.time_ns() // 1_000_000).encode()
            self._unanswered[payload] = now_s
            self.outlet.control(PING, payload)

    async def _living(self) -> None:
        await asyncio.sleep(max(0.0, self._times.life_s - self._times.notice_s))
        await self.shut_down()

    async def shut_down(self) -> None:
        """The notice, and after a while the end."""
        now_ms = self.floor.clock.ms(time.time_ns())
        self.outlet.send(compact(self.shutdown_notice(now_ms)))
        await asyncio.sleep(min(self._times.notice_s, self._times.life_s))
        await self.end(b"disconnected")

    async def end(self, reason: bytes) -> None:
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=reason)
