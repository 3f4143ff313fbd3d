"""Scenarios for the gate: rows of raw record fields, and what they mean to the reference gate.

A row is everything ``check`` looks at. Most rows are healthy but for a few fields, and those are
drawn where decisions turn: at a limit, one past it, at the ends of int64, unset.
"""

import numpy as np

from appliance.abi.gate import EXPOSURE_LOTS_MAX, GATE_PRICE_TICKS_MAX, PPM
from appliance.abi.units import INT64_MAX
from tests.oracle import reference_gate as oracle

INT64_MIN = -INT64_MAX - 1
INSTRUMENTS_N = 3
ORDER = ("instrument", "side", "price_ticks", "quantity_lots", "time_in_force", "now_ns")
# gap_ns: between one sent order and the next; the last was sent at last_order_ns
ACCOUNT = (
    *("trading_state", "account_order_rate_max", "account_order_rate_window_ns"),
    *("account_open_orders_max", "account_open_orders_n", "orders_sent_n", "last_order_ns"),
    "gap_ns",
)
INSTRUMENT = (
    *("symbol_word", "market", "tradable", "price_grid_e8", "quantity_grid_e8"),
    *("price_min_ticks", "price_max_ticks", "quantity_min_lots", "venue_quantity_max_lots"),
    *("notional_min_tick_lots", "price_step_ticks", "quantity_step_lots"),
)
POSITION = ("position_lots", "open_buy_lots", "open_sell_lots", "open_buy_orders_n")
REFERENCE = ("book_state", "book_ns", "touch_ns", "bid_ticks", "ask_ticks")
SESSION = ("session_blocks", "link_blocks")
OPEN = ("open_sell_orders_n", "open_notional_tick_lots", "own_bid_ticks", "own_ask_ticks")
RECENT = ("recent_signed_ticks", "recent_lots", "recent_sent_ns", "recent_at")  # one of the ring
COLUMNS = (
    *(*ORDER, *ACCOUNT, *INSTRUMENT, *oracle.INSTRUMENT_LIMITS),
    *(*POSITION, *REFERENCE, *SESSION),
    *(*oracle.LATER_LIMITS, *OPEN, *RECENT),
)
AT = {name: n for n, name in enumerate(COLUMNS)}

NOW_NS = 1_700_000_000_000_000_000
HEALTHY = {
    "instrument": 1,
    "side": 1,
    "price_ticks": 1_000_000,
    "quantity_lots": 100,
    "time_in_force": 0,
    "now_ns": NOW_NS,
    "trading_state": 2,
    "account_order_rate_max": 10,
    "account_order_rate_window_ns": 10**9,
    "account_open_orders_max": 20,
    "account_open_orders_n": 5,
    "orders_sent_n": 0,
    "last_order_ns": 0,
    "gap_ns": 10**8,
    "symbol_word": 0x54,
    "market": 1,
    "tradable": 1,
    "price_grid_e8": 10**6,
    "quantity_grid_e8": 1000,
    "price_min_ticks": 1,
    "price_max_ticks": 10**8,
    "quantity_min_lots": 1,
    "venue_quantity_max_lots": 900_000,
    "notional_min_tick_lots": 5,
    "price_step_ticks": 1,
    "quantity_step_lots": 1,
    "position_max_lots": 1_000_000,
    "quantity_max_lots": 10**6,
    "notional_max_tick_lots": 10**13,
    "collar_ppm": 10_000,
    "open_orders_max": 10,
    "order_rate_max": 10,
    "order_rate_window_ns": 10**9,
    "book_age_max_ns": 1_500_000_000,
    "reference_age_max_ns": 1_000_000_000,
    "position_lots": 0,
    "open_buy_lots": 0,
    "open_sell_lots": 0,
    "open_buy_orders_n": 0,
    "book_state": 2,
    "book_ns": NOW_NS - 10_000,
    "touch_ns": NOW_NS - 5_000,
    "bid_ticks": 999_999,
    "ask_ticks": 1_000_001,
    "session_blocks": 0,
    "link_blocks": 0,
    "order_types": 7,
    "open_orders_side_max": 10,
    "open_notional_max_tick_lots": 10**16,
    "repeat_window_ns": 10**6,
    "open_sell_orders_n": 0,
    "open_notional_tick_lots": 0,
    "own_bid_ticks": 0,
    "own_ask_ticks": 0,
    "recent_signed_ticks": 0,
    "recent_lots": 0,
    "recent_sent_ns": 0,
    "recent_at": 0,
}
assert set(HEALTHY) == set(COLUMNS)
SPECIAL = np.array(
    [
        *(INT64_MIN, INT64_MIN + 1, -EXPOSURE_LOTS_MAX - 2, -EXPOSURE_LOTS_MAX - 1, -(10**6)),
        *(-2, -1, 0, 1, 2, 3, 10, 1023, 1024, 1025, PPM, PPM + 1, 2**31 - 1, 2**31, 3 * 10**9),
        *(GATE_PRICE_TICKS_MAX, GATE_PRICE_TICKS_MAX + 1, 2**60, EXPOSURE_LOTS_MAX),
        *(EXPOSURE_LOTS_MAX + 1, INT64_MAX - 1, INT64_MAX),
    ],
    np.int64,
)


