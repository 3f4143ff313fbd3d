"""Says when a limit is nearly used up, before the gate has to refuse.

Looks at the gate's own records now and then; each word is whole, and a look in between two of the
loop's writes may be one order off. What accumulates has a share that is used; what is judged order
by order (a collar, a quantity, an age) has none.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from appliance.abi.risk_limits import OFF
from appliance.hot.gate import Gate

EVERY_S: Final = 1.0
AGAIN_S: Final = 60.0  # the same limit is told at most so often
CLEAR_BELOW: Final = 0.9  # of the share that alerts: one on the edge does not chatter


@dataclass(frozen=True)
class Use:
    """Of one limit."""

    name: str  # as in the risk file; with the symbol, where it is an instrument's
    used: int
    limit: int

    @property
    def share(self) -> float:
        return max(0, self.used) / self.limit


class Alerts:
    """``look`` as often as you like; it does so once a second. ``standing``: near at present."""

    def __init__(
        self, gate: Gate, symbols: tuple[str, ...], alert_pct: int, say: Callable[[str], None]
    ) -> None:
        self._gate = gate
        self._symbols = symbols
        self._from = alert_pct / 100
        self._say = say
        self._due_s = 0.0
        self._told_s: dict[str, float] = {}
        self.standing: set[str] = set()  # limits that are nearly used up
        self.alerts_n = 0
        self.tell: Callable[[list[tuple[str, int, int]]], None] = _nobody  # every use, each look

    def look(self, now_ns: int) -> None:
        """``now_ns``: the loop's time. Tells what crossed the share."""
        if time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + EVERY_S
        found = list(uses(self._gate, self._symbols, now_ns))
        self.tell([(use.name, use.used, use.limit) for use in found])
        for use in found:
            share = use.share
            if share >= self._from and use.name not in self.standing:
                self.standing.add(use.name)
                self.alerts_n += 1
                if self._due_s - self._told_s.get(use.name, -AGAIN_S) >= AGAIN_S:
                    self._told_s[use.name] = self._due_s
                    self._say(f"limit {use.name}: {share:.0%} used ({use.used} of {use.limit})")
            elif share < self._from * CLEAR_BELOW:
                self.standing.discard(use.name)


def _nobody(_: list[tuple[str, int, int]]) -> None:
    pass


def uses(gate: Gate, symbols: tuple[str, ...], now_ns: int) -> Iterator[Use]:
    """Of every limit that accumulates, is set and is not off."""
    for use in (*_account_uses(gate, now_ns), *_instrument_uses(gate, symbols)):
        if 0 < use.limit < OFF:
            yield use


def _account_uses(gate: Gate, now_ns: int) -> Iterator[Use]:
    account, limits = gate.account[0], gate.account_limits[0]
    yield Use("open_orders_max", int(account.open_orders_n), int(limits.open_orders_max))
    yield Use("gross_max", int(account.gross_e8), int(limits.gross_max_e8))
    net_e8 = max(int(account.long_e8), int(account.short_e8))
    yield Use("net_max", net_e8, int(limits.net_max_e8))
    carried_e8 = OFF
    if limits.leverage_max_pct != OFF and account.funds_known == 1:
        equity_e8 = int(account.funds_e8) + int(account.profit_e8)
        carried_e8 = max(0, equity_e8) * int(limits.leverage_max_pct) // 100
    yield Use("leverage_max", int(account.gross_e8), carried_e8)
    day_e8 = int(account.turnover_e8) - int(account.day_turnover_e8) + int(account.open_e8)
    yield Use("day_value_max", day_e8, int(limits.day_value_max_e8))
    loss_e8 = int(account.day_profit_e8) - int(account.profit_e8)
    yield Use("day_loss_max", loss_e8, int(limits.day_loss_max_e8))
    fall_e8 = int(account.profit_peak_e8) - int(account.profit_e8)
    yield Use("drawdown_max", fall_e8, int(limits.drawdown_max_e8))
    yield Use("rejects_in_row_max", int(account.rejects_in_row_n), int(limits.rejects_in_row_max))
    offset_ns = int(account.clock_offset_most_ns)
    yield Use("clock_offset_max_ms", offset_ns, int(limits.clock_offset_max_ns))
    yield Use("venue_day_max", int(account.venue_day_orders_n), int(limits.venue_day_max))
    yield _ratio(account, limits)
    for name, times_ns, window_ns in (
        ("order_rate_max", gate.rate_ns, limits.order_rate_window_ns),
        ("message_rate_max", gate.message_ns, limits.message_rate_window_ns),
        ("venue_rate_max", gate.rate_ns, limits.venue_rate_window_ns),
        ("runaway_max", gate.runaway_ns, limits.runaway_window_ns),
    ):
        since_ns = now_ns - int(window_ns) if window_ns != OFF else now_ns
        since_ns = max(since_ns, 0)  # 0: no order yet, and before the first frame it is not later
        yield Use(name, int(np.count_nonzero(times_ns > since_ns)), int(limits[name]))


def _ratio(account: Any, limits: Any) -> Use:
    """Messages to a fill; before enough were sent to judge, nothing is used."""
    messages_n = int(account.messages_n) - int(account.day_messages_n)
    if limits.messages_per_fill_max == OFF or messages_n <= limits.messages_per_fill_after_n:
        return Use("messages_per_fill_max", 0, int(limits.messages_per_fill_max))
    fills_n = max(1, int(account.fills_n) - int(account.day_fills_n))
    return Use("messages_per_fill_max", messages_n, fills_n * int(limits.messages_per_fill_max))


def _instrument_uses(gate: Gate, symbols: tuple[str, ...]) -> Iterator[Use]:
    for i, symbol in enumerate(symbols):
        position, limits, value = gate.positions[i], gate.limits[i], gate.valuations[i]
        held, buys, sells = (
            int(position[name]) for name in ("position_lots", "open_buy_lots", "open_sell_lots")
        )
        worst_lots = max(held + buys, sells - held)
        buys_n, sells_n = int(position.open_buy_orders_n), int(position.open_sell_orders_n)
        traded_lots = int(position.bought_lots) + int(position.sold_lots)
        day_lots = traded_lots - int(value.day_traded_lots) + buys + sells
        notional = int(position.open_notional_tick_lots)
        for name, used, limit in (
            ("position_max", worst_lots, limits.position_max_lots),
            ("open_orders_max", buys_n + sells_n, limits.open_orders_max),
            ("open_orders_side_max", max(buys_n, sells_n), limits.open_orders_side_max),
            ("open_notional_max", notional, limits.open_notional_max_tick_lots),
            ("day_quantity_max", day_lots, limits.day_quantity_max_lots),
            ("losses_in_row_max", int(position.losses_in_row_n), limits.losses_in_row_max),
        ):
            yield Use(f"{symbol} {name}", used, int(limit))
