"""A second reading of the decoding rules, for the clerk to be checked against.

Shares nothing with the clerk but the enumerations of the contract: the JSON comes from the
standard library (with every pair kept), the numbers from ``decimal``. Slow and literal on purpose.
"""

from decimal import Context, Decimal
from typing import Any, NamedTuple

from appliance.abi.limits import LEVELS_PER_FRAME_MAX
from appliance.abi.market import DECODED, Kind, Market
from tests.oracle.reference_json import Pairs, Refusal, read_json

EXACT = Context(prec=200)
KEYS_THAT_MATTER = [*"eETsUubaBAtpqmX", "pu", "st", "lastUpdateId", "bids", "asks"]


class Reading(NamedTuple):
    """What a frame says. ``why`` is empty unless the frame is to be refused."""

    kind: Kind
    why: str
    values: dict[str, int]
    bids: list[tuple[int, int]]
    asks: list[tuple[int, int]]


def reference_decode(
    frame: bytes, instruments: list[tuple[str, Market, int, int]], hint: int = -1
) -> Reading:
    try:
        return _decode(frame, instruments, hint)
    except Refusal as refusal:
        return _reading(Kind.UNDECIDED, str(refusal))


def _reading(kind: Kind, why: str = "", bids: Any = (), asks: Any = (), **said: int) -> Reading:
    values = dict.fromkeys(DECODED.names or (), 0)
    values.update(kind=int(kind), instrument=-1, previous_id=-1)
    values.update(bid_n=len(bids), ask_n=len(asks))
    values.update(said)
    return Reading(kind, why, values, list(bids), list(asks))


def _decode(frame: bytes, instruments: list[tuple[str, Market, int, int]], hint: int) -> Reading:
    document = read_json(frame)
    if type(document) is list:
        return _reading(Kind.OTHER)
    if type(document) is not Pairs:
        raise Refusal("not an object")
    stream = None
    event = document
    if document.has("stream", "data"):
        if document.times("stream") != 1 or document.times("data") != 1:
            raise Refusal("duplicate in envelope")
        stream = document.first("stream")
        event = document.first("data")
        if type(stream) is not str:
            raise Refusal("stream is no string")
        if type(event) is list:
            return _reading(Kind.OTHER)
        if type(event) is not Pairs:
            raise Refusal("data is no object")
    for key in KEYS_THAT_MATTER:
        if event.times(key) > 1:
            raise Refusal(f"duplicate {key}")
    kind = _kind_of(event, stream)
    if kind == Kind.OTHER:
        return _reading(Kind.OTHER)
    if event.has("st"):
        if type(event.first("st")) is not int:
            raise Refusal("st is no integer")
        if event.first("st") != 1:
            return _reading(Kind.OTHER)
    instrument = _instrument_of(event, stream, kind, [row[0] for row in instruments], hint)
    if instrument == -1:
        return _reading(Kind.STRANGER)
    _, _, price_grid_e8, quantity_grid_e8 = instruments[instrument]
    said, bids, asks = _values_of(event, kind, price_grid_e8, quantity_grid_e8)
    return _reading(kind, "", bids, asks, instrument=instrument, **said)


# --- what it is ----------------------------------------------------------------------------------


def _kind_of(event: Pairs, stream: str | None) -> Kind:
    topic = None
    if stream is not None:
        topic = stream.split("@", 1)[1] if "@" in stream else ""
    is_partial = topic is not None and topic.split("@")[0] in ("depth5", "depth10", "depth20")
    if event.has("e"):
        e = event.first("e")
        if type(e) is not str:
            raise Refusal("e is no string")
        if e == "bookTicker":
            return Kind.TICKER
        if e == "trade":
            return Kind.TRADE
        if e == "aggTrade":
            return Kind.AGG_TRADE
        if e != "depthUpdate":
            return Kind.OTHER
        if is_partial:
            return Kind.PARTIAL
        if topic is None or topic.split("@")[0] == "depth":
            return Kind.DEPTH
        return Kind.OTHER
    if event.has("lastUpdateId", "bids", "asks"):
        if stream is None:
            return Kind.SNAPSHOT
        return Kind.PARTIAL if is_partial else Kind.OTHER
    if event.has("u", "b", "B", "a", "A", "s"):
        return Kind.TICKER
    return Kind.OTHER


def _instrument_of(
    event: Pairs, stream: str | None, kind: Kind, symbols: list[str], hint: int
) -> int:
    if kind == Kind.SNAPSHOT:
        return hint if hint in range(len(symbols)) else -1
    streams_own = None
    if stream is not None and "@" in stream and stream[0] != "!":
        name = stream[: stream.index("@")]
        streams_own = -1
        for n, symbol in enumerate(symbols):
            if name in (symbol, symbol.lower()):
                streams_own = n
    if kind == Kind.PARTIAL and not event.has("e"):
        return -1 if streams_own is None else streams_own
    symbol = event.first("s")
    if type(symbol) is not str:
        raise Refusal("s is no string")
    events_own = symbols.index(symbol) if symbol in symbols else -1
    if streams_own not in (None, events_own):
        raise Refusal("stream and symbol differ")
    return events_own


