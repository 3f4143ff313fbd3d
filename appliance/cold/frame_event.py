"""The event in a frame, out of its envelope, its values read by key with their types checked."""

import re
from typing import Final

import simdjson

from appliance.abi.limits import FRAME_BYTES_MAX, LEVELS_PER_FRAME_MAX
from appliance.abi.market import Fault
from appliance.abi.units import E8_DECIMALS, INT64_MAX, NO_TIME, NS_PER_MS, NS_PER_US
from appliance.cold.canonical import decimal_text
from appliance.cold.verdict import MS_BELOW, US_BELOW, Level, Listing

EVENT_KEYS: Final = frozenset(  # each may stand only once in an event, of whatever kind
    (*"eETsUubaBAtpqmX", "pu", "st", "lastUpdateId", "bids", "asks")
)
GRID_UNITS_MAX: Final = 2**62
DECIMAL_DIGITS_MAX: Final = 40
_DECIMAL: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?")


class Unusable(Exception):
    """Ends the reading of a frame; the clerk makes a verdict of it."""

    def __init__(self, fault: Fault, detail: str) -> None:
        self.fault = fault
        self.detail = detail


class FrameEvent:
    """The event of a frame: its keys, read one at a time and typed."""

    def __init__(self, members: simdjson.Object, stream: str | None) -> None:
        self.members = members
        self.stream = stream
        keys = list(members.keys())  # simdjson shows each key as often as it stands there
        self.keys = frozenset(keys)
        if len(keys) != len(self.keys):
            for key in EVENT_KEYS & self.keys:
                if keys.count(key) > 1:
                    raise Unusable(Fault.DUPLICATE_KEY, f"{key!r} more than once")

    @property
    def bare(self) -> bool:
        """Without an event type: what spot sends for partial depth and bookTicker, and REST."""
        return "e" not in self.keys

    def stream_part(self) -> str | None:
        """What stands behind the first ``@`` of the stream's name."""
        return None if self.stream is None else self.stream.partition("@")[2]

    def value(self, key: str) -> object:
        if key not in self.keys:
            raise Unusable(Fault.MISSING_KEY, f"no {key!r}")
        return self.members[key]

    def text(self, key: str) -> str:
        value = self.value(key)
        if not isinstance(value, str):
            raise wrong_type(key, value, "a string")
        return value

    def integer(self, key: str, low: int = 0) -> int:
        value = self.value(key)
        if type(value) is not int:  # bool is an int to Python
            raise wrong_type(key, value, "an integer")
        if not low <= value <= INT64_MAX:
            raise Unusable(Fault.OUT_OF_RANGE, f"{key} is {value}")
        return value

    def flag(self, key: str) -> int:
        value = self.value(key)
        if not isinstance(value, bool):
            raise wrong_type(key, value, "true or false")
        return int(value)

    def time_ns(self, key: str, *, required: bool) -> int:
        """A stamp in ms, us or ns, told apart by its size; the result always fits an int64."""
        if not required and key not in self.keys:
            return NO_TIME
        stamp = self.integer(key)
        if stamp < MS_BELOW:
            return stamp * NS_PER_MS
        return stamp * NS_PER_US if stamp < US_BELOW else stamp

    def units(self, key: str, grid_e8: int) -> int:
        return units_of(self.value(key), grid_e8, key)

    def levels(self, key: str, listing: Listing) -> list[Level]:
        """A side of a book: [[price, quantity], ..]; a price is at least one tick."""
        rows = self.value(key)
        if not isinstance(rows, simdjson.Array):
            raise wrong_type(key, rows, "a list")
        if len(rows) > LEVELS_PER_FRAME_MAX:
            raise Unusable(Fault.TOO_MANY_LEVELS, f"{key} has {len(rows)}")
        levels = []
        for n, row in enumerate(rows.as_list()):
            if not isinstance(row, list) or len(row) != 2:
                raise wrong_type(f"{key}[{n}]", row, "a pair")
            ticks = units_of(row[0], listing.price_grid_e8, f"price of {key}[{n}]")
            if ticks < 1:
                raise Unusable(Fault.OUT_OF_RANGE, f"price of {key}[{n}] is zero")
            lots = units_of(row[1], listing.quantity_grid_e8, f"quantity of {key}[{n}]")
            levels.append((ticks, lots))
        return levels


def event_of(frame: bytes) -> FrameEvent | None:
    """The event in ``frame``, out of its envelope; None where there is a list instead."""
    if len(frame) > FRAME_BYTES_MAX:
        raise Unusable(Fault.TOO_LONG, f"{len(frame)} bytes")
    try:
        # A parser of its own: a shared one refuses to work while an older frame is still held.
        document = simdjson.Parser().parse(frame)
    except (ValueError, RuntimeError) as error:
        raise Unusable(Fault.NOT_JSON, str(error)) from None
    if isinstance(document, simdjson.Array):
        return None
    if not isinstance(document, simdjson.Object):
        raise Unusable(Fault.NOT_AN_OBJECT, f"a bare {type(document).__name__}")
    keys = list(document.keys())
    if "stream" not in keys or "data" not in keys:
        return FrameEvent(document, None)
    if keys.count("stream") > 1 or keys.count("data") > 1:
        raise Unusable(Fault.DUPLICATE_KEY, "'stream' or 'data' more than once")
    stream, data = document["stream"], document["data"]
    if not isinstance(stream, str):
        raise wrong_type("stream", stream, "a string")
    if isinstance(data, simdjson.Array):
        return None
    if not isinstance(data, simdjson.Object):
        raise wrong_type("data", data, "an object")
    return FrameEvent(data, stream)


def units_of(text: object, grid_e8: int, name: str) -> int:
    """The decimal ``text`` as a whole number of grid units, exactly."""
    if not isinstance(text, str):
        raise wrong_type(name, text, "a string")
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise Unusable(Fault.BAD_DECIMAL, f"{name} is {short(text)}")
    whole, part = match[1], match[2] or ""
    if len(whole) + len(part) > DECIMAL_DIGITS_MAX:
        raise Unusable(Fault.OUT_OF_RANGE, f"{name} is {short(text)}")
    value_e8 = int(whole + part[:E8_DECIMALS].ljust(E8_DECIMALS, "0"))
    units, rest = divmod(value_e8, grid_e8)
    if rest or part[E8_DECIMALS:].strip("0"):
        raise Unusable(Fault.OFF_GRID, f"{name} is {text}, the grid {decimal_text(1, grid_e8)}")
    if units > GRID_UNITS_MAX:
        raise Unusable(Fault.OUT_OF_RANGE, f"{name} is {text}")
    return units


def wrong_type(name: str, value: object, wanted: str) -> Unusable:
    found = {simdjson.Array: "list", simdjson.Object: "object", type(None): "null"}
    return Unusable(
        Fault.WRONG_TYPE,
        f"{name} is a {found.get(type(value), type(value).__name__)}, not {wanted}",
    )


def short(text: str | None) -> str:
    shown = ascii(text)
    return shown if len(shown) <= 48 else f"{shown[:48]}.."
