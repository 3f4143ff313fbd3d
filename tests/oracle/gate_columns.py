"""Everything that ``check`` looks at, as columns of a row: group.field, and where each belongs."""

from typing import Any

import numpy as np

from appliance.abi.account import GATE_ACCOUNT, VALUATION
from appliance.abi.gate import REFERENCE
from appliance.abi.market import INSTRUMENT
from appliance.abi.risk_limits import ACCOUNT_LIMITS, LIMITS
from appliance.abi.trading import POSITION

ORDER = ("instrument", "side", "price_ticks", "quantity_lots", "time_in_force", "now_ns")
_ACCOUNT = (
    *("trading_state", "session_blocks", "link_blocks", "clock_offset_ns", "open_orders_n"),
    *("clock_offset_most_ns", "clock_seen_ns"),
    *("orders_sent_n", "last_order_ns", "messages_n", "runaway_n", "rejects_in_row_n", "fills_n"),
    *("day_fills_n", "day_messages_n", "long_e8", "short_e8", "gross_e8", "open_e8"),
    *("open_buy_e8", "cash_e8", "profit_e8", "profit_peak_e8", "turnover_e8", "unvalued_n"),
    *("funds_known", "funds_e8", "day_ends_ns", "day_turnover_e8", "day_profit_e8"),
    *("venue_day_ends_ns", "venue_day_orders_n"),
)
_INSTRUMENT = (
    *("symbol", "market", "tradable", "price_grid_e8", "quantity_grid_e8", "price_min_ticks"),
    *("price_max_ticks", "quantity_min_lots", "quantity_max_lots", "notional_min_tick_lots"),
    *("price_step_ticks", "quantity_step_lots"),
)
_POSITION = (
    *("position_lots", "mark_ticks", "open_buy_lots", "open_sell_lots", "open_buy_orders_n"),
    *("open_sell_orders_n", "open_notional_tick_lots", "own_bid_ticks", "own_ask_ticks"),
    *("bought_lots", "sold_lots", "losses_in_row_n"),
)
_VALUATION = (
    *("value_multiple", "value_divisor", "most_tick_lots", "base_owned_lots", "long_e8"),
    *("short_e8", "gross_e8", "day_traded_lots"),
)
# Group of gate.Gate -> its record, and the fields that ``check`` reads.
GROUPS: dict[str, tuple[np.dtype[np.void], tuple[str, ...]]] = {
    "account": (GATE_ACCOUNT, _ACCOUNT),
    "account_limits": (ACCOUNT_LIMITS, ACCOUNT_LIMITS.names or ()),
    "instruments": (INSTRUMENT, _INSTRUMENT),
    "limits": (LIMITS, LIMITS.names or ()),
    "positions": (POSITION, _POSITION),
    "references": (REFERENCE, REFERENCE.names or ()),
    "valuations": (VALUATION, _VALUATION),
}
# Of rings: the last is at last_*_ns, the ones before it so far apart; one order is remembered.
RINGS = ("order_gap_ns", "message_gap_ns", "last_message_ns", "runaway_gap_ns", "last_runaway_ns")
RECENT = ("recent_signed_ticks", "recent_lots", "recent_sent_ns", "recent_at")
COLUMNS = (
    *ORDER,
    *(f"{group}.{name}" for group, (_, names) in GROUPS.items() for name in names),
    *RINGS,
    *RECENT,
    "guardian_ns",
)
AT = {name: n for n, name in enumerate(COLUMNS)}
assert len(AT) == len(COLUMNS)


def offsets(group: str) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """(word of the record, column) of each field of a group."""
    record, names = GROUPS[group]
    fields: Any = record.fields
    return np.array([(fields[n][1] // 8, AT[f"{group}.{n}"]) for n in names], np.int64)
