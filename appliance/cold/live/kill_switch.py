"""Cancels everything that is open at the venue, by REST alone: no loop, no compiled code.

For the guardian, and for a halt that the loop does not answer.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Final

from appliance.abi.market import Market
from appliance.cold.errors import ApplianceError
from appliance.cold.live import key_file
from appliance.cold.live.endpoints import endpoints_of
from appliance.cold.live.rest_client import Refused, RestClient, RestError, rest_tls
from appliance.cold.live.venue_clock import measure
from appliance.cold.run_config import RunConfig

_CANCEL_ALL: Final = {Market.SPOT: "/openOrders", Market.USDM: "/allOpenOrders"}
NOTHING_OPEN: Final = -2011  # what spot says to a cancel of nothing
TRY_AGAIN_S: Final = 0.2


@dataclass
class Swept:
    """What one sweep did."""

    found: int = 0  # orders that were open
    left: int = 0  # that still are
    failed: str = ""  # why it is not known; "": it is


class KillSwitch:
    """Of one account and its symbols. Whoever's the orders are: all of a symbol go."""

    def __init__(self, rest: RestClient, market: Market, symbols: tuple[str, ...]) -> None:
        self._rest = rest
        self._market = market
        self._symbols = symbols

    async def prepare(self) -> None:
        """A connection that stands, and the venue's clock. RestError."""
        self._rest.clock_offset_ns = (await measure(self._rest, 1)).offset_ns

    async def sweep(self) -> Swept:
        """Look, cancel, look again; all symbols side by side. What fails is told, not raised."""
        swept = Swept()
        try:
            before = await self._each(self._open_n)
            swept.found = sum(before)
            if swept.found:
                await self._each(self._cancel)
                swept.left = sum(await self._each(self._open_n))
        except RestError as error:
            swept.failed = str(error)
        return swept

    async def until_nothing_is_open(self, within_s: float) -> Swept:
        """Sweep until a look finds nothing, or for so long; what all sweeps together did."""
        total = Swept()
        try:
            async with asyncio.timeout(within_s):
                while True:
                    swept = await self.sweep()
                    total.found = max(total.found, swept.found)
                    total.left, total.failed = swept.left, swept.failed
                    if not swept.failed and not swept.left:
                        return total
                    await asyncio.sleep(TRY_AGAIN_S)
        except TimeoutError:
            total.failed = total.failed or f"orders are still open after {within_s:g} s"
            return total

    async def count_down(self, seconds: float) -> None:
        """USD-M: the venue cancels by itself when it has not heard of us for so long; 0: no more.

        RestError. On spot there is none.
        """
        if self._market != Market.USDM:
            return
        for symbol in self._symbols:
            params: dict[str, str | int] = {
                "symbol": symbol,
                "countdownTime": round(seconds * 1000),
            }
            await self._rest.signed("POST", "/countdownCancelAll", params)

    async def _each(self, call: Any) -> list[int]:
        return list(await asyncio.gather(*map(call, self._symbols)))

    async def _open_n(self, symbol: str) -> int:
        return len(await self._rest.signed("GET", "/openOrders", {"symbol": symbol}))

    async def _cancel(self, symbol: str) -> int:
        try:
            await self._rest.signed("DELETE", _CANCEL_ALL[self._market], {"symbol": symbol})
        except Refused as refused:
            if refused.code != NOTHING_OPEN:
                raise
        return 0


async def cancel_at_venue(config: RunConfig, within_s: float) -> Swept:
    """Everything of a live configuration's symbols, by its key. ApplianceError."""
    key = key_file.of(config)
    if key is None:
        raise ApplianceError(f"{config.path}: mode is {config.mode!r}: it has no order at a venue")
    try:
        tls = rest_tls(config.file("venue.extra_ca"))
    except OSError as error:
        raise ApplianceError(f"venue.extra_ca: {error}") from None
    rest = RestClient(endpoints_of(config), tls, key)
    switch = KillSwitch(rest, config.market, config.symbols)
    try:
        with contextlib.suppress(RestError):  # with a clock that is right anyway it works without
            await switch.prepare()
        return await switch.until_nothing_is_open(within_s)
    finally:
        await rest.close()
