"""Scenarios for the gate: random rows of gate_columns.py, drawn where decisions turn.

Most rows are healthy but for a few fields, and those are at a limit, one past it, at the ends of
int64, or unset. Of the account as a whole: gate_account_scenarios.py.
"""

import numpy as np

from appliance.abi.gate import EXPOSURE_LOTS_MAX
from appliance.abi.risk_limits import PPM
from appliance.abi.units import INT64_MAX
from tests.oracle import gate_account_scenarios
from tests.oracle.gate_columns import AT, COLUMNS
from tests.oracle.gate_healthy_row import HEALTHY, NOW_NS, SPECIAL

INSTRUMENTS_N = 3
# Sums of money: valuation.py keeps them within SUM_MAX.
SUM_MAX = 2**60 - 1
SUMS = (
    *(f"account.{name}_e8" for name in ("long", "short", "gross", "open", "open_buy", "cash")),
    *(f"account.{name}_e8" for name in ("profit", "profit_peak", "turnover", "funds")),
    *("account.day_turnover_e8", "account.day_profit_e8", "account.unvalued_n"),
    *(f"valuations.{name}_e8" for name in ("long", "short", "gross")),
    "valuations.base_owned_lots",
)
COUNTS = (
    *("account.fills_n", "account.day_fills_n", "account.day_messages_n"),
    *("positions.bought_lots", "positions.sold_lots", "valuations.day_traded_lots"),
)


