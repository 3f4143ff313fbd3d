"""The comparison with the venue while the loop trades (appliance.cold.live.audit)."""

import asyncio
from typing import Any

import pytest

from appliance.abi.market import Market
from appliance.abi.trading import OrderState
from appliance.cold.live import audit
from appliance.cold.live.audit import Audit
from appliance.cold.live.order_messages import OrderMessages
from appliance.cold.live.rest_client import Refused, Unclear
from tests.strategies.cores import small_core

SYMBOLS = ("BTCUSDT", "ETHUSDT")
LOT = 1_000  # small_core's quantity grid, times 10**8
EPOCH = 5
OURS = f"lc-{EPOCH:08x}-000000000001-0003"


class Rest:
    """Trades, positions, open orders."""

    def __init__(self) -> None:
        self.trades: list[dict[str, Any]] = []
        self.lots = dict.fromkeys(SYMBOLS, 0)
        self.open: list[dict[str, Any]] = []
        self.cancelled: list[int] = []
        self.failures = 0
        self.meanwhile: Any = None  # is called while an answer travels

    async def signed(self, method: str, path: str, params: Any = None) -> Any:
        if self.failures:
            self.failures -= 1
            raise Unclear(f"{path}: HTTP 503")
        if self.meanwhile is not None:
            self.meanwhile()
        if method == "DELETE":
            if not any(row["orderId"] == params["orderId"] for row in self.open):
                raise Refused("unknown order", 400, -2011)
            self.open = [row for row in self.open if row["orderId"] != params["orderId"]]
            self.cancelled.append(params["orderId"])
            return {}
        if path == "/myTrades":
            rows = [row for row in self.trades if row["symbol"] == params["symbol"]]
            if "fromId" in params:
                rows = [row for row in rows if row["id"] >= params["fromId"]]
                return rows[: params["limit"]]
            return rows[-params["limit"] :]
        if path == "/openOrders":
            return [row for row in self.open if row["symbol"] == params["symbol"]]
        amounts = {s: f"{lots * LOT / 10**8:.8f}" for s, lots in self.lots.items()}
        return [{"symbol": s, "positionAmt": text} for s, text in amounts.items()]

    def trade(self, symbol: str, lots: int) -> None:
        text = f"{abs(lots) * LOT / 10**8:.8f}"
        number = len(self.trades) + 100
        self.trades.append({"symbol": symbol, "id": number, "qty": text, "isBuyer": lots > 0})
        self.lots[symbol] += lots

    def opened(self, name: str, number: int = 7) -> None:
        self.open.append({"symbol": "BTCUSDT", "clientOrderId": name, "orderId": number})


class Bench:
    def __init__(self, market: Market, *, takes: bool = True) -> None:
        self.core = small_core(SYMBOLS)
        self.rest = Rest()
        self.told: list[str] = []
        self.said: list[str] = []
        rest: Any = self.rest
        self.audit = Audit(
            self.core,
            SYMBOLS,
            market,
            rest,
            OrderMessages(market, EPOCH, {}),
            60.0,
            self.said.append,
            self.told.append,
            takes_foreign=takes,
        )

    def ask(self, times: int = 1) -> bool:
        for _ in range(times):
            asyncio.run(self.audit.ask())
        return self.audit.differs

    def hold(self, i: int, lots: int) -> None:
        position = self.core.gate.positions[i]
        position.position_lots += lots
        position.fills_n += 1


@pytest.fixture(params=[Market.SPOT, Market.USDM])
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(audit, "CERTAIN_S", 0.0)
    made = Bench(request.param)
    made.rest.trade("BTCUSDT", 900)  # long ago
    made.hold(0, 900)
    if request.param == Market.SPOT:
        made.audit._start_lots[0] = 900
    made.ask()
    assert made.audit.has_begun
    return made


def test_what_agrees_is_no_news(bench: Bench) -> None:
    assert not bench.ask(3)
    for i, symbol in enumerate(SYMBOLS):
        bench.rest.trade(symbol, -3 - i)
        bench.hold(i, -3 - i)
        assert not bench.ask()
    assert bench.told == [] and bench.audit.asked_n >= 5


