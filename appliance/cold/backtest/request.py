"""What a command line asks of a backtest: plain values that another process can be given.

Imports nothing of Numba: a process first says which strategy it compiles.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from appliance.abi.market import Market
from appliance.cold.backtest.wanted import Wanted
from appliance.cold.errors import ApplianceError
from appliance.cold.replay_command import parse_params

QUEUES: Final = ("risk_averse", "power", "power_2", "power_3", "log", "log_2")
MARKETS: Final = {"spot": Market.SPOT, "usdm": Market.USDM}


@dataclass(frozen=True)
class Request:
    """One run of one strategy over some history."""

    wanted: Wanted
    strategy: str  # a name, or a file
    params: Mapping[str, str]
    limits: str | None
    latency: str
    queue: str
    partial_fills: bool
    maker: Fraction  # of a trade's value
    taker: Fraction
    capital_e8: int
    sample_ns: int

    @property
    def assumptions(self) -> dict[str, Any]:
        """As the result tells them, but for the latencies."""
        return {
            "queue": self.queue,
            "fills": "partial" if self.partial_fills else "whole",
            "maker_fee_pct": float(self.maker * 100),
            "taker_fee_pct": float(self.taker * 100),
        }


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of whatever runs backtests."""
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help="recordings (plain or gzip), .npz or .csv files")
    add("--symbols", metavar="A,B", help="only these; of .npz files: whose they are")
    add("--snapshot", action="append", default=[], metavar="[SYMBOL=]FILE", help="REST snapshots")
    add("--exchange-info", metavar="FILE", help="saved exchangeInfo: grid, filters")
    add("--market", choices=MARKETS, default="usdm", help="of files that do not say (usdm)")
    add("--strategy", default="market_maker", metavar="NAME|FILE", help="as for appliance replay")
    add("--params", default="", metavar="K=V,..", help="the strategy's parameters")
    add("--limits", metavar="FILE", help="risk limits (TOML; default: for demos)")
    add("--latency", default="5,5", metavar="MS,MS|[drawn:]FILE", help="there and back (5,5)")
    add("--queue", default="risk_averse", metavar="NAME[:N]", help=", ".join(QUEUES))
    add("--partial-fills", action="store_true", help="by the lots that traded (default: whole)")
    add("--maker-fee", default="0.02", metavar="PCT", help="of a trade's value (0.02)")
    add("--taker-fee", default="0.05", metavar="PCT", help="likewise (0.05)")
    add("--capital", default="10000", metavar="AMOUNT", help="what returns are measured by (10000)")
    add("--sample", default="60", metavar="S", help="interval of the returns (60 s)")


def number(text: str, option: str, least: float, most: float) -> Fraction:
    """A decimal number of an option, exactly."""
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ApplianceError(f"{option} {text}: not a number") from None
    if not least <= value <= most:
        raise ApplianceError(f"{option} {text}: it may be {least:g} to {most:g}")
    return value


def request_of(args: argparse.Namespace) -> Request:
    """ApplianceError: an option that cannot stand."""
    queue_of(args.queue)
    fees = [
        number(text, option, -100, 100) / 100
        for option, text in (("--maker-fee", args.maker_fee), ("--taker-fee", args.taker_fee))
    ]
    return Request(
        wanted=Wanted(
            tuple(Path(name) for name in args.files),
            tuple(name for name in (args.symbols or "").split(",") if name),
            tuple(args.snapshot),
            args.exchange_info,
            MARKETS[args.market],
        ),
        strategy=args.strategy,
        params=parse_params(args.params),
        limits=args.limits,
        latency=args.latency,
        queue=args.queue,
        partial_fills=args.partial_fills,
        maker=fees[0],
        taker=fees[1],
        capital_e8=int(number(args.capital, "--capital", 1, 1e9) * 10**8),
        sample_ns=int(number(args.sample, "--sample", 0.1, 86_400) * 10**9),
    )


def queue_of(text: str) -> tuple[str, float]:
    """Name and exponent of ``NAME[:N]``."""
    name, _, power = text.partition(":")
    if name not in QUEUES:
        raise ApplianceError(f"--queue {text}: give one of {', '.join(QUEUES)}")
    return name, float(number(power or "3", "--queue", 0.1, 100))
