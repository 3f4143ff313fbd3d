"""Parts of a session wired to a venue in this process: addresses, keys, orders in the table."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from appliance.abi.account import GATE_ACCOUNT
from appliance.abi.layout import records
from appliance.abi.market import Market
from appliance.abi.trading import POSITION, REPORT, OrderState, Report, Side
from appliance.cold.live.endpoints import Endpoints
from appliance.cold.live.inquiry import Inquiry
from appliance.cold.live.key_file import ApiKey
from appliance.cold.live.order_messages import Grid, OrderMessages
from appliance.cold.live.report_sink import ReportSink
from appliance.cold.live.rest_client import RestClient
from appliance.hot.orders import make_orders, open_order
from appliance.hot.ring import make_ring, peek, release
from tests.venue.running_venue import Keys, RunningVenue

EPOCH = 0x5EED
SYMBOLS = ("BTCUSDT", "ETHUSDT")
# What the venue's exchangeInfo says of BTCUSDT and ETHUSDT.
GRIDS = {
    Market.SPOT: {"BTCUSDT": (0, Grid(10**6, 10**3)), "ETHUSDT": (1, Grid(10**6, 10**4))},
    Market.USDM: {"BTCUSDT": (0, Grid(10**7, 10**5)), "ETHUSDT": (1, Grid(10**6, 10**5))},
}
T = TypeVar("T")


def endpoints_of(venue: RunningVenue, market: Market) -> Endpoints:
    urls = venue.ready[market.name.lower()]
    return Endpoints(market, urls["rest"], urls["streams"], urls["ws_api"])


def key_of(keys: Keys) -> ApiKey:
    """The Ed25519 key of an account."""
    private = load_pem_private_key(Path(keys.pem_file).read_bytes(), None)
    return ApiKey(keys.ed25519_key, private)  # type: ignore[arg-type]


def client_id(key: int) -> str:
    """The id of an order of this session, spelled out here once more."""
    return f"lc-{EPOCH:08x}-{key >> 16:012x}-{key & 0xFFFF:04x}"


class Parts:
    """An order table and what asks about it."""

    def __init__(self, venue: RunningVenue, market: Market, rest: Any) -> None:
        self.market = market
        self.rest = rest
        self.orders = make_orders()
        self.positions = records(len(SYMBOLS), POSITION)
        self.account = records(1, GATE_ACCOUNT)
        self.reports = make_ring(64, REPORT)
        self.sink = ReportSink(self.reports)
        self.messages = OrderMessages(market, EPOCH, GRIDS[market])
        self.inquiry = Inquiry(self.orders, SYMBOLS, EPOCH, rest, self.messages, self.sink)

    def order(self, sent_ns: int, state: OrderState = OrderState.UNKNOWN, i: int = 0) -> int:
        """A live order in the table; its key."""
        slot = int(
            open_order(
                self.orders, self.positions, self.account, i, Side.BUY, 100, 10, 0, 0, sent_ns
            )
        )
        self.orders.table[slot].state = state
        return int(self.orders.table[slot].generation) << 16 | slot

    def told(self) -> list[Any]:
        """Every report since the last call: copies of the records."""
        found = []
        while (index := int(peek(self.reports))) >= 0:
            record = records(1, REPORT)
            record[0] = self.reports.slots[index]
            found.append(record[0])
            release(self.reports)
        return found

    def kinds(self) -> list[Report]:
        return [Report(int(report.report)) for report in self.told()]


def with_parts(
    venue: RunningVenue, market: Market, keys: Keys, work: Callable[[Parts], Awaitable[T]]
) -> T:
    """The result of ``work`` with the parts of a session, in an asyncio loop of its own."""

    async def run() -> T:
        tls = ssl.create_default_context()
        rest = RestClient(endpoints_of(venue, market), tls, key_of(keys))
        try:
            return await work(Parts(venue, market, rest))
        finally:
            await rest.close()

    return asyncio.run(run())
