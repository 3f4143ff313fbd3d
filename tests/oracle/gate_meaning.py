"""What a row of gate_scenarios.py means, in the words of the reference gate."""

from tests.oracle import reference_gate as oracle
from tests.oracle.gate_scenarios import COLUMNS, INSTRUMENTS_N


def sent_times(sent_n: int, last_ns: int, gap_ns: int) -> list[int]:
    """When the last orders were sent, oldest first: as many as a ring keeps."""
    times_n = min(max(sent_n, 0), oracle.RING)
    return [max(1, last_ns - (times_n - 1 - k) * gap_ns) for k in range(times_n)]


def recent_orders(raw: dict[str, int]) -> list[tuple[str, int, int, int]]:
    """The one order that a row remembers, if it is one."""
    ticks, lots = raw["recent_signed_ticks"], raw["recent_lots"]
    return [("BUY" if ticks > 0 else "SELL", abs(ticks), lots, raw["recent_sent_ns"])]


def meaning(row: list[int]) -> tuple[oracle.World, oracle.Order]:
    """A row in the words of the reference gate. Zero and negative limits are missing ones."""
    raw = dict(zip(COLUMNS, row, strict=True))

    def positive(name: str) -> int | None:
        return raw[name] if raw[name] > 0 else None

    def given(name: str) -> int | None:
        return None if raw[name] == -1 else raw[name]

    named = (*oracle.INSTRUMENT_LIMITS, *oracle.ACCOUNT_LIMITS, *oracle.LATER_LIMITS)
    limits = {name: positive(name) for name in named}
    limits |= {name: positive(f"{name}_e8") for name in oracle.GRIDS}
    world = oracle.World(
        state={1: "REDUCE_ONLY", 2: "ACTIVE"}.get(raw["trading_state"], "HALTED"),
        blocks=raw["session_blocks"] | raw["link_blocks"],
        instruments_n=INSTRUMENTS_N,
        configured=raw["symbol_word"] != 0 and raw["market"] in (1, 2),
        tradable=raw["tradable"] == 1,
        limits=limits,
        filters={
            "price_min": given("price_min_ticks"),
            "price_max": given("price_max_ticks"),
            "quantity_min": given("quantity_min_lots"),
            "quantity_max": given("venue_quantity_max_lots"),
            "notional_min": given("notional_min_tick_lots"),
            "price_step": raw["price_step_ticks"],
            "quantity_step": raw["quantity_step_lots"],
        },
        position=raw["position_lots"],
        open_lots={"BUY": raw["open_buy_lots"], "SELL": raw["open_sell_lots"]},
        open_orders={"BUY": raw["open_buy_orders_n"], "SELL": raw["open_sell_orders_n"]},
        open_notional=raw["open_notional_tick_lots"],
        own_best={"BUY": positive("own_bid_ticks"), "SELL": positive("own_ask_ticks")},
        recent=recent_orders(raw),
        account_open_orders=raw["account_open_orders_n"],
        sent_n=raw["orders_sent_n"],
        sent_ns=sent_times(raw["orders_sent_n"], raw["last_order_ns"], raw["gap_ns"]),
        last_order_ns=positive("last_order_ns"),
        book_live=raw["book_state"] == 2,
        book_ns=positive("book_ns"),
        touch_ns=positive("touch_ns"),
        bid=positive("bid_ticks"),
        ask=positive("ask_ticks"),
    )
    order = oracle.Order(
        instrument=raw["instrument"],
        side={1: "BUY", -1: "SELL"}.get(raw["side"]),
        price=raw["price_ticks"],
        quantity=raw["quantity_lots"],
        time_in_force=raw["time_in_force"] if raw["time_in_force"] in (0, 1, 2) else None,
        now_ns=raw["now_ns"],
    )
    return world, order
