"""An exchange without a crowd of its own: the test makes every move, and the clock stands still."""

from typing import Any

from appliance.abi.market import Market
from appliance.abi.units import E8
from appliance.cold.synthetic.matching import MatchingEngine, Prevention
from appliance.cold.synthetic.symbols import contracts
from appliance.cold.synthetic.tape import Counter, Tape
from appliance.cold.venue.account import Account
from appliance.cold.venue.clock import VenueClock
from appliance.cold.venue.exchange import Exchange, Printed
from appliance.cold.venue.instrument import Instrument
from appliance.cold.venue.order import ClientOrder, Draft
from appliance.cold.venue.spot_account import SpotAccount
from appliance.cold.venue.spot_reports import SpotReports
from appliance.cold.venue.usdm_account import UsdmAccount
from appliance.cold.venue.usdm_reports import UsdmReports

NOW_NS = 1_767_571_200_000_000_000  # 2026-01-05 00:00:00 UTC
FUNDS_E8 = 1_000_000 * E8
BASE_FUNDS_E8 = 100 * E8
CADENCES = {Market.SPOT: 2, Market.USDM: 4}


class Script:
    """A source that does what it is told: (when, what) in order of time."""

    def __init__(self) -> None:
        self.moves: list[tuple[int, Any]] = []

    @property
    def next_ns(self) -> int:
        return self.moves[0][0] if self.moves else 1 << 62

    def act(self) -> int:
        _, move = self.moves.pop(0)
        taker: int = move()
        return taker

    def resume(self, now_ns: int) -> None:
        """What was due before ``now_ns`` is due then."""
        self.moves = [(max(now_ns, at_ns), move) for at_ns, move in self.moves]


class Bench:
    """One market of BTCUSDT: ``crowd`` trades as the crowd, ``place`` as the client."""

    def __init__(self, market: Market, symbol: str = "BTCUSDT") -> None:
        (contract,) = contracts([symbol], market)
        self.engine = MatchingEngine()
        tape = Tape(self.engine, Counter(None), CADENCES[market])
        self.instrument = Instrument(contract, self.engine, tape, Script())
        self.clock = VenueClock()
        reports = (UsdmReports if market == Market.USDM else SpotReports)(self.clock)
        self.exchange = Exchange(market, [self.instrument], reports)
        self.said: list[tuple[Account, dict[str, Any]]] = []
        self.printed: list[Printed] = []
        self.exchange.settlement.deliver = lambda account, form: self.said.append((account, form))
        self.exchange.publish = self.printed.append
        self.account = self.open_account()
        self.now_ns = NOW_NS
        self._ids = 0

    def open_account(self) -> Any:
        """Another client."""
        owner = len(self.exchange.accounts) + 1
        account: Account
        if self.exchange.market == Market.USDM:
            account = UsdmAccount(f"a{owner}", owner, FUNDS_E8)
        else:
            funds = {self.instrument.base: BASE_FUNDS_E8, self.instrument.quote: FUNDS_E8}
            account = SpotAccount(f"a{owner}", owner, funds)
        self.exchange.accounts.append(account)
        return account

    def crowd(self, side: int, price_ticks: int, lots: int, *, rests: bool = True) -> None:
        """A move of the crowd, now."""

        def move() -> int:
            self.engine.place(side, price_ticks, lots, rests=rests)
            return side if self.engine.fills else 0

        source = self.instrument.source
        assert isinstance(source, Script)
        source.moves.append((self.now_ns, move))
        # the exchange keeps its own list of who is due
        self.exchange._due[0] = (self.now_ns, 0, self.instrument)
        self.exchange.advance(self.now_ns)

    def place(
        self,
        side: int,
        price_ticks: int,
        lots: int,
        *,
        account: Account | None = None,
        time_in_force: str = "GTC",
        prevention: Prevention = Prevention.EXPIRE_MAKER,
        **more: Any,
    ) -> ClientOrder:
        """An order of the client; price 0: at the market."""
        self._ids += 1
        draft = Draft(
            symbol=self.instrument.symbol,
            side=side,
            kind="LIMIT" if price_ticks else "MARKET",
            time_in_force=time_in_force,
            price_ticks=price_ticks,
            lots=lots,
            client_id=more.pop("client_id", f"c{self._ids}"),
            prevention=prevention,
            **more,
        )
        return self.exchange.place(account or self.account, draft, self.now_ns)

    def kinds(self) -> list[tuple[str, str]]:
        """(execution type, status) of every order report since the last call."""
        found = []
        for _, form in self.said:
            body = form.get("o", form) if form["e"] == "ORDER_TRADE_UPDATE" else form
            if "x" in body:
                found.append((body["x"], body["X"]))
        self.said.clear()
        return found