class Rows:
    """Columns by name of a random table of scenarios, seeded."""

    def __init__(self, count: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.table = np.tile(np.array([HEALTHY[c] for c in COLUMNS], np.int64), (count, 1))
        self._vary()
        turns = [*(self._special(c) for c in COLUMNS), *self._boundaries()]
        changes = self.rng.choice(5, count, p=[0.1, 0.45, 0.25, 0.15, 0.05])
        for turn in range(4):
            which = self.rng.integers(0, len(turns), count)
            for n, change in enumerate(turns):
                rows = np.flatnonzero((which == n) & (changes > turn))
                if len(rows):
                    with np.errstate(over="ignore"):
                        change(rows)
        # What no record holds by itself: an order that was sent has a time, and times only grow.
        self.put("gap_ns", slice(None), np.clip(self.get("gap_ns"), 0, 10**9))
        self.put("recent_at", slice(None), self.get("recent_at") & 15)
        self.put("recent_sent_ns", slice(None), np.maximum(0, self.get("recent_sent_ns")))
        sent = self.get("orders_sent_n") > 0
        self.put("last_order_ns", sent, np.maximum(1, self.get("last_order_ns", sent)))

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
        self.put("market", slice(None), rng.integers(1, 3, n))
        self.put("position_lots", slice(None), rng.integers(-900_000, 900_000, n))
        self.put("open_buy_lots", slice(None), rng.integers(0, 50_000, n))
        self.put("open_sell_lots", slice(None), rng.integers(0, 50_000, n))
        self.put("open_buy_orders_n", slice(None), rng.integers(0, 5, n))
        self.put("open_sell_orders_n", slice(None), rng.integers(0, 5, n))
        self.put("open_notional_tick_lots", slice(None), rng.integers(0, 10**12, n))
        self.put("own_bid_ticks", slice(None), 980_000 - rng.integers(0, 1000, n))
        self.put("own_ask_ticks", slice(None), 1_020_000 + rng.integers(0, 1000, n))
        self.put("recent_at", slice(None), rng.integers(0, 16, n))
        sent = np.where(rng.random(n) < 0.5, rng.integers(1, 25, n), 0)
        self.put("orders_sent_n", slice(None), sent)
        self.put(
            "last_order_ns", slice(None), np.where(sent, NOW_NS - rng.integers(0, 10**9, n), 0)
        )
        self.put("gap_ns", slice(None), rng.integers(50_000_000, 400_000_000, n))

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
        worst = lambda r: get("side", r) * get("position_lots", r) + self._after(r)  # noqa: E731
        notional = lambda r: get("price_ticks", r) * get("quantity_lots", r)  # noqa: E731
        return [
            near("book_age_max_ns", lambda r: get("now_ns", r) - get("book_ns", r)),
            near("reference_age_max_ns", lambda r: get("now_ns", r) - get("touch_ns", r)),
            near("price_min_ticks", lambda r: get("price_ticks", r)),
            near("price_max_ticks", lambda r: get("price_ticks", r)),
            near("quantity_min_lots", lambda r: get("quantity_lots", r)),
            near("venue_quantity_max_lots", lambda r: get("quantity_lots", r)),
            near("quantity_max_lots", lambda r: get("quantity_lots", r)),
            near("notional_min_tick_lots", notional),
            near("notional_max_tick_lots", notional),
            near("position_max_lots", worst),
            near("position_max_lots", worst),
            self._step("price_step_ticks", "price_ticks"),
            self._step("quantity_step_lots", "quantity_lots"),
            near(
                "open_orders_max",
                lambda r: get("open_buy_orders_n", r) + get("open_sell_orders_n", r) + 1,
            ),
            near("open_orders_side_max", lambda r: self._same_n(r) + 1),
            near(
                "open_notional_max_tick_lots",
                lambda r: get("open_notional_tick_lots", r) + notional(r),
            ),
            self._types,
            self._cross,
            self._cross,
            self._cross,
            self._repeat,
            self._repeat,
            self._repeat,
            near("account_open_orders_max", lambda r: get("account_open_orders_n", r) + 1),
            near("order_rate_max", lambda r: get("orders_sent_n", r)),
            near("account_order_rate_max", lambda r: get("orders_sent_n", r)),
            near("order_rate_window_ns", lambda r: self._rate_span("", r)),
            near("account_order_rate_window_ns", lambda r: self._rate_span("account_", r)),
            near("now_ns", lambda r: get("last_order_ns", r)),
            near("book_ns", lambda r: get("now_ns", r)),
            near("touch_ns", lambda r: get("now_ns", r)),
            near("ask_ticks", lambda r: get("bid_ticks", r)),
            near("price_ticks", self._collar_price),
            near("price_ticks", self._collar_price),
            near("collar_ppm", self._distance_ppm),
            near("quantity_lots", self._largest_quantity),
            self._reduce,
            self._reduce,
            self._reduce,
        ]

    def _same_n(self, r: np.ndarray) -> np.ndarray:
        buys, sells = self.get("open_buy_orders_n", r), self.get("open_sell_orders_n", r)
        return np.where(self.get("side", r) == 1, buys, sells)

    def _types(self, r: np.ndarray) -> None:
        self.put("order_types", r, self.rng.integers(1, 9, len(r)))

    def _cross(self, r: np.ndarray) -> None:
        """Own orders on both sides, the best of each near the order's price, or unknown."""
        for name in ("own_bid_ticks", "own_ask_ticks"):
            near = self.get("price_ticks", r) + self.rng.integers(-1, 2, len(r))
            self.put(name, r, np.where(self.rng.random(len(r)) < 0.1, 0, near))
        for name in ("open_buy_orders_n", "open_sell_orders_n"):
            self.put(name, r, self.rng.integers(0, 3, len(r)))

    def _repeat(self, r: np.ndarray) -> None:
        """The same order, or nearly, at the edge of the window."""
        rng, n = self.rng, len(r)
        change = rng.choice(4, n, p=[0.7, 0.1, 0.1, 0.1])
        side = self.get("side", r) * np.where(change == 1, -1, 1)
        self.put("recent_signed_ticks", r, side * (self.get("price_ticks", r) + (change == 2)))
        self.put("recent_lots", r, self.get("quantity_lots", r) + (change == 3))
        age_ns = self.get("repeat_window_ns", r) + rng.integers(-1, 2, n)
        self.put("recent_sent_ns", r, self.get("now_ns", r) - age_ns)

    def _step(self, step: str, value: str):
        """A step other than 1, and a value on it or beside it."""

        def change(rows: np.ndarray) -> None:
            steps = self.rng.choice([2, 3, 5, 10, 25, 1000], len(rows))
            near = self.get(value, rows) // steps * steps
            self.put(step, rows, steps)
            self.put(value, rows, near + self.rng.integers(-1, 2, len(rows)))

        return change

    def _after(self, r: np.ndarray) -> np.ndarray:
        buys = self.get("side", r) == 1
        same = np.where(buys, self.get("open_buy_lots", r), self.get("open_sell_lots", r))
        return same + self.get("quantity_lots", r)

    def _rate_span(self, prefix: str, r: np.ndarray) -> np.ndarray:
        back = (self.get(f"{prefix}order_rate_max", r) - 1) * self.get("gap_ns", r)
        return self.get("now_ns", r) - np.maximum(1, self.get("last_order_ns", r) - back)

    def _collar_price(self, r: np.ndarray) -> np.ndarray:
        middle2 = self.get("bid_ticks", r) + self.get("ask_ticks", r)
        sign = self.rng.choice([-1, 1], len(r))
        return middle2 * (PPM + sign * self.get("collar_ppm", r)) // (2 * PPM)

    def _distance_ppm(self, r: np.ndarray) -> np.ndarray:
        middle2 = self.get("bid_ticks", r) + self.get("ask_ticks", r)
        return abs(2 * self.get("price_ticks", r) - middle2) * PPM // np.maximum(1, middle2)

    def _largest_quantity(self, r: np.ndarray) -> np.ndarray:
        """At the edge of what price x quantity can be, with every other bound out of the way."""
        for name in ("quantity_max_lots", "notional_max_tick_lots", "position_max_lots"):
            self.put(name, r, INT64_MAX)
        self.put("open_notional_max_tick_lots", r, INT64_MAX)
        self.put("venue_quantity_max_lots", r, -1)
        return EXPOSURE_LOTS_MAX // np.maximum(1, self.get("price_ticks", r))

    def _reduce(self, r: np.ndarray) -> None:
        self.put("trading_state", r, 1)
        held = self._after(r) + self.rng.integers(-1, 2, len(r))
        self.put("position_lots", r, -self.get("side", r) * held)