def test_a_position_that_is_not_the_venues_blocks_then_halts(bench: Bench) -> None:
    bench.rest.trade("ETHUSDT", 4)
    assert bench.ask()
    assert bench.told == ["ETHUSDT: we hold 0 lots, the venue 4"]
    bench.ask(3)
    assert len(bench.told) == 1, "told once"


def test_a_fill_that_was_on_its_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "CERTAIN_S", 100.0)
    bench.rest.trade("ETHUSDT", 4)
    assert bench.ask() and bench.audit.is_due() is False
    bench.hold(1, 4)
    assert not bench.ask() and bench.told == []


def test_a_difference_that_changes_begins_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(audit, "CERTAIN_S", 45.0)
    monkeypatch.setattr(audit.time, "monotonic", lambda: now[0])
    for lots, after_s in ((4, 0.0), (0, 44.0), (1, 44.0), (0, 44.0)):
        if lots:
            bench.rest.trade("ETHUSDT", lots)
        now[0] += after_s
        assert bench.ask() and bench.told == []
    now[0] += 2.0
    bench.ask()
    assert bench.told == ["ETHUSDT: we hold 0 lots, the venue 5"]


def test_what_trades_while_we_ask_says_nothing(bench: Bench) -> None:
    bench.rest.meanwhile = lambda: bench.hold(0, 1)
    assert not bench.ask() and bench.told == []


def test_an_order_in_doubt_explains_a_difference_for_now(bench: Bench) -> None:
    order = bench.core.gateway.orders.table[3]
    order.instrument, order.state = 1, OrderState.UNKNOWN
    bench.rest.trade("ETHUSDT", 4)
    assert not bench.ask()
    order.state = OrderState.OPEN
    assert bench.ask()
    order.state = OrderState.SENT
    assert bench.ask(), "what differed goes on differing meanwhile"


def test_a_foreign_order_is_cancelled_when_it_is_seen_again(bench: Bench) -> None:
    bench.rest.opened("by-hand", 55)
    assert not bench.ask() and bench.rest.cancelled == []
    assert not bench.ask() and bench.rest.cancelled == [55]
    assert bench.said == ["BTCUSDT by-hand: an open order that is not ours: cancelled"]


def test_a_foreign_order_halts_where_it_is_not_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audit, "CERTAIN_S", 0.0)
    made = Bench(Market.USDM, takes=False)
    made.rest.opened("by-hand", 55)
    assert made.ask()
    assert made.told == ["BTCUSDT by-hand: an open order that is not ours"]


def test_our_own_open_orders_must_be_live(bench: Bench) -> None:
    bench.rest.opened(OURS)
    assert bench.ask() and bench.told == [f"BTCUSDT {OURS}: open at the venue, and over for us"]
    order = bench.core.gateway.orders.table[3]
    order.generation, order.state = 1, OrderState.OPEN
    assert not bench.ask()
    order.generation = 2
    assert bench.ask()


def test_a_venue_that_fails_is_asked_again(bench: Bench) -> None:
    bench.rest.failures = 1
    before = bench.audit.asked_n
    assert not bench.ask()
    assert bench.audit.asked_n == before and "503" in bench.audit.failed
    bench.ask()
    assert bench.audit.failed == ""


def test_many_trades_are_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE", 3)
    made = Bench(Market.SPOT)
    for _ in range(8):
        made.rest.trade("BTCUSDT", 5)
    made.ask()
    for _ in range(7):
        made.rest.trade("BTCUSDT", 2)
    made.hold(0, 14)
    assert not made.ask()
    made.hold(0, 1)
    assert made.ask()


def test_nothing_is_compared_before_it_has_begun() -> None:
    made = Bench(Market.SPOT)
    made.rest.failures = 1
    made.ask()
    assert not made.audit.has_begun
    made.rest.trade("BTCUSDT", 5)
    made.ask()
    assert made.audit.has_begun and not made.ask()


def test_it_is_due_now_and_then_and_soon_after_a_loss(bench: Bench) -> None:
    assert bench.audit.is_due() and not bench.audit.is_due()
    bench.audit.soon()
    assert bench.audit._due_s - audit.time.monotonic() <= audit.AGAIN_S
