"""The end of a live run: nothing of ours stays on the venue's book, or it is told what may."""

import asyncio
import contextlib
import time
from typing import Final

from appliance.cold.live.live_session import LiveSession
from appliance.hot.order_text import client_id

CANCEL_S: Final = 10.0  # in all; after CERTAIN_S the venue knows of every order that came
AGAIN_S: Final = 0.5
HEARD_S: Final = 2.0  # the loop has so long to take in the last reports
_LOOK_S: Final = 0.005


class LastOrders:
    """``cancel`` once, when the gate lets nothing new through."""

    def __init__(self, session: LiveSession, epoch: int) -> None:
        self._session = session
        self._epoch = epoch
        self._gone: set[int] = set()  # order keys: the venue said so, the loop may not know yet
        self._work: asyncio.Task[None] | None = None
        self.hurried = False

    @property
    def cancelled_n(self) -> int:
        return len(self._gone)

    def left(self) -> list[str]:
        """Client ids of the orders that may still be open."""
        live = self._session.inquiry.live(unknown_only=False)
        return [client_id(self._epoch, order.key) for order in live if order.key not in self._gone]

    async def cancel(self) -> None:
        """Until nothing is left, CANCEL_S are over, or ``hurry``."""
        self._work = asyncio.ensure_future(self._until_gone())
        try:
            await asyncio.wait({self._work}, timeout=CANCEL_S)
        finally:
            self._work.cancel()
            await asyncio.wait({self._work})
        if not self._work.cancelled():
            self._work.result()

    def hurry(self) -> None:
        """End it as it is; without effect before and after."""
        if self._work is not None and not self._work.done():
            self.hurried = self._work.cancel()

    async def _until_gone(self) -> None:
        while self._session.live_orders_n():
            await self._session.inquiry.cancel_all(self._gone)
            await self._hear(AGAIN_S if self.left() else HEARD_S)
            if not self.left():
                return  # what the table still holds the loop did not hear of: perhaps it has ended

    async def _hear(self, seconds: float) -> None:
        """Reports to the loop, until it knows of no order or for so long.

        Nothing else of the session goes on: its connections are not made again. What is broken in
        it has been told by whoever ended the run, and must not keep us from cancelling.
        """
        end_s = time.monotonic() + seconds
        while self._session.live_orders_n() and time.monotonic() < end_s:
            with contextlib.suppress(Exception):
                self._session.messages.serve()
                self._session.sink.flush()
            await asyncio.sleep(_LOOK_S)
