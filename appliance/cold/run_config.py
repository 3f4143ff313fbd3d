"""The configuration of ``appliance run``: one TOML file, checked as a whole before anything starts.

::

    mode = "paper"                       # or "live"
    market = "spot"                      # or "usdm"
    symbols = ["BTCUSDT", "ETHUSDT"]
    name = "spot-1"                      # of the telemetry region
    testnet = false                      # true: live without a certificate, at a venue without
                                         # real money: a testnet, or an address of one's own

    [strategy]
    file = "market_maker"                # a name, or your module
    params = {quote_lots = 10}

    [risk]
    file = "risk.toml"                   # a section for every limit; live does not start without

    [certificate]                        # of `appliance backtest --certify`; live does not start
    file = "out/certificate.json"        # without, unless testnet = true
    key = "certificate.pub"              # who may sign; default: the user's own

    [journal]
    folder = "journal"                   # on a disk; live does not start without

    [keys]                               # live only; one of the two
    file = "key.json"                    # mode 0600
    credential = "lonecore-key"          # of systemd

    [host]
    core = 3                             # of the loop; without it the scheduler chooses
    fifo_priority = 80                   # the loop goes first there; 0: as any thread
    profile = "low-latency"              # of kernel-tuning/, that the host should be like:
    check = "warn"                       # what differs is told; "refuse": no start; or "off"

    [venue]                              # the market's production addresses unless given
    rest = "https://testnet.binance.vision"
    streams = "wss://stream.testnet.binance.vision"
    orders = "wss://ws-api.testnet.binance.vision/ws-api/v3"
    extra_ca = "ca.pem"                  # besides the system's certificates

    [session]
    book_silence_ms = 1500               # a book without an event for longer is stale
    stream_silence_ms = 5000             # market data without a message for longer: replaced
    answer_timeout_ms = 2000             # an order without an answer for longer is unknown
    alert_pct = 80                       # of a limit: when so much of it is used, it is told
    compare_every_s = 60                 # positions and open orders with the venue's
    foreign = "take"                     # orders and trades that are not ours, at the start:
                                         # cancelled and counted; or "refuse": it does not start
    rotate_after_min = 1380              # a connection is replaced when so old; the venue ends it
                                         # at 1440

    [degrade]                            # beyond the first only reducing orders, beyond the
                                         # second none, until a person resumes
    pass_ms = [100, 1000]                   # p99 of a second's passes of the loop
    clock_ms = [400, 2000]               # the venue's clock to ours
    feed_ms = [30000, 300000]            # age of the oldest book

Relative paths are relative to the file. No secret stands in it.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from appliance.abi.market import Market
from appliance.cold import testnet
from appliance.cold.config_values import (
    bounds_fault,
    is_plain,
    name_fault,
    shown,
    symbols_fault,
    url_fault,
)
from appliance.cold.errors import ApplianceError
from appliance.cold.placement import Placement

CHECKS: Final = ("warn", "refuse", "off")
FOREIGN: Final = ("take", "refuse")
MODES: Final = ("paper", "live")
MARKETS: Final = {"spot": Market.SPOT, "usdm": Market.USDM}


@dataclass(frozen=True)
class _Key:
    kind: type
    default: object = None  # None: there is none
    least: int = 0
    most: int = 0


KEYS: Final[dict[str, _Key]] = {
    "mode": _Key(str),
    "market": _Key(str),
    "symbols": _Key(list),
    "name": _Key(str, "run"),
    "strategy.file": _Key(str, "market_maker"),
    "strategy.params": _Key(dict, {}),
    "risk.file": _Key(str),
    "testnet": _Key(bool, False),
    "certificate.file": _Key(str),
    "certificate.key": _Key(str),
    "journal.folder": _Key(str),
    "keys.file": _Key(str),
    "keys.credential": _Key(str),
    "venue.rest": _Key(str),
    "venue.streams": _Key(str),
    "venue.orders": _Key(str),
    "venue.extra_ca": _Key(str),
    "session.book_silence_ms": _Key(int, 1500, 100, 600_000),
    "session.stream_silence_ms": _Key(int, 5000, 500, 3_600_000),
    "session.answer_timeout_ms": _Key(int, 2000, 100, 60_000),
    "degrade.pass_ms": _Key(list, [100, 1000]),
    "degrade.clock_ms": _Key(list, [400, 2000]),
    "degrade.feed_ms": _Key(list, [30_000, 300_000]),
    "session.alert_pct": _Key(int, 80, 1, 100),
    "session.compare_every_s": _Key(int, 60, 1, 3600),
    "session.foreign": _Key(str, "take"),
    "session.rotate_after_min": _Key(int, 1380, 1, 1435),
    "host.core": _Key(int, None, 0, 8191),
    "host.fifo_priority": _Key(int, 0, 0, 99),
    "host.profile": _Key(str, "low-latency"),
    "host.check": _Key(str, "warn"),
    "rings": _Key(str),
}
_SECTIONS: Final = frozenset(name.split(".")[0] for name in KEYS if "." in name)
_SCHEMES: Final = {"rest": ("http", "https"), "streams": ("ws", "wss"), "orders": ("ws", "wss")}
_KINDS: Final = {
    str: "a text",
    int: "a whole number",
    list: "a list",
    dict: "a table",
    bool: "true or false",
}


@dataclass(frozen=True)
class RunConfig:
    """A configuration that is complete and sound; files in it may still be missing."""

    path: Path
    mode: str
    market: Market
    symbols: tuple[str, ...]
    name: str
    values: Mapping[str, Any]  # of KEYS, defaults included

    @property
    def placement(self) -> Placement:
        """Of the hot thread."""
        return Placement(self.values.get("host.core"), self.number("host.fifo_priority"))

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int:
        return int(self.values[key])

    def file(self, key: str) -> Path | None:
        """A path of the configuration, relative to it."""
        text = self.text(key)
        return None if text is None else self.path.parent / text


class BadConfig(ApplianceError):
    """Every fault of a configuration, one line each."""


def load(path: Path, *, trades: bool = True) -> RunConfig:
    """Read and check. BadConfig names each fault; ApplianceError: the file cannot be read.

    ``trades`` False: for whoever only looks, cancels or reconciles. A certificate that is missing
    must not stand in the way of a halt.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ApplianceError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # also of numbers and nestings without end
        raise ApplianceError(f"{path}: not TOML: {error}") from None
    return check(document, path, trades=trades)