# --- what it says --------------------------------------------------------------------------------


def _values_of(
    event: Pairs, kind: Kind, price_grid_e8: int, quantity_grid_e8: int
) -> tuple[dict[str, int], list[tuple[int, int]], list[tuple[int, int]]]:
    grids = price_grid_e8, quantity_grid_e8
    said: dict[str, int] = {}
    bids: list[tuple[int, int]] = []
    asks: list[tuple[int, int]] = []
    times_needed = {Kind.DEPTH: "E", Kind.TRADE: "ET", Kind.AGG_TRADE: "ET"}.get(kind, "")
    if kind == Kind.PARTIAL and event.has("e"):
        times_needed = "E"
    for key, name in (("E", "event_ns"), ("T", "trade_ns")):
        if event.has(key) or key in times_needed:
            said[name] = _nanoseconds(_integer(event.first(key)))
    if kind in (Kind.TRADE, Kind.AGG_TRADE):
        said.update(_trade_of(event, kind, grids))
    elif kind == Kind.TICKER:
        said.update(_ticker_of(event, grids))
    elif event.has("e"):
        bids, asks = _side(event.first("b"), grids), _side(event.first("a"), grids)
        said.update(first_id=_integer(event.first("U")), last_id=_integer(event.first("u")))
        if said["first_id"] > said["last_id"]:
            raise Refusal("ids the wrong way round")
        if event.has("pu"):
            said["previous_id"] = _integer(event.first("pu"), smallest=-1)
    else:
        bids, asks = _side(event.first("bids"), grids), _side(event.first("asks"), grids)
        said["first_id"] = said["last_id"] = _integer(event.first("lastUpdateId"))
    return said, bids, asks


def _trade_of(event: Pairs, kind: Kind, grids: tuple[int, int]) -> dict[str, int]:
    said = {"last_id": _integer(event.first("t" if kind == Kind.TRADE else "a"))}
    said["price_ticks"] = _grid_units(event.first("p"), grids[0])
    said["quantity_lots"] = _grid_units(event.first("q"), grids[1])
    said["at_market"] = 1
    if event.has("X"):
        if type(event.first("X")) is not str:
            raise Refusal("X is no string")
        said["at_market"] = 1 if event.first("X") == "MARKET" else 0
    if type(event.first("m")) is not bool:
        raise Refusal("m is no bool")
    said["buyer_is_maker"] = 1 if event.first("m") else 0
    if said["at_market"] and 0 in (said["price_ticks"], said["quantity_lots"]):
        raise Refusal("empty trade")
    return said


def _ticker_of(event: Pairs, grids: tuple[int, int]) -> dict[str, int]:
    said = {
        "last_id": _integer(event.first("u")),
        "bid_ticks": _grid_units(event.first("b"), grids[0]),
        "bid_lots": _grid_units(event.first("B"), grids[1]),
        "ask_ticks": _grid_units(event.first("a"), grids[0]),
        "ask_lots": _grid_units(event.first("A"), grids[1]),
    }
    for side in ("bid", "ask"):
        if said[f"{side}_lots"] and not said[f"{side}_ticks"]:
            raise Refusal("quantity without a price")
    return said


def _integer(value: Any, smallest: int = 0) -> int:
    if type(value) is not int:
        raise Refusal("no integer")
    if value < smallest or value > 2**63 - 1:
        raise Refusal("integer out of range")
    return value


def _nanoseconds(stamp: int) -> int:
    if stamp >= 9_000_000_000_000_000:
        return stamp
    return stamp * 1_000 if stamp >= 9_000_000_000_000 else stamp * 1_000_000


def _side(value: Any, grids: tuple[int, int]) -> list[tuple[int, int]]:
    if type(value) is not list:
        raise Refusal("side is no list")
    if len(value) > LEVELS_PER_FRAME_MAX:
        raise Refusal("too many levels")
    side = []
    for level in value:
        if type(level) is not list or len(level) != 2:
            raise Refusal("level is no pair")
        ticks, lots = (_grid_units(level[i], grids[i]) for i in (0, 1))
        if ticks == 0:
            raise Refusal("level at price zero")
        side.append((ticks, lots))
    return side


def _grid_units(text: Any, grid_e8: int) -> int:
    if type(text) is not str:
        raise Refusal("decimal is no string")
    digits = text.replace(".", "", 1)
    if (
        not digits
        or any(c not in "0123456789" for c in digits)
        or text[0] == "."
        or text[-1] == "."
    ):
        raise Refusal("no decimal")
    if len(digits) > 40:
        raise Refusal("too many digits")
    value_e8 = EXACT.multiply(Decimal(text), Decimal(10) ** 8)
    whole, rest = EXACT.divmod(value_e8, Decimal(grid_e8))
    if rest != 0:
        raise Refusal("off the grid")
    if whole > 2**62:
        raise Refusal("too large")
    return int(whole)
