"""The layout of every shared record: size, alignment, no hidden padding, and no silent change."""

from pathlib import Path

import numpy as np
import pytest

from appliance.abi.limits import CACHE_LINE
from tests.tidy import layout_table

RECORDS = layout_table.records()
EACH_RECORD = pytest.mark.parametrize(
    ("name", "dtype"), [pytest.param(name, dtype, id=name) for name, dtype in RECORDS]
)
SNAPSHOT = Path(__file__).with_name("layout.txt")

# What the last part of an integer field's name may say of its unit.
UNITS = {
    *("ns", "ticks", "lots", "e8", "n", "id", "ids", "bytes", "ppm", "milli", "cycles"),
    *("decimals", "pid"),
}
# Fields without a unit: states, codes, flags, identities, places within the record itself.
WITHOUT_UNIT = {
    *("session_blocks", "link_blocks", "tells_total"),
    *("role", "socket", "is_tls", "has_user_data", "has_more", "end", "detail"),
    *("action", "side", "kind", "event", "source", "report", "reason", "time_in_force"),
    *("state", "book_state", "book_reason", "trading_state", "allowed_state", "phase"),
    *("state_cause", "state_reason", "state_observed", "state_limit"),
    *("market", "tradable", "maker", "buyer_is_maker", "at_market", "cancel_sent"),
    *("instrument", "symbol", "order", "order_key", "generation", "tag", "number", "sequence"),
    *("told_end", "link"),  # an OrderState; a row
    "order_types",  # bits
    *("operation", "result", "before_state", "after_state", "uid"),  # and the user's number
    "value",  # its unit is the limit's
    *("cancel_all", "funds_known", "unvalued"),  # flags
    *("value_multiple", "value_divisor"),  # money of the account to a tick of a lot
    # Counts; the venue's and the user's own names
    *("order_rate_max", "open_orders_max", "open_orders_side_max", "message_rate_max"),
    *("venue_rate_max", "venue_day_max", "runaway_max", "messages_per_fill_max"),
    *("rejects_in_row_max", "losses_in_row_max", "leverage_max_pct"),
    *("buy_order", "buy_cancelling", "sell_order", "sell_cancelling"),  # slots and flags
    *("buy_acknowledged", "sell_acknowledged"),
    *("observed", "limit", "bound"),  # their unit is the reason's
    *(
        "head",
        "tail",
        "levels_tail",
        "levels_at",
        "next_free",
        "free",
        "anchor",
        "sign",
        "reserved",
    ),
    *("lows", "leaves", "counts", "levels", "tops"),
    *("name", "capacity", "used", "high_water", "missed"),  # a ring's; records, or bytes
    *("check", "touched"),
    *("crc", "layout_hash", "sections", "epoch", "cycles_mult", "cycles_shift"),
}
# Two of them to a word of the journal, which compiled code writes as one.
HALVES = {"kind", "side", "instrument", "reason", "market"}
# Found without a unit when this rule came. Shrinks only.
UNNAMED: dict[str, set[str]] = {}


def numeric_parts(name: str, dtype: "np.dtype[np.void]") -> list[tuple[str, "np.dtype[np.void]"]]:
    """(field, dtype without its array shape), records inside records opened."""
    parts = []
    for field, kind, _ in layout_table.fields(dtype):
        base = kind.base
        parts += numeric_parts(f"{name}.{field}", base) if base.names else [(field, base)]
    return parts


def test_there_are_records() -> None:
    assert {"DECODED", "FRAME", "INSTRUMENT", "MARKET", "ORDER"} <= {name for name, _ in RECORDS}


# One thread streams over them, forwards: what counts is how little there is to read.
STREAMED = {"HISTORY", "SAMPLE", "REFUSALS", "GAP"}


@EACH_RECORD
def test_fills_whole_cache_lines(name: str, dtype: "np.dtype[np.void]") -> None:
    if name in STREAMED:
        assert dtype.itemsize == sum(kind.itemsize for _, kind in numeric_parts(name, dtype))
        return
    assert dtype.itemsize % CACHE_LINE == 0, f"{name} has {dtype.itemsize} bytes"
    assert dtype.isalignedstruct, f"{name}: Numba needs align=True for direct loads"


@EACH_RECORD
def test_fields_meet(name: str, dtype: "np.dtype[np.void]") -> None:
    """Natural alignment, and nothing between fields: only the tail is reserved."""
    end = 0
    for field, kind, offset in layout_table.fields(dtype):
        assert offset == end, f"{name}.{field} stands at {offset}, its predecessor ends at {end}"
        assert offset % kind.alignment == 0, f"{name}.{field} at {offset}"
        end = offset + kind.itemsize
    assert end <= dtype.itemsize


@EACH_RECORD
def test_fields_are_exact_and_little_endian(name: str, dtype: "np.dtype[np.void]") -> None:
    """int64 or plain bytes: uint64 with an int is a float64, a float rounds, an object points."""
    for field, kind in numeric_parts(name, dtype):
        assert kind.kind in "iuS", f"{name}.{field}: {kind}"
        assert kind.newbyteorder("<") == kind, f"{name}.{field}: {kind}"
        is_half = name.startswith("JOURNAL") and field in HALVES and kind.itemsize == 4
        assert kind.kind != "i" or kind.itemsize == 8 or is_half, f"{name}.{field}: {kind}"
        assert kind.kind != "u" or kind.itemsize < 8, f"{name}.{field}: {kind}"


@EACH_RECORD
def test_units_stand_in_names(name: str, dtype: "np.dtype[np.void]") -> None:
    excused = UNNAMED.get(name, set())
    unnamed = {
        field
        for field, kind in numeric_parts(name, dtype)
        if kind.kind == "i" and field not in WITHOUT_UNIT and field.split("_")[-1] not in UNITS
    }
    assert unnamed <= excused, f"{name}: {unnamed - excused}: unit as suffix, or WITHOUT_UNIT"
    assert excused <= unnamed, f"take {excused - unnamed} out of UNNAMED"


def test_the_list_of_unitless_names_is_not_stale() -> None:
    used = {field for name, dtype in RECORDS for field, _ in numeric_parts(name, dtype)}
    assert not WITHOUT_UNIT - used, f"take {WITHOUT_UNIT - used} out of WITHOUT_UNIT"


def test_no_layout_changes_by_accident() -> None:
    now, then = layout_table.table(), SNAPSHOT.read_text()
    changed = sorted(set(now.splitlines()) ^ set(then.splitlines()))
    assert now == then, f"{changed}: if it was meant, see tests/tidy/layout_table.py"
