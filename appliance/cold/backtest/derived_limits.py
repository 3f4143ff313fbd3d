"""The limits that follow from a backtest's evidence, as a risk file for ``appliance run``.

Every line says where its number comes from. "twice" is the room that a strategy has live beyond
what it ever needed in history: more than that is not what was tested, and is refused.

======================  ===========================================================================
position_max            max_safe_position: the largest holding below which none lost more than the
                        share of the capital that was allowed (evidence.py)
day_loss_max            twice the worst day's loss: how far the equity was below its first value
drawdown_max            twice the deepest fall from a peak; of both the equity is as the gate
                        counts it, every trade at fee_pct, and neither is below a thousandth of
                        the capital
quantity_max            twice the largest order, but no more than the position
notional_max            quantity_max at the highest price, and a tenth
open_notional_max       twice the most that was open at once, at the highest price
open orders, rates      twice the most at once, in any second, but no fewer than a strategy needs
day_*, losses_in_row    twice the most of any day, in a row
window_collar_pct       twice the furthest that the middle went within two minutes, 1 at least
gross_max, net_max      every instrument at its position_max and highest price, and a tenth
leverage_max            gross_max to the capital, rounded up to hundredths, 1 at least
fee_pct                 the most that any trade paid; the gate counts profit after it
======================  ===========================================================================

The rest no history can show: there the values are those that the documentation of limits.py names,
and the venue's own limits less a tenth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from fractions import Fraction
from typing import Any, Final

from appliance.abi.limits import ORDER_RATE_MAX, ORDERS_MAX
from appliance.abi.market import Market
from appliance.abi.trading import TimeInForce
from appliance.abi.units import E8
from appliance.cold.backtest.evidence import Evidence, InstrumentEvidence
from appliance.cold.errors import ApplianceError
from appliance.cold.limits import limits_of
from appliance.cold.risk_file import RiskFile, Section
from appliance.cold.risk_keys import OFF_DECIMAL, plain

# What instruments are quoted in, the longest names first.
_CURRENCIES: Final = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY")
# The venue's own limits of orders in ten seconds, less a tenth (binance-protocol).
_VENUE_RATE: Final = {Market.SPOT: 45, Market.USDM: 270}
_ROOM: Final = Fraction(11, 10)
_TEXT: Final = {"currency", "day_starts_at_utc"}

Line = tuple[str, object, str]  # key, value, where it comes from


class NoLimits(ApplianceError):
    """The history shows none."""

    exit_code = 1


@dataclass(frozen=True)
class Basis:
    """What the evidence is of."""

    symbols: tuple[str, ...]
    records: Any  # INSTRUMENT[n]
    evidence: Evidence
    capital_e8: int
    safe_loss: Fraction
    given: RiskFile | None  # the limits that the run was under: none of ours is wider


def derived(basis: Basis) -> str:
    """The text of a risk file. NoLimits: nothing was traded, or no position was safe."""
    evidence = basis.evidence
    for symbol, one in zip(basis.symbols, evidence.instruments, strict=True):
        if one.held_most_lots and not one.safe_lots:
            loss = float(basis.safe_loss * 100)
            raise NoLimits(
                f"{symbol}: no position was safe: its smallest holdings already lost more than"
                f" {loss:g} % of the capital"
            )
    traded = [
        (symbol, record, one)
        for symbol, record, one in zip(
            basis.symbols, basis.records, evidence.instruments, strict=True
        )
        if one.safe_lots
    ]
    if len(traded) < len(basis.symbols):
        idle = ", ".join(s for s in basis.symbols if s not in {one[0] for one in traded})
        raise NoLimits(f"no limits follow from what was not traded: {idle}")
    sections = [("account", _account(basis))]
    sections.append(("default", _default(basis)))
    sections += [(f"symbol.{s}", _instrument(record, one)) for s, record, one in traded]
    text = _written(sections, basis.given)
    limits_of(RiskFile.parse(text, "derived limits"), basis.records)  # it must be taken
    return text


def _account(basis: Basis) -> list[Line]:
    evidence, records = basis.evidence, basis.records
    gross = sum(
        Fraction(one.safe_lots * one.price_most_ticks) * _tick_lot(record)
        for record, one in zip(records, evidence.instruments, strict=True)
    )
    gross *= _ROOM
    capital = Fraction(basis.capital_e8, E8)
    floor = capital / 1000
    leverage = max(Fraction(1), -(-gross * 100 // capital) / Fraction(100))
    seconds = "twice the most in any second"
    market = Market(int(records[0].market))
    return [
        ("currency", _currency(basis), "what every instrument is quoted in"),
        ("day_starts_at_utc", "00:00", "as the days of the backtest"),
        ("order_rate_max", _count(evidence.orders_second_n, 10, ORDER_RATE_MAX), seconds),
        ("order_rate_window_ms", 1000, ""),
        ("open_orders_max", _count(evidence.open_most_n, 4, ORDERS_MAX), "twice the most at once"),
        ("message_rate_max", _count(evidence.messages_second_n, 20, ORDER_RATE_MAX), seconds),
        ("message_rate_window_ms", 1000, ""),
        ("venue_rate_max", _VENUE_RATE[market], "the venue's own, less a tenth"),
        ("venue_rate_window_ms", 10000, ""),
        ("venue_day_max", 144000 if market == Market.SPOT else "off", "likewise"),
        ("gross_max", _up(gross), "every position_max at the highest price, and a tenth"),
        ("net_max", _up(gross), "likewise"),
        ("leverage_max", plain(leverage), "gross_max to the capital"),
        ("day_value_max", _up(2 * Fraction(evidence.day_most_value_e8, E8)), "twice any day's"),
        ("runaway_max", _count(evidence.fills_second_n, 10, ORDER_RATE_MAX - 1), seconds),
        ("runaway_window_ms", 1000, ""),
        (
            "messages_per_fill_max",
            _count(evidence.messages_per_fill, 10, 1 << 30),
            "twice the ratio",
        ),
        ("messages_per_fill_after", 1000, "no evidence"),
        ("rejects_in_row_max", 10, "no evidence"),
        (
            "day_loss_max",
            _up(max(2 * Fraction(evidence.day_loss_e8, E8), floor)),
            f"twice the worst day's loss, {plain(Fraction(evidence.day_loss_e8, E8))}",
        ),
        (
            "drawdown_max",
            _up(max(2 * Fraction(evidence.drawdown_e8, E8), floor)),
            f"twice the deepest, {plain(Fraction(evidence.drawdown_e8, E8))}",
        ),
        ("guardian_age_max_ms", 3000, "needs `appliance guard` beside it"),
        ("clock_offset_max_ms", 250, "no evidence"),
    ]


def _default(basis: Basis) -> list[Line]:
    fee = basis.evidence.fee_most
    swing = max(one.swing_pct for one in basis.evidence.instruments)
    no = "no evidence"
    return [
        ("collar_pct", "1", no),
        ("book_age_max_ms", 1500, no),
        ("reference_age_max_ms", 1500, no),
        ("event_age_max_ms", 2000, no),
        ("order_types", ["GTC", "IOC", "POST_ONLY"], no),
        ("repeat_window_ms", 1, no),
        (
            "window_collar_pct",
            str(min(100, max(1, -(-int(swing * 200) // 100)))),
            f"twice the widest minutes, {swing:.2f}",
        ),
        ("collar_window_ms", 60000, ""),
        ("fee_pct", plain(-(-fee * 10**6 // 1) / Fraction(10**4)), "the most that a trade paid"),
    ]


def _instrument(record: Any, one: InstrumentEvidence) -> list[Line]:
    lot = Fraction(int(record.quantity_grid_e8), E8)
    quantity = min(2 * one.order_most_lots, one.safe_lots)
    value = one.price_most_ticks * _tick_lot(record)
    unsafe = f"; {one.unsafe_n} holdings were not" if one.unsafe_n else ""
    return [
        ("position_max", plain(one.safe_lots * lot), f"the largest that was safe{unsafe}"),
        ("quantity_max", plain(quantity * lot), "twice the largest order"),
        ("notional_max", _up(quantity * value * _ROOM), "at the highest price, and a tenth"),
        ("open_orders_max", _count(one.open_most_n, 4, ORDERS_MAX), "twice the most at once"),
        ("open_orders_side_max", _count(one.open_side_most_n, 2, ORDERS_MAX), "likewise"),
        ("open_notional_max", _up(2 * one.open_most_lots * value * _ROOM), "likewise"),
        ("day_quantity_max", plain(2 * one.day_most_lots * lot), "twice the most of any day"),
        ("losses_in_row_max", _count(one.losses_in_row_n, 5, 1 << 30), "twice the most in a row"),
    ]


def _tick_lot(record: Any) -> Fraction:
    """What one tick of one lot is worth, in the quote asset."""
    return Fraction(int(record.price_grid_e8) * int(record.quantity_grid_e8), E8 * E8)


def _count(seen: float, least: int, most: int) -> int:
    return min(max(-int(-2 * seen // 1), least), most)


def _up(amount: Fraction) -> str:
    """To hundredths, upwards: a limit of money that is a little wider refuses nothing by chance."""
    value = Decimal(amount.numerator) / Decimal(amount.denominator)
    return f"{max(value, Decimal('0.01')).quantize(Decimal('0.01'), ROUND_UP):f}"


def _currency(basis: Basis) -> str:
    if basis.given is not None and basis.given.currency:
        return basis.given.currency
    for name in _CURRENCIES:
        if all(symbol.endswith(name) for symbol in basis.symbols):
            return name
    raise NoLimits(
        "the instruments are not quoted in one currency that is known: give --limits a risk file"
        " whose [account] names it"
    )


def _written(sections: list[tuple[str, list[Line]]], given: RiskFile | None) -> str:
    lines = ["# Limits from a backtest: what each follows from stands beside it.", ""]
    for name, entries in sections:
        lines.append(f"[{name}]")
        for key, value, why in entries:
            shown, told = _narrower(name, key, value, why, given)
            text = f"{key} = {shown}"
            lines.append(f"{text:<44}# {told}" if told else text)
        lines.append("")
    return "\n".join(lines)


# Where the given file was wider, ours stands; these say nothing of how much is risked.
_OWN_KEYS: Final = {
    *("position_max", "quantity_max", "notional_max", "open_notional_max", "gross_max", "net_max"),
    *("day_value_max", "day_loss_max", "drawdown_max", "day_quantity_max", "losses_in_row_max"),
    *("open_orders_max", "open_orders_side_max"),
}


def _narrower(
    section: str, key: str, value: object, why: str, given: RiskFile | None
) -> tuple[str, str]:
    """The value to write: where a file was given, its own unless ours is narrower."""
    ours = _toml(value)
    if given is None or key in _TEXT:
        return ours, why
    theirs = _section_of(section, given).get(key)
    if theirs is None:
        return ours, why
    if key in _OWN_KEYS and isinstance(value, str | int) and Decimal(str(value)) <= theirs:
        return ours, why
    return _toml_given(key, theirs), "as given"


def _section_of(section: str, given: RiskFile) -> Mapping[str, Decimal] | Section:
    if section == "account":
        return given.account
    if section == "default":
        return given.default
    return given.of(section.removeprefix("symbol."))


def _toml(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(f'"{one}"' for one in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def _toml_given(key: str, value: Decimal) -> str:
    if key == "order_types":
        return _toml([kind.name for kind in TimeInForce if int(value) >> kind & 1])
    if value == OFF_DECIMAL:
        return '"off"'
    return f'"{value:f}"'
