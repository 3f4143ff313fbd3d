"""``appliance limits``: what a running appliance may do, shown and changed."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.abi import region
from appliance.abi.operator import Operation, Result, control_path
from appliance.abi.risk_limits import Limit
from appliance.abi.trading import TimeInForce
from appliance.cold.control_region import NotAnswered, OfLimit, post
from appliance.cold.errors import EXIT_NO, EXIT_OK, ApplianceError
from appliance.cold.operator_commands import WITHIN_S, add_reason, found
from appliance.cold.risk_file import parse_value
from appliance.cold.risk_keys import (
    ACCOUNT_KEYS,
    INSTRUMENT_KEYS,
    ORDER_RATE_FIELDS,
    RiskKey,
    Unit,
)

_EPILOG: Final = """examples:
  appliance limits show                                    all of them, of the run started last
  appliance limits show spot-1 --json
  appliance limits set position_max 0.2 --reason "calmer"  of every symbol
  appliance limits set position_max 0.2 spot-1 --symbol BTCUSDT --reason "calmer"
  appliance limits set day_loss_max off --reason "asked for by risk"

Keys and units are those of the risk file. What is set holds from the next order on, and until the
run ends: the file is not changed.
exit codes: 0 done, 1 the loop does not answer, 2 a wrong request"""


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "limits",
        help="show or change the limits of a running appliance",
        description="Show or change the limits of a running appliance.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whats = parser.add_subparsers(dest="what", metavar="show|set", required=True)
    show = whats.add_parser("show", help="all limits, in the units of the risk file")
    show.set_defaults(run=run_show)
    change = whats.add_parser("set", help="one limit, from the next order on")
    change.add_argument("key", metavar="KEY")
    change.add_argument("value", metavar="VALUE", help="as in the risk file")
    change.add_argument("--symbol", metavar="S", help="only this one's (default: every symbol's)")
    add_reason(change, required=True)
    change.set_defaults(run=run_set)
    for one in (show, change):
        one.add_argument(
            "region", nargs="?", metavar="NAME|PATH", help="which run (default: started last)"
        )
        one.add_argument("--json", action="store_true", help="one JSON document")


@dataclass(frozen=True)
class _Place:
    """One limit of one instrument (``symbol``; "": of the account)."""

    key: RiskKey
    symbol: str
    instrument: int
    record: Any  # STATUS with the grids; None for the account's

    @property
    def limit(self) -> Limit:
        prefix = "ACCOUNT_" if self.instrument < 0 else ""
        return Limit[f"{prefix}{self.key.field.upper()}"]

    def shown(self, value: int) -> str:
        if self.key.unit is Unit.TYPES:
            return ", ".join(kind.name for kind in TimeInForce if value >> kind & 1)
        return self.key.shown(value, self.record)


def _places(path: Path) -> Iterator[_Place]:
    with region.attach(path) as view:
        statuses = view.statuses()
    for key in ACCOUNT_KEYS:
        yield _Place(key, "", -1, None)
    for instrument, (symbol, record) in enumerate(statuses.items()):
        for key in INSTRUMENT_KEYS:
            yield _Place(key, symbol, instrument, record[0])


def run_show(args: argparse.Namespace) -> int:
    path = found(args)
    told: dict[str, dict[str, str]] = {}
    try:
        for place in _places(path):
            about = OfLimit(place.limit, place.instrument)
            answer = post(control_path(path), Operation.LIMIT_SHOW, "", WITHIN_S, about)
            section = told.setdefault(place.symbol or "account", {})
            section[place.key.name] = place.shown(answer.value)
    except NotAnswered as error:
        return _not_answered(args, error)
    if args.json:
        print(json.dumps(told))
        return EXIT_OK
    for name, limits in told.items():
        print(f"[{name}]")
        for key, value in limits.items():
            print(f"  {key:<26} {value}")
    return EXIT_OK


def run_set(args: argparse.Namespace) -> int:
    if not args.reason.strip():
        raise ApplianceError("--reason must say why: it is what the next person reads")
    path = found(args)
    changed = []
    try:
        places = list(_places(path))
        for place in _meant(args, places):
            section = {args.key: parse_value(place.key, _value(args.value), args.key)}
            value = place.key.convert(section, place.record, place.symbol or "account")
            for about in _all_of(place, places, value):
                answer = post(
                    control_path(path), Operation.LIMIT_SET, args.reason, args.within, about
                )
                if answer.result is not Result.DONE:
                    raise ApplianceError(f"{args.key}: the loop does not take {args.value}")
            changed.append((place.symbol or "account", place.shown(value)))
    except NotAnswered as error:
        return _not_answered(args, error)
    if args.json:
        print(json.dumps({"key": args.key, "now": dict(changed)}))
    else:
        for name, shown in changed:
            print(f"{name}: {args.key} is {shown} now")
    return EXIT_OK


def _meant(args: argparse.Namespace, places: list[_Place]) -> list[_Place]:
    """The limits that a key names; an account's before the symbols' of the same name."""
    symbols = {place.symbol for place in places if place.symbol}
    if args.symbol is not None and args.symbol not in symbols:
        raise ApplianceError(f"{args.symbol} is not traded here: {', '.join(sorted(symbols))}")
    named = [place for place in places if place.key.name == args.key]
    if not named:
        known = sorted({place.key.name for place in places})
        raise ApplianceError(f"there is no limit {args.key} (known: {', '.join(known)})")
    if args.symbol is not None:
        named = [place for place in named if place.symbol == args.symbol]
        if not named:
            raise ApplianceError(f"{args.key} is the account's: leave out --symbol")
    elif any(not place.symbol for place in named):
        named = [place for place in named if not place.symbol]
    return named


def _all_of(place: _Place, places: list[_Place], value: int) -> list[OfLimit]:
    """The record's fields that a key is: the account's order rate is each instrument's, too."""
    abouts = [OfLimit(place.limit, place.instrument, value)]
    if not place.symbol and place.key.field in ORDER_RATE_FIELDS:
        instruments_n = 1 + max(other.instrument for other in places)
        own = Limit[place.key.field.upper()]
        abouts += [OfLimit(own, i, value) for i in range(instruments_n)]
    return abouts


def _value(text: str) -> object:
    """As TOML would read it: a list of names for order types, else the text."""
    if text.startswith("["):
        return [part.strip().strip("\"'") for part in text.strip("[]").split(",")]
    return text


def _not_answered(args: argparse.Namespace, error: NotAnswered) -> int:
    print(json.dumps({"answered": False, "why": str(error)}) if args.json else error)
    return EXIT_NO
