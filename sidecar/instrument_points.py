"""What a STATUS record says of a position and of a feed, in the venue's units."""

from typing import Any, Final

from appliance.abi.units import E8
from sidecar.line import Value

NOTHING: Final = float("nan")  # no field is written for it


def position_fields(status: Any) -> dict[str, Value]:
    """Quantities in the base asset, money in the quote asset. Each is the float nearest to what
    the whole numbers say; the average price of no position is left out."""
    price_e8, quantity_e8 = int(status["price_grid_e8"]), int(status["quantity_grid_e8"])

    def base(lots: int) -> float:
        return lots * quantity_e8 / E8

    def money(tick_lots: int) -> float:
        return tick_lots * price_e8 * quantity_e8 / (E8 * E8)

    lots, mark_ticks = int(status["position_lots"]), int(status["mark_ticks"])
    cost = int(status["cost_tick_lots"])
    return {
        "qty": base(lots),
        "lots": lots,
        "avg_px": cost * price_e8 / (lots * E8) if lots else NOTHING,
        "mark_px": mark_ticks * price_e8 / E8,
        "rpnl": money(int(status["realised_tick_lots"])),
        "upnl": money(int(status["unrealised_tick_lots"])),
        "notional": money(lots * mark_ticks),
        "turnover": money(int(status["turnover_tick_lots"])),
        "open_orders": int(status["open_orders_n"]),
        "open_buy": base(int(status["open_buy_lots"])),
        "open_sell": base(int(status["open_sell_lots"])),
        "fills": int(status["fills_n"]),
    }


def feed_fields(status: Any, now_ns: int) -> dict[str, Value]:
    """``now_ns``: the market's time, against which a book is old; -1: it had no event yet."""
    price_e8, quantity_e8 = int(status["price_grid_e8"]), int(status["quantity_grid_e8"])

    def price(name: str) -> float:
        ticks = int(status[name])
        return ticks * price_e8 / E8 if ticks > 0 else NOTHING

    book_ns = int(status["book_ns"])
    return {
        "state": int(status["book_state"]),
        "reason": int(status["book_reason"]),
        "stale_ns": max(now_ns - book_ns, 0) if book_ns else -1,
        "bid": price("bid_ticks"),
        "ask": price("ask_ticks"),
        "bid_qty": int(status["bid_lots"]) * quantity_e8 / E8,
        "ask_qty": int(status["ask_lots"]) * quantity_e8 / E8,
        "bid_levels": int(status["bid_n"]),
        "ask_levels": int(status["ask_n"]),
        "gaps": int(status["gaps_n"]),
        "resyncs": int(status["resyncs_n"]),
        "crossed": int(status["crossed_n"]),
        "compared": int(status["compared_n"]),
        "mismatched": int(status["mismatched_n"]),
        "seq": int(status["book_id"]),
    }
