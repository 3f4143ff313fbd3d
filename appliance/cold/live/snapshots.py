"""REST snapshots for the books that need one, through the loop's frame ring."""

import time
from typing import Final

import numpy as np

from appliance.abi.book import Anchor
from appliance.abi.market import BookState, FrameSource
from appliance.cold.live.rest_client import MustWait, RestClient, RestError
from appliance.hot.core import Core
from appliance.hot.frame_ring import push

LEVELS: Final = 1000  # a side; weight 50 on spot, 20 on USD-M
SETTLE_S: Final = 0.5  # a snapshot that was pushed has so long to make its book live
RETRY_S: Final = 1.0


class Snapshots:
    """Fetches one snapshot at a time for each book, and paces them."""

    def __init__(self, core: Core, symbols: tuple[str, ...], rest: RestClient) -> None:
        self._core = core
        self._symbols = symbols
        self._rest = rest
        self._not_before_s = [0.0] * len(symbols)
        self._busy = [False] * len(symbols)
        self.pushed_n = 0
        self.failed = ""  # why the last one failed

    def needed(self) -> list[int]:
        """Books that buffer differences and wait for a snapshot, and may be asked for now."""
        now_s = time.monotonic()
        heads = self._core.books.heads
        return [
            i
            for i in range(len(self._symbols))
            if heads[i].anchor == Anchor.NONE
            and heads[i].state != BookState.EMPTY
            and self._core.books.pending[i].tail > self._core.books.pending[i].head
            and not self._busy[i]
            and now_s >= self._not_before_s[i]
        ]

    async def fetch(self, i: int) -> None:
        """One snapshot of book ``i`` into the ring; failures are remembered and paced."""
        self._busy[i] = True
        wait_s = RETRY_S
        try:
            body = await self._rest.public("/depth", {"symbol": self._symbols[i], "limit": LEVELS})
            data = np.frombuffer(body, np.uint8)
            pushed = push(
                self._core.ingress,
                data,
                0,
                len(data),
                time.time_ns(),
                i,
                int(FrameSource.REST),
                self.pushed_n,
            )
            self.pushed_n += int(pushed)
            wait_s = SETTLE_S
        except MustWait as error:
            self.failed, wait_s = str(error), error.seconds
        except RestError as error:
            self.failed = str(error)
        finally:
            self._not_before_s[i] = time.monotonic() + wait_s
            self._busy[i] = False