def check(document: Mapping[str, Any], path: Path, *, trades: bool = True) -> RunConfig:
    """A configuration of a parsed document. BadConfig."""
    given = _flat(document)
    faults = [_unknown(name) for name in given if name not in KEYS]
    values: dict[str, Any] = {}
    for name, key in KEYS.items():
        if name in given:
            fault = _fault_of(name, key, given[name])
            if fault:
                faults.append(fault)
                continue
            values[name] = given[name]
        elif key.default is not None:
            values[name] = key.default
    faults += _faults_between(values, given, trades=trades)
    if faults:
        raise BadConfig("\n".join(f"{path}: {fault}" for fault in faults))
    return RunConfig(
        path=path,
        mode=values["mode"],
        market=MARKETS[values["market"]],
        symbols=tuple(values["symbols"]),
        name=values["name"],
        values=values,
    )


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names; ``strategy.params`` stays a table, its keys are the strategy's."""
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if name in _SECTIONS and isinstance(value, dict):
            flat.update({f"{name}.{key}": inner for key, inner in value.items()})
        else:
            flat[name if "." not in name else repr(name)] = value  # quoted: none of ours
    return flat


def _unknown(name: str) -> str:
    if name in _SECTIONS:
        return f"{name} must be a section"
    near = difflib.get_close_matches(name, KEYS, 1, 0.6)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"unknown key {name if is_plain(name) else shown(name)}{hint}"


def _fault_of(name: str, key: _Key, value: object) -> str:
    if not isinstance(value, key.kind) or isinstance(value, bool) != (key.kind is bool):
        return f"{name} = {shown(value)}: must be {_KINDS[key.kind]}"
    if key.kind is int and not key.least <= int(value) <= key.most:  # type: ignore[call-overload]
        return f"{name} = {shown(value)}: must be {key.least} to {key.most}"
    if key.kind is str and not value:
        return f"{name} is empty"
    if isinstance(value, str) and not value.isprintable():
        return f"{name} has characters that cannot be printed"
    if name == "name":
        return name_fault(str(value))
    if name == "mode" and value not in MODES:
        return f"mode = {shown(value)}: must be {' or '.join(map(repr, MODES))}"
    if name == "host.check" and value not in CHECKS:
        return f"{name} = {shown(value)}: must be {' or '.join(map(repr, CHECKS))}"
    if name == "session.foreign" and value not in FOREIGN:
        return f"{name} = {shown(value)}: must be {' or '.join(map(repr, FOREIGN))}"
    if name == "market" and value not in MARKETS:
        return f"market = {shown(value)}: must be {' or '.join(map(repr, MARKETS))}"
    if section_of(name) == "degrade":
        return bounds_fault(name, value)
    if name == "symbols":
        return symbols_fault(value)
    section, _, short = name.partition(".")
    if section == "venue" and short in _SCHEMES:
        return url_fault(name, str(value), _SCHEMES[short])
    return ""


def section_of(name: str) -> str:
    """Of a dotted name of KEYS; "" at the top."""
    return name.rpartition(".")[0]


def _faults_between(
    values: Mapping[str, Any], given: Mapping[str, Any], *, trades: bool
) -> list[str]:
    """What is missing, given the rest."""
    faults = [f"{name} is missing" for name in ("mode", "market", "symbols") if name not in given]
    if values.get("mode") == "live":
        if "risk.file" not in given:
            faults.append("risk.file is missing: live does not start without limits of your own")
        if "journal.folder" not in given:
            faults.append("journal.folder is missing: live does not start without a journal")
        if ("keys.file" in given) == ("keys.credential" in given):
            faults.append("keys: live needs either keys.file or keys.credential")
        if not trades:
            return faults
        if values.get("testnet"):
            faults += testnet.faults({s: values.get(f"venue.{s}") for s in _SCHEMES})
        elif "certificate.file" not in given:
            faults.append(
                "certificate.file is missing: live does not start without a certificate of"
                " `appliance backtest --certify`; testnet = true where there is no real money"
            )
    elif values.get("testnet"):
        faults.append("testnet = true: only live has orders at a venue")
    return faults
