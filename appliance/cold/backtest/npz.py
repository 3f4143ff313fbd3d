"""hftbacktest's event files (.npz), read and written.

Its flags (hftbacktest/types.py): bit 31 at the venue, 30 here, 29 buy, 28 sell; the low byte 1
depth, 2 trade, 3 clear, 4 snapshot.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

import numpy as np

from appliance.abi.history import AT_EXCHANGE, AT_LOCAL, BUY, SELL, WHAT_MASK, What
from appliance.abi.units import E8, NO_ID
from appliance.cold.backtest.history import Rows, empty_rows
from appliance.cold.errors import ApplianceError

EVENT: Final = np.dtype(
    [
        ("ev", "<u8"),
        ("exch_ts", "<i8"),
        ("local_ts", "<i8"),
        ("px", "<f8"),
        ("qty", "<f8"),
        ("order_id", "<u8"),
        ("ival", "<i8"),
        ("fval", "<f8"),
    ],
    align=True,
)
_BITS: Final = ((1 << 31, AT_EXCHANGE), (1 << 30, AT_LOCAL), (1 << 29, BUY), (1 << 28, SELL))
KINDS: Final = np.zeros(WHAT_MASK + 1, np.int64)
KINDS[1:5] = What.DEPTH, What.TRADE, What.CLEAR, What.SNAPSHOT
THEIRS: Final = np.zeros(WHAT_MASK + 1, np.uint64)
THEIRS[[What.DEPTH, What.TRADE, What.CLEAR, What.SNAPSHOT, What.SILENCE]] = 1, 2, 3, 4, 3
BLOCK_ROWS: Final = 1 << 18
OFF_GRID: Final = 1e-3  # of a tick or lot: what float64 leaves of a decimal number is far less


def rows_of(events: Rows, price_grid_e8: int, quantity_grid_e8: int) -> Rows:
    """HISTORY of hftbacktest's events on a grid, without the ends of messages (whole_messages).

    ApplianceError: a number lies between the grid's.
    """
    rows = empty_rows(len(events))
    what = KINDS[events["ev"] & WHAT_MASK]
    known = what != 0
    for theirs, ours in _BITS:
        what |= np.where(events["ev"] & theirs, ours, 0)
    rows["kind"] = what
    rows["exchange_ns"], rows["local_ns"] = events["exch_ts"], events["local_ts"]
    rows["ticks"] = _whole(events["px"], price_grid_e8, "price", known)
    rows["lots"] = _whole(events["qty"], quantity_grid_e8, "quantity", known)
    rows["id"] = NO_ID
    rows["kind"][~known] = 0  # of individual orders: nobody looks
    return rows


def _whole(numbers: Any, grid_e8: int, name: str, known: Any) -> Any:
    units = np.where(known & np.isfinite(numbers), numbers, 0.0) * (E8 / grid_e8)
    whole = np.rint(units)
    off = np.abs(units - whole) > OFF_GRID
    if off.any():
        at = int(np.flatnonzero(off)[0])
        raise ApplianceError(
            f"row {at}: the {name} {numbers[at]:.12g} is no multiple of {grid_e8 / E8:.12g}"
        )
    return whole.astype(np.int64)


def decimals_e8(events: Rows) -> tuple[Any, Any]:
    """Prices and quantities of levels and trades times 10**8, to the nearest whole number."""
    known = KINDS[events["ev"] & WHAT_MASK] != 0
    made = []
    for name in ("px", "qty"):
        numbers = events[name][known]
        numbers = numbers[np.isfinite(numbers) & (np.abs(numbers) < E8)]
        made.append(np.rint(numbers * E8).astype(np.int64))
    return made[0], made[1]


def events_of(rows: Rows, price_grid_e8: int, quantity_grid_e8: int) -> Rows:
    """The other way. What hftbacktest has no event for is left out: TICKER, rows of nothing."""
    rows = rows[THEIRS[rows["kind"] & WHAT_MASK] != 0]
    events = np.zeros(len(rows), EVENT)
    events["ev"] = THEIRS[rows["kind"] & WHAT_MASK]
    for theirs, ours in _BITS:
        events["ev"] |= np.where(rows["kind"] & ours, theirs, 0).astype(np.uint64)
    events["exch_ts"], events["local_ts"] = rows["exchange_ns"], rows["local_ns"]
    events["px"] = rows["ticks"] * price_grid_e8 / E8
    events["qty"] = rows["lots"] * quantity_grid_e8 / E8
    return events


def blocks_of(path: Path, count: int = BLOCK_ROWS) -> Iterator[Rows]:
    """hftbacktest's array ``data`` in pieces. ApplianceError: it is no such file, or it is cut."""
    try:
        with ZipFile(path) as archive, archive.open("data.npy") as file:
            dtype, left = _header(path, file)
            while left:
                want = min(left, count) * dtype.itemsize
                data = file.read(want)
                if len(data) != want:
                    raise ApplianceError(f"{path}: ends before its time: {left} events are missing")
                left -= min(left, count)
                yield np.frombuffer(data, dtype)
    except (OSError, ValueError, KeyError, BadZipFile, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "not an .npz of hftbacktest (no array 'data')"
        raise ApplianceError(f"{path}: {reason}") from None


def _header(path: Path, file: Any) -> "tuple[np.dtype[np.void], int]":
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0
    if version != (1, 0):
        read = np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if len(shape) != 1 or set(EVENT.names or ()) - set(dtype.names or ()):
        raise ApplianceError(f"{path}: its array 'data' has other fields than hftbacktest's events")
    return dtype, shape[0]
