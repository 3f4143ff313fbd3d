"""Whether a certificate fits what is about to run, and whether a result deserves one."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.abi.units import NS_PER_S
from appliance.cold.certificate import NotCertified, sha256_of

CLOCK_AHEAD_NS: Final = 300 * NS_PER_S  # of the host that signed
# Every one of these must be a number: a result that is not defined proves nothing.
DEFINED: Final = (
    *("total_return", "sharpe_ratio", "max_drawdown", "win_rate", "sortino_ratio"),
    *("calmar_ratio", "capacity", "days", "fills"),
)


@dataclass(frozen=True)
class Thresholds:
    """What a result must reach. ``capacity``: in the quote asset; None: the capital."""

    sharpe_ratio: float = 1.5
    days: float = 5.0
    fills: int = 100
    capacity: float | None = None

    def of(self, capital: float) -> dict[str, float]:
        """As a certificate has them."""
        capacity = capital if self.capacity is None else self.capacity
        return {
            "sharpe_ratio": self.sharpe_ratio,
            "days": self.days,
            "fills": self.fills,
            "capacity": capacity,
        }


_NAMES: Final = {
    "sharpe_ratio": "Sharpe ratio",
    "days": "days of data",
    "fills": "fills",
    "capacity": "capacity",
}


def shortfalls(result: Mapping[str, Any], thresholds: Mapping[str, float]) -> list[str]:
    """Why it is not profitable enough, or not for certain; a line each, with value and limit."""
    told = [
        f"{name.replace('_', ' ')} is not defined"
        for name in DEFINED
        if not _is_number(result.get(name))
    ]
    for name, least in thresholds.items():
        if _is_number(result.get(name)) and not result[name] >= least:
            told.append(f"{_NAMES[name]} {result[name]:,.4g}: at least {least:,.4g} is needed")
    return told


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def check(
    document: Mapping[str, Any],
    subject: Mapping[str, Any],
    symbols: Sequence[str],
    now_ns: int | None = None,
) -> None:
    """NotCertified, with a line for everything in which the two differ."""
    now_ns = time.time_ns() if now_ns is None else now_ns
    faults = _time_faults(document, now_ns)
    for name, what in (
        ("version", "the version"),
        ("code_sha256", "the loop's own code (abi, hot)"),
        ("strategy_sha256", "the strategy's source"),
        ("market", "the market"),
        ("risk_sha256", "the risk file"),
    ):
        if document.get(name) != subject[name]:
            faults.append(
                f"{what} is {_short(subject[name])}; certified is {_short(document.get(name))}"
            )
    faults += _param_faults(document.get("params"), subject["params"])
    certified = {one["symbol"] for one in document["instruments"]}
    if certified != set(symbols):
        faults.append(
            f"the symbols are {', '.join(sorted(symbols))};"
            f" certified are {', '.join(sorted(certified))}"
        )
    faults += shortfalls(document["result"], document["thresholds"])
    if faults:
        raise NotCertified("\n".join(f"not certified: {fault}" for fault in faults))


def check_grids(document: Mapping[str, Any], grids: Mapping[str, tuple[int, int]]) -> None:
    """``grids``: (price, quantity) times 10**8 by symbol, as the venue has them. NotCertified."""
    faults = []
    for one in document["instruments"]:
        certified = int(one["price_grid_e8"]), int(one["quantity_grid_e8"])
        found = grids.get(one["symbol"])
        if found != certified:
            faults.append(
                f"not certified: {one['symbol']}: tick and lot are {_grid(found)}; certified are"
                f" {_grid(certified)}"
            )
    if faults:
        raise NotCertified("\n".join(faults))


def lowered(document: Mapping[str, Any]) -> list[str]:
    """Where the thresholds were set below the usual ones: whoever starts the run is told."""
    usual = Thresholds().of(document["result"]["capital"])
    return [
        f"certified with a threshold below the usual: {_NAMES[name]} {least:,.4g}, usual is"
        f" {usual[name]:,.4g}"
        for name, least in document["thresholds"].items()
        if least < usual[name]
    ]


def _time_faults(document: Mapping[str, Any], now_ns: int) -> list[str]:
    made_ns, expires_ns = int(document["made_ns"]), int(document["expires_ns"])
    if now_ns >= expires_ns:
        return [f"it has expired: {_day(expires_ns)} was its last moment, now is {_day(now_ns)}"]
    if made_ns > now_ns + CLOCK_AHEAD_NS:
        return [f"it was made in the future: {_day(made_ns)}, and now is {_day(now_ns)}"]
    return []


def _param_faults(certified: Any, params: Mapping[str, float]) -> list[str]:
    certified = certified if isinstance(certified, dict) else {}
    return [
        f"{name} is {params.get(name, 'not there')}; certified is"
        f" {certified.get(name, 'no such parameter')}"
        for name in sorted({*certified, *params})
        if certified.get(name) != params.get(name)
    ]


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 20 else f"{text[:16]}.."


def _grid(grid: tuple[int, int] | None) -> str:
    if grid is None:
        return "not there"
    return f"{grid[0] / 10**8:g} and {grid[1] / 10**8:g}"


def _day(ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(ns // NS_PER_S))


@dataclass(frozen=True)
class Certified:
    """A certificate that fits, for what is only known when the venue has been asked."""

    document: Mapping[str, Any]
    risk_file: Path

    def check_again(self, grids: Mapping[str, tuple[int, int]]) -> None:
        """Right before the limits are read; ``grids`` as in check_grids. NotCertified."""
        if sha256_of(self.risk_file) != self.document["risk_sha256"]:
            raise NotCertified(f"not certified: {self.risk_file} was changed since the start")
        check_grids(self.document, grids)