class Rows:
    """Columns by name of a random table of scenarios, seeded."""

    def __init__(self, count: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.table = np.tile(np.array([HEALTHY[c] for c in COLUMNS], np.int64), (count, 1))
        self._vary()
        turns = [*(self._special(c) for c in COLUMNS), *self._boundaries()]
        turns += gate_account_scenarios.boundaries(self)
        changes = self.rng.choice(5, count, p=[0.1, 0.45, 0.25, 0.15, 0.05])
        for turn in range(4):
            which = self.rng.integers(0, len(turns), count)
            for n, change in enumerate(turns):
                rows = np.flatnonzero((which == n) & (changes > turn))
                if len(rows):
                    with np.errstate(over="ignore"):
                        change(rows)
        self.keep_to_what_can_be()

    def keep_to_what_can_be(self) -> None:
        """What no record holds: times that do not grow, sums that nobody added up."""
        for name in ("order_gap_ns", "message_gap_ns", "runaway_gap_ns"):
            self.put(name, slice(None), np.clip(self.get(name), 0, 10**9))
        for ring in ("messages_n", "runaway_n"):
            last = f"last_{ring.removesuffix('_n').rstrip('s')}_ns"
            self.put(last, slice(None), np.maximum(1, self.get(last)))
        for name in SUMS:
            self.put(name, slice(None), np.clip(self.get(name), -SUM_MAX, SUM_MAX))
        for name in COUNTS:
            self.put(name, slice(None), np.clip(self.get(name), 0, SUM_MAX))
        late = self.get("now_ns") > SUM_MAX
        self.put("account.clock_offset_ns", late, 0)
        offset_ns = np.clip(self.get("account.clock_offset_ns"), -(10**12), 10**12)
        self.put("account.clock_offset_ns", slice(None), offset_ns)
        multiple = np.maximum(1, self.get("valuations.value_multiple"))
        most = np.clip(self.get("valuations.most_tick_lots"), 0, SUM_MAX // multiple)
        self.put("valuations.most_tick_lots", slice(None), most)
        self.put("recent_at", slice(None), self.get("recent_at") & 15)
        self.put("recent_sent_ns", slice(None), np.maximum(0, self.get("recent_sent_ns")))
        sent = self.get("account.orders_sent_n") > 0
        last_ns = self.get("account.last_order_ns", sent)
        self.put("account.last_order_ns", sent, np.maximum(1, last_ns))

    def get(self, name: str, rows: object = slice(None)) -> np.ndarray:
        return self.table[rows, AT[name]]

    def put(self, name: str, rows: object, values: object) -> None:
        self.table[rows, AT[name]] = values

    def _vary(self) -> None:
        n, rng = len(self.table), self.rng
        self.put("instrument", slice(None), rng.integers(0, INSTRUMENTS_N, n))
        self.put("side", slice(None), rng.choice([1, -1], n))
        self.put("price_ticks", slice(None), 1_000_000 + rng.integers(-9_000, 9_000, n))
        self.put("quantity_lots", slice(None), rng.integers(1, 10_000, n))
        self.put("time_in_force", slice(None), rng.integers(0, 3, n))
        self.put("instruments.market", slice(None), rng.integers(1, 3, n))
        self.put("positions.position_lots", slice(None), rng.integers(-900_000, 900_000, n))
        self.put("positions.open_buy_lots", slice(None), rng.integers(0, 50_000, n))
        self.put("positions.open_sell_lots", slice(None), rng.integers(0, 50_000, n))
        self.put("positions.open_buy_orders_n", slice(None), rng.integers(0, 5, n))
        self.put("positions.open_sell_orders_n", slice(None), rng.integers(0, 5, n))
        self.put("positions.open_notional_tick_lots", slice(None), rng.integers(0, 10**12, n))
        self.put("positions.own_bid_ticks", slice(None), 980_000 - rng.integers(0, 1000, n))
        self.put("positions.own_ask_ticks", slice(None), 1_020_000 + rng.integers(0, 1000, n))
        self.put("recent_at", slice(None), rng.integers(0, 16, n))
        sent = np.where(rng.random(n) < 0.5, rng.integers(1, 25, n), 0)
        self.put("account.orders_sent_n", slice(None), sent)
        last_ns = np.where(sent, NOW_NS - rng.integers(0, 10**9, n), 0)
        self.put("account.last_order_ns", slice(None), last_ns)
        self.put("order_gap_ns", slice(None), rng.integers(50_000_000, 400_000_000, n))
        gate_account_scenarios.vary(self)

    def _special(self, name: str):
        def change(rows: np.ndarray) -> None:
            self.put(name, rows, self.rng.choice(SPECIAL, len(rows)))

        return change

    def _boundaries(self) -> list:
        """Each sets one field so that a decision turns on a difference of -1, 0 or 1."""

        def near(name: str, value):
            def change(rows: np.ndarray) -> None:
                offset = self.rng.integers(-1, 2, len(rows))
                self.put(name, rows, value(rows) + offset)

            return change

        get = self.get
        held = lambda r: get("side", r) * get("positions.position_lots", r)  # noqa: E731
        worst = lambda r: held(r) + self.after(r)  # noqa: E731
        notional = lambda r: get("price_ticks", r) * get("quantity_lots", r)  # noqa: E731
        return [
            near("limits.book_age_max_ns", lambda r: self._since("book_ns", r)),
            near(
                "limits.reference_age_max_ns",
                lambda r: self._since("touch_ns", r),
            ),
            near("instruments.price_min_ticks", lambda r: get("price_ticks", r)),
            near("instruments.price_max_ticks", lambda r: get("price_ticks", r)),
            near("instruments.quantity_min_lots", lambda r: get("quantity_lots", r)),
            near("instruments.quantity_max_lots", lambda r: get("quantity_lots", r)),
            near("limits.quantity_max_lots", lambda r: get("quantity_lots", r)),
            near("instruments.notional_min_tick_lots", notional),
            near("limits.notional_max_tick_lots", notional),
            near("limits.position_max_lots", worst),
            near("limits.position_max_lots", worst),
            self._step("instruments.price_step_ticks", "price_ticks"),
            self._step("instruments.quantity_step_lots", "quantity_lots"),
            near(
                "limits.open_orders_max",
                lambda r: sum(self._of_sides("open_{}_orders_n", r)) + 1,
            ),
            near("limits.open_orders_side_max", lambda r: self._same_n(r) + 1),
            near(
                "limits.open_notional_max_tick_lots",
                lambda r: get("positions.open_notional_tick_lots", r) + notional(r),
            ),
            self._types,
            self._cross,
            self._cross,
            self._cross,
            self._repeat,
            self._repeat,
            self._repeat,
            near("account_limits.open_orders_max", lambda r: get("account.open_orders_n", r) + 1),
            near("limits.order_rate_max", lambda r: get("account.orders_sent_n", r)),
            near("account_limits.order_rate_max", lambda r: get("account.orders_sent_n", r)),
            near("limits.order_rate_window_ns", lambda r: self._rate_span("limits", r)),
            near(
                "account_limits.order_rate_window_ns",
                lambda r: self._rate_span("account_limits", r),
            ),
            near("now_ns", lambda r: get("account.last_order_ns", r)),
            near("references.book_ns", lambda r: get("now_ns", r)),
            near("references.touch_ns", lambda r: get("now_ns", r)),
            near("references.ask_ticks", lambda r: get("references.bid_ticks", r)),
            near("price_ticks", self._collar_price),
            near("price_ticks", self._collar_price),
            near("limits.collar_ppm", self._distance_ppm),
            near("quantity_lots", self._largest_quantity),
            self._reduce,
            self._reduce,
            self._reduce,
        ]

    def _same_n(self, r: np.ndarray) -> np.ndarray:
        return np.where(self.get("side", r) == 1, *self._of_sides("open_{}_orders_n", r))

    def _of_sides(self, kind: str, r: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(self.get(f"positions.{kind.format(side)}", r) for side in ("buy", "sell"))

    def _since(self, stamp: str, r: np.ndarray) -> np.ndarray:
        return self.get("now_ns", r) - self.get(f"references.{stamp}", r)

    def _types(self, r: np.ndarray) -> None:
        self.put("limits.order_types", r, self.rng.integers(1, 9, len(r)))

    def _cross(self, r: np.ndarray) -> None:
        """Own orders on both sides, the best of each near the order's price, or unknown."""
        for name in ("positions.own_bid_ticks", "positions.own_ask_ticks"):
            near = self.get("price_ticks", r) + self.rng.integers(-1, 2, len(r))
            self.put(name, r, np.where(self.rng.random(len(r)) < 0.1, 0, near))
        for name in ("positions.open_buy_orders_n", "positions.open_sell_orders_n"):
            self.put(name, r, self.rng.integers(0, 3, len(r)))

    def _repeat(self, r: np.ndarray) -> None:
        """The same order, or nearly, at the edge of the window."""
        rng, n = self.rng, len(r)
        change = rng.choice(4, n, p=[0.7, 0.1, 0.1, 0.1])
        side = self.get("side", r) * np.where(change == 1, -1, 1)
        self.put("recent_signed_ticks", r, side * (self.get("price_ticks", r) + (change == 2)))
        self.put("recent_lots", r, self.get("quantity_lots", r) + (change == 3))
        age_ns = self.get("limits.repeat_window_ns", r) + rng.integers(-1, 2, n)
        self.put("recent_sent_ns", r, self.get("now_ns", r) - age_ns)

    def _step(self, step: str, value: str):
        """A step other than 1, and a value on it or beside it."""

        def change(rows: np.ndarray) -> None:
            steps = self.rng.choice([2, 3, 5, 10, 25, 1000], len(rows))
            near = self.get(value, rows) // steps * steps
            self.put(step, rows, steps)
            self.put(value, rows, near + self.rng.integers(-1, 2, len(rows)))

        return change

    def after(self, r: np.ndarray) -> np.ndarray:
        """Open lots of the order's side, and its own."""
        same = np.where(self.get("side", r) == 1, *self._of_sides("open_{}_lots", r))
        return same + self.get("quantity_lots", r)

    def _rate_span(self, group: str, r: np.ndarray) -> np.ndarray:
        back = (self.get(f"{group}.order_rate_max", r) - 1) * self.get("order_gap_ns", r)
        last_ns = self.get("account.last_order_ns", r)
        return self.get("now_ns", r) - np.maximum(1, last_ns - back)

    def _account_span(self, r: np.ndarray) -> np.ndarray:
        return self._rate_span("account_limits", r)

    def _collar_price(self, r: np.ndarray) -> np.ndarray:
        middle2 = self.get("references.bid_ticks", r) + self.get("references.ask_ticks", r)
        sign = self.rng.choice([-1, 1], len(r))
        return middle2 * (PPM + sign * self.get("limits.collar_ppm", r)) // (2 * PPM)

    def _distance_ppm(self, r: np.ndarray) -> np.ndarray:
        middle2 = self.get("references.bid_ticks", r) + self.get("references.ask_ticks", r)
        return abs(2 * self.get("price_ticks", r) - middle2) * PPM // np.maximum(1, middle2)

    def _largest_quantity(self, r: np.ndarray) -> np.ndarray:
        """At the edge of what price x quantity can be, with every other bound out of the way."""
        for name in ("quantity_max_lots", "notional_max_tick_lots", "position_max_lots"):
            self.put(f"limits.{name}", r, INT64_MAX)
        self.put("limits.open_notional_max_tick_lots", r, INT64_MAX)
        self.put("instruments.quantity_max_lots", r, -1)
        return EXPOSURE_LOTS_MAX // np.maximum(1, self.get("price_ticks", r))

    def _reduce(self, r: np.ndarray) -> None:
        self.put("account.trading_state", r, 1)
        held = self.after(r) + self.rng.integers(-1, 2, len(r))
        self.put("positions.position_lots", r, -self.get("side", r) * held)
