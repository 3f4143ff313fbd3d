"""What the venue has of the account against what the journal says: orders, trades, positions.

Before the loop starts. What is not ours is cancelled and booked, or a reason not to start; what is
ours and differs is one always.
"""

import contextlib
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, Final

from appliance.abi.journal import JournalKind
from appliance.abi.market import Market
from appliance.abi.trading import Side
from appliance.abi.units import E8, NS_PER_MS
from appliance.cold.errors import EXIT_NO, ApplianceError
from appliance.cold.journal_start import on_grid
from appliance.cold.journal_text import order_text
from appliance.cold.ledger import Holding, Symbol
from appliance.cold.live.order_messages import Grid
from appliance.cold.live.rest_client import Refused, Unclear
from appliance.cold.run_journal import RunJournal

PAGE: Final = 1000
DAY_MS: Final = 86_400_000  # the venue takes no longer span of trades at once
_TRADES: Final = {Market.SPOT: "/myTrades", Market.USDM: "/userTrades"}
Params = dict[str, str | int]
Ask = Callable[[str, str, Params | None], Awaitable[Any]]  # method, path, parameters; signed


class NotReconciled(ApplianceError):
    """Journal and venue differ, and nothing explains it; a line for each difference."""

    exit_code = EXIT_NO


class Comparison:
    """Of one account. Each step raises NotReconciled, RestError, or what a bad answer raises."""

    def __init__(
        self,
        ask: Ask,
        market: Market,
        symbols: list[Symbol],
        journal: RunJournal,
        *,
        takes_foreign: bool,
    ) -> None:
        """``symbols``: of this run. ``takes_foreign``: cancel and book what is not ours."""
        self._ask = ask
        self._market = market
        self._symbols = {symbol.name: symbol for symbol in symbols}
        self._journal = journal
        self._takes_foreign = takes_foreign
        self.foreign: list[str] = []  # what was found that is not ours

    # ---- what is not ours ---------------------------------------------------------------------

    async def orders(self) -> None:
        """Open orders that are none of ours: ours are settled by now."""
        for name in self._symbols:
            rows = await self._ask("GET", "/openOrders", {"symbol": name})
            for row in rows:
                await self._foreign_order(name, row)

    async def _foreign_order(self, name: str, row: Any) -> None:
        text = f"{name}: order {row['clientOrderId']}, {row['side']} {row['origQty']}"
        if not self._takes_foreign:
            raise NotReconciled(
                f'{text} is open and not ours: cancel it, or say session.foreign = "take"'
            )
        params: Params = {"symbol": name, "orderId": int(row["orderId"])}
        with contextlib.suppress(Refused):  # it has ended meanwhile: its trades tell
            await self._ask("DELETE", "/order", params)
        self.foreign.append(f"{text}: cancelled, it was not ours")

    # ---- trades -------------------------------------------------------------------------------

    async def trades(self, now_ms: int) -> None:
        """Those since the last comparison, until ``now_ms`` of the venue's clock."""
        ledger = self._journal.ledger
        if ledger.checked_ms:
            for name, holding in sorted(ledger.holdings.items()):
                rows = await self._trades_of(name, ledger.checked_ms, now_ms)
                self._compare(name, holding.symbol, rows)
        ledger.checked_ms = now_ms

    async def _trades_of(self, name: str, since_ms: int, until_ms: int) -> list[Any]:
        """Each of the account's trades once, oldest first."""
        rows: dict[int, Any] = {}
        start_ms = since_ms + 1
        while start_ms <= until_ms:
            end_ms = min(start_ms + DAY_MS - 1, until_ms)
            params: Params = {
                "symbol": name,
                "startTime": start_ms,
                "endTime": end_ms,
                "limit": PAGE,
            }
            path = _TRADES[self._market]
            page = await self._ask("GET", path, params)
            new = {int(row["id"]): row for row in page if int(row["id"]) not in rows}
            rows.update(new)
            if len(page) < PAGE:
                start_ms = end_ms + 1
            elif not new:
                raise Unclear(f"{path}: more than {PAGE} trades within a millisecond")
            else:
                start_ms = max(int(row["time"]) for row in page)
        return [rows[number] for number in sorted(rows)]

    def _compare(self, name: str, symbol: Symbol, rows: list[Any]) -> None:
        """Of one symbol: ours against their orders, and the others booked."""
        ledger = self._journal.ledger
        ours = {
            order.venue_id: order
            for order in (*ledger.ended.values(), *ledger.orders.values())
            if order.venue_id > 0 and order.symbol.name == name
        }
        grid = Grid(symbol.price_grid_e8, symbol.quantity_grid_e8)
        booked_lots = dict(ledger.foreign_lots)  # the loop heard of them, or an earlier start
        traded: dict[int, int] = {}
        for row in rows:
            number, lots = int(row["orderId"]), grid.lots(row["qty"])
            before_lots = traded.get(number, 0)
            traded[number] = before_lots + lots
            if number not in ours:
                new_lots = before_lots + lots - booked_lots.get((name, number), 0)
                if new_lots > 0:
                    self._foreign_trade(symbol, grid, row, min(new_lots, lots))
        for number, order in ours.items():
            lots = traded.get(number, 0)
            if order.filled_lots < lots:
                told = order_text(order.epoch, order.key)
                raise NotReconciled(
                    f"{name}: order {told}: the venue has traded {lots} lots of it, the journal"
                    f" tells of {order.filled_lots}"
                )

    def _foreign_trade(self, symbol: Symbol, grid: Grid, row: Any, lots: int) -> None:
        """``lots`` of it are not booked yet."""
        is_buy = row["isBuyer"] if "isBuyer" in row else row["side"] == "BUY"
        side = Side.BUY if is_buy else Side.SELL
        text = f"{symbol.name}: trade {row['id']}, {side.name} {row['qty']} at {row['price']}"
        if not self._takes_foreign:
            raise NotReconciled(f'{text} is not ours; to count it: session.foreign = "take"')
        self._journal.write(
            JournalKind.FILL,
            self._journal.index_of(symbol),
            side=int(side),
            order_key=-1,
            price_ticks=grid.ticks(row["price"]),
            quantity_lots=lots,
            venue_id=int(row["orderId"]),
            time_ns=int(row["time"]) * NS_PER_MS,
            epoch=self._journal.ledger.epoch,
        )
        self.foreign.append(f"{text}: counted, it was not ours")

    # ---- positions ----------------------------------------------------------------------------

    async def positions(self) -> None:
        """USD-M: ours and the venue's; of a journal without a past the venue's are taken."""
        rows = await self._ask("GET", "/fapi/v3/positionRisk", None)
        ledger = self._journal.ledger
        amounts = {row["symbol"]: row for row in rows if Decimal(row["positionAmt"])}
        faults = []
        for name, symbol in self._symbols.items():
            grid = Grid(symbol.price_grid_e8, symbol.quantity_grid_e8)
            lots = grid.lots(amounts[name]["positionAmt"]) if name in amounts else 0
            if name in ledger.holdings:
                ours = on_grid(ledger.holdings[name], symbol).position_lots
            else:
                ours = 0
                if lots:
                    self._take(symbol, lots, amounts[name]["entryPrice"])
                    ours = lots
            if ours != lots:
                unit = Decimal(symbol.quantity_grid_e8) / E8
                faults.append(f"{name}: the journal holds {ours * unit}, the venue {lots * unit}")
        if faults:
            raise NotReconciled("\n".join(faults))

    def _take(self, symbol: Symbol, lots: int, entry: str) -> None:
        """A position that is older than the journal, at what the venue says was paid."""
        ticks = round(Decimal(entry) * E8 / symbol.price_grid_e8)
        holding = Holding(symbol)
        side = 1 if lots > 0 else -1
        holding.book(side, abs(lots), abs(lots) * max(1, ticks))
        self._journal.ledger.holdings[symbol.name] = holding
        self.foreign.append(
            f"{symbol.name}: a position of {lots} lots is taken over from the venue"
        )
