"""What a row of gate_columns.py means, in the words of the reference gate."""

from fractions import Fraction

from tests.oracle import reference_gate as oracle
from tests.oracle.gate_columns import COLUMNS
from tests.oracle.gate_scenarios import INSTRUMENTS_N
from tests.oracle.reference_account import ACCOUNT_LIMITS, Account


def times(count: int, last_ns: int, gap_ns: int) -> list[int]:
    """When the last of ``count`` happened, oldest first: as many as a ring keeps."""
    times_n = min(max(count, 0), oracle.RING)
    return [max(1, last_ns - (times_n - 1 - k) * gap_ns) for k in range(times_n)]


def recent_orders(raw: dict[str, int]) -> list[tuple[str, int, int, int]]:
    """The one order that a row remembers, if it is one."""
    ticks, lots = raw["recent_signed_ticks"], raw["recent_lots"]
    return [("BUY" if ticks > 0 else "SELL", abs(ticks), lots, raw["recent_sent_ns"])]


def account(raw: dict[str, int]) -> Account:
    def total(name: str) -> int:
        return raw[f"account.{name}_e8"]

    def own(name: str) -> int:
        return raw[f"valuations.{name}"]

    limits = {name: raw[f"account_limits.{name}"] for name in ACCOUNT_LIMITS}
    multiple, divisor = own("value_multiple"), own("value_divisor")
    mark = raw["positions.mark_ticks"]
    runaway_n, messages_n = raw["account.runaway_n"], raw["account.messages_n"]
    return Account(
        limits={name: value if value > 0 else None for name, value in limits.items()},
        day_ends_ns=raw["account.day_ends_ns"],
        venue_day_ends_ns=raw["account.venue_day_ends_ns"],
        guardian_ns=raw["guardian_ns"] if raw["guardian_ns"] > 0 else None,
        clock_seen_ns=raw["account.clock_seen_ns"] if raw["account.clock_seen_ns"] > 0 else None,
        clock_offset_most=raw["account.clock_offset_most_ns"],
        profit=total("profit"),
        profit_peak=total("profit_peak"),
        day_profit=total("day_profit"),
        rejects_in_row=raw["account.rejects_in_row_n"],
        runaway_ns=times(runaway_n, raw["last_runaway_ns"], raw["runaway_gap_ns"]),
        runaway_n=runaway_n,
        messages_ns=times(messages_n, raw["last_message_ns"], raw["message_gap_ns"]),
        messages_n=messages_n,
        day_messages=messages_n - raw["account.day_messages_n"],
        day_fills=raw["account.fills_n"] - raw["account.day_fills_n"],
        venue_day_orders=raw["account.venue_day_orders_n"],
        unvalued=raw["account.unvalued_n"],
        funds_known=raw["account.funds_known"] == 1,
        funds=total("funds"),
        cash=total("cash"),
        turnover=total("turnover"),
        day_turnover=total("day_turnover"),
        long=total("long"),
        short=total("short"),
        gross=total("gross"),
        open=total("open"),
        open_buys=total("open_buy"),
        this_long=own("long_e8"),
        this_short=own("short_e8"),
        this_gross=own("gross_e8"),
        money=Fraction(multiple, divisor) if multiple > 0 and divisor > 0 else None,
        most_tick_lots=own("most_tick_lots"),
        base_owned=own("base_owned_lots"),
        mark=mark if mark > 0 else None,
        bought=raw["positions.bought_lots"],
        sold=raw["positions.sold_lots"],
        traded_before_today=own("day_traded_lots"),
        losses_in_row=raw["positions.losses_in_row_n"],
    )


def meaning(row: list[int]) -> tuple[oracle.World, oracle.Order]:
    """A row in the words of the reference gate. Zero and negative limits are missing ones."""
    raw = dict(zip(COLUMNS, row, strict=True))

    def positive(name: str) -> int | None:
        return raw[name] if raw[name] > 0 else None

    def given(name: str) -> int | None:
        value = raw[f"instruments.{name}"]
        return None if value == -1 else value

    def both(kind: str) -> dict[str, int]:
        return {side: raw[f"positions.{kind.format(side.lower())}"] for side in ("BUY", "SELL")}

    grids = ("instruments.price_grid_e8", "instruments.quantity_grid_e8")
    money = ("valuations.value_multiple", "valuations.value_divisor")
    limits = {name: positive(f"limits.{name}") for name in oracle.INSTRUMENT_LIMITS}
    limits |= dict(zip(oracle.GRIDS, map(positive, grids + money), strict=True))
    sent_n, last_ns = raw["account.orders_sent_n"], raw["account.last_order_ns"]
    market = raw["instruments.market"]
    world = oracle.World(
        state={1: "REDUCE_ONLY", 2: "ACTIVE"}.get(raw["account.trading_state"], "HALTED"),
        blocks=raw["account.session_blocks"] | raw["account.link_blocks"],
        instruments_n=INSTRUMENTS_N,
        configured=raw["instruments.symbol"] != 0 and market in (1, 2),
        tradable=raw["instruments.tradable"] == 1,
        limits=limits,
        account=account(raw),
        filters={
            "price_min": given("price_min_ticks"),
            "price_max": given("price_max_ticks"),
            "quantity_min": given("quantity_min_lots"),
            "quantity_max": given("quantity_max_lots"),
            "notional_min": given("notional_min_tick_lots"),
            "price_step": raw["instruments.price_step_ticks"],
            "quantity_step": raw["instruments.quantity_step_lots"],
        },
        position=raw["positions.position_lots"],
        open_lots=both("open_{}_lots"),
        open_orders=both("open_{}_orders_n"),
        open_notional=raw["positions.open_notional_tick_lots"],
        own_best={
            "BUY": positive("positions.own_bid_ticks"),
            "SELL": positive("positions.own_ask_ticks"),
        },
        recent=recent_orders(raw),
        account_open_orders=raw["account.open_orders_n"],
        sent_n=sent_n,
        sent_ns=times(sent_n, last_ns, raw["order_gap_ns"]),
        last_order_ns=positive("account.last_order_ns"),
        book_live=raw["references.book_state"] == 2,
        book_ns=positive("references.book_ns"),
        touch_ns=positive("references.touch_ns"),
        bid=positive("references.bid_ticks"),
        ask=positive("references.ask_ticks"),
        event_ns=positive("references.event_ns"),
        clock_offset_ns=raw["account.clock_offset_ns"],
        window_low2=positive("references.window_low2_ticks"),
        window_high2=positive("references.window_high2_ticks"),
        spot=market == 1,
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
