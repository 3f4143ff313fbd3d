"""Scenarios about the account as a whole, for gate_scenarios.py: each turns on one decision."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from appliance.abi.gate import CLOCK_AGE_MAX_NS
from appliance.abi.risk_limits import OFF, OFF_NAMES, PPM
from tests.oracle.gate_columns import COLUMNS

if TYPE_CHECKING:
    from tests.oracle.gate_scenarios import Rows

Change = Callable[[np.ndarray], None]
OFF_COLUMNS = [name for name in COLUMNS if name.partition(".")[2] in OFF_NAMES]


def vary(rows: "Rows") -> None:
    """Healthy in many ways."""
    n, rng, everywhere = len(rows.table), rows.rng, slice(None)
    for name in ("long_e8", "short_e8", "gross_e8"):
        own = rng.integers(0, 10**13, n)
        rows.put(f"valuations.{name}", everywhere, own)
        rows.put(f"account.{name}", everywhere, own + rng.integers(0, 10**14, n))
    for name in ("open_e8", "open_buy_e8", "turnover_e8"):
        rows.put(f"account.{name}", everywhere, rng.integers(0, 10**14, n))
    for name in ("cash_e8", "profit_e8", "day_profit_e8"):
        rows.put(f"account.{name}", everywhere, rng.integers(-(10**11), 10**11, n))
    rows.put("account.profit_peak_e8", everywhere, rng.integers(0, 10**12, n))
    rows.put("account.messages_n", everywhere, rng.integers(0, 95, n))
    rows.put("account.runaway_n", everywhere, rng.integers(0, 15, n))
    for name in ("positions.bought_lots", "positions.sold_lots"):
        rows.put(name, everywhere, rng.integers(0, 10**6, n))
    rows.put("references.window_low2_ticks", everywhere, 1_990_000 + rng.integers(0, 9_000, n))
    rows.put("references.window_high2_ticks", everywhere, 2_001_000 + rng.integers(0, 9_000, n))
    divisor = np.where(rng.random(n) < 0.2, rng.choice([3, 4, 10, 1000], n), 1)
    rows.put("valuations.value_divisor", everywhere, divisor)


def boundaries(rows: "Rows") -> list[Change]:
    """Each sets one field so that a decision turns on a difference of -1, 0 or 1."""
    turns = Turns(rows)
    return [*turns.of_money(), *turns.of_conduct(), *turns.of_time(), *turns.of_rings()]


class Turns:
    """Changes of some rows (their numbers), by what they are about."""

    def __init__(self, rows: "Rows") -> None:
        self.rows, self.get, self.put, self.rng = rows, rows.get, rows.put, rows.rng

    def near(self, name: str, value: Callable[[np.ndarray], np.ndarray]) -> Change:
        def change(r: np.ndarray) -> None:
            self.put(name, r, value(r) + self.rng.integers(-1, 2, len(r)))

        return change

    # ---- money -----------------------------------------------------------------------------------

    def of_money(self) -> list[Change]:
        limits, near = "account_limits.", self.near
        return [
            *(near(limits + "gross_max_e8", self.gross_e8) for _ in range(2)),
            *(near(limits + "net_max_e8", self.net_e8) for _ in range(2)),
            *(near(limits + "day_value_max_e8", self.day_e8) for _ in range(2)),
            *(near("limits.day_quantity_max_lots", self.day_lots) for _ in range(2)),
            near("valuations.most_tick_lots", self.notional),
            self.buying(near("account.funds_e8", self.paid)),
            self.selling(near("valuations.base_owned_lots", self.owned)),
            *(self.lent for _ in range(2)),
        ]

    def notional(self, r: np.ndarray) -> np.ndarray:
        return self.get("price_ticks", r) * self.get("quantity_lots", r)

    def money(self, tick_lots: np.ndarray, r: np.ndarray) -> np.ndarray:
        multiple = np.maximum(1, self.get("valuations.value_multiple", r))
        divisor = np.maximum(1, self.get("valuations.value_divisor", r))
        return -(-tick_lots * multiple // divisor)

    def order_e8(self, r: np.ndarray) -> np.ndarray:
        return self.money(self.notional(r), r)

    def worst_e8(self, r: np.ndarray) -> np.ndarray:
        held = self.get("side", r) * self.get("positions.position_lots", r)
        lots = held + self.rows.after(r)
        return self.money(lots * self.get("positions.mark_ticks", r), r)

    def of_others(self, name: str, r: np.ndarray) -> np.ndarray:
        return self.get(f"account.{name}", r) - self.get(f"valuations.{name}", r)

    def gross_e8(self, r: np.ndarray) -> np.ndarray:
        names = ("valuations.short_e8", "valuations.long_e8")
        other = np.where(self.get("side", r) == 1, *(self.get(name, r) for name in names))
        own = np.maximum(0, np.maximum(self.worst_e8(r), other))
        return self.of_others("gross_e8", r) + own

    def net_e8(self, r: np.ndarray) -> np.ndarray:
        others = (self.of_others(name, r) for name in ("long_e8", "short_e8"))
        return np.where(self.get("side", r) == 1, *others) + self.worst_e8(r)

    def day_e8(self, r: np.ndarray) -> np.ndarray:
        done_e8 = self.get("account.turnover_e8", r) - self.get("account.day_turnover_e8", r)
        return done_e8 + self.get("account.open_e8", r) + self.order_e8(r)

    def day_lots(self, r: np.ndarray) -> np.ndarray:
        names = ("bought_lots", "sold_lots", "open_buy_lots", "open_sell_lots")
        all_lots = sum(self.get(f"positions.{name}", r) for name in names)
        return all_lots - self.get("valuations.day_traded_lots", r) + self.get("quantity_lots", r)

    def paid(self, r: np.ndarray) -> np.ndarray:
        needed_e8 = self.get("account.open_buy_e8", r) + self.order_e8(r)
        return needed_e8 - self.get("account.cash_e8", r)

    def owned(self, r: np.ndarray) -> np.ndarray:
        needed = self.get("positions.open_sell_lots", r) + self.get("quantity_lots", r)
        return needed - self.get("positions.position_lots", r)

    def on(self, market: int, side: int, change: Change) -> Change:
        def changes(r: np.ndarray) -> None:
            self.put("instruments.market", r, market)
            self.put("side", r, side)
            change(r)

        return changes

    def buying(self, change: Change) -> Change:
        return self.on(1, 1, change)

    def selling(self, change: Change) -> Change:
        return self.on(1, -1, change)

    def lent(self, r: np.ndarray) -> None:
        """An equity that the leverage just makes enough."""
        self.put("instruments.market", r, 2)
        leverage = np.maximum(1, self.get("account_limits.leverage_max_pct", r))
        equity_e8 = self.gross_e8(r) * 100 // leverage
        funds_e8 = equity_e8 - self.get("account.profit_e8", r)
        self.put("account.funds_e8", r, funds_e8 + self.rng.integers(-1, 2, len(r)) * 100)

    # ---- conduct ---------------------------------------------------------------------------------

    def of_conduct(self) -> list[Change]:
        limits, get, near = "account_limits.", self.get, self.near
        return [
            near(limits + "drawdown_max_e8", lambda r: self.fallen("profit_peak_e8", r)),
            near(limits + "day_loss_max_e8", lambda r: self.fallen("day_profit_e8", r)),
            near("account.rejects_in_row_n", lambda r: get(limits + "rejects_in_row_max", r)),
            near("positions.losses_in_row_n", lambda r: get("limits.losses_in_row_max", r)),
            near("account.venue_day_orders_n", lambda r: get(limits + "venue_day_max", r)),
            near("account.messages_n", lambda r: get(limits + "messages_per_fill_after_n", r)),
            near(limits + "messages_per_fill_max", self.tenth),
            self.off,
            self.off,
        ]

    def fallen(self, since: str, r: np.ndarray) -> np.ndarray:
        return self.get(f"account.{since}", r) - self.get("account.profit_e8", r)

    def tenth(self, r: np.ndarray) -> np.ndarray:
        return np.maximum(1, self.get("account.messages_n", r) // 10)

    def off(self, r: np.ndarray) -> None:
        for k, name in enumerate(self.rng.choice(OFF_COLUMNS, len(r))):
            self.put(name, r[k : k + 1], OFF)

    # ---- time ------------------------------------------------------------------------------------

    def of_time(self) -> list[Change]:
        near = self.near
        age_max, guardian_max = "limits.event_age_max_ns", "account_limits.guardian_age_max_ns"
        offset_max = "account_limits.clock_offset_max_ns"
        return [
            near("account.day_ends_ns", lambda r: self.get("now_ns", r)),
            near("account.venue_day_ends_ns", lambda r: self.get("now_ns", r)),
            near("account.clock_seen_ns", lambda r: self.get("now_ns", r) - CLOCK_AGE_MAX_NS),
            near("account.clock_seen_ns", lambda r: self.get("now_ns", r) + CLOCK_AGE_MAX_NS),
            near("account.clock_offset_most_ns", lambda r: self.get(offset_max, r)),
            near("guardian_ns", lambda r: self.from_now(1, guardian_max, r)),
            near("guardian_ns", lambda r: self.from_now(-1, guardian_max, r)),
            near("references.event_ns", lambda r: self.from_now(1, age_max, r)),
            near("references.event_ns", lambda r: self.from_now(-1, age_max, r)),
            near("references.window_high2_ticks", self.low2),
            self.window("low", 1),
            self.window("high", -1),
        ]

    def from_now(self, sign: int, span: str, r: np.ndarray) -> np.ndarray:
        return self.get("now_ns", r) + sign * self.get(span, r)

    def low2(self, r: np.ndarray) -> np.ndarray:
        return self.get("references.window_low2_ticks", r)

    def window(self, edge: str, sign: int) -> Change:
        name = f"references.window_{edge}2_ticks"

        def change(r: np.ndarray) -> None:
            ppm = PPM + sign * np.clip(self.get("limits.window_collar_ppm", r), 1, PPM - 1)
            edge2 = 2 * self.get("price_ticks", r) * PPM // ppm
            self.put(name, r, edge2 + self.rng.integers(-1, 2, len(r)))

        return change

    # ---- rings -----------------------------------------------------------------------------------

    def of_rings(self) -> list[Change]:
        ring = self.ring
        return [
            *(ring("account.runaway_n", "runaway", "runaway_gap_ns", 1) for _ in range(2)),
            ring("account.messages_n", "message_rate", "message_gap_ns", 0),
            *(ring("account.orders_sent_n", "venue_rate", "order_gap_ns", 0) for _ in range(2)),
        ]

    def ring(self, count: str, limit: str, gap: str, extra: int) -> Change:
        """As many as are allowed, the first of them at the edge of the window."""
        last = "account.last_order_ns" if gap == "order_gap_ns" else f"last_{gap[:-7]}_ns"

        def change(r: np.ndarray) -> None:
            many = self.rng.integers(1, 20, len(r))
            self.put(f"account_limits.{limit}_max", r, many)
            self.put(count, r, many + extra + self.rng.integers(0, 2, len(r)))
            last_ns = self.get("now_ns", r) - self.rng.integers(0, 10**6, len(r))
            self.put(last, r, last_ns)
            span_ns = self.get("now_ns", r) - last_ns + (many - 1 + extra) * self.get(gap, r)
            edge = self.rng.integers(-1, 2, len(r))
            self.put(f"account_limits.{limit}_window_ns", r, span_ns + edge)

        return change
